//! Puts bytes in order by their position: trims what was seen, reports what is missing.
//!
//! Channels arrive in order, so a jump is a loss at once. TCP segments may overtake each other: a few wait for an
//! earlier one, within bounds.

use std::collections::VecDeque;

use super::Limits;
use crate::inventory::BootTime;

/// The next thing that follows in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// So many bytes are missing here.
    Gap(u64),
    /// These bytes, brought at that time.
    Bytes(&'a [u8], BootTime),
}

/// A run of bytes at a position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) start: u64,
    pub(super) bytes: &'a [u8],
    /// Bytes that followed and were not copied.
    pub(super) skipped: u32,
    pub(super) at: BootTime,
}

impl Run<'_> {
    fn end(&self) -> u64 {
        self.start.saturating_add(len(self.bytes)).saturating_add(u64::from(self.skipped))
    }
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Where a stream stands. Observation may begin anywhere.
#[derive(Debug, Default)]
pub(super) struct Position(Option<u64>);

impl Position {
    /// Takes what is new of `run`.
    pub(super) fn advance(&mut self, run: &Run<'_>, step: &mut dyn FnMut(Step<'_>)) {
        let next = self.0.unwrap_or(run.start);
        self.0 = Some(next.max(run.end()));
        if let Some(missing) = run.start.checked_sub(next).filter(|missing| *missing > 0) {
            step(Step::Gap(missing));
        }
        let seen = next.saturating_sub(run.start);
        let fresh = usize::try_from(seen).ok().and_then(|seen| run.bytes.get(seen..)).unwrap_or_default();
        if !fresh.is_empty() {
            step(Step::Bytes(fresh, run.at));
        }
        let copied_to = run.start.saturating_add(len(run.bytes));
        let skipped = run.end().saturating_sub(copied_to.max(next));
        if skipped > 0 {
            step(Step::Gap(skipped));
        }
    }
}

/// Segments that wait at most, whatever their size.
const MAX_WAITING: usize = 32;
/// A segment further ahead than this is no overtaking but a loss.
const WINDOW: u64 = 1024 * 1024;
/// First position given to a TCP stream: far enough from 0 for what lies before it.
const ORIGIN: u64 = 1 << 40;

/// One direction of a TCP connection.
#[derive(Debug, Default)]
pub(super) struct Segments {
    position: Position,
    /// By position, lowest first; none starts at or before where the stream stands.
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    start: u64,
    bytes: Vec<u8>,
    skipped: u32,
    at: BootTime,
}

impl Segments {
    /// Bytes held.
    pub(super) fn buffered(&self) -> usize {
        self.waiting_bytes
    }

    /// Since when the oldest segment waits.
    pub(super) fn waiting_since(&self) -> Option<BootTime> {
        self.waiting.iter().map(|segment| segment.at).min()
    }

    /// Drops what waits; it will show as a gap.
    pub(super) fn shed(&mut self) {
        self.waiting = VecDeque::new();
        self.waiting_bytes = 0;
    }

    /// Takes a segment whose first byte has sequence number `sequence` (`run.start` is set from it).
    pub(super) fn accept(
        &mut self,
        sequence: u32,
        run: Run<'_>,
        limits: &Limits,
        step: &mut dyn FnMut(Step<'_>),
    ) {
        let run = Run { start: self.position_of(sequence), ..run };
        let ahead = self.position.0.map_or(0, |next| run.start.saturating_sub(next));
        if ahead == 0 {
            self.position.advance(&run, step);
        } else {
            self.hold(&run);
            if ahead > WINDOW {
                self.flush(step);
            }
        }
        self.release(step);
        while self.waiting.len() > MAX_WAITING || self.waiting_bytes > limits.reorder_bytes {
            self.release_first(step);
            self.release(step);
        }
    }

    /// Gives up on missing segments: everything that waits follows now, with its gaps.
    pub(super) fn flush(&mut self, step: &mut dyn FnMut(Step<'_>)) {
        while !self.waiting.is_empty() {
            self.release_first(step);
        }
    }

    /// Position of `sequence`, taken to be within 2 GiB of where the stream stands.
    fn position_of(&self, sequence: u32) -> u64 {
        let Some(next) = self.position.0 else { return ORIGIN.saturating_add(u64::from(sequence)) };
        let forward = u64::from(sequence.wrapping_sub(low_half(next)));
        if forward < 1 << 31 {
            next.saturating_add(forward)
        } else {
            next.saturating_add(forward).saturating_sub(1 << 32)
        }
    }

    fn hold(&mut self, run: &Run<'_>) {
        let at = self.waiting.partition_point(|segment| segment.start < run.start);
        let twin = self.waiting.get(at).filter(|segment| segment.start == run.start);
        if twin.is_some_and(|twin| twin.bytes.len() >= run.bytes.len()) {
            return;
        }
        let segment =
            Waiting { start: run.start, bytes: run.bytes.to_vec(), skipped: run.skipped, at: run.at };
        self.waiting_bytes = self.waiting_bytes.saturating_add(segment.bytes.len());
        self.waiting.insert(at, segment);
    }

    /// Delivers waiting segments that have become next.
    fn release(&mut self, step: &mut dyn FnMut(Step<'_>)) {
        while self.waiting.front().is_some_and(|first| self.position.0.is_none_or(|next| first.start <= next))
        {
            self.release_first(step);
        }
    }

    fn release_first(&mut self, step: &mut dyn FnMut(Step<'_>)) {
        let Some(Waiting { start, bytes, skipped, at }) = self.waiting.pop_front() else { return };
        self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes.len());
        self.position.advance(&Run { start, bytes: &bytes, skipped, at }, step);
    }
}

/// The low 32 bits: a position as a sequence number.
fn low_half(position: u64) -> u32 {
    u32::try_from(position & u64::from(u32::MAX)).expect("masked to 32 bits")
}
