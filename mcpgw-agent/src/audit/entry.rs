//! What is recorded of a message.

use super::line::Line;
use super::record;
use crate::effects::Collected;
use crate::mcp::{Direction, Message};
use crate::policy::{Context, Mode};
use crate::session::Standing;
use crate::verdict::Verdict;

/// The members of a record that say whose session it is, and what is known of that: the same in all of them, written once.
#[derive(Debug)]
pub struct SessionMembers(Box<[u8]>);

impl SessionMembers {
    /// Of the session `id`.
    #[must_use]
    pub fn of(id: &str, context: &Context) -> Self {
        Self(Line::members(|line| record::session(line, id, context)))
    }

    /// As they stand in a record.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A message and what was decided about it.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Id of this decision.
    pub decision: &'a str,
    /// The session's id and circumstances.
    pub session: &'a SessionMembers,
    /// Which way it goes.
    pub direction: Direction,
    /// The message, where it could be decoded.
    pub message: Option<&'a Message>,
    /// Its length in bytes.
    pub size_bytes: usize,
    /// What the session knew about it.
    pub standing: &'a Standing,
    /// What was decided.
    pub verdict: &'a Verdict,
    /// The decision by which it was held before this one, where it was.
    pub held: Option<&'a str>,
    /// The policy file's mode: where it only observes, a record that cannot be written stops nothing.
    pub mode: Mode,
    /// Which policy evaluated it: how many were loaded before it.
    pub policy_generation: u64,
    /// Its hash.
    pub policy_hash: &'a str,
    /// Microseconds from its last byte's arrival to the decision.
    pub latency_us: u64,
    /// Microseconds since the request it answers was let through.
    pub answered_us: Option<u64>,
    /// What the call it answers did to the host, [concealed](Collected::conceal); `None` where it answers none, or nobody
    /// looked.
    pub effects: Option<&'a Collected>,
}
