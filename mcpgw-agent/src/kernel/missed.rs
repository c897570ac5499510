//! What the probes missed: calls the kernel made without running them.
//!
//! A program at a tracepoint is not run where it is running already on the same CPU (`__bpf_trace_run`,
//! kernel/trace/bpf_trace.c). Where tracepoints cannot be preempted that is never; where they can, as seen on 7.2, two
//! tasks may meet there. The kernel counts it for each program and says nothing else of it.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsFd, AsRawFd};

use aya::programs::Program;

use super::Kernel;
use super::effects::TRACEPOINTS;
use super::loader::{EFFECTS, LIFECYCLE, STREAMS};

/// Of what follows the colon: the count of one program. Since 5.12; `proc(5)`, bpf_prog_show_fdinfo in
/// kernel/bpf/syscall.c.
const COUNT: &str = "recursion_misses:";

/// Misses that were told already.
#[derive(Debug, Default)]
pub struct Misses(BTreeMap<&'static str, u64>);

impl Misses {
    /// By ring, how often probes of `kernel` were not run since this was asked last; none where that is never.
    pub fn take(&mut self, kernel: &Kernel) -> Vec<(&'static str, u64)> {
        let more = |ring| {
            let known = self.0.entry(ring).or_default();
            let all = kernel.missed(ring);
            let more = all.saturating_sub(*known);
            *known = all;
            (ring, more)
        };
        [LIFECYCLE, STREAMS, EFFECTS].map(more).into_iter().filter(|(_, more)| *more > 0).collect()
    }
}

impl Kernel {
    /// How often probes of `ring` were not run. Zero where the kernel does not count.
    #[must_use]
    pub(super) fn missed(&self, ring: &str) -> u64 {
        let ours = self.ebpf.programs().filter(|(name, _)| ring_of(name) == Some(ring));
        ours.map(|(_, program)| missed(program).unwrap_or(0)).fold(0, u64::saturating_add)
    }
}

/// Where a program that may miss calls would have put its record.
fn ring_of(program: &str) -> Option<&'static str> {
    match program {
        "mcpgw_exec" | "mcpgw_fork" | "mcpgw_exit" | "mcpgw_sock" => Some(LIFECYCLE),
        "mcpgw_tap" => Some(STREAMS),
        other => TRACEPOINTS.iter().any(|(_, name, _)| *name == other).then_some(EFFECTS),
    }
}

fn missed(program: &Program) -> Option<u64> {
    let fd = program.fd().ok()?.as_fd().as_raw_fd();
    count(&fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).ok()?)
}

fn count(fdinfo: &str) -> Option<u64> {
    fdinfo.lines().find_map(|line| line.strip_prefix(COUNT))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_where_there_is_one() {
        let text = "pos:\t0\nprog_type:\t17\nrun_cnt:\t3\nrecursion_misses:\t12\nverified_insns:\t41\n";
        assert_eq!(count(text), Some(12));
        assert_eq!(count("pos:\t0\nprog_type:\t17\n"), None);
        assert_eq!(count("recursion_misses:\tmany\n"), None);
    }
}
