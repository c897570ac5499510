//! One direction, seen from both its sides.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use super::cut::{Cut, Piece};
use super::{Passing, Told};
use crate::inventory::{BootTime, Channel, ProcessKey};
use crate::wire::Chunk;
use crate::wire::order::{self, Position, Run};

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
    /// What this side has shown or missed since both last showed the same, in its order.
    ahead: VecDeque<Step>,
    /// Of those, what went out of bounds.
    before: Sum,
    /// It has shown a text.
    live: bool,
}

/// A part of what passed.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A text: its hash, and its bytes with the end of its line.
    Text { hash: u64, bytes: u64 },
    /// Bytes of whole lines that are missing here, since when, and where.
    Missing { bytes: u64, at: BootTime, stream: Source },
}

/// Bytes of several steps together, and where the last that are missing were missed.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    shown: u64,
    missing: u64,
    stream: Option<Source>,
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
            order::Step::Gap(bytes) => cut.gap(bytes),
            order::Step::Bytes(bytes, _) => cut.feed(bytes, limit, &mut |piece| pieces.push(piece)),
        });
        for piece in pieces {
            self.piece(wrote, source, chunk.at, piece, out);
        }
    }

    pub(super) fn expire(&mut self, now: BootTime, out: &mut Vec<Told>) {
        let overdue = |side: &Side| side.since().is_some_and(|since| now.since(since) >= PATIENCE);
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
        let (hash, bytes, what) = match piece {
            Piece::Line(text, bytes, first) => {
                (self.hasher.hash_one(&text) | 1, bytes, Passing::Text { text, first })
            }
            Piece::Long(start) => (LONG, 0, Passing::Long(start)),
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
        let is_same = |step: &Step| matches!(step, Step::Text { hash: known, .. } if *known == hash);
        let other = self.side(!wrote);
        if let Some(known) = other.ahead.iter().position(is_same) {
            // What the other has shown before it, this side has missed.
            let theirs = other.take(known);
            other.ahead.pop_front();
            let ours = self.side(wrote).take_all();
            return self.tell_missing(ours, theirs, at, out);
        }
        self.side(wrote).add(Step::Text { hash, bytes });
        out.push(Told { to_server: self.to_server, at, stream: source, what });
    }

    /// Both sides will not show the same again: what only one of them missed is there.
    fn settle(&mut self, at: BootTime, out: &mut Vec<Told>) {
        let (read, wrote) = (self.read.sum_up(), self.wrote.sum_up());
        self.tell_missing(read, wrote, at, out);
    }

    /// Both sides show these bytes. Together they are as many on either side; what one shows and the other does not, that one
    /// misses; what is left of what it misses, nobody has.
    fn tell_missing(&mut self, one: Sum, other: Sum, at: BootTime, out: &mut Vec<Told>) {
        let is_one_sided = !(self.read.live && self.wrote.live);
        let left = |of: &Sum, shown: &Sum| of.missing.saturating_sub(shown.shown);
        let bytes = match is_one_sided {
            true => one.missing.max(other.missing),
            false => left(&one, &other).min(left(&other, &one)),
        };
        if let Some(stream) = one.stream.or(other.stream).filter(|_| bytes > 0) {
            out.push(Told { to_server: self.to_server, at, stream, what: Passing::Gap { bytes } });
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
        match self.ahead.back_mut() {
            Some(Step::Missing { bytes: before, .. }) => *before = before.saturating_add(bytes),
            Some(Step::Text { .. }) | None => self.add(Step::Missing { bytes, at, stream }),
        }
    }

    fn add(&mut self, step: Step) {
        self.ahead.push_back(step);
        if self.ahead.len() > AHEAD
            && let Some(oldest) = self.ahead.pop_front()
        {
            self.before.add(&oldest);
        }
    }

    /// Since when the first bytes are missing here.
    fn since(&self) -> Option<BootTime> {
        self.ahead.iter().find_map(|step| match step {
            Step::Missing { at, .. } => Some(*at),
            Step::Text { .. } => None,
        })
    }

    /// The sum of the first `count` steps, which are taken out, and of those before.
    fn take(&mut self, count: usize) -> Sum {
        let mut sum = std::mem::take(&mut self.before);
        self.ahead.drain(..count).for_each(|step| sum.add(&step));
        sum
    }

    /// The sum of all steps. What was shown by one process may still be shown by another of the other side, if there are several.
    fn take_all(&mut self) -> Sum {
        if self.streams.len() > 1 { self.sum_up() } else { self.take(self.ahead.len()) }
    }

    /// The sum of all steps, of which none counts again; what was shown stays known.
    fn sum_up(&mut self) -> Sum {
        let mut sum = std::mem::take(&mut self.before);
        self.ahead.retain_mut(|step| {
            sum.add(step);
            match step {
                Step::Text { bytes, .. } => {
                    *bytes = 0;
                    true
                }
                Step::Missing { .. } => false,
            }
        });
        sum
    }
}

impl Sum {
    fn add(&mut self, step: &Step) {
        match step {
            Step::Text { bytes, .. } => self.shown = self.shown.saturating_add(*bytes),
            Step::Missing { bytes, stream, .. } => {
                self.missing = self.missing.saturating_add(*bytes);
                self.stream = Some(*stream);
            }
        }
    }
}
