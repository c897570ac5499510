//! The run form of the guard.

use std::time::Duration;

use crate::guard::{Mode, RuleSpec};

/// What the guard is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// How far it goes.
    pub mode: Mode,
    /// It does everything but the last step.
    pub dry_run: bool,
    /// Below which cgroup connections are denied and steered, as a path in the unified hierarchy.
    pub cgroup: String,
    /// How long a program waits for a decision.
    pub decide_within: Duration,
    /// Processes killed a minute at most.
    pub kills_per_minute: usize,
    /// Rules, in the order written.
    pub rules: Vec<RuleSpec>,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            mode: Mode::Off,
            dry_run: false,
            cgroup: "/".to_owned(),
            decide_within: Duration::from_millis(50),
            kills_per_minute: 10,
            rules: Vec::new(),
        }
    }
}
