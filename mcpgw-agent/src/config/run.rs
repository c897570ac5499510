//! The run form: what the agent is told to do, checked and complete.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::gateway::Gateway;
use super::guard::Guard;
use crate::guard::RuleSpec;
use crate::inventory::{AllowSpec, FollowSpec};

/// Everything that can be configured. The default is what runs without a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The file it came from; `None` for the built-in defaults.
    pub source: Option<PathBuf>,
    /// Sanctioned servers, in the order written.
    pub allow: Vec<AllowSpec>,
    /// What to look at.
    pub observe: Observe,
    /// Control socket and metrics.
    pub admin: Admin,
    /// How the host is watched.
    pub host: Host,
    /// How messages are decided on and recorded.
    pub gateway: Gateway,
    /// The agent's own log.
    pub log: Log,
}

impl Config {
    /// Some rule names a hash, so that executables have to be hashed.
    #[must_use]
    pub fn needs_hashes(&self) -> bool {
        let is_in_guard = |rule: &RuleSpec| rule.program.sha256.is_some();
        self.allow.iter().any(|rule| rule.sha256.is_some()) || self.host.guard.rules.iter().any(is_in_guard)
    }
}

/// What to look at, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observe {
    /// Servers over pipes and socketpairs.
    pub stdio: bool,
    /// Servers over HTTP.
    pub http: bool,
    /// Bytes copied of one stream or connection at most, until it is classified.
    pub tap_budget_bytes: u32,
    /// A candidate without a byte for so long is no longer tapped, only watched for stirring.
    pub silent_after: Duration,
    /// Traffic without anything of MCP for so long: not an MCP server.
    pub give_up_after: Duration,
    /// An ended server stays in `status` for so long.
    pub keep_ended: Duration,
}

impl Default for Observe {
    fn default() -> Self {
        Self {
            stdio: true,
            http: true,
            tap_budget_bytes: mcpgw_common::limit::BUDGET,
            silent_after: Duration::from_secs(30),
            give_up_after: Duration::from_secs(30),
            keep_ended: Duration::from_secs(10),
        }
    }
}

/// Where the agent can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Where metrics are served; port 0 lets the kernel choose. `None`: nowhere.
    pub metrics_address: Option<SocketAddr>,
    /// Group that may use the control socket, where it exists.
    pub socket_group: String,
}

impl Default for Admin {
    fn default() -> Self {
        let metrics_address = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 9464)));
        Self { metrics_address, socket_group: "mcpgw".to_owned() }
    }
}

/// How the host is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Time between scans where no probe can be loaded.
    pub scan_interval: Duration,
    /// Hooks not to attach, by the names `doctor` shows. Only their form is checked here.
    pub disabled_hooks: BTreeSet<String>,
    /// What tool calls of wrapped servers do to the host is recorded.
    pub effects: bool,
    /// Calls of a tool during which nothing is new to it.
    pub effects_learning: u32,
    /// What is not to run, or to be reached.
    pub guard: Guard,
    /// The configuration files of MCP clients are watched.
    pub client_files: bool,
    /// Homes of users this host has no list of.
    pub client_homes: Vec<PathBuf>,
    /// The messages of every server in front of which no gateway is are followed.
    pub messages: bool,
    /// Those of these servers are, whatever `messages` says.
    pub messages_of: Vec<FollowSpec>,
    /// What known MCP clients say over TLS is read.
    pub tls: bool,
    /// What these programs say is, whatever `tls` says; none of them has a name.
    pub tls_of: Vec<FollowSpec>,
    /// Ring buffers shared with the kernel.
    pub rings: Rings,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            scan_interval: Duration::from_secs(2),
            disabled_hooks: BTreeSet::new(),
            // While anything is attached to system calls, each on the host takes longer.
            effects: false,
            effects_learning: 10,
            guard: Guard::default(),
            client_files: true,
            client_homes: Vec::new(),
            messages: false,
            messages_of: Vec::new(),
            // Every call of a library costs two traps.
            tls: false,
            tls_of: Vec::new(),
            rings: Rings::default(),
        }
    }
}

/// Sizes of the ring buffers, in bytes; each a power of two and whole pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rings {
    /// Processes and sockets coming and going.
    pub lifecycle_bytes: u32,
    /// Bytes tapped from pipes and socketpairs.
    pub streams_bytes: u32,
    /// Bytes tapped from TCP connections.
    pub tcp_bytes: u32,
}

impl Default for Rings {
    fn default() -> Self {
        Self { lifecycle_bytes: 1 << 20, streams_bytes: 2 << 20, tcp_bytes: 1 << 20 }
    }
}

/// The agent's own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}
