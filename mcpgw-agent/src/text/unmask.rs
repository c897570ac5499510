//! What hides a text's meaning from a reader who goes by bytes, taken away: what a detector reads beside the text as it
//! came.
//!
//! Letters of another script that look like Latin ones are replaced in words that have Latin letters too, and in words
//! of nothing else among Latin words. A word of Russian or Greek stays as it is.

use std::ops::Range;

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfkc_quick};

use super::confusable::{self, Alike};
use super::edits::{Edits, Worth};
use super::fold::is_invisible;

/// Characters normalised together at most: more marks on one letter are no writing.
const TOGETHER: usize = 32;
/// Bytes of a terminal's control sequence.
const SEQUENCE: usize = 24;

/// The changes that take away what hides the meaning of `text`.
pub(super) fn edits(text: &str) -> Edits {
    let mut unmask = Unmask {
        text,
        edits: Edits::default(),
        scratch: String::new(),
        word: Word::default(),
        after_latin: true,
        blank_end: usize::MAX,
    };
    let mut at = 0;
    while at < text.len() {
        at = unmask.step(at);
    }
    unmask.end_word();
    unmask.edits
}

/// Letters and marks in a row.
#[derive(Debug, Default)]
struct Word {
    /// Changes before it.
    first: usize,
    has_latin: bool,
    /// It has letters that look like none of ASCII.
    has_other: bool,
    /// Where letters begin that look like those of ASCII.
    alike: Vec<usize>,
}

struct Unmask<'a> {
    text: &'a str,
    edits: Edits,
    scratch: String,
    word: Word,
    /// The word before was Latin, or there was none.
    after_latin: bool,
    /// Where the last blank ended.
    blank_end: usize,
}

impl Unmask<'_> {
    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn before(&self, at: usize) -> Option<u8> {
        at.checked_sub(1).and_then(|at| self.byte(at))
    }

    /// From `at` on, as far as it belongs together; gives where that ends.
    fn step(&mut self, at: usize) -> usize {
        match self.byte(at) {
            Some(b'a'..=b'z' | b'A'..=b'Z') => self.word.has_latin = true,
            Some(b'0'..=b'9') => {}
            Some(b' ' | b'\t' | 0x0b | 0x0c) => return self.blanks(at),
            Some(b'\n' | b'\r' | b'!'..=b'~') | None => self.end_word(),
            Some(0x1b) => return self.sequence(at),
            Some(0..=0x1f | 0x7f) => self.edits.push(at..at + 1, "", Worth::Strong),
            Some(0x80..) => return self.beyond(at),
        }
        at + 1
    }

    fn blanks(&mut self, at: usize) -> usize {
        self.end_word();
        let is_blank = |at: &usize| matches!(self.byte(*at), Some(b' ' | b'\t' | 0x0b | 0x0c));
        let end = (at..self.text.len()).find(|at| !is_blank(at)).unwrap_or(self.text.len());
        let (before, behind) = (self.before(at), self.byte(end));
        let at_line_start = matches!(before, None | Some(b'\n' | b'\r'));
        let as_it_is = end - at == 1 && self.byte(at) == Some(b' ') && self.blank_end != at;
        if !as_it_is && !at_line_start {
            let between = before.is_some_and(is_wordly) && behind.is_some_and(is_wordly);
            let worth = if between { Worth::Strong } else { Worth::Weak };
            let with = if self.blank_end == at { "" } else { " " };
            self.edits.push(at..end, with, worth);
        }
        self.blank_end = end;
        end
    }

    /// A terminal's control sequence: colours, invisible text, movements.
    fn sequence(&mut self, at: usize) -> usize {
        let behind = self.text.as_bytes().get(at + 1..).unwrap_or_default();
        let len = match behind {
            [b'[', rest @ ..] => rest
                .iter()
                .take(SEQUENCE)
                .position(|byte| matches!(byte, b'@'..=b'~'))
                .filter(|end| rest.iter().take(*end).all(u8::is_ascii))
                .map_or(1, |end| end + 3),
            _ => 1,
        };
        self.edits.push(at..at + len, "", Worth::Strong);
        at + len
    }

    /// A character beyond ASCII and what combines with it.
    fn beyond(&mut self, at: usize) -> usize {
        let mut characters = self.text.get(at..).unwrap_or_default().chars();
        let Some(first) = characters.next() else { return at + 1 };
        let mut range = at..at + first.len_utf8();
        if is_invisible(first) {
            let worth = self.hides(&range);
            self.edits.push(range.clone(), "", worth);
            return range.end;
        }
        if first.is_whitespace() {
            self.wide_blank(first, &range);
            return range.end;
        }
        let mut combines = false;
        if !begins(first) && self.before(at).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            range.start -= 1;
            combines = true;
        }
        for next in characters.take(TOGETHER).take_while(|next| !next.is_ascii() && !begins(*next)) {
            if is_invisible(next) {
                break;
            }
            range.end += next.len_utf8();
            combines = true;
        }
        if combines || !is_normal(first) {
            self.normalise(range.clone());
        } else if let Some(alike) = confusable::alike(first) {
            self.alike(range.clone(), &alike);
        } else {
            self.letter(first);
        }
        range.end
    }

    /// An invisible character counts where it stands within or beside what is written in ASCII.
    fn hides(&self, range: &Range<usize>) -> Worth {
        let hides = match (self.before(range.start), self.byte(range.end)) {
            (Some(before @ ..=0x7f), Some(behind @ ..=0x7f)) => before >= b' ' && behind >= b' ',
            (Some(one), Some(other)) => one.is_ascii_alphanumeric() || other.is_ascii_alphanumeric(),
            (None, _) | (_, None) => false,
        };
        if hides { Worth::Strong } else { Worth::Weak }
    }

    fn wide_blank(&mut self, blank: char, range: &Range<usize>) {
        self.end_word();
        if matches!(blank, '\u{85}' | '\u{2028}' | '\u{2029}') {
            self.edits.push(range.clone(), "\n", Worth::Weak);
            return;
        }
        let (before, behind) = (self.before(range.start), self.byte(range.end));
        let beside = [before, behind].into_iter().flatten().any(|byte| byte.is_ascii_alphanumeric());
        let with = if self.blank_end == range.start || before == Some(b' ') { "" } else { " " };
        self.edits.push(range.clone(), with, if beside { Worth::Strong } else { Worth::Weak });
        self.blank_end = range.end;
    }

    fn alike(&mut self, range: Range<usize>, alike: &Alike) {
        match alike {
            Alike::Latin(ascii) => {
                self.word.has_latin = true;
                self.edits.push_char(range, *ascii, Worth::Strong);
            }
            Alike::Other(ascii) => {
                self.word.alike.push(range.start);
                self.edits.push_char(range, *ascii, Worth::Strong);
            }
            Alike::Sign(ascii) => {
                let beside = [self.before(range.start), self.byte(range.end)];
                let within = beside.iter().all(|byte| byte.is_some_and(|byte| byte.is_ascii_alphanumeric()));
                let strong = matches!(ascii, '/' | '\\' | '.' | '|' | ':') || within && *ascii == '\'';
                self.end_word();
                let worth = if strong { Worth::Strong } else { Worth::Weak };
                self.edits.push_char(range, *ascii, worth);
            }
        }
    }

    /// A character that is left as it is.
    fn letter(&mut self, character: char) {
        if character.is_alphabetic() {
            self.word.has_other = true;
        } else if !character.is_numeric() {
            self.end_word();
        }
    }

    fn normalise(&mut self, range: Range<usize>) {
        let together = self.text.get(range.clone()).unwrap_or_default();
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        scratch.extend(together.nfkc().filter(|character| !is_invisible(*character)));
        // Marks left over on a letter of ASCII are decoration.
        if together.starts_with(|first: char| first.is_ascii()) && scratch.chars().nth(1).is_some() {
            let base = together.len().min(1);
            scratch.clear();
            scratch.push_str(together.get(..base).unwrap_or_default());
        }
        let mut changed = String::new();
        if !scratch.is_ascii() {
            changed.extend(scratch.chars().map(|character| match confusable::alike(character) {
                Some(Alike::Latin(ascii)) => ascii,
                Some(Alike::Other(_) | Alike::Sign(_)) | None => character,
            }));
            std::mem::swap(&mut scratch, &mut changed);
        }
        let letters = scratch.bytes().any(|byte| byte.is_ascii_alphabetic());
        if letters {
            self.word.has_latin = true;
        } else {
            scratch.chars().for_each(|character| self.letter(character));
        }
        if scratch != together {
            let telling = |byte: u8| byte.is_ascii_alphanumeric() || b"%&\\/<>{}$`;".contains(&byte);
            let common = matches!(together, "™" | "ª" | "º" | "²" | "³" | "№" | "…");
            let worth = if scratch.bytes().any(telling) && !common { Worth::Strong } else { Worth::Weak };
            self.edits.push(range, &scratch, worth);
        }
        self.scratch = scratch;
    }

    /// Decides about the letters that look like others.
    fn end_word(&mut self) {
        let word = &mut self.word;
        if !word.alike.is_empty() {
            let fold = word.has_latin || !word.has_other && self.after_latin;
            if !fold {
                let mut alike = word.alike.iter().copied().peekable();
                self.edits.retain_from(word.first, |range| alike.next_if_eq(&range.start).is_none());
                word.has_other = true;
            }
            word.has_latin |= fold;
        }
        if word.has_latin || word.has_other {
            self.after_latin = word.has_latin;
        }
        word.alike.clear();
        (word.has_latin, word.has_other) = (false, false);
        word.first = self.edits.len();
    }
}

/// Part of a word, or beyond ASCII.
fn is_wordly(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

/// Normalisation leaves it as it is, alone.
fn is_normal(character: char) -> bool {
    is_nfkc_quick(std::iter::once(character)) == IsNormalized::Yes
}

/// Normalisation never joins it to what stands before.
fn begins(character: char) -> bool {
    if canonical_combining_class(character) != 0 {
        return false;
    }
    match is_nfkc_quick(std::iter::once(character)) {
        IsNormalized::Yes => true,
        IsNormalized::Maybe => false,
        IsNormalized::No => std::iter::once(character).nfkc().next().is_some_and(|first| {
            canonical_combining_class(first) == 0
                && is_nfkc_quick(std::iter::once(first)) == IsNormalized::Yes
        }),
    }
}
