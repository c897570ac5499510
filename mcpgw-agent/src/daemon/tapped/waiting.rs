//! What passed where nobody knows yet whether a server whose messages are wanted is there.

use std::collections::HashMap;
use std::time::Duration;

use crate::inventory::{BootTime, Channel, Listener, ProcessKey, StreamSource};
use crate::wire::Chunk;

/// Bytes kept of all places together, and of one.
const BYTES: usize = 16 << 20;
const PLACE_BYTES: usize = 2 << 20;
/// What a chunk takes besides its bytes.
const OVERHEAD: usize = 128;
/// How long a place is remembered at which nothing passes.
const IDLE: Duration = Duration::from_secs(150);

/// Where something passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Channel(Channel),
    Listener(Listener),
}

impl Place {
    /// A channel's end, where `chunk` is of one.
    pub(super) fn of(chunk: &Chunk) -> Option<Self> {
        match chunk.source {
            StreamSource::Channel { channel, .. } => Some(Self::Channel(channel)),
            StreamSource::Tcp { .. } | StreamSource::Tls { .. } => None,
        }
    }
}

/// A chunk that waits, and the client's process where it is of a connection.
#[derive(Debug)]
pub(super) struct Waits {
    order: u64,
    pub(super) chunk: Chunk,
    pub(super) client: Option<ProcessKey>,
}

#[derive(Debug, Default)]
struct Kept {
    chunks: Vec<Waits>,
    bytes: usize,
    at: BootTime,
}

/// Chunks by place.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    places: HashMap<Place, Kept>,
    bytes: usize,
    order: u64,
}

impl Waiting {
    /// Keeps `chunk`. Of a place that has too much, later chunks are left out, which will show as a gap; where all places
    /// together have, the one that was quiet longest is forgotten.
    pub(super) fn add(&mut self, place: Place, chunk: Chunk, client: Option<ProcessKey>) {
        let size = chunk.bytes.len().saturating_add(OVERHEAD);
        let kept = self.places.entry(place).or_default();
        kept.at = kept.at.max(chunk.at);
        if kept.bytes.saturating_add(size) > PLACE_BYTES {
            return;
        }
        self.order = self.order.saturating_add(1);
        kept.bytes = kept.bytes.saturating_add(size);
        kept.chunks.push(Waits { order: self.order, chunk, client });
        self.bytes = self.bytes.saturating_add(size);
        while self.bytes > BYTES {
            let oldest = self.places.iter().min_by_key(|(_, kept)| kept.at).map(|(place, _)| *place);
            let Some(oldest) = oldest else { return };
            self.forget(oldest);
        }
    }

    /// Takes out all of `places`, in the order it passed.
    pub(super) fn take(&mut self, places: impl IntoIterator<Item = Place>) -> Vec<(Place, Waits)> {
        let mut all = Vec::new();
        for place in places {
            let Some(kept) = self.places.remove(&place) else { continue };
            self.bytes = self.bytes.saturating_sub(kept.bytes);
            all.extend(kept.chunks.into_iter().map(|waits| (place, waits)));
        }
        all.sort_by_key(|(_, waits)| waits.order);
        all
    }

    pub(super) fn forget(&mut self, place: Place) {
        if let Some(kept) = self.places.remove(&place) {
            self.bytes = self.bytes.saturating_sub(kept.bytes);
        }
    }

    pub(super) fn forget_port(&mut self, port: u16) {
        let of_port =
            |place: &Place| matches!(place, Place::Listener(listener) if listener.addr.port() == port);
        let gone: Vec<Place> = self.places.keys().copied().filter(of_port).collect();
        gone.into_iter().for_each(|place| self.forget(place));
    }

    pub(super) fn expire(&mut self, now: BootTime) {
        let idle = |kept: &Kept| now.since(kept.at) >= IDLE;
        let gone: Vec<Place> =
            self.places.iter().filter(|(_, kept)| idle(kept)).map(|(place, _)| *place).collect();
        gone.into_iter().for_each(|place| self.forget(place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::ChannelKind;

    fn chunk(ino: u64, at: u64, len: usize) -> (Place, Chunk) {
        let channel = Channel { kind: ChannelKind::Fifo, ino };
        let process = ProcessKey { pid: 1, start_ticks: 1 };
        let source = StreamSource::Channel { channel, process, wrote: false };
        let (at, bytes) = (BootTime(at), vec![0; len]);
        let chunk = Chunk { source, at, connection: 0, offset: 0, bytes, skipped: 0, end: false };
        (Place::Channel(channel), chunk)
    }

    #[test]
    fn what_waited_comes_in_its_order_and_within_bounds() {
        let mut waiting = Waiting::default();
        for (ino, at) in [(1, 1), (2, 2), (1, 3)] {
            let (place, chunk) = chunk(ino, at, 10);
            waiting.add(place, chunk, None);
        }
        let places = [chunk(2, 0, 0).0, chunk(1, 0, 0).0];
        let times: Vec<u64> = waiting.take(places).iter().map(|(_, waits)| waits.chunk.at.0).collect();
        assert_eq!((times, waiting.bytes), (vec![1, 2, 3], 0));
        for ino in 0..1000 {
            let (place, chunk) = chunk(ino, ino, 1 << 20);
            waiting.add(place, chunk, None);
        }
        assert!(waiting.bytes <= BYTES && waiting.places.len() < 32);
        assert!(waiting.places.contains_key(&chunk(999, 0, 0).0));
        waiting.expire(BootTime(u64::MAX));
        assert!(waiting.places.is_empty() && waiting.bytes == 0);
    }
}
