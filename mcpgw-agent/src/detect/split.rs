//! Texts of one message that a model reads one after the other: what is split over them is found only together.

use std::ops::Range;

use super::Surface;
use super::inspector::Source;
use crate::mcp::Role;
use crate::text::{Budget, JoinedText, join};

/// Bytes at each end of a text that are read together with its neighbour's.
const END: usize = 512;
/// Bytes of all ends that are kept.
const MAX_BYTES: usize = 256 << 10;

/// The ends of the texts so far.
#[derive(Debug, Default)]
pub(super) struct Split {
    pieces: Vec<Piece>,
    bytes: usize,
}

/// A short text, or one end of a longer one.
#[derive(Debug)]
struct Piece {
    text: String,
    source: Source,
    /// Where it begins in its text.
    start: usize,
}

/// Pieces put together.
pub(super) struct Together {
    text: JoinedText,
    /// Source and start of each.
    pieces: Vec<(Source, usize)>,
    pub(super) surface: Surface,
    pub(super) role: Role,
}

impl Split {
    /// Adds a text that is read after those before.
    pub(super) fn add(&mut self, text: &str, source: Source) {
        let is_read = matches!(source.role, Role::Prose | Role::Argument | Role::Structured);
        if !is_read || text.is_empty() || self.bytes >= MAX_BYTES {
            return;
        }
        let (head, tail) =
            (text.floor_char_boundary(END), text.ceil_char_boundary(text.len().saturating_sub(END)));
        let ends = if text.len() <= 2 * END { [0..text.len(), 0..0] } else { [0..head, tail..text.len()] };
        for range in ends {
            let start = range.start;
            if let Some(piece) = text.get(range).filter(|piece| !piece.is_empty()) {
                self.bytes += piece.len();
                self.pieces.push(Piece { text: piece.to_owned(), source, start });
            }
        }
    }

    /// The texts they make; none where there is only one.
    pub(super) fn joined(self, budget: &mut Budget) -> Vec<Together> {
        let Some(first) = self.pieces.first() else { return Vec::new() };
        let (surface, role) = (first.source.surface, first.source.role);
        if self.pieces.iter().all(|piece| piece.source.node == first.source.node) {
            return Vec::new();
        }
        let pieces: Vec<_> = self.pieces.iter().map(|piece| (piece.source, piece.start)).collect();
        let joined = join(self.pieces.iter().map(|piece| &*piece.text), budget);
        let texts = joined.into_iter().flat_map(|joined| [Some(joined.spaced), joined.tight]).flatten();
        texts.map(|text| Together { text, pieces: pieces.clone(), surface, role }).collect()
    }
}

impl Together {
    pub(super) fn text(&self) -> &str {
        self.text.text()
    }

    /// Where `range` comes from; nothing where it is all in one text, or in two ends of one that are not neighbours.
    pub(super) fn origin(&self, range: &Range<usize>) -> Vec<(Source, Range<usize>)> {
        let parts = self.text.origin(range.clone()).filter_map(|(number, range)| {
            let (source, start) = self.pieces.get(number)?;
            Some((*source, range.start + start..range.end + start))
        });
        let parts: Vec<_> = parts.collect();
        let is_split =
            parts.iter().any(|(source, _)| parts.first().is_some_and(|(first, _)| first.node != source.node));
        let has_gap = parts.windows(2).any(|pair| match pair {
            [(a, before), (b, behind)] => a.node == b.node && before.end != behind.start,
            _ => false,
        });
        if is_split && !has_gap { parts } else { Vec::new() }
    }
}
