//! What waits for a person in one direction: the rest of the session goes on past it.

use std::task::Waker;
use std::time::Instant;

use bytes::Bytes;

use crate::json::Value;
use crate::mcp::{Message, MessageKind, RequestId};
use crate::proxy::gate::{Held, Passed};
use crate::verdict::Hold;

/// A message that waits, and the end of its line.
#[derive(Debug)]
pub(super) struct Parked {
    pub(super) held: Held,
    pub(super) end: Bytes,
}

/// All of a direction, oldest first. The registry of holds bounds them.
#[derive(Debug, Default)]
pub(super) struct Parking(Vec<Parked>);

impl Parking {
    pub(super) fn add(&mut self, held: Held, end: Bytes) {
        self.0.push(Parked { held, end });
    }

    /// When the first of them has waited long enough.
    pub(super) fn until(&self) -> Option<Instant> {
        self.0.iter().map(|parked| parked.held.until()).min()
    }

    /// Takes one that waits no more, and why. Of the others `waker` will tell when they are decided.
    pub(super) fn due(&mut self, waker: &Waker, now: Instant) -> Option<(Parked, Hold)> {
        let due = self.0.iter().enumerate();
        let (at, hold) = due.filter_map(|(at, parked)| Some((at, parked.held.poll(waker, now)?))).next()?;
        Some((self.0.remove(at), hold))
    }

    /// Takes the requests that what passes cancels: a batch may cancel many.
    pub(super) fn cancelled(&mut self, passed: &Passed) -> Vec<Parked> {
        let ids: Vec<RequestId> = passed.messages.iter().filter_map(cancels).collect();
        if ids.is_empty() {
            return Vec::new();
        }
        let is_one = |message: &Message| {
            message.kind() == MessageKind::Request && message.id().is_some_and(|id| ids.contains(id))
        };
        self.0.extract_if(.., |parked| is_one(parked.held.message())).collect()
    }

    /// Takes the oldest.
    pub(super) fn pop(&mut self) -> Option<Parked> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }
}

/// The request a notification cancels.
fn cancels(message: &Message) -> Option<RequestId> {
    if message.method() != Some("notifications/cancelled") {
        return None;
    }
    let id: Value<'_> = message.params()?.get("requestId")?;
    RequestId::of(id)
}
