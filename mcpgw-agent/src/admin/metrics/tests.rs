use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::admin::status::tests::{agent, gateway, server};
use crate::audit::ship::ShipMetrics;
use crate::identity::AuthMetrics;
use crate::proxy::guardrail::GuardrailMetrics;

const DOCS: &str = include_str!("../../../../docs/metrics.md");

const SAMPLE: ProcessSample = ProcessSample {
    cpu_seconds: 1.5,
    resident_bytes: 1e7,
    virtual_bytes: 1e8,
    open_fds: 12.0,
    max_fds: 1024.0,
    threads: 3.0,
    start_seconds: 1.7e9,
};

fn status() -> Status {
    let mut ended = server("3", ServerState::Unproxied);
    ended.ended_at = Some(ended.last_seen);
    let mut http = server("4", ServerState::Candidate);
    http.transport = Transport::Http;
    let servers = vec![server("1", ServerState::Unproxied), server("2", ServerState::Unproxied), ended, http];
    Status { gateway: Some(gateway()), ..Status::new(agent(), servers) }
}

/// The samples of a scrape that are not zero.
fn scrape(status: &Status, counters: &Counters) -> Vec<String> {
    let text = render(status, counters, &GateMetrics::new(), None).unwrap();
    text.lines().filter(|line| !line.starts_with('#') && !line.ends_with(" 0")).map(str::to_owned).collect()
}

#[test]
fn a_scrape_tells_what_the_status_tells() {
    let counters = Counters::new();
    counters.first_seen(Transport::Stdio);
    counters.first_seen(Transport::Stdio);
    counters.first_seen(Transport::Sse);
    counters.tapped(Transport::Http, 4096);
    counters.tapped(Transport::Http, 4);
    counters.tap_attached(true);
    assert_eq!(
        scrape(&status(), &counters),
        [
            "mcpgw_active_sessions 1",
            r#"mcpgw_agent_build_info{mode="ebpf",version="0.1.0"} 1"#,
            "mcpgw_agent_degraded 1",
            "mcpgw_audit_bytes 9000",
            r#"mcpgw_audit_compressions_total{outcome="ok"} 2"#,
            r#"mcpgw_audit_deletions_total{outcome="ok"} 1"#,
            "mcpgw_audit_files 3",
            "mcpgw_audit_log_errors_total 3",
            "mcpgw_audit_records_total 70",
            r#"mcpgw_audit_rotations_total{outcome="failed"} 1"#,
            r#"mcpgw_audit_rotations_total{outcome="ok"} 2"#,
            r#"mcpgw_dropped_total{what="buffers"} 6"#,
            r#"mcpgw_dropped_total{what="listeners"} 3"#,
            r#"mcpgw_dropped_total{what="messages"} 7"#,
            r#"mcpgw_dropped_total{what="processes"} 1"#,
            r#"mcpgw_dropped_total{what="servers"} 2"#,
            r#"mcpgw_dropped_total{what="sightings"} 4"#,
            r#"mcpgw_dropped_total{what="streams"} 5"#,
            "mcpgw_held_messages 2",
            r#"mcpgw_hold_outcomes_total{outcome="approved"} 3"#,
            r#"mcpgw_hold_outcomes_total{outcome="denied"} 4"#,
            r#"mcpgw_hold_outcomes_total{outcome="ended"} 6"#,
            r#"mcpgw_hold_outcomes_total{outcome="timed_out"} 5"#,
            r#"mcpgw_hook_state{hook="exec",state="attached"} 1"#,
            r#"mcpgw_hook_state{hook="http-in",state="failed"} 1"#,
            "mcpgw_policy_generation 2",
            r#"mcpgw_policy_reloads_total{outcome="failed"} 4"#,
            r#"mcpgw_policy_reloads_total{outcome="ok"} 1"#,
            r#"mcpgw_ring_lost_bytes_total{ring="streams"} 8192"#,
            r#"mcpgw_ring_lost_total{ring="streams"} 2"#,
            r#"mcpgw_ring_missed_total{ring="streams"} 3"#,
            r#"mcpgw_ring_records_total{ring="lifecycle"} 10"#,
            r#"mcpgw_ring_records_total{ring="streams"} 20"#,
            r#"mcpgw_ring_undecodable_total{ring="streams"} 1"#,
            r#"mcpgw_servers{state="candidate",transport="http"} 1"#,
            r#"mcpgw_servers{state="unproxied",transport="stdio"} 2"#,
            r#"mcpgw_servers_first_seen_total{transport="sse"} 1"#,
            r#"mcpgw_servers_first_seen_total{transport="stdio"} 2"#,
            "mcpgw_stream_gap_bytes_total 900",
            "mcpgw_stream_gaps_total 8",
            "mcpgw_tap_attached 1",
            r#"mcpgw_tap_bytes_total{transport="http"} 4100"#,
            "mcpgw_unproxied_servers 2",
        ]
    );
}

#[test]
fn an_alert_can_rely_on_every_series_from_the_start() {
    let text = render(&Status::new(agent(), vec![]), &Counters::new(), &GateMetrics::new(), None).unwrap();
    for series in [
        r#"mcpgw_servers{state="unproxied",transport="stdio"} 0"#,
        r#"mcpgw_ring_lost_total{ring="tcp"} 0"#,
        r#"mcpgw_hook_state{hook="exec",state="failed"} 0"#,
        r#"mcpgw_servers_first_seen_total{transport="unix"} 0"#,
        r#"mcpgw_tap_bytes_total{transport="stdio"} 0"#,
        "mcpgw_unproxied_servers 0",
    ] {
        assert!(text.lines().any(|line| line == series), "{series} is missing from\n{text}");
    }
}

#[test]
fn names_from_outside_the_closed_sets_share_one_label() {
    let mut status = Status::new(agent(), vec![]);
    status.agent.hooks.clear();
    status.agent.gaps.clear();
    status.agent.dropped = Dropped::default();
    for number in 0..100 {
        status.agent.gaps.insert(format!("ring \"{number}"), Gap { lost: 1, ..Gap::default() });
        status.agent.hooks.push(HookStatus {
            name: format!("hook{number}"),
            state: HookState::Failed,
            reason: String::new(),
        });
    }
    let text = scrape(&status, &Counters::new()).join("\n");
    assert!(text.contains(r#"mcpgw_ring_lost_total{ring="other"} 100"#), "{text}");
    assert!(text.contains(r#"mcpgw_hook_state{hook="other",state="failed"} 1"#), "{text}");
    assert_eq!(text.lines().count(), 4, "{text}");
}

#[test]
fn every_metric_is_documented_and_every_documented_metric_exists() {
    let gate = GateMetrics::new().with(&GuardrailMetrics::of_one("analyzer"));
    gate.authenticating(&AuthMetrics::new());
    gate.shipping(&ShipMetrics::of_one("collector"));
    let registry = registry(&status(), &Counters::new(), &gate, Some(&SAMPLE)).unwrap();
    let mut exist = BTreeMap::new();
    for family in registry.gather() {
        let kind = format!("{:?}", family.get_field_type()).to_lowercase();
        let labels: BTreeSet<String> = family
            .get_metric()
            .iter()
            .flat_map(|metric| metric.get_label())
            .map(|label| format!("`{}`", label.name()))
            .collect();
        let labels = Vec::from_iter(labels).join(", ");
        exist.insert(format!("`{}`", family.name()), (kind, labels));
    }
    let documented: BTreeMap<_, _> = DOCS
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let mut labels: Vec<_> = cells[3].split(", ").collect();
            labels.sort_unstable();
            (cells[1].to_owned(), (cells[2].to_owned(), labels.join(", ")))
        })
        .collect();
    assert_eq!(documented, exist);
    for label in crate::proxy::gate::metrics::METHODS.iter().chain(&crate::proxy::gate::metrics::CAUSES) {
        assert!(DOCS.contains(&format!("`{label}`")), "docs/metrics.md does not tell of {label}");
    }
    for (label, _) in Dropped::default().by_kind() {
        assert!(DOCS.contains(&format!("`{label}`")), "docs/metrics.md does not tell of {label}");
    }
    for label in HOOKS.iter().chain(&RINGS).chain(STATES.iter().map(|(_, label)| label)) {
        assert!(DOCS.contains(&format!("`{label}`")), "docs/metrics.md does not tell of {label}");
    }
}
