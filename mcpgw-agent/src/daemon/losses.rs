//! What of the kernel's records never came, until it is in the audit log.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::inventory::BootTime;
use crate::kernel::{Kernel, Misses};

/// Between two lines in the log, and between two records in the audit log, at least.
const LOGGED: Duration = Duration::from_secs(10);
const RECORDED: Duration = Duration::from_secs(1);
/// From one look for what probes missed to the next.
const LOOKED: Duration = Duration::from_secs(1);

/// Losses, by ring.
#[derive(Debug, Default)]
pub(super) struct Losses {
    lost: BTreeMap<&'static str, u64>,
    misses: Misses,
    logged: Option<BootTime>,
    taken: BootTime,
    looked: BootTime,
}

impl Losses {
    /// `ring` lost `count` records.
    pub(super) fn add(&mut self, ring: &'static str, count: u64, now: BootTime) {
        let lost = self.lost.entry(ring).or_default();
        *lost = lost.saturating_add(count);
        if self.logged.is_none_or(|logged| now.since(logged) >= LOGGED) {
            self.logged = Some(now);
            tracing::warn!(ring, count, "kernel records were lost; counted in `status` and the metrics");
        }
    }

    /// What probes did not see since this was asked last, by ring: there is no record of it either. Once a second.
    pub(super) fn missed(&mut self, kernel: &Kernel, now: BootTime) -> Vec<(&'static str, u64)> {
        if now.since(self.looked) < LOOKED {
            return Vec::new();
        }
        self.looked = now;
        self.misses.take(kernel)
    }

    /// What was lost since this was asked last; asked more than once a second there is nothing.
    pub(super) fn take(&mut self, now: BootTime) -> Vec<(&'static str, u64)> {
        if self.lost.is_empty() || now.since(self.taken) < RECORDED {
            return Vec::new();
        }
        self.taken = now;
        std::mem::take(&mut self.lost).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_add_up_until_they_are_taken_once_a_second() {
        let at = |seconds: u64| BootTime(seconds * 1_000_000_000);
        let mut losses = Losses::default();
        assert!(losses.take(at(5)).is_empty());
        losses.add("tcp", 2, at(5));
        losses.add("tcp", 3, at(5));
        losses.add("streams", 1, at(5));
        assert_eq!(losses.take(at(5)), [("streams", 1), ("tcp", 5)]);
        losses.add("tcp", 1, at(5));
        assert!(losses.take(at(5)).is_empty());
        assert_eq!(losses.take(at(6)), [("tcp", 1)]);
    }
}
