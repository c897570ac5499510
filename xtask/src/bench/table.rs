//! The table, as Markdown.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::arm::{Arm, Usage};
use super::host::Results;
use super::stats::Samples;
use super::workload::Workload;

/// What the agent itself used during one arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cost {
    /// CPU time over wall time, in percent of one CPU.
    cpu_percent: f64,
    /// Resident memory at the end, in KiB.
    resident_kib: u64,
}

impl Cost {
    /// From two looks at the agent; nothing where there was none.
    pub(crate) fn between(before: Option<Usage>, after: Option<Usage>, wall: Duration) -> Option<Self> {
        let (before, after) = (before?, after?);
        let cpu = Duration::from_nanos(after.cpu_ns.saturating_sub(before.cpu_ns));
        let cpu_percent = 100.0 * cpu.as_secs_f64() / wall.as_secs_f64();
        Some(Self { cpu_percent, resident_kib: after.resident_kib })
    }
}

/// Where and how it was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conditions {
    processor: String,
    cpus: usize,
    kernel: String,
    cpu: Option<u32>,
    rounds: u32,
    seed: u64,
    load: String,
}

impl Conditions {
    /// Looks at this machine.
    pub(crate) fn look(cpu: Option<u32>, rounds: u32, seed: u64) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("");
        let virtual_machine = if cpuinfo.contains(" hypervisor") { ", virtual machine" } else { "" };
        let kernel = read("/proc/sys/kernel/osrelease");
        let kernel = kernel.split('-').next().unwrap_or("").trim().to_owned();
        let load = read("/proc/loadavg").split(' ').next().unwrap_or("").to_owned();
        let processor = format!("{}{virtual_machine}", model.trim_start_matches([' ', '\t', ':']));
        let cpus = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
        Self { processor, cpus, kernel, cpu, rounds, seed, load }
    }

    /// All of it in a line, where nothing is random.
    pub(crate) fn plain(&self) -> String {
        let Self { processor, cpus, kernel, rounds, load, .. } = self;
        format!(
            "{processor}, {cpus} CPUs, Linux {kernel}; {rounds} rounds; load average {load} at the start."
        )
    }

    /// All of it in a line.
    pub(crate) fn line(&self) -> String {
        let Self { processor, cpus, kernel, cpu, rounds, seed, load } = self;
        let bound = cpu.map_or_else(String::new, |cpu| format!("workloads on CPU {cpu}; "));
        format!(
            "{processor}, {cpus} CPUs, Linux {kernel}; {bound}{rounds} rounds in random order (seed {seed}); \
             load average {load} at the start."
        )
    }
}

/// Everything as Markdown.
pub(crate) fn render(results: &Results, costs: &BTreeMap<Arm, Vec<Cost>>, conditions: &Conditions) -> String {
    let empty = Samples::default();
    let names = Arm::ALL.map(Arm::describe).join(" | ");
    let mut text = format!("| one operation | {names} |\n|{}\n", " --- |".repeat(Arm::ALL.len() + 1));
    for workload in Workload::ALL {
        let of = |arm| results.get(&(workload, arm)).unwrap_or(&empty);
        let base = of(Arm::Absent);
        let mut row =
            format!("| {} | {} ({}) |", workload.describe(), duration(base.median()), duration(base.p5()));
        for arm in Arm::ALL.into_iter().skip(1) {
            row.push_str(&format!(
                " {} ({}) |",
                change(of(arm).median(), base.median()),
                change(of(arm).p5(), base.p5())
            ));
        }
        text.push_str(&row);
        text.push('\n');
    }
    text.push_str("\nMedian, and in brackets the 5th percentile; differences to the first column. ");
    text.push_str("What the second column shows is the noise: a smaller difference means nothing.\n\n");
    for (arm, name) in [
        (Arm::Idle, "idle"),
        (Arm::Tapped, "with one server tapped"),
        (Arm::Messages, "recording messages"),
        (Arm::Effects, "with the effects of one told"),
        (Arm::Alert, "with a guard that looks"),
        (Arm::Enforce, "with a guard at which every program waits"),
    ] {
        if let Some((cpu, resident)) = costs.get(&arm).and_then(|costs| middle(costs)) {
            // Writing to a string cannot fail.
            let _infallible = writeln!(
                text,
                "- The agent itself, {name}: {cpu:.2} % of one CPU, {:.1} MiB resident.",
                resident / 1024.0
            );
        }
    }
    let batches: Vec<String> = Workload::ALL
        .iter()
        .map(|workload| results.get(&(*workload, Arm::Absent)).unwrap_or(&empty).len().to_string())
        .collect();
    text.push_str(&format!("- {} Batches in each arm: {}.\n", conditions.line(), batches.join(", ")));
    text
}

/// Medians of CPU share and memory.
fn middle(costs: &[Cost]) -> Option<(f64, f64)> {
    let median = |values: Vec<f64>| {
        let mut samples = Samples::default();
        samples.extend(&values);
        samples.median()
    };
    let memory = |cost: &Cost| u32::try_from(cost.resident_kib).map_or(f64::INFINITY, f64::from);
    let cpu = median(costs.iter().map(|cost| cost.cpu_percent).collect());
    (!costs.is_empty()).then(|| (cpu, median(costs.iter().map(memory).collect())))
}

fn change(value: f64, base: f64) -> String {
    format!("{:+.1} %", 100.0 * (value / base - 1.0))
}

fn duration(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.2} µs", ns / 1e3),
        ns => format!("{:.1} ms", ns / 1e6),
    }
}

/// A page with the table of `name` in its place, replacing what is between the two marks.
///
/// # Errors
/// When the page has no place for it.
pub(crate) fn put_into(page: &str, name: &str, report: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- {name}: begin -->\n"), format!("<!-- {name}: end -->"));
    let missing = |mark: &str| format!("the page has no line `{}`", mark.trim_end());
    let (before, rest) = page.split_once(&begin).with_context(|| missing(&begin))?;
    let (_, after) = rest.split_once(&end).with_context(|| missing(&end))?;
    Ok(format!("{before}{begin}{}\n{end}{after}", report.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Results {
        let mut results = Results::new();
        for (arm, value) in Arm::ALL.into_iter().zip([200.0, 201.0, 202.0, 300.0, 310.0, 320.0, 202.0, 204.0])
        {
            results.entry((Workload::Syscall, arm)).or_default().extend(&[value; 3]);
        }
        results
    }

    #[test]
    fn a_row_has_the_base_and_the_changes() {
        let conditions = Conditions::look(Some(1), 12, 7);
        let text = render(&results(), &BTreeMap::new(), &conditions);
        assert!(
            text.contains("| `getppid` in a loop | 200 ns (200 ns) | +0.5 % (+0.5 %) | +1.0 % (+1.0 %) | +50.0 % (+50.0 %) | +55.0 % (+55.0 %) | +60.0 % (+60.0 %) | +1.0 % (+1.0 %) | +2.0 % (+2.0 %) |"),
            "{text}"
        );
        assert!(text.contains("seed 7"), "{text}");
    }

    #[test]
    fn the_agents_cost_is_the_median_of_the_rounds() {
        let usage = |cpu_ns| Some(Usage { cpu_ns, resident_kib: 20_480 });
        let costs = [1, 2, 90]
            .map(|ms| Cost::between(usage(0), usage(ms * 1_000_000), Duration::from_secs(1)).unwrap());
        let text = render(
            &results(),
            &BTreeMap::from([(Arm::Idle, costs.to_vec())]),
            &Conditions::look(Some(1), 3, 7),
        );
        assert!(text.contains("idle: 0.20 % of one CPU, 20.0 MiB"), "{text}");
    }

    #[test]
    fn the_table_replaces_the_one_before() {
        let page = |table| format!("# P\n<!-- t: begin -->\n{table}\n<!-- t: end -->\nrest\n");
        assert_eq!(put_into(&page("old"), "t", "new\n\n").unwrap(), page("new"));
        assert_eq!(put_into(&page("new"), "t", "new").unwrap(), page("new"));
        put_into("# P\n", "t", "new").unwrap_err();
    }

    #[test]
    fn the_page_has_a_place_for_each_table() {
        for name in ["bench host", "bench gateway"] {
            put_into(include_str!("../../../docs/performance.md"), name, "new").unwrap();
        }
    }

    #[test]
    fn durations_have_a_unit_that_fits() {
        assert_eq!(
            (duration(160.4), duration(1720.0), duration(2.5e7)),
            ("160 ns".into(), "1.72 µs".into(), "25.0 ms".into())
        );
    }
}
