//! What is known of a server when somebody wants to use it. Pure.

use super::{Issue, Level, Score};

/// What a server amounts to: all it has said of itself, and what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// How it does.
    pub score: Score,
    /// Why, worst first.
    pub issues: Vec<Issue>,
    /// SHA-256 of all this was made of: another one where anything is defined anew or otherwise.
    pub basis: [u8; 32],
    /// It has listed tools, or anything else that can be judged.
    pub is_listed: bool,
}

/// What a person decided about a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decided {
    /// It may be used as it is.
    Approved,
    /// It might be used as it was, and is something else now.
    Outdated,
    /// It may not be used.
    Blocked,
}

/// What is known of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Known {
    /// How much risk there is; `None` where it has listed nothing yet, or nothing can be known.
    pub level: Option<Level>,
    /// What a person decided.
    pub decided: Option<Decided>,
}
