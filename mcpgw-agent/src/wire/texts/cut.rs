//! Cuts one stream into lines; what has a gap in it is counted and left out.

use bytes::Bytes;

/// A part of the stream.
#[derive(Debug)]
pub(super) enum Piece {
    /// A line without its end, how many bytes it had with it, and whether it is the first.
    Line(Bytes, u64, bool),
    /// A line over the limit: its start.
    Long(Bytes),
    /// So many bytes of whole lines, with their ends, are missing or belong to a line that has missing ones.
    Lost(u64),
}

/// Lines of one stream.
#[derive(Debug, Default)]
pub(super) struct Cut {
    held: Vec<u8>,
    /// The line at hand: bytes of it that are missing or given up.
    lost: Option<u64>,
    /// The line at hand is over the limit and was told of.
    long: bool,
    /// A line has ended.
    begun: bool,
}

impl Cut {
    pub(super) fn buffered(&self) -> usize {
        self.held.capacity()
    }

    /// Bytes are missing.
    pub(super) fn gap(&mut self, bytes: u64) {
        let held = std::mem::take(&mut self.held);
        let before = self.lost.unwrap_or(0).saturating_add(count(&held));
        self.lost = Some(before.saturating_add(bytes));
    }

    pub(super) fn feed(&mut self, bytes: &[u8], limit: usize, piece: &mut dyn FnMut(Piece)) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = after.get(1..).unwrap_or_default();
            self.take(line, limit, piece);
            self.end(piece);
        }
        self.take(rest, limit, piece);
    }

    /// Gives up the line at hand; says how many bytes that were, and are.
    pub(super) fn finish(&mut self) -> u64 {
        let held = std::mem::take(&mut self.held);
        let blank = held.iter().all(u8::is_ascii_whitespace);
        self.lost.take().unwrap_or(0).saturating_add(if blank { 0 } else { count(&held) })
    }

    fn take(&mut self, bytes: &[u8], limit: usize, piece: &mut dyn FnMut(Piece)) {
        if let Some(lost) = &mut self.lost {
            *lost = lost.saturating_add(count(bytes));
            return;
        }
        if self.long {
            return;
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() > limit {
            self.long = true;
            piece(Piece::Long(std::mem::take(&mut self.held).into()));
        }
    }

    fn end(&mut self, piece: &mut dyn FnMut(Piece)) {
        let first = !std::mem::replace(&mut self.begun, true);
        if let Some(lost) = self.lost.take() {
            self.long = false;
            return piece(Piece::Lost(lost.saturating_add(1)));
        }
        if std::mem::take(&mut self.long) {
            return;
        }
        let mut line = std::mem::take(&mut self.held);
        let bytes = count(&line).saturating_add(1);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if !line.iter().all(u8::is_ascii_whitespace) {
            piece(Piece::Line(line.into(), bytes, first));
        }
    }
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
