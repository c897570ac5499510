//! How one provider's tokens are made, and whether one stands in a text.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::alphabet::{self, ALNUM, Set};

/// A part of a token.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece {
    /// So many bytes of a set: as many as there are, at most the second number.
    Run(Set, usize, usize),
    /// These bytes.
    Text(&'static str),
    /// Eight, four, four, four and twelve hexadecimal digits.
    Uuid,
    /// The part may be missing.
    Maybe(&'static str),
}

/// What else must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Nothing.
    None,
    /// The last six characters are the checksum of those before: CRC-32 in base 62. Says how sure one is, no more: tokens
    /// in tests and documents seldom have it.
    Crc,
    /// There is a digit in it.
    Digit,
    /// An access key id of the documentation ends in EXAMPLE.
    Aws,
    /// Letters of both cases or digits: words in capitals are none.
    Mixed,
    /// Letters drawn by lot.
    Drawn,
    /// It is no name of a file.
    NoFile,
    /// The first part is a decimal number in base64.
    Number,
    /// All of it is base64 of a decimal number, a colon and more.
    NumberColon,
    /// It holds this.
    Holds(&'static str),
}

/// How tokens of one kind are made.
#[derive(Debug)]
pub(super) struct Format {
    /// What the finding is called.
    pub(super) kind: &'static str,
    /// What they begin with, to the letter.
    pub(super) prefix: &'static str,
    /// What follows.
    pub(super) pieces: &'static [Piece],
    /// What else must hold.
    pub(super) check: Check,
    /// How sure one is.
    pub(super) score: f32,
}

pub(super) const fn run(set: Set, count: usize) -> Piece {
    Piece::Run(set, count, count)
}

pub(super) const fn runs(set: Set, least: usize, most: usize) -> Piece {
    Piece::Run(set, least, most)
}

pub(super) const fn format(kind: &'static str, prefix: &'static str, pieces: &'static [Piece]) -> Format {
    Format { kind, prefix, pieces, check: Check::None, score: 0.9 }
}

impl Format {
    pub(super) const fn check(mut self, check: Check) -> Self {
        self.check = check;
        self
    }

    pub(super) const fn score(mut self, score: f32) -> Self {
        self.score = score;
        self
    }

    /// The token that begins at `at`, where the prefix stands in some case, and how sure one is.
    pub(super) fn at(&self, text: &str, at: usize) -> Option<(Range<usize>, f32)> {
        let bytes = text.as_bytes();
        if !alphabet::begins(bytes, at) {
            return None;
        }
        let end = self.end(bytes, at)?;
        let token = bytes.get(at..end)?;
        let body = token.get(self.prefix.len()..)?;
        if masked(body) {
            return None;
        }
        self.checked(bytes, token, end).map(|score| (at..end, score))
    }

    /// The end of a token that begins at `at`.
    pub(super) fn end(&self, bytes: &[u8], at: usize) -> Option<usize> {
        if !bytes.get(at..)?.starts_with(self.prefix.as_bytes()) {
            return None;
        }
        pieces(bytes, at + self.prefix.len(), self.pieces)
    }

    fn checked(&self, bytes: &[u8], token: &[u8], end: usize) -> Option<f32> {
        let has = |wanted: fn(&u8) -> bool| token.iter().skip(self.prefix.len()).any(wanted);
        let holds = match self.check {
            Check::None => true,
            Check::Crc => return Some(if crc(token, self.prefix.len()) { 0.99 } else { self.score }),
            Check::Digit => has(u8::is_ascii_digit),
            Check::Aws => {
                let body = token.get(self.prefix.len()..).unwrap_or_default();
                let certain = matches!(self.prefix, "AKIA" | "A3T") || has(u8::is_ascii_digit);
                !token.ends_with(b"EXAMPLE") && (certain || super::value::is_drawn(body))
            }
            Check::Mixed => {
                has(u8::is_ascii_digit) || has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)
            }
            Check::Drawn => token.get(self.prefix.len()..).is_some_and(super::value::is_drawn),
            Check::NoFile => {
                bytes.get(end) != Some(&b'.') || !bytes.get(end + 1).is_some_and(u8::is_ascii_lowercase)
            }
            Check::Number => number(token),
            Check::NumberColon => number_colon(token),
            Check::Holds(part) => memchr::memmem::find(token, part.as_bytes()).is_some(),
        };
        holds.then_some(self.score)
    }
}

/// Where the pieces that begin at `at` end. Behind a piece of a fixed length no more of the same may follow.
fn pieces(bytes: &[u8], at: usize, pieces: &[Piece]) -> Option<usize> {
    let mut at = at;
    let mut last = None;
    for piece in pieces {
        match *piece {
            Piece::Run(set, least, most) => {
                let count = alphabet::run(bytes, at, set, most);
                if count < least {
                    return None;
                }
                at += count;
                last = Some(set);
            }
            Piece::Text(text) => {
                if !bytes.get(at..)?.starts_with(text.as_bytes()) {
                    return None;
                }
                at += text.len();
                last = None;
            }
            Piece::Uuid => {
                at = uuid(bytes, at)?;
                last = Some(ALNUM);
            }
            Piece::Maybe(text) => {
                if bytes.get(at..)?.starts_with(text.as_bytes()) {
                    at += text.len();
                }
            }
        }
    }
    let open = last.is_some_and(|set| bytes.get(at).is_some_and(|next| alphabet::is(*next, set & ALNUM)));
    (!open).then_some(at)
}

/// The end of a UUID that begins at `at`.
pub(super) fn uuid(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..at + 36)?;
    let is_uuid = word.iter().enumerate().all(|(index, byte)| match index {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => byte.is_ascii_alphanumeric(),
    });
    is_uuid.then_some(at + 36)
}

/// What stands where a secret was: more than half of it is crosses, stars or dots.
pub(super) fn masked(body: &[u8]) -> bool {
    let crosses = body.iter().filter(|byte| matches!(byte, b'x' | b'X' | b'*' | b'.' | b'#')).count();
    crosses * 2 > body.len()
}

fn crc(token: &[u8], prefix: usize) -> bool {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some((body, sum)) = token.len().checked_sub(6).and_then(|split| token.split_at_checked(split)) else {
        return false;
    };
    let Some(body) = body.get(prefix..) else { return false };
    let mut crc = flate2::Crc::new();
    crc.update(body);
    let wanted = sum.iter().try_fold(0_u64, |sum, byte| {
        let digit = DIGITS.iter().position(|digit| digit == byte)?;
        Some(sum * 62 + u64::try_from(digit).ok()?)
    });
    wanted == Some(u64::from(crc.sum()))
}

/// The part before the first dot is a number in base64, as the bots of Discord have it.
fn number(token: &[u8]) -> bool {
    let Some(first) = token.split(|byte| *byte == b'.').next() else { return false };
    URL_SAFE_NO_PAD.decode(first).is_ok_and(|id| id.len() > 15 && id.iter().all(u8::is_ascii_digit))
}

/// Tokens of Jira and Confluence are base64 of a number, a colon and random bytes.
fn number_colon(token: &[u8]) -> bool {
    STANDARD_NO_PAD.decode(token).is_ok_and(|plain| {
        let digits = plain.iter().take_while(|byte| byte.is_ascii_digit()).count();
        digits >= 8 && plain.get(digits) == Some(&b':')
    })
}
