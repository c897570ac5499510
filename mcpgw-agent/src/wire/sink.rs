//! Where sightings of one chunk go, with what they have in common.

use super::{Counters, Heard, Hearing, Limits, Seen, Sighting};
use crate::inventory::{BootTime, StreamSource};
use crate::mcp::Peek;

/// Collects sightings of one stream.
#[derive(Debug)]
pub(super) struct Sink<'a> {
    pub(super) source: StreamSource,
    pub(super) at: BootTime,
    pub(super) limits: &'a Limits,
    pub(super) counters: &'a mut Counters,
    pub(super) out: &'a mut Vec<Sighting>,
    /// Which connection it is.
    pub(super) connection: u64,
    /// Where texts go as they came; `None` where nobody wants them.
    pub(super) heard: Option<&'a mut Vec<Heard>>,
}

impl Sink<'_> {
    pub(super) fn report(&mut self, seen: Seen) {
        self.out.push(Sighting { source: self.source, at: self.at, seen });
    }

    /// Somebody wants texts as they came.
    pub(super) fn is_heard(&self) -> bool {
        self.heard.is_some()
    }

    pub(super) fn hear(&mut self, what: Hearing) {
        let (source, connection, at) = (self.source, self.connection, self.at);
        if let Some(heard) = &mut self.heard {
            heard.push(Heard { source, connection, at, what });
        }
    }

    pub(super) fn message(&mut self, peek: Peek) {
        self.report(Seen::Message(Box::new(peek)));
    }

    pub(super) fn gap(&mut self, bytes: u64) {
        self.counters.gaps = self.counters.gaps.saturating_add(1);
        self.counters.gap_bytes = self.counters.gap_bytes.saturating_add(bytes);
        self.hear(Hearing::Gap { bytes });
        self.report(Seen::Gap { bytes });
    }

    pub(super) fn oversized(&mut self) {
        self.counters.oversized = self.counters.oversized.saturating_add(1);
        self.hear(Hearing::Long);
    }
}
