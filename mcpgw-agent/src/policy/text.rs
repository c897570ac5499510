//! The ways a peer may read a text: as it came, and with what hides its meaning taken away.
//!
//! ```text
//! as it came ─▶ fold (NFKC, invisible characters, look-alikes, blanks) ─▶ percent-decoding, nested
//!   └─▶ URLs as the web reads them ─▶ fold
//!                 └──────────────── of each: paths and URIs in their shortest form ──────────────┘ ─▶ lower case
//! ```
//!
//! Readings only add to the text as it came, they never stand for it. Which of them count depends on what a match does
//! ([`Side`]): where a match restricts, any reading is enough, so hiding a forbidden text does not help; where it permits,
//! the text as it came must match *and* so must every other reading, so nothing is permitted by a reading that the server
//! may not share. What cannot be read to the end is an error, which restricts and never permits.

pub(super) use crate::text::fold;

use std::borrow::Cow;
use std::cell::OnceCell;

use super::glob::Glob;
use super::path;
use super::pattern::{Patterns, Seen, Words};
use crate::text::percent;

/// Bytes that are looked at before any of them is found not to be plain.
const RUN: usize = 64;

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

/// One text to be compared, in one evaluation under one policy.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    text: Cow<'a, str>,
    /// The policy's words in it.
    words: OnceCell<Seen>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(text: impl Into<Cow<'a, str>>) -> Self {
        Self { text: text.into(), words: OnceCell::new() }
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// This text, which has the same words as `other` or, where that is `part_of` it, those that `other` has at most.
    fn alike(text: String, other: &Reading<'_>, part_of: bool) -> Reading<'static> {
        let known = other.words.get().filter(|seen| !part_of || **seen == Seen::Words(Vec::new()));
        let words = known.map_or_else(OnceCell::new, |seen| OnceCell::from(seen.clone()));
        Reading { text: Cow::Owned(text), words }
    }

    /// Which of `words` it has: looked for once.
    pub(super) fn words(&self, words: &Words) -> &Seen {
        self.words.get_or_init(|| words.find(&self.text))
    }
}

/// A text and its other readings, made when they are first asked for.
#[derive(Debug)]
pub(super) struct Readings<'a> {
    raw: Reading<'a>,
    others: OnceCell<Others>,
}

/// Readings other than the text as it came; lower case.
#[derive(Debug, Default)]
struct Others {
    folded: Vec<Reading<'static>>,
    /// What it may be depending on who reads it: only for matches that restrict.
    possible: Vec<Reading<'static>>,
    unreadable: bool,
}

impl<'a> Readings<'a> {
    pub(super) fn new(raw: impl Into<Cow<'a, str>>) -> Self {
        Self { raw: Reading::new(raw), others: OnceCell::new() }
    }

    /// As it came.
    pub(super) fn raw(&self) -> &str {
        self.raw.as_str()
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

    /// One of `patterns`, whose needles are among `words`, is found.
    pub(super) fn match_patterns(
        &self,
        patterns: &Patterns,
        words: &Words,
        side: Side,
    ) -> Result<bool, Unreadable> {
        self.judge_readings(
            side,
            |raw| patterns.matches(raw, words, side),
            |folded, is_raw| patterns.matches_any_case(folded, words, is_raw, side),
        )
    }

    /// By the text as it came and by its folded readings; `folded` is told where that is the text itself.
    pub(super) fn judge(
        &self,
        side: Side,
        exact: impl Fn(&str) -> bool,
        folded: impl Fn(&str, bool) -> bool,
    ) -> Result<bool, Unreadable> {
        self.judge_readings(
            side,
            |raw| exact(raw.as_str()),
            |reading, is_raw| folded(reading.as_str(), is_raw),
        )
    }

    fn judge_readings(
        &self,
        side: Side,
        exact: impl Fn(&Reading<'_>) -> bool,
        folded: impl Fn(&Reading<'_>, bool) -> bool,
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
    fn of(reading: &Reading<'_>) -> Self {
        let raw = reading.as_str();
        // Folding makes blanks of what readers of URLs take out.
        let url = path::as_url(raw);
        if !url.is_empty() {
            return Self::of_url(raw, &url);
        }
        if is_plain(raw) {
            return Self::default();
        }
        if raw.is_ascii() && raw.bytes().any(|byte| byte.is_ascii_uppercase()) {
            let lower = raw.to_ascii_lowercase();
            if is_plain(&lower) {
                // Words are looked for without regard to the case of ASCII letters.
                return Self { folded: vec![Reading::alike(lower, reading, false)], ..Self::default() };
            }
        }
        if let Some(trimmed) = within_blanks(raw) {
            let possible = vec![Reading::alike(trimmed.to_owned(), reading, true)];
            return Self { possible, ..Self::default() };
        }
        let folded = fold(raw);
        // Without these nothing is encoded, and it is neither path nor URI.
        if folded.contains(ENCODED) {
            return Self::of_encoded(folded);
        }
        let trimmed = folded.trim();
        let possible = (trimmed.len() < folded.len()).then(|| Reading::new(trimmed.to_owned()));
        let possible = possible.into_iter().collect();
        Self { folded: vec![Reading::new(folded)], possible, unreadable: false }
    }

    /// Of a text that is a URL with these other forms.
    fn of_url(raw: &str, forms: &path::Forms) -> Self {
        let mut all = Self::of_encoded(fold(raw));
        for form in &forms.same {
            all.add(Self::of_encoded(fold(form)));
        }
        for form in &forms.possible {
            let Self { mut folded, mut possible, unreadable } = Self::of_encoded(fold(form));
            possible.append(&mut folded);
            all.add(Self { folded, possible, unreadable });
        }
        all
    }

    fn add(&mut self, more: Self) {
        let Self { folded, possible, unreadable } = more;
        for (all, more) in [(&mut self.folded, folded), (&mut self.possible, possible)] {
            for reading in more {
                if all.iter().all(|known| known.as_str() != reading.as_str()) {
                    all.push(reading);
                }
            }
        }
        self.unreadable |= unreadable;
    }

    /// Of a folded text that may be encoded, or a path or a URI.
    fn of_encoded(folded: String) -> Self {
        let decoded = percent::decode(&folded);
        let mut texts = vec![folded];
        let add = |texts: &mut Vec<String>, text: String| {
            if !texts.contains(&text) {
                texts.push(text);
            }
        };
        decoded.texts.iter().for_each(|text| add(&mut texts, fold(text)));
        let mut possible = Vec::new();
        for text in texts.clone() {
            let forms = path::forms(&text);
            forms.same.into_iter().for_each(|form| add(&mut texts, form));
            possible.extend(forms.possible);
            let trimmed = text.trim();
            if trimmed.len() < text.len() {
                possible.push(trimmed.to_owned());
            }
        }
        let readings = |texts: Vec<String>| texts.into_iter().map(Reading::new).collect();
        Self { folded: readings(texts), possible: readings(possible), unreadable: decoded.unreadable }
    }
}

/// What a text is encoded with, or a path or a URI has.
const ENCODED: [char; 6] = ['%', '/', '\\', ':', '.', '~'];

/// The text between one blank on either side or both, where that is all that folding could take away and it is none that
/// could be encoded.
fn within_blanks(raw: &str) -> Option<&str> {
    let inside = raw.strip_prefix(' ').unwrap_or(raw);
    let inside = inside.strip_suffix(' ').unwrap_or(inside);
    let is_less = inside.len() < raw.len() && !inside.is_empty();
    (is_less && is_plain(inside) && !inside.contains(ENCODED)).then_some(inside)
}

/// It has no other reading: lower-case ASCII without anything that could be encoded, collapsed or shortened.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    if text.starts_with([' ', '.']) || text.ends_with([' ', '/']) || text.starts_with("file:") {
        return false;
    }
    // Pairs, and no way out of a run of them: compilers make that many at a time.
    let folds_after = |before: u8, byte: u8| {
        (byte == b' ') & (before == b' ')
            | ((byte == b'/') | (byte == b'.')) & (before == b'/')
            | (byte == b'.') & (before == b'.')
    };
    let folds =
        |byte: u8| !matches!(byte, b' '..0x7f) | matches!(byte, b'%' | b'\\') | byte.is_ascii_uppercase();
    let runs = bytes.chunks(RUN).zip(bytes.get(1..).unwrap_or_default().chunks(RUN));
    bytes.last().is_none_or(|last| !folds(*last))
        && runs.into_iter().all(|(before, behind)| {
            let pairs = before.iter().zip(behind);
            !pairs.fold(false, |any, (before, byte)| any | folds(*before) | folds_after(*before, *byte))
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By the definition, a character at a time.
    fn reference(text: &str) -> bool {
        let mut before = '/';
        for (at, character) in text.char_indices() {
            let folds = match character {
                ' ' => before == ' ' || at == 0,
                '/' => before == '/' && at > 0,
                '.' => before == '/' || before == '.',
                '%' | '\\' | '\u{7f}'.. | 'A'..='Z' => true,
                other => other < ' ',
            };
            if folds {
                return false;
            }
            before = character;
        }
        !text.starts_with("file:") && !text.contains("://") && !text.ends_with([' ', '/'])
    }

    proptest! {
        #[test]
        fn it_is_plain_by_the_definition(
            text in "(file:|a{62,66}|a{127})?[a-z0-9]{0,3}([ ./%A:é\u{7f}\\\\\t\"]|://){0,3}[a-z~.]{0,3}",
        ) {
            prop_assert_eq!(is_plain(&text), reference(&text), "{}", text);
        }

        #[test]
        fn what_is_not_encoded_has_the_readings_it_would_have_if_it_were(
            text in "[ \t\n]{0,2}[a-zA-Zé.~%:/]{0,3}[ a-zA-Z\n\"]{0,4}( |\u{3000})?",
        ) {
            let texts = |readings: Vec<Reading<'static>>| -> Vec<String> {
                readings.iter().map(|reading| reading.as_str().to_owned()).collect()
            };
            let made = Others::of(&Reading::new(&*text));
            let all = Others::of_encoded(fold(&text));
            if path::as_url(&text).is_empty() && !is_plain(&text) && !is_plain(&text.to_ascii_lowercase()) {
                // What folds to itself is not read again.
                let folded = match within_blanks(&text) {
                    Some(_) => vec![text.clone()],
                    None => texts(made.folded),
                };
                prop_assert_eq!(folded, texts(all.folded));
                prop_assert_eq!(texts(made.possible), texts(all.possible));
                prop_assert_eq!(made.unreadable, all.unreadable);
            }
        }
    }
}
