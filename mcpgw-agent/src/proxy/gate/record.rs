//! A decision on its way into the log, and what is counted of it.

use std::time::Instant;

use bytes::Bytes;

use super::metrics::Counted;
use super::{Turn, micros};
use crate::audit::{AuditError, Entry, Recorded};
use crate::effects::Collected;
use crate::mcp::Message;
use crate::policy::Mode;
use crate::session::Standing;
use crate::verdict::{Hold, Verdict};

/// What is known of a message besides what it says and what was decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside<'a> {
    /// When it was decided.
    pub(super) decided: Instant,
    /// The decision by which it was held before.
    pub(super) held: Option<&'a str>,
    /// What the call it answers did to the host.
    pub(super) done: Option<&'a Collected>,
}

impl Beside<'_> {
    /// Nothing else.
    pub(super) fn at(decided: Instant) -> Self {
        Self { decided, held: None, done: None }
    }
}

impl Turn<'_> {
    /// Records what was decided on `message`, of which `outgoing` goes on or would, and counts it.
    pub(super) fn record(
        &self,
        decision: &str,
        message: Option<&Message>,
        outgoing: Bytes,
        standing: &Standing,
        verdict: &Verdict,
        beside: Beside<'_>,
    ) -> Result<Recorded, AuditError> {
        let Beside { decided, held, done } = beside;
        let now_us = self.gate.us_at(decided);
        let entry = Entry {
            decision,
            session: self.party.members(),
            direction: self.direction,
            message,
            size_bytes: message.map_or(outgoing.len(), |message| message.bytes().len()),
            standing,
            verdict,
            held,
            mode: if self.party.is_tapped() { Mode::Observe } else { self.loaded.policy.mode() },
            policy_generation: self.loaded.generation,
            policy_hash: self.loaded.policy.hash(),
            latency_us: micros(decided.saturating_duration_since(self.since)),
            answered_us: standing.answered().map(|open| now_us.saturating_sub(open.since_us)),
            effects: done,
        };
        let recorded = self.gate.audit.record(&entry, outgoing);
        let asked = standing.answers.as_ref().map(|open| &*open.method);
        let counted = Counted {
            direction: self.direction,
            kind: message.map(Message::kind),
            method: message.and_then(Message::method).or(asked),
            verdict,
            is_first: held.is_none(),
            recorded: recorded.is_ok(),
            added: self.since.elapsed(),
            answered_us: entry.answered_us,
        };
        if !self.party.is_tapped() {
            self.gate.metrics.count(&counted);
        }
        if verdict.hold() != Some(Hold::Waits) {
            self.party.tally().count(self.direction, verdict.forwards() && recorded.is_ok());
        }
        recorded
    }
}
