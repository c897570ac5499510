//! Candidates that said nothing yet: their I/O counters are looked at once a second, their channels are not
//! tapped.

use std::collections::HashMap;
use std::time::Duration;

use crate::inventory::{BootTime, ProcessKey};

/// How often the counters are read.
const PERIOD: Duration = Duration::from_secs(1);
/// Processes watched at most; one more is reported as stirred at once, which puts it under observation again.
const LIMIT: usize = 4096;

/// The dozing processes and what their counters stood at.
#[derive(Debug, Default)]
pub(super) struct Dozing {
    counters: HashMap<ProcessKey, u64>,
    next: BootTime,
}

impl Dozing {
    /// Starts watching `process`, whose counters stand at `bytes`. False if there is no room.
    pub(super) fn add(&mut self, process: ProcessKey, bytes: u64) -> bool {
        if self.counters.len() >= LIMIT {
            return false;
        }
        self.counters.insert(process, bytes);
        true
    }

    /// Stops watching.
    pub(super) fn remove(&mut self, process: ProcessKey) {
        self.counters.remove(&process);
    }

    /// The processes whose counters moved, if it is time to look. `read` gives a process' counters, `None` when it
    /// is gone; those are forgotten, their exit is told elsewhere.
    pub(super) fn stirred(
        &mut self,
        now: BootTime,
        read: impl Fn(ProcessKey) -> Option<u64>,
    ) -> Vec<ProcessKey> {
        if now < self.next {
            return Vec::new();
        }
        self.next = now.after(PERIOD);
        let mut stirred = Vec::new();
        self.counters.retain(|&process, before| match read(process) {
            Some(bytes) if bytes == *before => true,
            Some(_) => {
                stirred.push(process);
                false
            }
            None => false,
        });
        stirred
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moved_counters_wake_and_gone_processes_are_forgotten() {
        let key = |pid| ProcessKey { pid, start_ticks: 1 };
        let mut dozing = Dozing::default();
        for pid in 1..=3 {
            assert!(dozing.add(key(pid), 10));
        }
        let read = |process: ProcessKey| match process.pid {
            1 => Some(10),
            2 => Some(11),
            _ => None,
        };
        assert_eq!(dozing.stirred(BootTime(1), read), [key(2)]);
        assert_eq!(dozing.stirred(BootTime(2), |_| Some(99)), [], "not yet time");
        assert_eq!(dozing.stirred(BootTime(2_000_000_000), |_| Some(99)), [key(1)]);
    }
}
