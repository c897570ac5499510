//! Which bytes secrets are made of.

/// A set of ASCII bytes, as bits of the kinds [`kind`] knows.
pub(super) type Set = u16;

const DIGIT: Set = 1;
/// `a-f`
const HEX_LOWER: Set = 1 << 1;
/// `A-F`
const HEX_UPPER: Set = 1 << 2;
/// `g-z`
const REST_LOWER: Set = 1 << 3;
/// `G-Z`
const REST_UPPER: Set = 1 << 4;
pub(super) const UNDER: Set = 1 << 5;
pub(super) const DASH: Set = 1 << 6;
pub(super) const DOT: Set = 1 << 7;
pub(super) const PLUS: Set = 1 << 8;
pub(super) const SLASH: Set = 1 << 9;
pub(super) const EQUALS: Set = 1 << 10;
pub(super) const TILDE: Set = 1 << 11;
pub(super) const PERCENT: Set = 1 << 12;
/// What else stands in the path, query and fragment of a URL: `?&#:@!,;`.
pub(super) const QUERY: Set = 1 << 13;

pub(super) const DEC: Set = DIGIT;
pub(super) const HEX: Set = DIGIT | HEX_LOWER;
pub(super) const HEXA: Set = HEX | HEX_UPPER;
pub(super) const LOWER: Set = HEX_LOWER | REST_LOWER;
pub(super) const UPPER: Set = HEX_UPPER | REST_UPPER;
pub(super) const ALPHA: Set = LOWER | UPPER;
pub(super) const LNUM: Set = DIGIT | LOWER;
pub(super) const UNUM: Set = DIGIT | UPPER;
pub(super) const ALNUM: Set = DIGIT | ALPHA;
pub(super) const WORD: Set = ALNUM | UNDER;
/// The alphabet of base64 in URLs.
pub(super) const URL64: Set = ALNUM | UNDER | DASH;
/// The same with the padding.
pub(super) const URL64P: Set = URL64 | EQUALS;
pub(super) const B64: Set = ALNUM | PLUS | SLASH;
/// Everything tokens are made of.
pub(super) const TOKEN: Set = URL64P | DOT | PLUS | SLASH | TILDE;
/// Everything the path and query of a URL are made of.
pub(super) const URL: Set = TOKEN | PERCENT | QUERY;

const fn kinds() -> [Set; 256] {
    let mut table = [0; 256];
    let mut byte: u8 = 0;
    loop {
        let set = match byte {
            b'0'..=b'9' => DIGIT,
            b'a'..=b'f' => HEX_LOWER,
            b'g'..=b'z' => REST_LOWER,
            b'A'..=b'F' => HEX_UPPER,
            b'G'..=b'Z' => REST_UPPER,
            b'_' => UNDER,
            b'-' => DASH,
            b'.' => DOT,
            b'+' => PLUS,
            b'/' => SLASH,
            b'=' => EQUALS,
            b'~' => TILDE,
            b'%' => PERCENT,
            b'?' | b'&' | b'#' | b':' | b'@' | b'!' | b',' | b';' => QUERY,
            _ => 0,
        };
        #[expect(clippy::indexing_slicing, reason = "a byte is less than 256, and this runs when compiled")]
        {
            table[byte as usize] = set;
        }
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

static KINDS: [Set; 256] = kinds();

/// Whether `byte` is of the set.
pub(super) fn is(byte: u8, set: Set) -> bool {
    KINDS.get(usize::from(byte)).is_some_and(|kind| kind & set != 0)
}

/// How many bytes from `at` are of the set, at most `max`.
pub(super) fn run(bytes: &[u8], at: usize, set: Set, max: usize) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take(max).take_while(|byte| is(**byte, set)).count()
}

/// How many bytes before `at` are of the set, at most `max`.
pub(super) fn run_back(bytes: &[u8], at: usize, set: Set, max: usize) -> usize {
    bytes.get(..at).unwrap_or_default().iter().rev().take(max).take_while(|byte| is(**byte, set)).count()
}

/// Whether a secret may begin at `at`: what stands before is no part of the same word. The letter of an escape
/// (`\n`, the `m` of a terminal's colour) is none.
pub(super) fn begins(bytes: &[u8], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).and_then(|at| bytes.get(at)).copied();
    match before(1) {
        Some(b'n' | b'r' | b't') if before(2) == Some(b'\\') => true,
        Some(b'm') => {
            let digits = run_back(bytes, at - 1, DEC, 4);
            digits > 0 && matches!(before(digits + 2), Some(b'[' | b';'))
        }
        Some(byte) => !is(byte, ALNUM),
        None => true,
    }
}
