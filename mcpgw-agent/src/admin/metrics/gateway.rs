//! The gateway's metrics: what the gate counts, and what the status tells of policy, audit log and sessions.

use prometheus::{IntCounter, IntGauge, Registry};

use super::super::status::GatewayStatus;
use super::{add, counters, gauge_value};
use crate::proxy::gate::GateMetrics;

pub(super) fn register(
    registry: &Registry,
    status: Option<(&GatewayStatus, usize)>,
    gate: &GateMetrics,
) -> Result<(), prometheus::Error> {
    gate.collectors().into_iter().try_for_each(|collector| registry.register(collector))?;
    let Some((GatewayStatus { policy, audit, holds, .. }, sessions)) = status else { return Ok(()) };
    let gauge = |name: &str, help: &str, value: i64| {
        let gauge = IntGauge::new(name, help)?;
        gauge.set(value);
        add(registry, gauge)
    };
    let counter = |name: &str, help: &str, value: u64| {
        let counter = IntCounter::new(name, help)?;
        counter.inc_by(value);
        add(registry, counter)
    };
    gauge("mcpgw_active_sessions", "Open sessions.", gauge_value(sessions))?;
    let waiting = i64::try_from(holds.waiting).unwrap_or(i64::MAX);
    gauge("mcpgw_held_messages", "Messages that wait for a person.", waiting)?;
    let outcomes = counters(
        "mcpgw_hold_outcomes_total",
        "Messages that waited for a person, by what came of it.",
        &["outcome"],
    )?;
    for (outcome, count) in [
        ("approved", holds.approved),
        ("denied", holds.denied),
        ("timed_out", holds.timed_out),
        ("ended", holds.ended),
    ] {
        outcomes.with_label_values(&[outcome]).inc_by(count);
    }
    add(registry, outcomes)?;
    let generation = i64::try_from(policy.generation).unwrap_or(i64::MAX);
    gauge(
        "mcpgw_policy_generation",
        "1 for the first policy, one more for each that replaced it.",
        generation,
    )?;
    let reloads = counters("mcpgw_policy_reloads_total", "Attempts to load the policy anew.", &["outcome"])?;
    reloads.with_label_values(&["ok"]).inc_by(policy.reloads.ok);
    reloads.with_label_values(&["failed"]).inc_by(policy.reloads.failed);
    add(registry, reloads)?;
    let writing = i64::from(audit.writing);
    gauge("mcpgw_audit_writing", "1 while the last record could be written.", writing)?;
    counter("mcpgw_audit_records_total", "Records written to the audit log.", audit.written)?;
    counter("mcpgw_audit_log_errors_total", "Records that could not be written.", audit.lost)?;
    let size = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let kept = &audit.kept;
    gauge("mcpgw_audit_files", "Files of the audit log.", size(kept.files))?;
    gauge("mcpgw_audit_bytes", "Bytes they take up.", size(kept.bytes))?;
    for (name, help, ok, failed) in [
        ("rotations", "Times another file was begun.", kept.rotations, kept.rotation_failures),
        ("compressions", "Finished files compressed.", kept.compressed, kept.compression_failures),
        ("deletions", "Finished files deleted.", kept.deleted, kept.deletion_failures),
    ] {
        let outcomes = counters(&format!("mcpgw_audit_{name}_total"), help, &["outcome"])?;
        outcomes.with_label_values(&["ok"]).inc_by(ok);
        outcomes.with_label_values(&["failed"]).inc_by(failed);
        add(registry, outcomes)?;
    }
    Ok(())
}
