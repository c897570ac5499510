//! One pass that says whether a text has other readings.

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
    /// Letters set apart, one by one.
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

/// Bytes of a text behind its end, so that each place of it is the first of a window.
const BEHIND: usize = 5;

pub(super) fn signs(text: &str) -> Signs {
    let bytes = text.as_bytes();
    let mut seen = dense(bytes);
    // The last places are first in windows that reach behind the end.
    let mut tail = [0_u8; 2 * BEHIND];
    let last = bytes.get(bytes.len().saturating_sub(BEHIND)..).unwrap_or_default();
    tail.iter_mut().zip(last).for_each(|(slot, byte)| *slot = *byte);
    seen |= dense(&tail) & !CONTROL;
    seen |= last.iter().fold(0, |seen, byte| seen | single(*byte));
    Signs {
        beyond_ascii: seen & BEYOND != 0,
        controls: seen & CONTROL != 0,
        escapes: seen & ESCAPE != 0,
        blanks: seen & BLANKS != 0,
        spelled: seen & SPELLED != 0,
        rot13: seen & ROT13 != 0,
    }
}

/// Without a branch, so that the compiler makes it one of vectors.
fn dense(bytes: &[u8]) -> u8 {
    let (b, c, d, e) = (bytes.get(1..), bytes.get(2..), bytes.get(3..), bytes.get(4..));
    let (Some(b), Some(c), Some(d), Some(e)) = (b, c, d, e) else { return 0 };
    let windows = bytes.iter().zip(b).zip(c).zip(d).zip(e);
    windows.fold(0, |seen, ((((a, b), c), d), e)| seen | single(*a) | places([*a, *b, *c, *d, *e]))
}

#[inline(always)]
fn single(byte: u8) -> u8 {
    let control = (byte < b' ') & (byte != b'\n') & (byte != b'\r') & (byte != b'\t') | (byte == 0x7f);
    let escape = (byte == b'%') | (byte == b'&') | (byte == b'\\');
    flag(byte >= 0x80, BEYOND) | flag(control, CONTROL) | flag(escape, ESCAPE)
}

#[inline(always)]
fn places([a, b, c, d, e]: [u8; 5]) -> u8 {
    let blanks = is_letter(a) & ((b == b'\t') | (b == b' ') & ((c == b' ') | (c == b'\t')));
    let apart = is_separator(b) & (b == d);
    let spelled = apart & is_letter(a) & is_letter(c) & is_letter(e);
    let rot = (a | 0x20 == b'r') & (b | 0x20 == b'o') & (c | 0x20 == b't');
    let rot13 = rot & ((d == b'1') & (e == b'3') | is_separator(d) & (e == b'1'));
    flag(blanks, BLANKS) | flag(spelled, SPELLED) | flag(rot13, ROT13)
}

#[inline(always)]
fn flag(is: bool, flag: u8) -> u8 {
    u8::from(is).wrapping_neg() & flag
}

#[inline(always)]
pub(super) fn is_letter(byte: u8) -> bool {
    (byte | 0x20).wrapping_sub(b'a') < 26
}

/// What stands between letters that are set apart.
#[inline(always)]
pub(super) fn is_separator(byte: u8) -> bool {
    (byte == b' ') | (byte == b'-') | (byte == b'.') | (byte == b'_') | (byte == b'*') | (byte == b'|')
}
