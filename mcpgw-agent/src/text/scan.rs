//! One pass that says whether a text has other readings.

use super::seek::{BLOCK, Block, blocks, window};

/// What a text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signs {
    /// Characters beyond ASCII.
    pub(super) beyond_ascii: bool,
    /// Control characters other than tab and line ends.
    pub(super) controls: bool,
    /// `%`, `&` or `\`.
    pub(super) escapes: bool,
    /// Several blanks, or a tab, behind a letter.
    pub(super) blanks: bool,
    /// Two letters set apart.
    pub(super) spelled: bool,
    /// It speaks of ROT13.
    pub(super) rot13: bool,
}

const BEYOND: u8 = 1;
const CONTROL: u8 = 2;
const ESCAPE: u8 = 4;
const BLANKS: u8 = 8;
const SPELLED: u8 = 16;
const ROT13: u8 = 32;

/// Bytes of a window.
const WINDOW: usize = 5;
/// A text up to this long is looked at byte by byte first.
const SHORT: usize = 64;

pub(super) fn signs(text: &str) -> Signs {
    let bytes = text.as_bytes();
    if bytes.len() <= SHORT && !bytes.iter().fold(false, |any, byte| any | may_tell(*byte)) {
        return of(0);
    }
    // The first place of a text has nothing before it.
    let mut seen = places(at_start(bytes));
    // Ends of lines are no sign of anything.
    let _: Option<()> = blocks(bytes, 0, b'\n', |_, block| {
        seen |= of_block(block);
        None
    });
    of(seen)
}

fn of(seen: u8) -> Signs {
    Signs {
        beyond_ascii: seen & BEYOND != 0,
        controls: seen & CONTROL != 0,
        escapes: seen & ESCAPE != 0,
        blanks: seen & BLANKS != 0,
        spelled: seen & SPELLED != 0,
        rot13: seen & ROT13 != 0,
    }
}

/// What of a short text has no such byte has no sign, whatever stands beside it.
#[inline(always)]
fn may_tell(byte: u8) -> bool {
    (single(byte) != 0) | is_separator(byte) | (byte == b'\t') | (byte == b'1')
}

/// The window that begins before the text.
pub(super) fn at_start(bytes: &[u8]) -> [u8; WINDOW] {
    let mut first = [0; WINDOW];
    first.iter_mut().skip(1).zip(bytes).for_each(|(slot, byte)| *slot = *byte);
    first
}

/// Without a branch, so that the compiler makes it one of vectors.
#[inline(always)]
fn of_block(block: &Block) -> u8 {
    (0..BLOCK).fold(0, |seen, at| {
        let five: [u8; WINDOW] = window(block, at);
        let [byte, ..] = five;
        seen | single(byte) | places(five)
    })
}

#[inline(always)]
fn single(byte: u8) -> u8 {
    let control = (byte < b' ') & (byte != b'\n') & (byte != b'\r') & (byte != b'\t') | (byte == 0x7f);
    let escape = (byte == b'%') | (byte == b'&') | (byte == b'\\');
    flag(byte >= 0x80, BEYOND) | flag(control, CONTROL) | flag(escape, ESCAPE)
}

#[inline(always)]
fn places([a, b, c, d, e]: [u8; WINDOW]) -> u8 {
    let blanks = is_letter(a) & ((b == b'\t') | (b == b' ') & ((c == b' ') | (c == b'\t')));
    let rot = (a | 0x20 == b'r') & (b | 0x20 == b'o') & (c | 0x20 == b't');
    let rot13 = rot & ((d == b'1') & (e == b'3') | is_separator(d) & (e == b'1'));
    flag(blanks, BLANKS) | flag(is_spelled([a, b, c, d, e]), SPELLED) | flag(rot13, ROT13)
}

#[inline(always)]
fn flag(is: bool, flag: u8) -> u8 {
    u8::from(is).wrapping_neg() & flag
}

#[inline(always)]
pub(super) fn is_letter(byte: u8) -> bool {
    (byte | 0x20).wrapping_sub(b'a') < 26
}

#[inline(always)]
fn is_alphanumeric(byte: u8) -> bool {
    is_letter(byte) | (byte.wrapping_sub(b'0') < 10)
}

/// Two letters set apart, at the second byte.
#[inline(always)]
pub(super) fn is_spelled([a, b, c, d, e]: [u8; 5]) -> bool {
    !is_alphanumeric(a) & is_letter(b) & is_separator(c) & is_letter(d) & !is_alphanumeric(e)
}

/// What stands between letters that are set apart.
#[inline(always)]
pub(super) fn is_separator(byte: u8) -> bool {
    (byte == b' ') | (byte == b'-') | (byte == b'.') | (byte == b'_') | (byte == b'*') | (byte == b'|')
}
