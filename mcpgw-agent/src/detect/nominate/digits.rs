//! What has digits: words, runs of digits, and what tokens may be.

use std::ops::Range;

use super::{BETWEEN, DIGIT, MARKS, Nominations, TOKEN, WORD, is};
use crate::text::seek::seek;

/// Runs of digits: at least this many digits, with at most one separator between two.
pub(super) const DIGITS_MIN: usize = 5;
/// Words that may be tokens: at least this many bytes.
const TOKEN_MIN: usize = 16;
/// Bytes behind a word with a digit in which the next is looked for one by one.
const CLOSE: usize = 6;

impl Nominations {
    /// Leaves out digits and words in the places that are `known`, in order; of a run of digits the rest stays.
    pub(in crate::detect) fn leave_out(&mut self, known: &[Range<usize>]) {
        if known.is_empty() {
            return;
        }
        let mut places = known.iter().peekable();
        self.words.retain(|word| {
            while places.next_if(|place| place.end <= word.start).is_some() {}
            places.peek().is_none_or(|place| word.start < place.start || place.end < word.end)
        });
        let mut rest = Vec::new();
        let mut places = known.iter().peekable();
        for run in &self.digits {
            let mut start = run.start;
            while places.next_if(|place| place.end <= start).is_some() {}
            while let Some(place) = places.next_if(|place| place.end <= run.end) {
                rest.push(start..place.start.max(start));
                start = place.end;
            }
            let end = places.peek().map_or(run.end, |place| place.start.clamp(start, run.end));
            rest.push(start..end);
        }
        rest.retain(|run| run.len() >= DIGITS_MIN);
        self.digits = rest;
    }

    /// Notes what has digits. Most text has none for long stretches.
    pub(super) fn digits(&mut self, bytes: &[u8]) {
        let mut from = 0;
        while let Some(digit) = next_digit(bytes, from) {
            from = self.stretch(bytes, from, digit);
        }
    }

    /// Notes what has the digit at `digit`, and all up to where no word, token or run of digits goes on; gives where that
    /// is. Before `from` there is nothing that could go on.
    fn stretch(&mut self, bytes: &[u8], from: usize, digit: usize) -> usize {
        let before = bytes.get(from..digit).unwrap_or_default().iter().rev();
        let mut word = digit - before.clone().take_while(|byte| is(**byte, WORD)).count();
        let mut token = digit - before.take_while(|byte| is(**byte, TOKEN)).count();
        // Marks of what is open and has a digit.
        let mut has = 0;
        let mut run = Run::default();
        let mut at = digit;
        while let Some(byte) = bytes.get(at) {
            let marks = MARKS.get(usize::from(*byte)).copied().unwrap_or(0);
            if marks & DIGIT != 0 {
                has = WORD | TOKEN;
                let end = at + 1 + count(bytes, at + 1, |marks| marks & DIGIT != 0);
                run.more(at..end);
                at = end;
                continue;
            }
            if run.digits > 0 && (marks & BETWEEN == 0 || !run.between()) {
                run.end(&mut self.digits);
            }
            at += 1;
            if marks & WORD != 0 {
                // Further letters say no more than the first.
                at += count(bytes, at, |marks| marks & (WORD | DIGIT) == WORD);
                continue;
            }
            if has & WORD != 0 {
                self.words.push(word..at - 1);
            }
            (word, has) = (at, has & TOKEN);
            if marks & TOKEN == 0 {
                self.token(token..at - 1, has);
                (token, has) = (at, 0);
                if run.digits == 0 {
                    return at;
                }
            }
        }
        run.end(&mut self.digits);
        if has & WORD != 0 {
            self.words.push(word..bytes.len());
        }
        self.token(token..bytes.len(), has);
        bytes.len()
    }

    fn token(&mut self, token: Range<usize>, has: u8) {
        if has & TOKEN != 0 && token.len() >= TOKEN_MIN {
            self.tokens.push(token);
        }
    }
}

/// A run of digits that may go on.
#[derive(Debug, Default)]
struct Run {
    range: Range<usize>,
    digits: usize,
    /// Separators behind the last digit.
    gap: usize,
}

impl Run {
    /// So many digits more.
    #[inline(always)]
    fn more(&mut self, range: Range<usize>) {
        if self.digits == 0 {
            self.range.start = range.start;
        }
        (self.range.end, self.digits, self.gap) = (range.end, self.digits + range.len(), 0);
    }

    /// A separator, behind which it may go on.
    #[inline(always)]
    fn between(&mut self) -> bool {
        self.gap += 1;
        self.gap <= 2
    }

    #[inline(always)]
    fn end(&mut self, runs: &mut Vec<Range<usize>>) {
        if self.digits >= DIGITS_MIN {
            runs.push(self.range.clone());
        }
        self.digits = 0;
        self.gap = 0;
    }
}

/// How many bytes from `from` on have such marks.
#[inline(always)]
fn count(bytes: &[u8], from: usize, has: impl Fn(u8) -> bool) -> usize {
    let marks = |byte: &u8| MARKS.get(usize::from(*byte)).copied().unwrap_or(0);
    bytes.get(from..).unwrap_or_default().iter().take_while(|byte| has(marks(byte))).count()
}

/// The next digit from `from` on: where there is one there often is another close by.
#[inline(always)]
fn next_digit(bytes: &[u8], from: usize) -> Option<usize> {
    let near = bytes.get(from..).unwrap_or_default().iter().take(CLOSE).position(u8::is_ascii_digit);
    match near {
        Some(near) => Some(from + near),
        None => seek(bytes, from + CLOSE, |[byte]: [u8; 1]| byte.is_ascii_digit()),
    }
}
