//! The status document: what `status --json` prints, schema 1, field by field in docs/status.md.
//!
//! Plain data and arithmetic on it. A change here is a change of a documented contract: fields may be added,
//! none may go or change meaning without a new [`SCHEMA`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::guard::GuardStatus;
use crate::audit::Kept;
use crate::audit::ship::ShipState;
use crate::inventory::{RemoteView, ServerState, ServerView};
use crate::proxy::gateway::Gateway;
use crate::proxy::handover::SessionView;
use crate::proxy::hold::HoldCounts;
use crate::reload::PolicyState;

#[cfg(test)]
pub(crate) mod tests;

/// Version of the document's form.
pub const SCHEMA: u32 = 1;

/// Everything the agent says of itself and of the servers on its host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The agent itself.
    pub agent: AgentStatus,
    /// Running servers, counted by state.
    pub summary: Summary,
    /// The gateway; `None` of an agent that has none.
    #[serde(default)]
    pub gateway: Option<GatewayStatus>,
    /// The guard; `None` of an agent that has none, and for who is not root.
    #[serde(default)]
    pub guard: Option<GuardStatus>,
    /// Every server and candidate known, ended ones (with `ended_at`) included while they are remembered.
    pub servers: Vec<ServerView>,
    /// Servers elsewhere that clients of this host talk to over TLS, where `host.tls` asks for it.
    #[serde(default)]
    pub remote: Vec<RemoteView>,
}

/// The agent's gateway: what decides on messages, where that is recorded, and the sessions it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayStatus {
    /// The policy in force.
    pub policy: PolicyState,
    /// The audit log.
    pub audit: AuditStatus,
    /// Open sessions that wraps have handed over, oldest first.
    pub sessions: Vec<SessionView>,
    /// Messages that wait for a person, and what became of those that did.
    #[serde(default)]
    pub holds: HoldCounts,
    /// What the policy's `effects` forbid and this kernel cannot prevent, a sentence each: it is detected at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unprevented: Vec<String>,
}

impl GatewayStatus {
    /// `gateway` as it is now, with these sessions.
    #[must_use]
    pub fn of(gateway: &Gateway, sessions: Vec<SessionView>) -> Self {
        let health = gateway.audit().health();
        let audit = AuditStatus {
            path: gateway.audit().path().to_owned(),
            writing: health.writing,
            written: health.written,
            lost: health.lost,
            last_error: health.last_error,
            ship: gateway.shippers().states(),
            kept: gateway.audit().kept(),
        };
        Self {
            policy: gateway.policies().state(),
            audit,
            sessions,
            holds: HoldCounts::default(),
            unprevented: Vec::new(),
        }
    }
}

/// The audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditStatus {
    /// Its file.
    pub path: PathBuf,
    /// The last record could be written, and as durable as configured.
    pub writing: bool,
    /// Records written since the agent started.
    pub written: u64,
    /// Records that could not be.
    pub lost: u64,
    /// What went wrong last, also where it went well since.
    pub last_error: Option<String>,
    /// Who is sent its records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ship: Vec<ShipState>,
    /// Its files, and what was done to keep them within their limits.
    #[serde(default)]
    pub kept: Kept,
}

/// The agent's own state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStatus {
    /// Version of the running program.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// When it started.
    pub started_at: Timestamp,
    /// How it watches.
    pub mode: Mode,
    /// The kernel's boot id: pids and start times mean nothing across boots.
    #[serde(default)]
    pub boot_id: Option<String>,
    /// Every hook into the kernel, attached or not.
    pub hooks: Vec<HookStatus>,
    /// Records and losses by ring (`lifecycle`, `streams`, `tcp`).
    pub gaps: BTreeMap<String, Gap>,
    /// What was given up because a table or buffer was full.
    #[serde(default)]
    pub dropped: Dropped,
    /// Where `/metrics` listens, the port as chosen by the system if 0 was asked for.
    pub metrics_address: Option<String>,
    /// Seconds an ended server stays in the list that `status` prints; longer in `servers`, while it is remembered.
    #[serde(default)]
    pub keep_ended_seconds: u64,
    /// What does not work as it should, a sentence each; empty when all is well.
    pub degraded: Vec<String>,
}

/// How the agent watches the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Kernel probes.
    Ebpf,
    /// Polling `/proc` and `sock_diag`: short-lived servers are missed and nothing is confirmed by the wire.
    Procfs,
}

impl Mode {
    /// As written in the status document and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ebpf => "ebpf",
            Self::Procfs => "procfs",
        }
    }
}

/// One hook into the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookStatus {
    /// The hook's name.
    pub name: String,
    /// Is it in place?
    pub state: HookState,
    /// Why it is not attached, or a remark where it is; often empty.
    pub reason: String,
}

/// Is a hook in place?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HookState {
    /// It is.
    Attached,
    /// It was not tried, or is not needed at the moment.
    Skipped,
    /// It was tried and the kernel refused.
    Failed,
}

impl HookState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Attached, Self::Skipped, Self::Failed];

    /// As written in the status document and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attached => "attached",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// What came over one ring, and what did not. All counted since the agent started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gap {
    /// Records the probes tried to write, the lost ones included.
    pub records: u64,
    /// Records the probes could not write because the ring was full.
    pub lost: u64,
    /// Bytes of those records.
    pub lost_bytes: u64,
    /// How often the kernel did not run a probe where it should have, as far as it counts that.
    #[serde(default)]
    pub missed: u64,
    /// Records read that could not be understood.
    pub undecodable: u64,
}

/// What the agent gave up because a table or buffer was full, and what was missing from streams. All counted since it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Dropped {
    /// Processes forgotten.
    pub processes: u64,
    /// Candidates forgotten, or never taken in.
    pub servers: u64,
    /// Listening sockets not taken in.
    pub listeners: u64,
    /// Messages seen that no process ever explained.
    pub sightings: u64,
    /// Observed streams forgotten.
    pub streams: u64,
    /// Parts of messages given up to make room.
    pub buffers: u64,
    /// Messages too long to look at.
    pub messages: u64,
    /// Places in observed streams at which bytes were missing.
    pub gaps: u64,
    /// Bytes missing there.
    pub gap_bytes: u64,
}

impl Dropped {
    /// What was given up, by the word for it.
    #[must_use]
    pub fn by_kind(&self) -> [(&'static str, u64); 7] {
        [
            ("processes", self.processes),
            ("servers", self.servers),
            ("listeners", self.listeners),
            ("sightings", self.sightings),
            ("streams", self.streams),
            ("buffers", self.buffers),
            ("messages", self.messages),
        ]
    }
}

/// Running servers by state. Ended ones do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Servers: the four states below together. Candidates are not servers yet.
    pub servers: usize,
    /// A gateway stands before them.
    pub proxied: usize,
    /// None does.
    pub unproxied: usize,
    /// Sanctioned by the configuration.
    pub allowed: usize,
    /// Cannot be told.
    pub unknown: usize,
    /// Processes that look like a server, not confirmed.
    pub candidates: usize,
}

impl Summary {
    /// Counts the running among `servers`.
    #[must_use]
    pub fn of(servers: &[ServerView]) -> Self {
        let mut summary = Self::default();
        for server in servers.iter().filter(|server| server.ended_at.is_none()) {
            let count = match server.state {
                ServerState::Proxied => &mut summary.proxied,
                ServerState::Unproxied => &mut summary.unproxied,
                ServerState::Allowed => &mut summary.allowed,
                ServerState::Unknown => &mut summary.unknown,
                ServerState::Candidate => &mut summary.candidates,
            };
            *count += 1;
        }
        summary.servers = summary.proxied + summary.unproxied + summary.allowed + summary.unknown;
        summary
    }
}

impl Status {
    /// A document of the current [`SCHEMA`], its summary counted from `servers`.
    #[must_use]
    pub fn new(agent: AgentStatus, servers: Vec<ServerView>) -> Self {
        let summary = Summary::of(&servers);
        Self { schema: SCHEMA, agent, summary, gateway: None, guard: None, servers, remote: Vec::new() }
    }

    /// What a process of `uid` may see: root everything, anyone else the servers that run as themselves.
    /// The summary is counted anew, so that it tells nothing of the rest.
    #[must_use]
    pub fn visible_to(mut self, uid: u32) -> Self {
        if uid != 0 {
            self.guard = None;
            self.servers.retain(|server| server.uid == uid);
            self.remote.retain(|remote| remote.uid == uid);
            if let Some(gateway) = &mut self.gateway {
                gateway.sessions.retain(|session| session.uid == uid);
            }
        }
        Self {
            gateway: self.gateway,
            guard: self.guard,
            remote: self.remote,
            ..Self::new(self.agent, self.servers)
        }
    }
}
