//! Texts of one message that a model reads one after the other: what is split over them is found only together.

use std::borrow::Cow;
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
pub(super) struct Split<'m> {
    pieces: Vec<Piece<'m>>,
    /// Bytes of all of them.
    bytes: usize,
    /// The text with which there were as many as are kept at once: there may be more behind it.
    filled_by: Option<usize>,
}

/// A short text, or one end of a longer one.
#[derive(Debug)]
struct Piece<'m> {
    text: Cow<'m, str>,
    source: Source,
    /// Where it begins in its text.
    start: usize,
}

/// Pieces put together.
pub(super) struct Together<'s> {
    text: JoinedText,
    pieces: &'s [Piece<'s>],
    pub(super) surface: Surface,
    pub(super) role: Role,
}

impl<'m> Split<'m> {
    /// Adds a text that is read after those before.
    pub(super) fn add(&mut self, text: Cow<'m, str>, source: Source) {
        let is_read = matches!(source.role, Role::Prose | Role::Argument | Role::Structured);
        if !is_read || text.is_empty() || self.filled_by.is_some() {
            return;
        }
        if text.len() <= 2 * END {
            self.add_part(text, 0, source);
        } else {
            let start = text.ceil_char_boundary(text.len() - END);
            self.add_part(part(&text, 0..text.floor_char_boundary(END)), 0, source);
            self.add_part(part(&text, start..text.len()), start, source);
        }
        self.filled_by = (self.bytes >= MAX_BYTES).then_some(source.node);
    }

    /// The text with which there were as many as are kept at once, by its place in the document's index.
    pub(super) fn filled_by(&self) -> Option<usize> {
        self.filled_by
    }

    fn add_part(&mut self, text: Cow<'m, str>, start: usize, source: Source) {
        self.bytes += text.len();
        self.pieces.push(Piece { text, source, start });
    }

    /// What `ask` says of each piece, by its text and its bytes in it.
    pub(super) fn pieces(&self, mut ask: impl FnMut(&(Source, Range<usize>)) -> bool) -> Vec<bool> {
        let parts =
            self.pieces.iter().map(|Piece { text, source, start }| (*source, *start..start + text.len()));
        parts.map(|part| ask(&part)).collect()
    }

    /// The texts they make; none where there is only one.
    pub(super) fn joined(&self) -> Vec<Together<'_>> {
        let Some(first) = self.pieces.first() else { return Vec::new() };
        let Source { surface, role, node, .. } = first.source;
        if self.pieces.iter().all(|piece| piece.source.node == node) {
            return Vec::new();
        }
        // Twice what is kept, and a blank for each: as many as there are bytes at most.
        let joined =
            join(self.pieces.iter().map(|piece| &*piece.text), &mut Budget::of_message(2 * self.bytes));
        let texts = joined.into_iter().flat_map(|joined| [Some(joined.spaced), joined.tight]).flatten();
        texts.map(|text| Together { text, pieces: &self.pieces, surface, role }).collect()
    }
}

/// The bytes `range` of a text, without the rest of it.
fn part<'m>(text: &Cow<'m, str>, range: Range<usize>) -> Cow<'m, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(range).unwrap_or_default()),
        Cow::Owned(text) => Cow::Owned(text.get(range).unwrap_or_default().to_owned()),
    }
}

impl Together<'_> {
    pub(super) fn text(&self) -> &str {
        self.text.text()
    }

    /// Where the pieces stand of which `is_wanted` is true.
    pub(super) fn places(&self, is_wanted: &[bool]) -> Vec<Range<usize>> {
        let wanted = self.text.parts().iter().zip(is_wanted).filter(|(_, is_wanted)| **is_wanted);
        wanted.map(|(place, _)| place.clone()).collect()
    }

    /// Where `range` comes from; nothing where it is all in one text, or in two ends of one that are not neighbours.
    pub(super) fn origin(&self, range: &Range<usize>) -> Vec<(Source, Range<usize>)> {
        // Most of what is found was found in one of them alone.
        if !self.text.spans_parts(range.clone()) {
            return Vec::new();
        }
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
