//! What Prometheus sees: one scrape, rendered from one [`Status`] and the [`Counters`]. Every metric is listed
//! in docs/metrics.md, and a test holds the two together.
//!
//! A registry is made for each scrape, so that nothing of an earlier one can linger. Labels are closed sets,
//! written out here: never a name a process chose for itself, which would let any user of the host fill
//! Prometheus.

mod counters;
mod gateway;
mod guard;
mod process;
#[cfg(test)]
mod tests;

pub use counters::Counters;
pub use guard::{GuardCounts, Outcome};
pub use process::ProcessSample;

use prometheus::core::Collector;
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

use super::status::{Dropped, Gap, GatewayStatus, HookState, HookStatus, Status};
use crate::inventory::{ServerState, Transport};
use crate::proxy::gate::GateMetrics;

/// Hooks that get a label of their own; any other counts as `other`.
pub const HOOKS: [&str; 19] = [
    "exec",
    "fork",
    "exit",
    "stdio-tap",
    "sockets",
    "http-in",
    "http-out",
    "file-effects",
    "io-uring-effects",
    "address-effects",
    "connect-rules",
    "guard-connect",
    "guard-exec",
    "guard-unix",
    "file-rules",
    "exec-rules",
    "socket-rules",
    "tls-read",
    "tls-hello",
];

/// Rings that get a label of their own; any other counts as `other`.
pub const RINGS: [&str; 4] = ["lifecycle", "streams", "tcp", "effects"];

const STATES: [(ServerState, &str); 5] = [
    (ServerState::Unproxied, "unproxied"),
    (ServerState::Unknown, "unknown"),
    (ServerState::Candidate, "candidate"),
    (ServerState::Allowed, "allowed"),
    (ServerState::Proxied, "proxied"),
];

pub(crate) const TRANSPORTS: [(Transport, &str); 4] = [
    (Transport::Stdio, "stdio"),
    (Transport::Http, "http"),
    (Transport::Sse, "sse"),
    (Transport::Unix, "unix"),
];

/// One scrape in Prometheus' text format.
///
/// # Errors
/// The metrics contradict each other; cannot happen with what is written here, but must not end the agent.
pub fn render(
    status: &Status,
    counters: &Counters,
    gate: &GateMetrics,
    process: Option<&ProcessSample>,
) -> Result<String, prometheus::Error> {
    let registry = registry(status, counters, gate, process)?;
    TextEncoder::new().encode_to_string(&registry.gather())
}

/// One scrape of a gateway without an agent, which has `sessions`: what the agent's scrape tells of its gateway and of
/// its process.
///
/// # Errors
/// As [`render`]'s.
pub fn render_gateway(
    status: &GatewayStatus,
    sessions: usize,
    gate: &GateMetrics,
    process: Option<&ProcessSample>,
) -> Result<String, prometheus::Error> {
    let registry = Registry::new();
    gateway::register(&registry, Some((status, sessions)), gate)?;
    if let Some(process) = process {
        process.register(&registry)?;
    }
    TextEncoder::new().encode_to_string(&registry.gather())
}

fn registry(
    status: &Status,
    counters: &Counters,
    gate: &GateMetrics,
    process: Option<&ProcessSample>,
) -> Result<Registry, prometheus::Error> {
    let registry = Registry::new();
    agent(&registry, status)?;
    servers(&registry, status, counters)?;
    hooks(&registry, &status.agent.hooks)?;
    rings(&registry, status)?;
    tap(&registry, counters)?;
    dropped(&registry, &status.agent.dropped)?;
    guard::register(&registry, status.guard.as_ref(), counters.guard())?;
    let gateway = status.gateway.as_ref().map(|gateway| (gateway, gateway.sessions.len()));
    gateway::register(&registry, gateway, gate)?;
    if let Some(process) = process {
        process.register(&registry)?;
    }
    Ok(registry)
}

fn agent(registry: &Registry, status: &Status) -> Result<(), prometheus::Error> {
    let info = gauges("mcpgw_agent_build_info", "The running agent; always 1.", &["version", "mode"])?;
    info.with_label_values(&[status.agent.version.as_str(), status.agent.mode.as_str()]).set(1);
    add(registry, info)?;
    let degraded = IntGauge::new("mcpgw_agent_degraded", "Things that do not work as they should.")?;
    degraded.set(gauge_value(status.agent.degraded.len()));
    add(registry, degraded)
}

fn servers(registry: &Registry, status: &Status, counters: &Counters) -> Result<(), prometheus::Error> {
    let servers = gauges("mcpgw_servers", "Running MCP servers and candidates.", &["state", "transport"])?;
    for (state, state_label) in STATES {
        for (transport, transport_label) in TRANSPORTS {
            let of = |server: &&crate::inventory::ServerView| {
                server.ended_at.is_none() && server.state == state && server.transport == transport
            };
            let count = status.servers.iter().filter(of).count();
            servers.with_label_values(&[state_label, transport_label]).set(gauge_value(count));
        }
    }
    add(registry, servers)?;
    let unproxied =
        IntGauge::new("mcpgw_unproxied_servers", "Running MCP servers with no gateway before them.")?;
    unproxied.set(gauge_value(status.summary.unproxied));
    add(registry, unproxied)?;
    let seen = self::counters(
        "mcpgw_servers_first_seen_total",
        "MCP servers and candidates that became known.",
        &["transport"],
    )?;
    for (transport, label) in TRANSPORTS {
        seen.with_label_values(&[label]).inc_by(counters.first_seen_total(transport));
    }
    add(registry, seen)
}

fn hooks(registry: &Registry, hooks: &[HookStatus]) -> Result<(), prometheus::Error> {
    let states = gauges(
        "mcpgw_hook_state",
        "1 for the state a kernel hook is in, 0 for the others.",
        &["hook", "state"],
    )?;
    for hook in hooks {
        let label = known(&HOOKS, &hook.name);
        for state in HookState::ALL {
            let gauge = states.with_label_values(&[label, state.as_str()]);
            if hook.state == state {
                gauge.set(1);
            }
        }
    }
    add(registry, states)
}

fn rings(registry: &Registry, status: &Status) -> Result<(), prometheus::Error> {
    type Count = fn(&Gap) -> u64;
    let metrics: [(&str, &str, Count); 5] = [
        ("mcpgw_ring_records_total", "Records the probes tried to write to a ring.", |gap| gap.records),
        ("mcpgw_ring_lost_total", "Records lost because a ring was full.", |gap| gap.lost),
        ("mcpgw_ring_lost_bytes_total", "Bytes of lost records.", |gap| gap.lost_bytes),
        ("mcpgw_ring_missed_total", "Probes the kernel did not run where it should have.", |gap| gap.missed),
        ("mcpgw_ring_undecodable_total", "Records read that were not understood.", |gap| gap.undecodable),
    ];
    for (name, help, count) in metrics {
        let vector = counters(name, help, &["ring"])?;
        for ring in RINGS {
            vector.with_label_values(&[ring]).inc_by(0);
        }
        for (ring, gap) in &status.agent.gaps {
            vector.with_label_values(&[known(&RINGS, ring)]).inc_by(count(gap));
        }
        add(registry, vector)?;
    }
    Ok(())
}

fn tap(registry: &Registry, counters: &Counters) -> Result<(), prometheus::Error> {
    let bytes = self::counters(
        "mcpgw_tap_bytes_total",
        "Bytes of observed servers' traffic that were looked at.",
        &["transport"],
    )?;
    for (transport, label) in TRANSPORTS {
        bytes.with_label_values(&[label]).inc_by(counters.tap_bytes_total(transport));
    }
    add(registry, bytes)?;
    followed(registry, counters)?;
    let attached = IntGauge::new(
        "mcpgw_tap_attached",
        "1 while the system call tap is attached, which it is only while something is observed.",
    )?;
    attached.set(i64::from(counters.is_tap_attached()));
    add(registry, attached)
}

fn followed(registry: &Registry, counters: &Counters) -> Result<(), prometheus::Error> {
    let messages = self::counters(
        "mcpgw_tap_messages_total",
        "Messages of followed servers that were judged where they passed.",
        &["transport", "direction"],
    )?;
    for (transport, label) in TRANSPORTS {
        let counts = ["c2s", "s2c"].into_iter().zip(counters.tap_messages_total(transport));
        counts.for_each(|(direction, count)| messages.with_label_values(&[label, direction]).inc_by(count));
    }
    add(registry, messages)?;
    let ([gaps, gap_bytes], [dropped, dropped_bytes]) =
        (counters.tap_gaps_total(), counters.tap_dropped_total());
    for (name, help, count) in [
        ("mcpgw_tap_gaps_total", "Places in followed servers' traffic at which bytes are missing.", gaps),
        ("mcpgw_tap_gap_bytes_total", "Bytes missing there, where it is known how many.", gap_bytes),
        ("mcpgw_tap_dropped_total", "Pieces of traffic for which there was no room until judged.", dropped),
        ("mcpgw_tap_dropped_bytes_total", "Bytes of them.", dropped_bytes),
    ] {
        let counter = IntCounter::new(name, help)?;
        counter.inc_by(count);
        add(registry, counter)?;
    }
    Ok(())
}

fn dropped(registry: &Registry, dropped: &Dropped) -> Result<(), prometheus::Error> {
    let given_up =
        counters("mcpgw_dropped_total", "What was given up because a table or buffer was full.", &["what"])?;
    for (what, count) in dropped.by_kind() {
        given_up.with_label_values(&[what]).inc_by(count);
    }
    add(registry, given_up)?;
    for (name, help, count) in [
        ("mcpgw_stream_gaps_total", "Places in observed streams at which bytes were missing.", dropped.gaps),
        ("mcpgw_stream_gap_bytes_total", "Bytes missing from observed streams.", dropped.gap_bytes),
    ] {
        let counter = IntCounter::new(name, help)?;
        counter.inc_by(count);
        add(registry, counter)?;
    }
    Ok(())
}

fn gauges(name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
    IntGaugeVec::new(Opts::new(name, help), labels)
}

fn counters(name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
    IntCounterVec::new(Opts::new(name, help), labels)
}

fn add(registry: &Registry, metric: impl Collector + 'static) -> Result<(), prometheus::Error> {
    registry.register(Box::new(metric))
}

fn add_gauge(registry: &Registry, name: &str, help: &str, value: f64) -> Result<(), prometheus::Error> {
    let gauge = Gauge::new(name, help)?;
    gauge.set(value);
    add(registry, gauge)
}

fn known(labels: &[&'static str], name: &str) -> &'static str {
    labels.iter().find(|label| **label == name).copied().unwrap_or("other")
}

fn gauge_value(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
