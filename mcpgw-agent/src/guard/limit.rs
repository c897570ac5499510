//! How many processes may be killed: a wrong rule must not empty the host.

use std::collections::VecDeque;
use std::time::Duration;

use crate::inventory::BootTime;

/// Over which time kills are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Counts kills, and refuses those that are too many.
#[derive(Debug, Clone)]
pub struct KillLimit {
    most: usize,
    recent: VecDeque<BootTime>,
}

impl KillLimit {
    /// At most `most` a minute.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, recent: VecDeque::new() }
    }

    /// Another limit; what was killed lately counts on.
    pub fn set(&mut self, most: usize) {
        self.most = most;
    }

    /// How many it is a minute.
    #[must_use]
    pub fn most(&self) -> usize {
        self.most
    }

    /// Whether one more may be killed now; if so it is counted.
    pub fn take(&mut self, now: BootTime) -> bool {
        while self.recent.front().is_some_and(|at| now.since(*at) >= WINDOW) {
            self.recent.pop_front();
        }
        let has_room = self.recent.len() < self.most;
        if has_room {
            self.recent.push_back(now);
        }
        has_room
    }
}
