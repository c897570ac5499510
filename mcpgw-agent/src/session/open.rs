//! Requests that wait for their answer.

use std::collections::HashMap;

use super::{Target, Violation, target};
use crate::mcp::{Message, RequestId, Revision};

/// Requests of one direction that may be open in a session.
pub const MAX_OPEN: usize = 10_000;

/// A request that was let through and is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequest {
    /// Its method.
    pub method: Box<str>,
    /// The tool, resource or prompt it names.
    pub target: Option<Target>,
    /// The id of the decision that let it through.
    pub decision: Box<str>,
    /// When, in microseconds of the caller's clock.
    pub since_us: u64,
    /// The revision it names itself.
    pub revision: Option<Revision>,
}

impl OpenRequest {
    pub(super) fn of(message: &Message, decision: &str, now_us: u64) -> Self {
        Self {
            method: message.method().unwrap_or_default().into(),
            target: Target::of(message),
            decision: decision.into(),
            since_us: now_us,
            revision: target::revision_of(message),
        }
    }
}

/// The open requests of one direction.
#[derive(Debug, Default)]
pub(super) struct Open(HashMap<RequestId, OpenRequest>);

impl Open {
    pub(super) fn may_open(&self, id: &RequestId) -> Result<(), Violation> {
        if self.0.contains_key(id) {
            return Err(Violation::DuplicateId);
        }
        if self.0.len() >= MAX_OPEN { Err(Violation::TooManyOpen) } else { Ok(()) }
    }

    pub(super) fn get(&self, id: &RequestId) -> Option<&OpenRequest> {
        self.0.get(id)
    }

    pub(super) fn insert(&mut self, id: RequestId, open: OpenRequest) {
        self.0.insert(id, open);
    }

    pub(super) fn remove(&mut self, id: &RequestId) -> Option<OpenRequest> {
        self.0.remove(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&RequestId, &OpenRequest)> {
        self.0.iter()
    }
}
