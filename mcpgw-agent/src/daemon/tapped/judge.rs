//! Texts through the gate. Nothing goes on from here: what a verdict is for is its record.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::session::{Session, Sessions};
use crate::audit::Event;
use crate::json;
use crate::mcp::{Decoded, Direction, Malformed, MessageKind, Reason};
use crate::proxy::gate::{Framing, Inquiry, Judged};

/// Messages decided on before their records are waited for, at most.
const BURST: usize = 32;

/// Judges, and waits for the records of a few messages together.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) sessions: Sessions,
    judged: Vec<Judged>,
}

/// Where bytes are missing.
#[derive(Debug)]
pub(super) struct Missing<'a> {
    pub(super) direction: Direction,
    pub(super) bytes: Option<u64>,
    pub(super) stream: &'a str,
    pub(super) why: &'a str,
}

impl Judge {
    pub(super) fn new(sessions: Sessions) -> Self {
        Self { sessions, judged: Vec::new() }
    }

    /// What the gate makes of `text`. Where it is the `first` of its stream it may be the end of a message that began before
    /// anybody looked: then it is no message. `stream` is where it passed.
    pub(super) fn text(
        &mut self,
        session: &Session,
        direction: Direction,
        text: &Bytes,
        framing: Framing,
        first: Option<&str>,
    ) {
        let since = Instant::now();
        let gate = Arc::clone(&self.sessions.gate);
        if text.len() > gate.limits().bytes {
            return self.long(session, direction, text);
        }
        let decoded = gate.decode(text.clone(), framing);
        if let (Some(stream), Err(_)) = (first, &decoded) {
            let bytes = u64::try_from(text.len()).ok();
            return self.missing(session, &Missing { direction, bytes, stream, why: "joined" });
        }
        let joins = first.is_some() && direction == Direction::ToServer;
        if joins && !decoded.as_ref().is_ok_and(begins) {
            session.party.blinded();
        }
        let inquiry = gate.inquire(&session.party, direction, &decoded, None);
        if inquiry.as_ref().is_some_and(Inquiry::asks) {
            self.settle();
        }
        let advice = inquiry.and_then(Inquiry::wait);
        self.count(session, direction);
        let judged = gate.judge(&session.party, direction, text, decoded, None, advice, since);
        self.add(judged);
    }

    /// A message is over the limit; `start` is as much of it as there is.
    pub(super) fn long(&mut self, session: &Session, direction: Direction, start: &Bytes) {
        let since = Instant::now();
        let gate = Arc::clone(&self.sessions.gate);
        let fault = json::Error { fault: json::Fault::TooLong, at: gate.limits().bytes };
        let malformed = Malformed { reason: Reason::Json(fault), id: None };
        // It may have answered something, or asked.
        session.party.blinded();
        self.count(session, direction);
        let judged = gate.judge(&session.party, direction, start, Err(malformed), None, None, since);
        self.add(judged);
    }

    /// Something passed that was not seen.
    pub(super) fn missing(&mut self, session: &Session, missing: &Missing<'_>) {
        let &Missing { direction, bytes, stream, why } = missing;
        let party = &session.party;
        party.blinded();
        self.sessions.counters.tap_gap(bytes.unwrap_or(0));
        let (session, context) = (party.id(), party.context());
        self.sessions.note(&Event::TapGap { session, context, direction, bytes, stream, why });
    }

    /// Waits for the records.
    pub(super) fn settle(&mut self) {
        for judged in self.judged.drain(..) {
            // What would be sent on, or answered, has passed already.
            drop(judged.wait());
        }
        self.sessions.gate.audit().rest();
    }

    fn add(&mut self, judged: Judged) {
        self.judged.push(judged);
        if self.judged.len() >= BURST {
            self.settle();
        }
    }

    fn count(&self, session: &Session, direction: Direction) {
        self.sessions.counters.tap_message(session.transport, direction == Direction::ToServer);
    }
}

/// A conversation may begin so: nothing before it was missed.
fn begins(decoded: &Decoded) -> bool {
    let Decoded::One(message) = decoded else { return false };
    message.kind() == MessageKind::Request
        && matches!(message.method(), Some("initialize" | "server/discover"))
}

/// The text is a message that begins a session of its own.
pub(super) fn is_initialize(judge: &Judge, text: &Bytes) -> bool {
    if memchr::memmem::find(text, b"\"initialize\"").is_none() {
        return false;
    }
    let decoded = judge.sessions.gate.decode(text.clone(), Framing::Body);
    matches!(decoded, Ok(Decoded::One(message)) if message.method() == Some("initialize"))
}
