//! A server that was ended for what it did.

use serde::{Deserialize, Serialize};

/// What came of ending a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// Processes that were told to end.
    pub processes: u32,
    /// Some may be left.
    pub is_incomplete: bool,
}

/// A server that was ended for what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Killed {
    /// The rule of policy that says so.
    pub rule: Box<str>,
    /// What came of it.
    pub ended: Ended,
}
