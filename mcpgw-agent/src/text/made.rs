//! A text made of another, and where each of its bytes comes from.

use std::ops::Range;

use super::edits::narrow;

/// A text made of another.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) text: String,
    pub(super) map: Map,
    /// Only blanks were made fewer: the words are the same.
    pub(super) respaced: bool,
}

impl Made {
    /// All of `text` comes from `range`, and none of it from a part of that.
    pub(super) fn of(text: String, range: Range<usize>) -> Self {
        let mut map = Map::default();
        map.add(0, &range, false);
        Self { text, map, respaced: false }
    }

    /// Adds `range` of `text` as it is.
    pub(super) fn copy(&mut self, text: &str, range: Range<usize>) {
        let Some(copied) = text.get(range.clone()).filter(|copied| !copied.is_empty()) else { return };
        self.map.add(self.text.len(), &range, true);
        self.text.push_str(copied);
    }

    /// Adds `with`, which stands for `range`.
    pub(super) fn put(&mut self, with: &str, range: Range<usize>) {
        if !with.is_empty() {
            self.map.add(self.text.len(), &range, false);
            self.text.push_str(with);
        }
    }
}

/// Where the bytes of a made text come from.
#[derive(Debug, Default)]
pub(super) struct Map {
    pieces: Vec<Piece>,
}

/// From `made` on to the next piece, bytes come from `from..to`.
#[derive(Debug, Clone, Copy)]
struct Piece {
    made: u32,
    from: u32,
    to: u32,
    /// Byte for byte.
    copied: bool,
}

impl Map {
    fn add(&mut self, made: usize, range: &Range<usize>, copied: bool) {
        let (made, from, to) = (narrow(made), narrow(range.start), narrow(range.end));
        self.pieces.push(Piece { made, from, to, copied });
    }

    fn at(&self, position: usize) -> Option<(usize, &Piece)> {
        let found = self.pieces.partition_point(|piece| piece.made as usize <= position).checked_sub(1)?;
        self.pieces.get(found).map(|piece| (found, piece))
    }

    /// Where `range` comes from.
    pub(super) fn origin(&self, range: Range<usize>) -> Range<usize> {
        let Some((_, first)) = self.at(range.start) else { return 0..0 };
        let last = self.at(range.end.saturating_sub(1).max(range.start)).map_or(first, |(_, last)| last);
        let start = match first.copied {
            true => first.from as usize + (range.start - first.made as usize),
            false => first.from as usize,
        };
        let end = match last.copied {
            true => last.from as usize + range.end.saturating_sub(last.made as usize),
            false => last.to as usize,
        };
        // Behind the end of the last piece nothing comes from anywhere.
        let (start, end) = (start.min(first.to as usize), end.min(last.to as usize));
        start..end.max(start)
    }

    /// All of `range` stands in the other text as it does in this one.
    pub(super) fn is_copied(&self, range: &Range<usize>) -> bool {
        self.at(range.start).is_some_and(|(found, piece)| {
            let end = self.pieces.get(found + 1).map_or(usize::MAX, |next| next.made as usize);
            piece.copied && range.end <= end
        })
    }
}
