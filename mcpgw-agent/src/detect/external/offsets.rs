//! Places in a text, as others count them.

use std::ops::Range;

use super::Garbage;

/// What places count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    /// Unicode characters, as Python counts.
    #[default]
    Characters,
    /// UTF-16 code units, as JavaScript and Java count.
    Utf16,
    /// Bytes of UTF-8.
    Bytes,
}

/// Where each unit of a text begins.
pub(super) struct Offsets<'t> {
    text: &'t str,
    /// The byte each unit begins at, and the text's length; `None` where units are bytes.
    starts: Option<Vec<usize>>,
}

impl<'t> Offsets<'t> {
    pub(super) fn new(text: &'t str, unit: Unit) -> Self {
        let starts = |width: fn(char) -> usize| {
            let units = text.char_indices().flat_map(|(at, letter)| std::iter::repeat_n(at, width(letter)));
            units.chain([text.len()]).collect()
        };
        let starts = match unit {
            _ if text.is_ascii() => None,
            Unit::Bytes => None,
            Unit::Characters => Some(starts(|_| 1)),
            Unit::Utf16 => Some(starts(char::len_utf16)),
        };
        Self { text, starts }
    }

    /// Bytes of the text from `start` to `end`.
    pub(super) fn range(&self, start: usize, end: usize) -> Result<Range<usize>, Garbage> {
        let byte = |at: usize| match &self.starts {
            None => Some(at),
            Some(starts) => starts.get(at).copied(),
        };
        let range = byte(start).zip(byte(end)).map(|(start, end)| start..end);
        range
            .filter(|range| self.text.get(range.clone()).is_some_and(|part| !part.is_empty()))
            .ok_or(Garbage("a finding is not within the text"))
    }
}
