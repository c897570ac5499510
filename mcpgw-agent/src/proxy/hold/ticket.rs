//! A message's place among those that wait.

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::Holds;
use crate::verdict::Hold;

/// A message's place among those that wait, given up when it is dropped.
#[derive(Debug)]
pub struct Ticket {
    holds: Arc<Holds>,
    key: u64,
    until: Instant,
}

impl Ticket {
    pub(super) fn new(holds: Arc<Holds>, key: u64, until: Instant) -> Self {
        Self { holds, key, until }
    }

    /// When waiting ends at the latest.
    #[must_use]
    pub fn until(&self) -> Instant {
        self.until
    }

    /// What came of it. Where nothing did, `waker` is woken once somebody has decided; not when time is up.
    #[must_use]
    pub fn poll(&self, waker: &Waker, now: Instant) -> Option<Hold> {
        self.holds.poll(self.key, waker, now)
    }

    /// It waits no more, and this became of it.
    pub fn over(&self, hold: Hold) {
        self.holds.over(self.key, hold);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.over(Hold::Ended);
    }
}
