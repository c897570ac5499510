//! The ways a peer may read a text: as it came, and with what hides its meaning taken away.
//!
//! ```text
//! as it came ─▶ fold (NFKC, invisible characters, look-alikes, blanks) ─▶ percent-decoding, nested
//!                 └──────────────── of each: paths and URIs in their shortest form ──────────────┘ ─▶ lower case
//! ```
//!
//! Readings only add to the text as it came, they never stand for it. Which of them count depends on what a match does
//! ([`Side`]): where a match restricts, any reading is enough, so hiding a forbidden text does not help; where it permits,
//! the text as it came must match *and* so must every other reading, so nothing is permitted by a reading that the server
//! may not share. What cannot be read to the end is an error, which restricts and never permits.

mod confusable;
mod fold;
mod percent;

pub(crate) use fold::fold;

use std::borrow::Cow;
use std::cell::OnceCell;

use super::glob::Glob;
use super::path;
use super::pattern::Patterns;

/// Which way a doubtful match is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The match restricts: any reading is enough.
    Wide,
    /// The match permits: every reading has to match.
    Strict,
}

/// A text that has no last reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is percent-encoded more often than can be followed")]
pub(super) struct Unreadable;

/// A text and its other readings, made when they are first asked for.
#[derive(Debug)]
pub(super) struct Readings<'a> {
    raw: Cow<'a, str>,
    others: OnceCell<Others>,
}

/// Readings other than the text as it came; lower case.
#[derive(Debug, Default)]
struct Others {
    folded: Vec<String>,
    /// What it may be depending on who reads it: only for matches that restrict.
    possible: Vec<String>,
    unreadable: bool,
}

impl<'a> Readings<'a> {
    pub(super) fn new(raw: impl Into<Cow<'a, str>>) -> Self {
        Self { raw: raw.into(), others: OnceCell::new() }
    }

    /// As it came.
    pub(super) fn raw(&self) -> &str {
        &self.raw
    }

    /// How many texts have been made and compared so far.
    pub(super) fn seen(&self) -> usize {
        self.others.get().map_or(1, |others| 1 + 2 * (others.folded.len() + others.possible.len()))
    }

    /// One of `globs` matches.
    pub(super) fn match_globs(&self, globs: &[Glob], side: Side) -> Result<bool, Unreadable> {
        self.judge(
            side,
            |raw| globs.iter().any(|glob| glob.matches(raw)),
            |folded, is_raw| match is_raw {
                // What has been tried already need not be tried again.
                true => globs.iter().any(|glob| glob.is_folded_otherwise() && glob.matches_folded(folded)),
                false => globs.iter().any(|glob| glob.matches_folded(folded)),
            },
        )
    }

    /// One of `patterns` is found.
    pub(super) fn match_patterns(&self, patterns: &Patterns, side: Side) -> Result<bool, Unreadable> {
        self.judge(
            side,
            |raw| patterns.matches(raw, side),
            |folded, is_raw| patterns.matches_any_case(folded, is_raw, side),
        )
    }

    /// By the text as it came and by its folded readings; `folded` is told where that is the text itself.
    pub(super) fn judge(
        &self,
        side: Side,
        exact: impl Fn(&str) -> bool,
        folded: impl Fn(&str, bool) -> bool,
    ) -> Result<bool, Unreadable> {
        match (side, exact(&self.raw)) {
            (Side::Wide, true) => return Ok(true),
            (Side::Strict, false) => return Ok(false),
            (Side::Wide, false) | (Side::Strict, true) => {}
        }
        let others = self.others.get_or_init(|| Others::of(&self.raw));
        let found = match side {
            Side::Wide => {
                // Without another reading the text may still match whatever its case.
                others.folded.is_empty() && folded(&self.raw, true)
                    || others.folded.iter().chain(&others.possible).any(|reading| folded(reading, false))
            }
            Side::Strict => others.folded.iter().all(|reading| folded(reading, false)),
        };
        match (side, found) {
            (Side::Wide, true) => Ok(true),
            (Side::Strict, false) => Ok(false),
            (Side::Wide, false) | (Side::Strict, true) if others.unreadable => Err(Unreadable),
            (Side::Wide, false) | (Side::Strict, true) => Ok(found),
        }
    }
}

impl Others {
    fn of(raw: &str) -> Self {
        if is_plain(raw) {
            return Self::default();
        }
        if raw.is_ascii() && raw.bytes().any(|byte| byte.is_ascii_uppercase()) {
            let lower = raw.to_ascii_lowercase();
            if is_plain(&lower) {
                return Self { folded: vec![lower], ..Self::default() };
            }
        }
        let folded = fold(raw);
        let decoded = percent::decode(&folded);
        let mut others = Self { unreadable: decoded.unreadable, ..Self::default() };
        others.add(folded);
        for text in decoded.texts {
            others.add(fold(&text));
        }
        for text in others.folded.clone() {
            let path::Forms { same, possible } = path::forms(&text);
            same.into_iter().for_each(|form| others.add(form));
            others.possible.extend(possible);
            others.possible.push(text.trim().to_owned());
        }
        others
    }

    fn add(&mut self, text: String) {
        if !self.folded.contains(&text) {
            self.folded.push(text);
        }
    }
}

/// It has no other reading: lower-case ASCII without anything that could be encoded, collapsed or shortened.
fn is_plain(text: &str) -> bool {
    if text.starts_with("file:") || text.contains("://") {
        return false;
    }
    let mut before = b'/';
    for (seen, byte) in text.bytes().enumerate() {
        let folds = match byte {
            b' ' => before == b' ' || seen == 0,
            b'/' => before == b'/' && seen > 0,
            b'.' => before == b'/' || before == b'.',
            b'%' | b'\\' | 0x7f.. | b'A'..=b'Z' => true,
            other => other < b' ',
        };
        if folds {
            return false;
        }
        before = byte;
    }
    !text.ends_with([' ', '/'])
}
