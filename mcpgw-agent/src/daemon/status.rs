//! The status document, made of what the loop knows.

use std::net::SocketAddr;

use jiff::Timestamp;

use super::gateway;
use super::host::Host;
use crate::admin::{AgentStatus, Gap, GatewayStatus, HookState, HookStatus, Mode, Status};
use crate::kernel::{self, Hook};

/// What does not change while the agent runs, and what the last reload said.
#[derive(Debug)]
pub(super) struct AgentFacts {
    started_at: Timestamp,
    boot_id: Option<String>,
    hooks: Vec<HookStatus>,
    metrics_address: Option<SocketAddr>,
    degraded: Vec<String>,
    reload: Option<String>,
}

impl AgentFacts {
    /// Hooks named in `left_out` are missing on purpose.
    pub(super) fn new(
        hooks: &[Hook],
        left_out: &[String],
        probes: bool,
        metrics_address: Option<SocketAddr>,
    ) -> Self {
        let mut degraded = Vec::new();
        if !probes {
            degraded.push(
                "no kernel probes: /proc is polled, short-lived servers are missed and nothing is confirmed on the wire"
                    .to_owned(),
            );
        }
        let missing = |hook: &&Hook| {
            !hook.state.is_attached()
                && !left_out.contains(&hook.name.to_owned())
                && !hook.is_for_policies()
                && !hook.is_extra()
        };
        for hook in hooks.iter().filter(missing) {
            degraded.push(format!("without {}: {}", hook.name, hook.provides));
        }
        Self {
            started_at: Timestamp::now(),
            boot_id: std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
                .ok()
                .map(|id| id.trim().to_owned()),
            hooks: hooks.iter().map(hook_status).collect(),
            metrics_address,
            degraded,
            reload: None,
        }
    }

    /// Notes how the last reload went: what is wrong, if anything.
    pub(super) fn reloaded(&mut self, problem: Option<String>) {
        self.reload = problem;
    }

    /// The document for a reader that may see everything.
    pub(super) fn status(&self, host: &Host, gateway: GatewayStatus) -> Status {
        let mut servers = host.servers();
        gateway::locate(&mut servers, &gateway);
        Status {
            gateway: Some(gateway),
            guard: Some(host.guard.status()),
            remote: host.remotes(),
            ..Status::new(self.agent(host), servers)
        }
    }

    /// The agent's own part of it.
    pub(super) fn agent(&self, host: &Host) -> AgentStatus {
        AgentStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started_at: self.started_at,
            mode: if host.kernel.is_some() { Mode::Ebpf } else { Mode::Procfs },
            boot_id: self.boot_id.clone(),
            hooks: self.hooks.clone(),
            gaps: host.kernel.iter().flat_map(kernel::Kernel::gaps).map(gap).collect(),
            dropped: host.dropped(),
            metrics_address: self.metrics_address.map(|address| address.to_string()),
            keep_ended_seconds: host.inventory.config().timeouts.ended.as_secs(),
            degraded: self.degraded.iter().chain(&self.reload).cloned().collect(),
        }
    }
}

fn gap(ring: kernel::RingGaps) -> (String, Gap) {
    let kernel::RingGaps { ring, records, lost, lost_bytes, missed, undecodable } = ring;
    (ring.to_owned(), Gap { records, lost, lost_bytes, missed, undecodable })
}

/// A hook as the status document shows it.
#[must_use]
pub(crate) fn hook_status(hook: &Hook) -> HookStatus {
    let state = match hook.state {
        kernel::HookState::Attached { .. } => HookState::Attached,
        kernel::HookState::Skipped { .. } => HookState::Skipped,
        kernel::HookState::Failed { .. } => HookState::Failed,
    };
    HookStatus { name: hook.name.to_owned(), state, reason: hook.state.reason().to_owned() }
}
