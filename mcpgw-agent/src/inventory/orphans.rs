//! Sightings that came before the process that explains them: kept a little while, bounded, then counted lost.
//!
//! Bytes and life cycle travel in different rings; the first answer of a fast server may overtake its exec.

use std::collections::VecDeque;
use std::time::Duration;

use super::{BootTime, Channel, StreamSource};
use crate::wire::Sighting;

/// Sightings kept of one channel end.
const EACH: usize = 8;

/// The waiting room.
#[derive(Debug)]
pub(super) struct Orphans {
    waiting: VecDeque<(BootTime, Sighting)>,
    limit: usize,
    dropped: u64,
}

impl Orphans {
    pub(super) fn new(limit: usize) -> Self {
        Self { waiting: VecDeque::new(), limit: limit.max(1), dropped: 0 }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    pub(super) fn push(&mut self, now: BootTime, sighting: Sighting) {
        let own = channel(&sighting);
        let of_channel = self.waiting.iter().filter(|(_, known)| channel(known) == own).count();
        if of_channel >= EACH {
            self.dropped += 1;
            return;
        }
        if self.waiting.len() >= self.limit {
            self.waiting.pop_front();
            self.dropped += 1;
        }
        self.waiting.push_back((now, sighting));
    }

    /// All of them, to be tried again; what still fits nowhere comes back through [`Self::put_back`].
    pub(super) fn take(&mut self) -> VecDeque<(BootTime, Sighting)> {
        std::mem::take(&mut self.waiting)
    }

    pub(super) fn put_back(&mut self, waiting: VecDeque<(BootTime, Sighting)>) {
        self.waiting = waiting;
    }

    pub(super) fn expire(&mut self, now: BootTime, keep: Duration) {
        let before = self.waiting.len();
        self.waiting.retain(|(at, _)| at.after(keep) > now);
        self.dropped += u64::try_from(before - self.waiting.len()).unwrap_or(u64::MAX);
    }
}

fn channel(sighting: &Sighting) -> Option<Channel> {
    match sighting.source {
        StreamSource::Channel { channel, .. } => Some(channel),
        StreamSource::Tcp { .. } | StreamSource::Tls { .. } => None,
    }
}
