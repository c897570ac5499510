//! Percent-encoding, HTML's character references and backslash escapes, decoded where they stand.

use std::ops::Range;

use super::budget::Budget;
use super::edits::{Edits, Worth};
use super::entity;
use super::made::Made;
use super::reading::Layer;

/// Bytes of one character, at most.
const CHARACTER: usize = 4;

/// The changes that decode `text` once, and which layers they take away.
pub(super) fn edits(text: &str) -> (Edits, Vec<Layer>) {
    let bytes = text.as_bytes();
    let mut edits = Edits::default();
    let mut seen = [(Layer::Percent, false), (Layer::Html, false), (Layer::Escapes, false)];
    let mut at = 0;
    while let Some(found) = memchr::memchr3(b'%', b'&', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found;
        let rest = bytes.get(at..).unwrap_or_default();
        let (layer, step) = match rest.first() {
            Some(b'%') => (Layer::Percent, percent(rest)),
            Some(b'&') => (Layer::Html, html(rest)),
            Some(_) | None => (Layer::Escapes, escape(rest, at.checked_sub(1).and_then(|at| bytes.get(at)))),
        };
        let Some(Step { character, len, worth }) = step else {
            at += 1;
            continue;
        };
        edits.push_char(at..at + len, character, worth);
        if worth == Worth::Strong {
            seen.iter_mut().filter(|(other, _)| *other == layer).for_each(|(_, seen)| *seen = true);
        }
        at += len;
    }
    let layers = seen.iter().filter(|(_, seen)| *seen).map(|(layer, _)| *layer).collect();
    (edits, layers)
}

/// One character decoded.
struct Step {
    character: char,
    /// Bytes it was written in.
    len: usize,
    worth: Worth,
}

impl Step {
    fn strong((character, len): (char, usize)) -> Self {
        Self { character, len, worth: Worth::Strong }
    }
}

fn percent(bytes: &[u8]) -> Option<Step> {
    if let [b'%', b'u' | b'U', rest @ ..] = bytes {
        return hex(rest, 4).and_then(char::from_u32).map(|character| Step::strong((character, 6)));
    }
    // Encoded again and again: a percent sign is `%25`, that one's `%2525`.
    let again = bytes.get(1..)?.chunks(2).take_while(|pair| pair == b"25").count();
    if again > 0 {
        return Some(Step::strong(('%', 1 + 2 * again)));
    }
    of_bytes(bytes, 3, |triple| match triple {
        [b'%', digits @ ..] => hex(digits, 2),
        _ => None,
    })
    .map(Step::strong)
}

fn html(bytes: &[u8]) -> Option<Step> {
    let (character, len) = entity::reference(bytes)?;
    let behind = bytes.get(len);
    let worth = match character {
        // Of itself it means nothing; what it begins may.
        '&' if !behind.is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'#') => Worth::Weak,
        '"' | '“' | '”' | '«' | '»' | '‘' | '—' | '–' | '…' | '•' | '©' => Worth::Weak,
        _ => Worth::Strong,
    };
    Some(Step { character, len, worth })
}

fn escape(bytes: &[u8], before: Option<&u8>) -> Option<Step> {
    let worth = |strong| if strong { Worth::Strong } else { Worth::Weak };
    let behind = bytes.get(2);
    let is_letter = behind.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80);
    match bytes.get(1)? {
        b'u' | b'U' | b'x' | b'0'..=b'7' | b'e' => escaped_number(bytes).map(Step::strong),
        // `C:\new` is a path, so what stands before has to look like the end of something.
        letter @ (b'n' | b'r' | b't') => {
            let character = match letter {
                b'n' => '\n',
                b'r' => '\r',
                _ => '\t',
            };
            let path = before.is_some_and(|byte| *byte == b':');
            Some(Step { character, len: 2, worth: worth(is_letter && !path) })
        }
        // Escaped again and again: each time there are twice as many.
        b'\\' => {
            let len = bytes.iter().take_while(|byte| **byte == b'\\').count();
            let again = bytes.get(len).is_some_and(|byte| b"nrtux".contains(byte));
            Some(Step { character: '\\', len, worth: worth(again) })
        }
        quote @ (b'"' | b'\'' | b'/' | b'`') => {
            Some(Step { character: char::from(*quote), len: 2, worth: Worth::Weak })
        }
        _ => None,
    }
}

fn escaped_number(bytes: &[u8]) -> Option<(char, usize)> {
    match bytes {
        [b'\\', b'u', b'{', rest @ ..] | [b'\\', b'x', b'{', rest @ ..] => {
            let digits = rest.iter().take(8).position(|byte| *byte == b'}')?;
            Some((char::from_u32(hex(rest, digits)?)?, digits + 4))
        }
        [b'\\', b'u', rest @ ..] => match hex(rest, 4)? {
            high @ 0xd800..=0xdbff => {
                let low = match rest.get(4..)? {
                    [b'\\', b'u', rest @ ..] => hex(rest, 4).filter(|low| (0xdc00..0xe000).contains(low))?,
                    _ => return None,
                };
                Some((char::from_u32(0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00))?, 12))
            }
            unit => Some((char::from_u32(unit)?, 6)),
        },
        [b'\\', b'U', rest @ ..] => Some((char::from_u32(hex(rest, 8)?)?, 10)),
        [b'\\', b'e', b'[', ..] => Some(('\u{1b}', 2)),
        [b'\\', b'x', ..] => of_bytes(bytes, 4, |four| match four {
            [b'\\', b'x', digits @ ..] => hex(digits, 2),
            _ => None,
        }),
        [b'\\', b'0'..=b'3', ..] => of_bytes(bytes, 4, |four| match four {
            [b'\\', digits @ ..] => number(digits, 3, 8),
            _ => None,
        }),
        _ => None,
    }
}

/// The character whose bytes are written in `width` bytes each.
fn of_bytes(bytes: &[u8], width: usize, read: impl Fn(&[u8]) -> Option<u32>) -> Option<(char, usize)> {
    let mut held = [0; CHARACTER];
    let read = |nth: usize| {
        let value = read(bytes.get(nth * width..(nth + 1) * width)?)?;
        u8::try_from(value).ok()
    };
    let first = read(0)?;
    let len = match first {
        0..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        0x80..=0xc1 | 0xf5.. => return None,
    };
    for (nth, slot) in held.iter_mut().enumerate().take(len) {
        *slot = read(nth)?;
    }
    let character = str::from_utf8(held.get(..len)?).ok()?.chars().next()?;
    Some((character, len * width))
}

fn hex(bytes: &[u8], digits: usize) -> Option<u32> {
    number(bytes, digits, 16)
}

/// The number that the first `digits` of `bytes` write.
fn number(bytes: &[u8], digits: usize, radix: u32) -> Option<u32> {
    let digits = bytes.get(..digits).filter(|digits| !digits.is_empty())?;
    digits.iter().try_fold(0_u32, |value, digit| {
        value.checked_mul(radix)?.checked_add(char::from(*digit).to_digit(radix)?)
    })
}

/// `text` with each letter of ASCII replaced by the one 13 places on.
pub(super) fn rot13(text: &str, budget: &mut Budget) -> Option<Made> {
    if !budget.take(text.len()) {
        return None;
    }
    let turned: String = text.chars().map(turn).collect();
    let mut made = Made::default();
    made.copy(&turned, Range { start: 0, end: turned.len() });
    Some(made)
}

fn turn(character: char) -> char {
    match character {
        'a'..='m' | 'A'..='M' => char::from_u32(u32::from(character) + 13).unwrap_or(character),
        'n'..='z' | 'N'..='Z' => char::from_u32(u32::from(character) - 13).unwrap_or(character),
        other => other,
    }
}
