//! One direction, seen from both its sides.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use super::cut::{Cut, Piece};
use super::{Passing, Told};
use crate::inventory::{BootTime, Channel, ProcessKey};
use crate::wire::Chunk;
use crate::wire::order::{Position, Run, Step};

/// Processes of one side whose bytes are kept apart.
const STREAMS: usize = 8;
/// Texts one side may be ahead of the other, before they count as missed there.
const AHEAD: usize = 4096;
/// How long the other side may take to show what is missing on one.
const PATIENCE: Duration = Duration::from_secs(2);
/// What stands for a line over the limit.
const LONG: u64 = 0;

/// Whose reads or writes, at which end.
type Source = (Channel, ProcessKey);

/// One direction.
#[derive(Debug)]
pub(super) struct Way {
    to_server: bool,
    hasher: RandomState,
    read: Side,
    wrote: Side,
}

/// What one side shows of it.
#[derive(Debug, Default)]
struct Side {
    streams: Vec<Stream>,
    /// What was told by this side and not shown by the other.
    ahead: VecDeque<u64>,
    /// It has shown a text.
    live: bool,
    /// Bytes missing since both sides last showed the same, and since when.
    missing: Option<Missing>,
}

#[derive(Debug, Clone, Copy)]
struct Missing {
    bytes: u64,
    at: BootTime,
    stream: Source,
}

#[derive(Debug)]
struct Stream {
    source: Source,
    position: Position,
    cut: Cut,
    at: BootTime,
}

impl Way {
    pub(super) fn new(to_server: bool) -> Self {
        Self { to_server, hasher: RandomState::new(), read: Side::default(), wrote: Side::default() }
    }

    pub(super) fn push(
        &mut self,
        wrote: bool,
        source: Source,
        chunk: &Chunk,
        limit: usize,
        out: &mut Vec<Told>,
    ) {
        let run = Run { start: chunk.offset, bytes: &chunk.bytes, skipped: chunk.skipped, at: chunk.at };
        let mut pieces = Vec::new();
        let stream = self.side(wrote).stream(source, &run);
        stream.at = chunk.at;
        let Stream { position, cut, .. } = stream;
        position.advance(&run, &mut |step| match step {
            Step::Gap(bytes) => cut.gap(bytes),
            Step::Bytes(bytes, _) => cut.feed(bytes, limit, &mut |piece| pieces.push(piece)),
        });
        for piece in pieces {
            self.piece(wrote, source, chunk.at, piece, out);
        }
    }

    pub(super) fn expire(&mut self, now: BootTime, out: &mut Vec<Told>) {
        let overdue = |side: &Side| side.missing.is_some_and(|missing| now.since(missing.at) >= PATIENCE);
        if overdue(&self.read) || overdue(&self.wrote) {
            self.settle(now, out);
        }
    }

    /// Nothing more comes.
    pub(super) fn finish(&mut self, now: BootTime, out: &mut Vec<Told>) {
        for side in [&mut self.read, &mut self.wrote] {
            let mut left = Vec::new();
            for stream in &mut side.streams {
                left.push((stream.cut.finish(), stream.source));
            }
            left.into_iter().for_each(|(bytes, source)| side.miss(bytes, now, source));
        }
        self.settle(now, out);
    }

    pub(super) fn buffered(&self) -> usize {
        let streams = self.read.streams.iter().chain(&self.wrote.streams);
        streams.map(|stream| stream.cut.buffered()).sum()
    }

    pub(super) fn shed(&mut self) {
        self.read.streams.iter_mut().chain(&mut self.wrote.streams).for_each(|stream| stream.cut.gap(0));
    }

    fn piece(&mut self, wrote: bool, source: Source, at: BootTime, piece: Piece, out: &mut Vec<Told>) {
        let (hash, what) = match piece {
            Piece::Line(text, first) => (self.hasher.hash_one(&text) | 1, Passing::Text { text, first }),
            Piece::Long(start) => (LONG, Passing::Long(start)),
            Piece::Lost(bytes) => {
                let alone = !self.side(!wrote).live;
                self.side(wrote).miss(bytes, at, source);
                if alone {
                    self.settle(at, out);
                }
                return;
            }
        };
        self.side(wrote).live = true;
        let other = self.side(!wrote);
        if let Some(known) = other.ahead.iter().position(|ahead| *ahead == hash) {
            // What the other has told before it, this side has missed.
            other.ahead.drain(..=known);
            return self.settle(at, out);
        }
        let own = self.side(wrote);
        own.ahead.push_back(hash);
        if own.ahead.len() > AHEAD {
            own.ahead.pop_front();
        }
        out.push(Told { to_server: self.to_server, at, stream: source, what });
    }

    /// Both sides show the same again, or will not: what only one of them missed is there.
    fn settle(&mut self, at: BootTime, out: &mut Vec<Told>) {
        let (read, wrote) = (self.read.missing.take(), self.wrote.missing.take());
        let lost = match (read, wrote) {
            (Some(read), Some(wrote)) => Some(if read.bytes <= wrote.bytes { read } else { wrote }),
            (Some(read), None) => Some(read).filter(|_| !self.wrote.live),
            (None, Some(wrote)) => Some(wrote).filter(|_| !self.read.live),
            (None, None) => None,
        };
        if let Some(Missing { bytes, stream, .. }) = lost {
            let what = Passing::Gap { bytes };
            out.push(Told { to_server: self.to_server, at, stream, what });
        }
    }

    fn side(&mut self, wrote: bool) -> &mut Side {
        if wrote { &mut self.wrote } else { &mut self.read }
    }
}

impl Side {
    /// The stream of `source`; begun anew where its count has.
    fn stream(&mut self, source: Source, run: &Run<'_>) -> &mut Stream {
        let known = self.streams.iter().position(|stream| stream.source == source);
        if let Some(at) = known.filter(|_| run.start == 0) {
            self.streams.swap_remove(at);
        }
        let at = match known.filter(|_| run.start != 0) {
            Some(at) => at,
            None => {
                if self.streams.len() >= STREAMS
                    && let Some((oldest, _)) =
                        self.streams.iter().enumerate().min_by_key(|(_, stream)| stream.at)
                {
                    self.streams.swap_remove(oldest);
                }
                let (position, cut) = (Position::default(), Cut::default());
                self.streams.push(Stream { source, position, cut, at: run.at });
                self.streams.len().saturating_sub(1)
            }
        };
        self.streams.get_mut(at).expect("it was found, or put there")
    }

    fn miss(&mut self, bytes: u64, at: BootTime, stream: Source) {
        if bytes == 0 {
            return;
        }
        let before = self.missing.map_or(0, |missing| missing.bytes);
        let at = self.missing.map_or(at, |missing| missing.at);
        self.missing = Some(Missing { bytes: before.saturating_add(bytes), at, stream });
    }
}
