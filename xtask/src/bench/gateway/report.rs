//! The table: medians of all calls, and what each hop adds to the direct connection.

use std::fs;

use super::{Arm, Case, Measured, Results};
use crate::bench::stats::Samples;
use crate::bench::table::Conditions;

/// A count as a number to divide by; exact below 2^53, beyond which nothing here counts.
pub(super) fn float(count: u64) -> f64 {
    u32::try_from(count).map_or_else(|_| count.to_string().parse().unwrap_or(f64::NAN), f64::from)
}

/// CPU time of a process' threads so far, in nanoseconds; 0 when it is gone.
pub(super) fn cpu_ns(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let of = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    threads.filter_map(of).sum()
}

/// Everything as Markdown.
pub(super) fn render(results: &Results, conditions: &Conditions) -> String {
    let mut text = String::from(
        "| one call and its answer | direct p50 / p99 | pass-through p50 / p99 | mcpgw p50 / p99 | added p50: mcpgw to pass-through | calls a second: direct, pass-through, mcpgw | CPU of mcpgw a call |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let empty = Measured::default();
    for case in Case::all() {
        let of = |arm| Summary::of(results.get(&(case, arm)).unwrap_or(&empty));
        let (direct, hop, gateway) = (of(Arm::Direct), of(Arm::Hop), of(Arm::Gateway));
        let ratio = (gateway.p50 - direct.p50) / (hop.p50 - direct.p50);
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} / {} = {ratio:.1} | {:.0}, {:.0}, {:.0} | {:.0} µs |\n",
            describe(case),
            direct.latency(),
            hop.latency(),
            gateway.latency(),
            microseconds(gateway.p50 - direct.p50),
            microseconds(hop.p50 - direct.p50),
            direct.rate,
            hop.rate,
            gateway.rate,
            gateway.cpu / 1e3,
        ));
    }
    text.push_str(&format!(
        "\nMedians and 99th percentiles of all calls, medians of the rounds' rates. Every answer was compared with what was sent.\n\n- {}\n",
        conditions.line()
    ));
    text
}

fn describe(case: Case) -> String {
    match case {
        Case::Stdio { size } => format!("stdio, {}", bytes(size)),
        Case::Http { size, clients: 1 } => format!("HTTP, {}, 1 client", bytes(size)),
        Case::Http { size, clients } => format!("HTTP, {}, {clients} clients", bytes(size)),
    }
}

fn bytes(size: usize) -> String {
    match size {
        ..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{} KB", size / 1_000),
        _ => format!("{} MB", size / 1_000_000),
    }
}

fn microseconds(ns: f64) -> String {
    format!("{:.0} µs", ns / 1e3)
}

struct Summary {
    p50: f64,
    p99: f64,
    rate: f64,
    cpu: f64,
}

impl Summary {
    fn of(measured: &Measured) -> Self {
        let samples = |values: &[f64]| {
            let mut samples = Samples::default();
            samples.extend(values);
            samples
        };
        let calls = samples(&measured.calls);
        Self {
            p50: calls.median(),
            p99: calls.p99(),
            rate: samples(&measured.rates).median(),
            cpu: samples(&measured.cpu).median(),
        }
    }

    fn latency(&self) -> String {
        format!("{} / {}", microseconds(self.p50), microseconds(self.p99))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_what_each_hop_adds() {
        let measured = |ns: f64| Measured { calls: vec![ns; 10], rates: vec![1e9 / ns], cpu: vec![7_000.0] };
        let case = Case::Stdio { size: 200 };
        let results = Results::from([
            ((case, Arm::Direct), measured(10_000.0)),
            ((case, Arm::Hop), measured(30_000.0)),
            ((case, Arm::Gateway), measured(40_000.0)),
        ]);
        let text = render(&results, &Conditions::look(None, 1, 7));
        assert!(
            text.contains("| stdio, 200 B | 10 µs / 10 µs | 30 µs / 30 µs | 40 µs / 40 µs | 30 µs / 20 µs = 1.5 | 100000, 33333, 25000 | 7 µs |"),
            "{text}"
        );
    }
}
