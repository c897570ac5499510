//! Requests that wait for their answer.

use std::collections::{HashMap, HashSet, VecDeque};

use super::{Target, Violation, target};
use crate::json::Value;
use crate::mcp::{Message, RequestId, Revision};

/// Requests of one direction that may be open in a session.
pub const MAX_OPEN: usize = 10_000;
/// Bytes they may hold before no more are opened; the last one may reach beyond.
const MAX_BYTES: usize = 16 << 20;
/// Requests given up that are remembered, so that a late answer still has its request.
const MAX_GIVEN_UP: usize = 1_000;

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
    /// It has no cursor: of a list, it asks for the first page.
    pub from_start: bool,
    /// What records call it, where that is not as it came.
    pub shown: Option<Named>,
}

/// What a request is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its method.
    method: Option<Box<str>>,
    /// What it names.
    target: Option<Target>,
}

impl Named {
    /// As `message` is called; without one, nothing.
    pub(super) fn of(message: Option<&Message>) -> Self {
        Self {
            method: message.and_then(Message::method).map(Into::into),
            target: message.and_then(Target::of),
        }
    }
}

impl OpenRequest {
    pub(super) fn of(message: &Message, decision: &str, now_us: u64) -> Self {
        let cursor = message.params().and_then(|params| params.get("cursor"));
        Self {
            method: message.method().unwrap_or_default().into(),
            target: Target::of(message),
            decision: decision.into(),
            since_us: now_us,
            revision: target::revision_of(message),
            from_start: cursor.and_then(Value::as_str).is_none(),
            shown: None,
        }
    }

    /// Its method, as records have it.
    #[must_use]
    pub fn shown_method(&self) -> Option<&str> {
        self.shown.as_ref().map_or(Some(&self.method), |shown| shown.method.as_deref())
    }

    /// What it names, as records have it.
    #[must_use]
    pub fn shown_target(&self) -> Option<&Target> {
        self.shown.as_ref().map_or(self.target.as_ref(), |shown| shown.target.as_ref())
    }

    fn bytes(&self) -> usize {
        let target = |target: Option<&Target>| target.map_or(0, |target| target.text().len());
        let shown = self.shown.as_ref().map_or(0, |shown| {
            shown.method.as_ref().map_or(0, |method| method.len()) + target(shown.target.as_ref())
        });
        self.method.len() + self.decision.len() + target(self.target.as_ref()) + shown
    }
}

/// A request and what only the session needs of it.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) request: OpenRequest,
    /// The tool whose call became the task it names.
    pub(super) task_tool: Option<Box<str>>,
    /// Whoever asked wants no answer any more.
    given_up: bool,
}

impl Waiting {
    pub(super) fn new(request: OpenRequest, task_tool: Option<Box<str>>) -> Self {
        Self { request, task_tool, given_up: false }
    }

    fn bytes(&self) -> usize {
        self.request.bytes() + self.task_tool.as_ref().map_or(0, |tool| tool.len())
    }
}

/// The open requests of one direction.
///
/// What is full refuses: a request beyond the bounds is not to be let through, and one that is all the same (a policy
/// that only observes) is not remembered, so that its answer counts as one nobody asked for. Only requests that were
/// given up make room, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Open {
    requests: HashMap<RequestId, Waiting>,
    bytes: usize,
    /// Ids of those given up, oldest first.
    given_up: VecDeque<RequestId>,
    /// Requests that wait for a person. Whoever lets them wait bounds them.
    pub(super) held: HashSet<RequestId>,
    /// Requests whose answer does.
    pub(super) held_answers: HashSet<RequestId>,
}

impl Open {
    pub(super) fn may_open(&self, id: &RequestId) -> Result<(), Violation> {
        if self.requests.contains_key(id) || self.held.contains(id) {
            return Err(Violation::DuplicateId);
        }
        if self.is_full() && self.given_up.is_empty() { Err(Violation::TooManyOpen) } else { Ok(()) }
    }

    fn is_full(&self) -> bool {
        self.requests.len() + self.held.len() >= MAX_OPEN || self.bytes >= MAX_BYTES
    }

    pub(super) fn get(&self, id: &RequestId) -> Option<&Waiting> {
        self.requests.get(id)
    }

    pub(super) fn insert(&mut self, id: RequestId, waiting: Waiting) {
        // One with the same id only passes where violations are observed: the later one counts.
        self.remove(&id);
        if self.is_full() && self.given_up.is_empty() {
            return;
        }
        while self.is_full()
            && let Some(oldest) = self.given_up.pop_front()
        {
            self.take(&oldest);
        }
        self.bytes += waiting.bytes();
        self.requests.insert(id, waiting);
    }

    /// Records are to call the request `id` so.
    pub(super) fn show_as(&mut self, id: &RequestId, shown: Named) {
        if let Some(waiting) = self.requests.get_mut(id) {
            let before = waiting.bytes();
            waiting.request.shown = Some(shown);
            self.bytes = self.bytes.saturating_sub(before).saturating_add(waiting.bytes());
        }
    }

    pub(super) fn remove(&mut self, id: &RequestId) -> Option<Waiting> {
        let waiting = self.take(id)?;
        if waiting.given_up {
            self.given_up.retain(|given_up| given_up != id);
        }
        Some(waiting)
    }

    fn take(&mut self, id: &RequestId) -> Option<Waiting> {
        // Mostly, and then the id need not be hashed.
        if self.requests.is_empty() {
            return None;
        }
        let waiting = self.requests.remove(id)?;
        self.bytes = self.bytes.saturating_sub(waiting.bytes());
        Some(waiting)
    }

    /// Nobody waits for the answer to `id` any more. It may come all the same, once.
    pub(super) fn give_up(&mut self, id: &RequestId) {
        let Some(waiting) = self.requests.get_mut(id).filter(|waiting| !waiting.given_up) else { return };
        // The protocol forbids to cancel it: the answer is waited for.
        if &*waiting.request.method == "initialize" {
            return;
        }
        waiting.given_up = true;
        self.given_up.push_back(id.clone());
        if self.given_up.len() > MAX_GIVEN_UP
            && let Some(oldest) = self.given_up.pop_front()
        {
            self.take(&oldest);
        }
    }

    pub(super) fn unanswered(&self) -> impl Iterator<Item = (&RequestId, &OpenRequest)> {
        let waited_for = self.requests.iter().filter(|(_, waiting)| !waiting.given_up);
        waited_for.map(|(id, waiting)| (id, &waiting.request))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }
}
