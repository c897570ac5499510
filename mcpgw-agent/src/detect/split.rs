//! Texts of one message that a model reads one after the other: what is split over them is found only together.

use std::ops::Range;

use super::Surface;
use super::inspector::Source;
use crate::mcp::Role;
use crate::text::{Budget, JoinedText, join};

/// Bytes at each end of a text that are read together with its neighbour's.
const END: usize = 512;
/// Bytes of ends that are kept at once: texts behind those are read together in a walk of their own.
const MAX_BYTES: usize = 256 << 10;

/// The ends of the texts so far.
#[derive(Debug, Default)]
pub(super) struct Split {
    /// All of them, one behind the other.
    text: String,
    pieces: Vec<Piece>,
    /// The text with which there were as many as are kept at once: there may be more behind it.
    filled_by: Option<usize>,
}

/// A short text, or one end of a longer one.
#[derive(Debug)]
struct Piece {
    /// Where it is among all.
    at: Range<usize>,
    source: Source,
    /// Where it begins in its text.
    start: usize,
}

/// Pieces put together.
pub(super) struct Together<'s> {
    text: JoinedText,
    pieces: &'s [Piece],
    pub(super) surface: Surface,
    pub(super) role: Role,
}

impl Split {
    /// Adds a text that is read after those before.
    pub(super) fn add(&mut self, text: &str, source: Source) {
        let is_read = matches!(source.role, Role::Prose | Role::Argument | Role::Structured);
        if !is_read || text.is_empty() || self.filled_by.is_some() {
            return;
        }
        if text.len() <= 2 * END {
            self.add_part(text, 0, source);
        } else {
            let head = text.get(..text.floor_char_boundary(END)).unwrap_or_default();
            let start = text.ceil_char_boundary(text.len() - END);
            self.add_part(head, 0, source);
            self.add_part(text.get(start..).unwrap_or_default(), start, source);
        }
        self.filled_by = (self.text.len() >= MAX_BYTES).then_some(source.node);
    }

    /// The text with which there were as many as are kept at once, by its place in the document's index.
    pub(super) fn filled_by(&self) -> Option<usize> {
        self.filled_by
    }

    fn add_part(&mut self, part: &str, start: usize, source: Source) {
        let from = self.text.len();
        self.text.push_str(part);
        self.pieces.push(Piece { at: from..self.text.len(), source, start });
    }

    /// The texts they make; none where there is only one.
    pub(super) fn joined(&self) -> Vec<Together<'_>> {
        let Some(first) = self.pieces.first() else { return Vec::new() };
        let Source { surface, role, node, .. } = first.source;
        if self.pieces.iter().all(|piece| piece.source.node == node) {
            return Vec::new();
        }
        let pieces = self.pieces.iter().filter_map(|piece| self.text.get(piece.at.clone()));
        // Twice what is kept, and a blank for each: as many as there are bytes at most.
        let joined = join(pieces, &mut Budget::of_message(2 * self.text.len()));
        let texts = joined.into_iter().flat_map(|joined| [Some(joined.spaced), joined.tight]).flatten();
        texts.map(|text| Together { text, pieces: &self.pieces, surface, role }).collect()
    }
}

impl Together<'_> {
    pub(super) fn text(&self) -> &str {
        self.text.text()
    }

    /// Where `range` comes from; nothing where it is all in one text, or in two ends of one that are not neighbours.
    pub(super) fn origin(&self, range: &Range<usize>) -> Vec<(Source, Range<usize>)> {
        let parts = self.text.origin(range.clone()).filter_map(|(number, range)| {
            let Piece { source, start, .. } = self.pieces.get(number)?;
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
