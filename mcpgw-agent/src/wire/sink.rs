//! Where sightings of one chunk go, with what they have in common.

use super::{Counters, Limits, Seen, Sighting};
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
}

impl Sink<'_> {
    pub(super) fn report(&mut self, seen: Seen) {
        self.out.push(Sighting { source: self.source, at: self.at, seen });
    }

    pub(super) fn message(&mut self, peek: Peek) {
        self.report(Seen::Message(Box::new(peek)));
    }

    pub(super) fn gap(&mut self, bytes: u64) {
        self.counters.gaps = self.counters.gaps.saturating_add(1);
        self.counters.gap_bytes = self.counters.gap_bytes.saturating_add(bytes);
        self.report(Seen::Gap { bytes });
    }

    pub(super) fn oversized(&mut self) {
        self.counters.oversized = self.counters.oversized.saturating_add(1);
    }
}
