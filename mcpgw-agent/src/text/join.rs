//! Texts that a model reads as one: content items, elements of an array, keys and values, events one after another.

use std::ops::Range;

use super::budget::Budget;

/// Several texts as one.
#[derive(Debug, Clone)]
pub struct Joined {
    /// With a blank between each two, if only that of one of them.
    pub spaced: JoinedText,
    /// With nothing between two where a word may have been split, and a blank elsewhere; nothing where no word can be.
    pub tight: Option<JoinedText>,
}

/// A text put together of others.
#[derive(Debug, Clone, Default)]
pub struct JoinedText {
    text: String,
    /// Where each part stands in it.
    parts: Vec<Range<usize>>,
}

/// `parts` as one text. Nothing where there are fewer than two, or the budget does not suffice.
pub fn join<'a, P>(parts: P, budget: &mut Budget) -> Option<Joined>
where
    P: IntoIterator<Item = &'a str, IntoIter: Clone>,
{
    let parts = parts.into_iter();
    let (count, bytes) =
        parts.clone().fold((0, 0), |(count, bytes), part| (count + 1, bytes + part.len() + 1));
    if count < 2 {
        return None;
    }
    let (mut spaced, mut tight) = (JoinedText::of(count, bytes), JoinedText::of(count, bytes));
    let mut splits = false;
    for part in parts {
        if !budget.take(2 * (part.len() + 1)) {
            return None;
        }
        let splits_word = splits_word(&spaced.text, part);
        splits |= splits_word;
        spaced.add(part, true);
        tight.add(part, !splits_word);
    }
    Some(Joined { spaced, tight: splits.then_some(tight) })
}

/// A word may go on from the end of `before` to the start of `behind`.
fn splits_word(before: &str, behind: &str) -> bool {
    let is_part = |character: Option<char>| {
        character.is_some_and(|character| !character.is_whitespace() && !character.is_control())
    };
    is_part(before.chars().next_back()) && is_part(behind.chars().next())
}

impl JoinedText {
    /// With room for so many parts of so many bytes.
    fn of(parts: usize, bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), parts: Vec::with_capacity(parts) }
    }

    fn add(&mut self, part: &str, apart: bool) {
        // One blank parts two texts; a second would only be another way to write the same.
        if apart && !self.parts.is_empty() && !self.text.ends_with(' ') && !part.starts_with(' ') {
            self.text.push(' ');
        }
        let start = self.text.len();
        self.text.push_str(part);
        self.parts.push(start..self.text.len());
    }

    /// What is read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where each part stands in it.
    #[must_use]
    pub fn parts(&self) -> &[Range<usize>] {
        &self.parts
    }

    /// What `range` of the text, which begins and ends between characters, comes from: for each part it touches the part's
    /// number and the bytes of it.
    pub fn origin(&self, range: Range<usize>) -> impl Iterator<Item = (usize, Range<usize>)> {
        let first = self.parts.partition_point(|part| part.end <= range.start);
        let touched = self.parts.iter().enumerate().skip(first);
        touched.take_while(move |(_, part)| part.start < range.end).filter_map(move |(number, part)| {
            let within = range.start.max(part.start) - part.start..range.end.min(part.end) - part.start;
            (!within.is_empty()).then_some((number, within))
        })
    }

    /// `range` touches more than one part: what is found there is found in none of them alone.
    #[must_use]
    pub fn spans_parts(&self, range: Range<usize>) -> bool {
        self.origin(range).nth(1).is_some()
    }
}
