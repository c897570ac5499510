//! One pass that says whether a text has other readings.

use super::seek::{BLOCK, Block, HIGH, blocks, window};

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
/// It may be a sign, by what stands beside it.
const PLACE: u8 = 64;

/// Bytes of a window.
const WINDOW: usize = 5;
/// A text up to this long is looked at byte by byte.
const SHORT: usize = 24;

pub(super) fn signs(text: &str) -> Signs {
    let bytes = text.as_bytes();
    if bytes.len() <= SHORT {
        return of(of_short(bytes));
    }
    of(of_any(bytes))
}

impl Signs {
    /// It has no other reading, unless something in it is encoded.
    pub(super) fn is_none(self) -> bool {
        self == of(0)
    }
}

/// Of a text of any length, in blocks.
fn of_any(bytes: &[u8]) -> u8 {
    // The first place of a text has nothing before it.
    let mut seen = places(at_start(bytes));
    // Ends of lines are no sign of anything.
    let _: Option<()> = blocks(bytes, 0, b'\n', |_, block| {
        seen |= of_block(block);
        None
    });
    seen
}

/// Of a short text: few of its bytes are worth a look at what stands beside them.
fn of_short(bytes: &[u8]) -> u8 {
    let mut seen = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let kind = KINDS.get(usize::from(*byte)).copied().unwrap_or(0);
        seen |= kind;
        if kind & PLACE != 0 {
            seen |= beside(bytes, at, *byte);
        }
    }
    seen & !PLACE
}

/// What the byte at `at` is a sign of, for what stands beside it. Behind the end is the end of a line.
fn beside(bytes: &[u8], at: usize, byte: u8) -> u8 {
    let behind = |on: usize| bytes.get(at + on).copied().unwrap_or(b'\n');
    let before = |back: usize| at.checked_sub(back).and_then(|at| bytes.get(at)).copied().unwrap_or(0);
    if byte == b'1' {
        let rot =
            |back: usize| [before(back + 2), before(back + 1), before(back)].eq_ignore_ascii_case(b"rot");
        return match before(1) {
            // Most digits follow digits.
            b'0'..=b'9' => 0,
            b't' | b'T' => flag(rot(1) && behind(1) == b'3', ROT13),
            sign => flag(is_separator(sign) && rot(2), ROT13),
        };
    }
    let blanks = is_letter(before(1)) && (byte == b'\t' || byte == b' ' && matches!(behind(1), b' ' | b'\t'));
    let spelled = is_spelled([before(2), before(1), byte, behind(1), behind(2)]);
    flag(blanks, BLANKS) | flag(spelled, SPELLED)
}

/// What a byte is a sign of, whatever stands beside it; [`PLACE`] where that counts.
static KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0_u8;
    loop {
        #[expect(clippy::indexing_slicing, reason = "at compile time, of a table with all bytes")]
        {
            kinds[byte as usize] = match byte {
                b' ' | b'-' | b'.' | b'_' | b'*' | b'|' | b'\t' | b'1' => PLACE,
                b'%' | b'&' | b'\\' => ESCAPE,
                b'\n' | b'\r' => 0,
                0..b' ' | 0x7f => CONTROL,
                0x80.. => BEYOND,
                _ => 0,
            };
        }
        if byte == u8::MAX {
            break kinds;
        }
        byte += 1;
    }
};

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

/// The window that begins before the text.
pub(super) fn at_start(bytes: &[u8]) -> [u8; WINDOW] {
    let mut first = [0; WINDOW];
    first.iter_mut().skip(1).zip(bytes).for_each(|(slot, byte)| *slot = *byte);
    first
}

/// Without a branch for each byte, so that the compiler makes it one of vectors.
#[inline(always)]
fn of_block(block: &Block) -> u8 {
    let mut may_be = [0_u8; BLOCK];
    for (at, slot) in may_be.iter_mut().enumerate() {
        let five: [u8; WINDOW] = window(block, at);
        *slot = may_be_single(five) | may_be_place(five);
    }
    // One question for the whole block.
    let any =
        |bytes: &[u8; BLOCK]| bytes.as_chunks().0.iter().fold(0, |any, word| any | u64::from_le_bytes(*word));
    let beyond = block.first_chunk().is_some_and(|block| any(block) & HIGH != 0);
    if any(&may_be) == 0 {
        return flag(beyond, BEYOND);
    }
    (0..BLOCK).fold(0, |seen, at| {
        let five: [u8; WINDOW] = window(block, at);
        let [byte, ..] = five;
        seen | single(byte) | places(five)
    })
}

/// Not 0 where [`single`] finds something of ASCII: it asks less.
#[inline(always)]
fn may_be_single([byte, ..]: [u8; WINDOW]) -> u8 {
    let odd = (byte < 0x20) & (byte != b'\n');
    u8::from(odd | (byte == 0x7f) | (byte == b'%') | (byte == b'&') | (byte == b'\\'))
}

/// Not 0 where [`places`] finds something, and seldom elsewhere: it asks less.
#[inline(always)]
fn may_be_place([a, b, c, d, e]: [u8; WINDOW]) -> u8 {
    let [one, two, three, four, five] = [a, b, c, d, e].map(|byte| u8::from(!is_letter(byte)));
    let blank = |byte: u8| (byte == b' ') | (byte == b'\t');
    let rot13 = u8::from((c | 0x20 == b't') & ((d == b'1') | (e == b'1')));
    let blanks = u8::from((b == b'\t') | blank(b) & blank(c));
    one & (two ^ 1) & three & (four ^ 1) & five | (one ^ 1) & blanks | rot13
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

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_short_text_has_the_signs_a_long_one_has(text in "(x{29,33})?([a-c1 \\t._|*-]|rot|ROT|13|[%&\n\r\x01\x7fé]){0,12}") {
            proptest::prop_assert_eq!(of_short(text.as_bytes()), of_any(text.as_bytes()), "{:?}", text);
        }
    }
}
