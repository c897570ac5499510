//! One text while it is looked at.

use std::ops::Range;

use super::super::{Hit, Place};
use super::kind;
use super::topic::{Around, Topics};
use crate::text::seek::seek;

/// Bytes in which a word says something of the number itself, not of its neighbourhood.
const NEAR: usize = 28;

/// The text, what is said around its numbers, and what was found in it.
#[derive(Debug)]
pub(super) struct Scene<'a, 'h> {
    pub(super) text: &'a str,
    pub(super) bytes: &'a [u8],
    around: Around<'a>,
    hits: &'h mut Vec<Hit>,
    /// All there is, but for blanks and punctuation: where the text is nothing but a number, the number was asked for.
    whole: Range<usize>,
    /// Everything before this is spoken for.
    taken: usize,
    /// Colons before this make no address.
    pub(super) colons: usize,
    /// Whether it speaks of a card's security code anywhere; looked up once.
    codes: Option<bool>,
}

impl<'a, 'h> Scene<'a, 'h> {
    pub(super) fn new(text: &'a str, place: &'a Place<'_>, hits: &'h mut Vec<Hit>) -> Self {
        let is_edge = |character: char| character.is_whitespace() || ",.;:'\"".contains(character);
        // A member with a name of its own says what its value is; only text for reading is looked at without.
        let is_text = matches!(place.key, "" | "text" | "content" | "value" | "result" | "output" | "data");
        let start = text.len() - text.trim_start_matches(is_edge).len();
        let end = text.trim_end_matches(is_edge).len();
        let whole = if is_text && end.saturating_sub(start) <= 64 { start..end } else { 0..0 };
        Self {
            text,
            bytes: text.as_bytes(),
            around: Around::new(text, if is_text { "" } else { place.key }),
            hits,
            whole,
            taken: 0,
            colons: 0,
            codes: None,
        }
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The byte before `at`.
    pub(super) fn before(&self, at: usize) -> Option<u8> {
        at.checked_sub(1).and_then(|at| self.byte(at))
    }

    pub(super) fn is_whole(&self, range: &Range<usize>) -> bool {
        *range == self.whole
    }

    /// What is spoken of around the range.
    pub(super) fn topics(&mut self, range: &Range<usize>) -> Topics {
        self.around.wide(range)
    }

    /// What is spoken of right beside the range.
    pub(super) fn near(&mut self, range: &Range<usize>) -> Topics {
        self.around.at(range, NEAR)
    }

    /// The text or its key has a word for a card's security code, or something that looks like one.
    pub(super) fn speaks_of_codes(&mut self) -> bool {
        if let Some(known) = self.codes {
            return known;
        }
        // `cvv`, `cvc`, `csc`.
        let is_word = |three: [u8; 3]| {
            let [a, b, c] = three.map(|byte| byte | 0x20);
            (a == b'c') & ((b == b'v') & ((c == b'v') | (c == b'c')) | (b == b's') & (c == b'c'))
        };
        let speaks = self.around.key().meets(Topics::CVV) || seek(self.bytes, 0, is_word).is_some();
        self.codes = Some(speaks);
        speaks
    }

    pub(super) fn is_taken(&self, at: usize) -> bool {
        at < self.taken
    }

    /// Where what is spoken for ends.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Begins a second walk through the text: what is spoken for is known only of the first.
    pub(super) fn again(&mut self) {
        self.taken = 0;
        self.around.again();
    }

    pub(super) fn add(&mut self, kind: &'static str, score: f32, range: Range<usize>, why: &'static str) {
        if score >= 0.5 {
            self.taken = self.taken.max(range.end);
        }
        self.hits.push(Hit { kind, severity: kind::severity(kind), score, range, why });
    }

    /// As [`add`](Self::add), of something longer than what may have been found of it in an earlier walk.
    pub(super) fn widen(&mut self, kind: &'static str, score: f32, range: Range<usize>, why: &'static str) {
        // Hits of a walk stand in order, but for a few: what is not found here is found beside.
        let at = self.hits.partition_point(|hit| hit.range.start < range.start);
        let mut near = self.hits.iter_mut().skip(at).take(3);
        match near.find(|hit| hit.kind == kind && hit.range.end <= range.end) {
            Some(hit) => *hit = Hit { kind, severity: hit.severity, score, range, why },
            None => self.add(kind, score, range, why),
        }
    }

    /// Whether what begins at `start` is not the rest of something longer.
    pub(super) fn begins(&self, start: usize) -> bool {
        let beyond = start.checked_sub(2).and_then(|at| self.byte(at)).unwrap_or(b' ');
        match self.before(start) {
            None => true,
            Some(byte) if byte.is_ascii_alphanumeric() => false,
            Some(b'_' | b'$' | b'#' | b'+' | b'@') => false,
            Some(b'-' | b'.' | b'/' | b'\\') => !beyond.is_ascii_alphanumeric(),
            Some(b':') => !beyond.is_ascii_digit(),
            Some(_) => true,
        }
    }

    /// Whether what ends at `end` is not the beginning of something longer.
    pub(super) fn ends(&self, end: usize) -> bool {
        let beyond = self.byte(end + 1).unwrap_or(b' ');
        match self.byte(end) {
            None => true,
            Some(byte) if byte.is_ascii_alphanumeric() => false,
            Some(b'_' | b'%' | b'@') => false,
            Some(b'-' | b'.' | b'/') => !beyond.is_ascii_alphanumeric(),
            Some(b':') => !beyond.is_ascii_digit(),
            Some(_) => true,
        }
    }
}

/// Of the hits from `first` on, the addresses of mail (up to `mails`) are first; numbers within one are no numbers.
pub(super) fn settle(hits: &mut Vec<Hit>, first: usize, mails: usize) {
    if mails == first || mails == hits.len() {
        return;
    }
    let numbers = hits.split_off(mails);
    let mut next = first;
    for number in numbers {
        while hits.get(next).is_some_and(|mail| next < mails && mail.range.end <= number.range.start) {
            next += 1;
        }
        let inside = hits.get(next).is_some_and(|mail| next < mails && mail.range.start < number.range.end);
        if !inside {
            hits.push(number);
        }
    }
}
