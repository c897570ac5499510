//! Changes to a text, and the text they make.

use std::ops::Range;

use super::budget::Budget;
use super::made::{Made, Map};

/// A text up to this long is read as a whole; of a longer one, what stands around each change.
const WHOLE: usize = 4096;
/// Bytes around a change that are read with it.
const REACH: usize = 256;

/// What a change is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Worth {
    /// Worth a reading.
    Strong,
    /// Made where a reading is made anyway: quotation marks, dashes.
    Weak,
}

/// One change.
#[derive(Debug, Clone, Copy)]
struct Change {
    from: u32,
    to: u32,
    /// Where its replacement stands in [`Edits::with`].
    with: u32,
    len: u32,
    worth: Worth,
}

impl Change {
    fn range(&self) -> Range<usize> {
        self.from as usize..self.to as usize
    }
}

/// Changes to a text, in order; none overlaps another.
#[derive(Debug, Default)]
pub(super) struct Edits {
    changes: Vec<Change>,
    with: String,
    /// Changes that make blanks fewer, and nothing else.
    blanks: usize,
}

impl Edits {
    /// `range`, which is behind all changes so far, becomes `with`.
    pub(super) fn push(&mut self, range: Range<usize>, with: &str, worth: Worth) {
        self.push_with(range, worth, |out| out.push_str(with));
    }

    pub(super) fn push_char(&mut self, range: Range<usize>, with: char, worth: Worth) {
        self.push_with(range, worth, |out| out.push(with));
    }

    pub(super) fn push_with(&mut self, range: Range<usize>, worth: Worth, with: impl FnOnce(&mut String)) {
        let before = self.with.len();
        with(&mut self.with);
        let len = narrow(self.with.len() - before);
        self.changes.push(Change {
            from: narrow(range.start),
            to: narrow(range.end),
            with: narrow(before),
            len,
            worth,
        });
    }

    /// As [`push`](Self::push); `range` is blanks, and what it becomes is fewer.
    pub(super) fn push_blanks(&mut self, range: Range<usize>, with: &str, worth: Worth) {
        self.blanks += 1;
        self.push(range, with, worth);
    }

    /// How many changes there are.
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    /// Forgets those from the `first`th on that do not pass.
    pub(super) fn retain_from(&mut self, first: usize, mut keep: impl FnMut(Range<usize>) -> bool) {
        let mut kept = first;
        for at in first..self.changes.len() {
            let Some(change) = self.changes.get(at).copied() else { break };
            if keep(change.range()) {
                if let Some(slot) = self.changes.get_mut(kept) {
                    *slot = change;
                }
                kept += 1;
            }
        }
        self.changes.truncate(kept);
    }

    /// Some change is worth a reading, and `counts`.
    pub(super) fn any_strong(&self, counts: impl Fn(Range<usize>) -> bool) -> bool {
        self.changes.iter().any(|change| change.worth == Worth::Strong && counts(change.range()))
    }

    /// What `text` becomes; nothing where no change is worth a reading or the budget does not suffice.
    pub(super) fn apply(&self, text: &str, budget: &mut Budget) -> Option<Made> {
        let windows = self.windows(text);
        let size = windows.iter().map(|window| window.len() + 1).sum::<usize>() + self.with.len();
        if windows.is_empty() || !budget.take(size) {
            return None;
        }
        let respaced = self.blanks == self.changes.len();
        let mut made = Made { text: String::with_capacity(size), map: Map::default(), respaced };
        let mut changes = self.changes.iter().peekable();
        let mut behind = None;
        for window in windows {
            if let Some(behind) = behind {
                made.put("\n", behind..window.start);
            }
            let mut at = window.start;
            while let Some(change) = changes.next_if(|change| change.from < narrow(window.end)) {
                let range = change.range();
                // One that begins before the window or ends behind it is left as it is.
                if range.start >= at && range.end <= window.end {
                    made.copy(text, at..range.start);
                    made.put(self.replacement(change), range.clone());
                    at = range.end;
                }
            }
            made.copy(text, at..window.end);
            behind = Some(window.end);
        }
        Some(made)
    }

    fn replacement(&self, change: &Change) -> &str {
        let start = change.with as usize;
        self.with.get(start..start + change.len as usize).unwrap_or_default()
    }

    /// What is to be read: around each change that is worth it, together where they are close.
    fn windows(&self, text: &str) -> Vec<Range<usize>> {
        let mut strong = self.changes.iter().filter(|change| change.worth == Worth::Strong);
        let Some(first) = strong.next().map(Change::range) else { return Vec::new() };
        if text.len() <= WHOLE {
            let whole = 0..text.len();
            return vec![whole];
        }
        // First the changes that are close to each other, then what stands around them.
        let mut windows = vec![first];
        for range in strong.map(Change::range) {
            match windows.last_mut() {
                // So far apart that what stands around one never meets what stands around the next.
                Some(last) if range.start <= last.end + 4 * REACH => last.end = range.end,
                _ => windows.push(range),
            }
        }
        for window in &mut windows {
            let start = start_near(text, window.start.saturating_sub(REACH));
            *window = start..end_near(text, window.end + REACH);
        }
        windows
    }
}

/// Where a line or else a word begins, `at` or a little before.
fn start_near(text: &str, at: usize) -> usize {
    let from = at.saturating_sub(REACH);
    let before = text.as_bytes().get(from..at).unwrap_or_default();
    let found = before.iter().rposition(|byte| *byte == b'\n');
    match found.or_else(|| before.iter().rposition(|byte| *byte == b' ')) {
        Some(found) => from + found + 1,
        None => text.floor_char_boundary(at),
    }
}

/// Where a line or else a word ends, `at` or a little behind.
fn end_near(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    let behind = text.as_bytes().get(at..(at + REACH).min(text.len())).unwrap_or_default();
    let found = behind.iter().position(|byte| *byte == b'\n');
    match found.or_else(|| behind.iter().position(|byte| *byte == b' ')) {
        Some(found) => at + found,
        None => text.ceil_char_boundary(at),
    }
}

/// Texts are shorter than 4 GiB: `readings` takes no longer ones.
pub(super) fn narrow(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}
