//! What hides a text's meaning from a reader who goes by bytes, taken away: what a detector reads beside the text as it
//! came.
//!
//! Letters of another script that look like Latin ones are replaced in words that have Latin letters too, and in words
//! of nothing else among Latin words. A word of Russian or Greek stays as it is.

use std::ops::Range;

use unicode_normalization::char::compose;

use super::classes::{self, Class};
use super::edits::{Edits, Worth};
use super::seek::seek;

/// Bytes to the next word.
const NEAR: usize = 8;
/// Bytes of a terminal's control sequence.
const SEQUENCE: usize = 24;

/// The changes that take away what hides the meaning of `text`.
pub(super) fn edits(text: &str) -> Edits {
    let mut unmask = Unmask {
        text,
        edits: Edits::default(),
        decorated: None,
        word: Word::default(),
        after_latin: None,
        at: 0,
        blank_end: usize::MAX,
    };
    let mut at = 0;
    while at < text.len() {
        at = unmask.skip(at);
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
    /// Where the character of ASCII ends, or what became one, whose marks are decoration.
    decorated: Option<usize>,
    word: Word,
    /// The word before was Latin, if there was one.
    after_latin: Option<bool>,
    /// What is looked at.
    at: usize,
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

    /// What is plain from `at` on, as far as whole words are; gives where that ends. As steps do, but many at once.
    fn skip(&mut self, at: usize) -> usize {
        let is_clean = !self.word.has_latin && !self.word.has_other && self.word.alike.is_empty();
        if !is_clean || self.blank_end == at {
            return at;
        }
        let bytes = self.text.as_bytes();
        let rest = bytes.get(at..).unwrap_or_default();
        let plain = rest.get(..seek(rest, 0, may_change).unwrap_or(rest.len())).unwrap_or_default();
        let word = plain.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let plain = plain.get(..plain.len() - word).unwrap_or_default();
        if plain.iter().rev().any(u8::is_ascii_alphabetic) {
            self.after_latin = Some(true);
        }
        let end = at + plain.len();
        if plain.last() == Some(&b' ') {
            self.blank_end = end;
        }
        end
    }

    /// From `at` on, as far as it belongs together; gives where that ends.
    fn step(&mut self, at: usize) -> usize {
        self.at = at;
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
            self.edits.push_blanks(at..end, with, worth);
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

    /// A character beyond ASCII.
    fn beyond(&mut self, at: usize) -> usize {
        let Some(character) = self.text.get(at..).and_then(|rest| rest.chars().next()) else { return at + 1 };
        let range = at..at + character.len_utf8();
        let end = range.end;
        match classes::of(character) {
            Class::Letter => self.word.has_other = true,
            Class::Digit => {}
            Class::Other => self.end_word(),
            Class::Invisible => {
                let worth = self.hides(&range);
                if self.decorated == Some(at) {
                    self.decorated = Some(end);
                }
                self.edits.push(range, "", worth);
            }
            Class::Mark => self.mark(character, range),
            Class::Blank => self.wide_blank(&range),
            Class::LineEnd => {
                self.end_word();
                self.edits.push(range, "\n", Worth::Weak);
            }
            Class::Alike(ascii) => {
                self.word.alike.push(at);
                self.becomes(range, ascii, Worth::Strong);
            }
            Class::Form(ascii) => self.form(range, ascii, Worth::Strong),
            Class::CommonForm(ascii) => self.form(range, ascii, Worth::Weak),
            Class::Sign(ascii) => self.sign(range, ascii),
            Class::Several => {
                self.word.has_latin = true;
                self.edits.push(range, &classes::several(character), Worth::Strong);
            }
        }
        end
    }

    fn becomes(&mut self, range: Range<usize>, ascii: u8, worth: Worth) {
        self.decorated = Some(range.end);
        self.edits.push_char(range, char::from(ascii), worth);
    }

    fn form(&mut self, range: Range<usize>, ascii: u8, worth: Worth) {
        match ascii {
            b'a'..=b'z' | b'A'..=b'Z' => self.word.has_latin = true,
            b'0'..=b'9' => {}
            _ => self.end_word(),
        }
        self.becomes(range, ascii, worth);
    }

    /// A mark makes a letter another one, which is left; what is no letter then is decoration.
    fn mark(&mut self, mark: char, range: Range<usize>) {
        let base = self.before(range.start).filter(u8::is_ascii_alphanumeric);
        let is_letter = base.is_some_and(|base| compose(char::from(base), mark).is_some());
        // One mark is spelling, another on top of it is not.
        let alone = self.text.get(range.end..).and_then(|rest| rest.chars().next());
        let alone = alone.is_none_or(|next| next.is_ascii() || classes::of(next) != Class::Mark);
        if base.is_some() && !(is_letter && alone) || self.decorated == Some(range.start) {
            self.decorated = Some(range.end);
            self.edits.push(range, "", Worth::Strong);
        }
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

    fn wide_blank(&mut self, range: &Range<usize>) {
        self.end_word();
        let (before, behind) = (self.before(range.start), self.byte(range.end));
        let beside = [before, behind].into_iter().flatten().any(|byte| byte.is_ascii_alphanumeric());
        let with = if self.blank_end == range.start || before == Some(b' ') { "" } else { " " };
        self.edits.push(range.clone(), with, if beside { Worth::Strong } else { Worth::Weak });
        self.blank_end = range.end;
    }

    /// An apostrophe within a word counts, and what paths and commands are made of; other quotation marks and dashes do
    /// not.
    fn sign(&mut self, range: Range<usize>, ascii: u8) {
        let beside = [self.before(range.start), self.byte(range.end)];
        let within = beside.iter().all(|byte| byte.is_some_and(|byte| byte.is_ascii_alphanumeric()));
        let strong = matches!(ascii, b'/' | b'\\' | b'.' | b'|' | b':' | b'%' | b'&' | b'<' | b'>')
            || within && ascii == b'\'';
        self.end_word();
        self.edits.push_char(range, char::from(ascii), if strong { Worth::Strong } else { Worth::Weak });
    }

    /// The next word begins with a Latin letter.
    fn before_latin(&self) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let next = rest.iter().take(NEAR).find(|byte| is_wordly(**byte));
        next.is_some_and(u8::is_ascii_alphabetic)
    }

    /// Decides about the letters that look like others.
    fn end_word(&mut self) {
        let among_latin = || self.after_latin.unwrap_or_else(|| self.before_latin());
        let fold = self.word.has_latin || !self.word.has_other && among_latin();
        let word = &mut self.word;
        if !word.alike.is_empty() {
            if !fold {
                let mut alike = word.alike.iter().copied().peekable();
                self.edits.retain_from(word.first, |range| alike.next_if_eq(&range.start).is_none());
                word.has_other = true;
            }
            word.has_latin |= fold;
        }
        if word.has_latin || word.has_other {
            self.after_latin = Some(word.has_latin);
        }
        word.alike.clear();
        (word.has_latin, word.has_other) = (false, false);
        word.first = self.edits.len();
    }
}

/// What is no letter, digit, sign or single blank of ASCII, nor the end of a line.
#[inline(always)]
fn may_change([one, two]: [u8; 2]) -> bool {
    let blanks = (one == b' ') & (two <= b' ');
    let control = (one < b' ') & (one != b'\n') & (one != b'\r');
    (one >= 0x7f) | control | blanks
}

/// Part of a word, or beyond ASCII.
fn is_wordly(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}
