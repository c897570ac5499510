//! Cuts a text into the words, numbers and marks the model counts: one pass, nothing allocated.

use crate::text::seek::{HIGH, before_first, eight};

/// Longer words are all one word: nobody speaks them.
const LONGEST: usize = 24;
/// Letters a stem has.
const STEM: usize = 4;
const SEED: u32 = 0x811C_9DC5;
const PRIME: u32 = 0x0100_0193;
/// Of all numbers.
const NUMBER: u32 = 0x3C6E_F372;
/// Of all words that are too long.
const LONG: u32 = 0xA54F_F53A;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A run of letters, or one character of a script that does not part its words.
    Word,
    /// A run of digits.
    Number,
    /// A mark that parts sentences, names or lines.
    Break,
    /// Any other mark that tells something.
    Mark,
}

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Of its letters, whatever their case.
    pub hash: u32,
    /// Of the first four of its letters, where it has more.
    pub stem: Option<u32>,
    /// Of the last three of its letters, where it has a stem; else 0.
    pub tail: u32,
    /// It is ASCII.
    pub is_ascii: bool,
    /// It is one character of a script that does not part its words.
    pub sign: bool,
    /// It is a word of three or more ASCII capitals.
    pub capitals: bool,
    /// Its first byte.
    pub start: usize,
    /// Behind its last byte.
    pub end: usize,
}

/// Is told the tokens of a text.
pub trait Visit {
    /// The next one.
    fn token(&mut self, token: &Token);
}

impl<F: FnMut(&Token)> Visit for F {
    #[inline]
    fn token(&mut self, token: &Token) {
        self(token);
    }
}

/// Tells `visit` every token of `text` in order.
#[inline(always)]
pub fn each(text: &str, visit: &mut impl Visit) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        // Most of a text is words of ASCII and a blank behind each.
        if is_letter(byte)
            && let Some(token) = ascii(bytes, at)
        {
            visit.token(&token);
            at = token.end + usize::from(bytes.get(token.end) == Some(&b' '));
            continue;
        }
        let class = class(byte);
        match class {
            Class::Break | Class::Mark => {
                let kind = if class == Class::Break { Kind::Break } else { Kind::Mark };
                visit.token(&single(kind, mix(SEED, u32::from(byte)), at, at + 1));
                at += 1;
            }
            Class::Blank => at += 1,
            Class::Digit => {
                let end = run(bytes, at, |byte| byte.is_ascii_digit());
                visit.token(&single(Kind::Number, NUMBER, at, end));
                at = end;
            }
            Class::Letter | Class::High | Class::Cry => {
                let (end, token) = next(text, at, class);
                if let Some(token) = token {
                    visit.token(&token);
                }
                at = end;
            }
        }
    }
}

/// What begins at `at`, if it is a token, and where it ends.
#[inline(never)]
fn next(text: &str, at: usize, class: Class) -> (usize, Option<Token>) {
    let bytes = text.as_bytes();
    match class {
        Class::Letter => word(text, at),
        Class::High => match character(text, at) {
            (High::Letter(_), _) => word(text, at),
            (High::Sign(sign), end) => {
                let token = single(Kind::Word, mix(SEED, sign), at, end);
                (end, Some(Token { is_ascii: false, sign: true, ..token }))
            }
            (High::Stop(sign), end) => (end, Some(single(Kind::Break, mix(SEED, sign), at, end))),
            (High::Other, end) => (end, None),
        },
        Class::Cry => {
            let end = run(bytes, at, |byte| matches!(byte, b'!' | b'?'));
            let loud = u32::from(end - at > 2) << 8;
            let byte = bytes.get(at).copied().unwrap_or(b'!');
            (end, Some(single(Kind::Break, mix(SEED, u32::from(byte) | loud), at, end)))
        }
        Class::Digit | Class::Break | Class::Mark | Class::Blank => (at + 1, None),
    }
}

fn single(kind: Kind, hash: u32, start: usize, end: usize) -> Token {
    Token { kind, hash, stem: None, tail: 0, is_ascii: true, sign: false, capitals: false, start, end }
}

#[inline]
fn run(bytes: &[u8], start: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let mut end = start + 1;
    while bytes.get(end).is_some_and(|byte| belongs(*byte)) {
        end += 1;
    }
    end
}

/// Ones in each of eight bytes.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The bit that tells small letters from capitals.
const CASE: u64 = 0x20 * ONES;

/// The word that begins at `start`, which is a letter, if all of it is ASCII: what most words are, as fast as may be.
#[inline(always)]
fn ascii(bytes: &[u8], start: usize) -> Option<Token> {
    let eight = eight(bytes, start);
    let small = eight | CASE;
    // The highest bit of each byte that is no letter: none of these sums carries over.
    let from_a = (small & !HIGH) + (0x80 - u64::from(b'a')) * ONES;
    let beyond_z = (small & !HIGH) + (0x80 - u64::from(b'z') - 1) * ONES;
    let others = (!from_a | beyond_z | eight) & HIGH;
    let [one, two, three, four, five, six, seven, last] = small.to_le_bytes().map(u32::from);
    let one = mix(SEED, one);
    let two = mix(one, two);
    let three = mix(two, three);
    let four = mix(three, four);
    let Some(others) = std::num::NonZeroU64::new(others) else {
        let hash = mix(mix(mix(mix(four, five), six), seven), last);
        return long(bytes, start, hash, four, eight & CASE == 0);
    };
    let len = before_first(others.get()) & 7;
    // The byte that ends it.
    if eight >> (8 * len) & 0x80 != 0 {
        return None;
    }
    let at = |hashes: [u32; 4]| hashes.get(len & 3).copied().unwrap_or(0);
    let (hash, stem, tail) = if len <= STEM {
        (at([four, one, two, three]), None, 0)
    } else {
        let five = mix(four, five);
        let six = mix(five, six);
        let seven = mix(six, seven);
        let [third, second, first, ..] = (small >> (8 * (len - 3))).to_le_bytes();
        (at([seven, five, six, seven]), Some(four), tail_of([third, second, first]))
    };
    let capitals = len > 2 && (eight & CASE) << (64 - 8 * len) == 0;
    let end = start + len;
    Some(Token { kind: Kind::Word, hash, stem, tail, is_ascii: true, sign: false, capitals, start, end })
}

/// The same where eight letters are known.
fn long(bytes: &[u8], start: usize, hash: u32, stem: u32, mut capitals: bool) -> Option<Token> {
    let (mut hash, mut end) = (hash, start + 8);
    while let Some(&byte) = bytes.get(end) {
        if !is_letter(byte) {
            if byte >= 0x80 {
                return None;
            }
            break;
        }
        capitals &= byte & 0x20 == 0;
        hash = mix(hash, u32::from(byte | 0x20));
        end += 1;
    }
    let is_word = end - start <= LONGEST;
    let letters = bytes.get(end - 3..end)?.first_chunk::<3>()?;
    Some(Token {
        kind: Kind::Word,
        hash: if is_word { hash } else { LONG },
        tail: if is_word { tail_of(letters.map(|letter| letter | 0x20)) } else { 0 },
        is_ascii: true,
        sign: false,
        stem: is_word.then_some(stem),
        capitals,
        start,
        end,
    })
}

/// Of the last three letters of a word.
#[inline(always)]
fn tail_of(letters: [u8; 3]) -> u32 {
    mix(SEED, letters.iter().fold(0, |tail, letter| tail << 10 | u32::from(*letter)))
}

#[inline(always)]
fn is_letter(byte: u8) -> bool {
    (byte | 0x20).wrapping_sub(b'a') < 26
}

/// The word that begins at `start`, which is a letter.
fn word(text: &str, start: usize) -> (usize, Option<Token>) {
    let bytes = text.as_bytes();
    let (mut tail, mut hash, mut stem, mut letters, mut lower, mut is_ascii) =
        (0_u32, SEED, 0, 0_usize, 0_u8, true);
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        let next = match class(byte) {
            Class::Letter => {
                lower |= byte;
                hash = mix(hash, u32::from(byte | 0x20));
                tail = tail << 10 | u32::from(byte | 0x20);
                at + 1
            }
            Class::High => {
                let (High::Letter(letter), end) = character(text, at) else { break };
                (lower, is_ascii) = (lower | 0x20, false);
                hash = mix(hash, letter);
                tail = tail << 10 | (letter & 0x3FF);
                end
            }
            Class::Digit | Class::Cry | Class::Break | Class::Mark | Class::Blank => break,
        };
        at = next;
        letters += 1;
        if letters == STEM {
            stem = hash;
        }
    }
    let has_stem = STEM < letters && letters <= LONGEST;
    let token = Token {
        kind: Kind::Word,
        hash: if letters > LONGEST { LONG } else { hash },
        tail: if has_stem { mix(SEED, tail & 0x3FFF_FFFF) } else { 0 },
        is_ascii,
        sign: false,
        stem: has_stem.then_some(stem),
        capitals: letters > 2 && lower & 0x20 == 0,
        start,
        end: at,
    };
    (at, Some(token))
}

#[inline]
fn mix(hash: u32, value: u32) -> u32 {
    (hash ^ value).wrapping_mul(PRIME)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Blank,
    Letter,
    Digit,
    Cry,
    Break,
    Mark,
    High,
}

static CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut table = [Class::Blank; 256];
    let mut byte = 0_u8;
    loop {
        #[expect(clippy::indexing_slicing, reason = "at compile time, of a table with all bytes")]
        {
            table[byte as usize] = match byte {
                b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
                b'0'..=b'9' => Class::Digit,
                b'!' | b'?' => Class::Cry,
                b'.' | b'\n' | b':' | b';' | b'"' | b'<' | b'>' | b'[' | b']' | b'#' => Class::Break,
                b',' | b'`' | b'|' | b'{' | b'}' | b'(' | b')' | b'*' | b'=' | b'/' | b'_' | b'@' | b'$' => {
                    Class::Mark
                }
                0x80..=0xFF => Class::High,
                _ => Class::Blank,
            };
        }
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

#[inline]
fn class(byte: u8) -> Class {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(Class::Blank)
}

enum High {
    /// Of a word, in lower case.
    Letter(u32),
    /// A word of its own.
    Sign(u32),
    /// Parts sentences.
    Stop(u32),
    Other,
}

/// The character at `at`, which is not ASCII, and where it ends.
fn character(text: &str, at: usize) -> (High, usize) {
    let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) else {
        return (High::Other, at + 1);
    };
    let code = u32::from(character);
    let kind = match code {
        0xC0..=0xDE if code != 0xD7 => High::Letter(code + 0x20),
        0x0100..=0x017F => High::Letter(code | 1),
        0x0391..=0x03A9 | 0x0410..=0x042F => High::Letter(code + 0x20),
        0x0400..=0x040F => High::Letter(code + 0x50),
        0x0E00..=0x0E7F
        | 0x3040..=0x30FF
        | 0x3400..=0x9FFF
        | 0xAC00..=0xD7AF
        | 0xF900..=0xFAFF
        | 0x2_0000..=0x3_FFFF => High::Sign(code),
        0x3001..=0x3002 | 0x300C..=0x3011 | 0xFF01 | 0xFF1A..=0xFF1F | 0x0964 | 0x061F | 0x201C..=0x201E => {
            High::Stop(code)
        }
        0xDF..=0xF6
        | 0xF8..=0x1FFF
        | 0x2C00..=0x2DFF
        | 0xA000..=0xABFF
        | 0xFB00..=0xFDFF
        | 0xFF21..=0xFFDC => High::Letter(code),
        _ => High::Other,
    };
    (kind, at + character.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        each(text, &mut |token: &Token| found.push(text.get(token.start..token.end).unwrap()));
        found
    }

    #[test]
    fn words_numbers_and_marks() {
        assert_eq!(
            cut("Don't run-away, 42.5!!! ok"),
            ["Don", "t", "run", "away", ",", "42", ".", "5", "!!!", "ok"]
        );
        assert_eq!(
            cut("Überprüfe Пароль, 忽略以前。"),
            ["Überprüfe", "Пароль", ",", "忽", "略", "以", "前", "。"]
        );
        assert_eq!(cut("\u{1F600} \u{200B}x"), ["x"]);
    }

    #[test]
    fn case_does_not_matter() {
        for (one, two) in [("IGNORE", "ignore"), ("ПАРОЛЬ", "пароль"), ("ÜBER", "über"), ("Ωμέγα", "ωμέγα")]
        {
            let mut hashes = Vec::new();
            each(one, &mut |token: &Token| hashes.push((token.hash, token.stem)));
            each(two, &mut |token: &Token| hashes.push((token.hash, token.stem)));
            assert_eq!(hashes.first(), hashes.last(), "{one}");
        }
    }

    #[test]
    fn a_word_of_ascii_is_what_it_is_letter_by_letter() {
        let letters = "AbcDefGhiJklMnoPqrStuVwxYzAbc";
        for text in [letters, &letters.to_uppercase(), &letters.to_lowercase()] {
            for start in 0..26 {
                for end in start + 1..=text.len() {
                    for behind in ["", " and more text", "1", "{", "@", "[", "`", "\u{7f}", "é"] {
                        let text = format!("{}{behind}", text.get(start..end).unwrap());
                        let (_, expected) = word(&text, 0);
                        let found = ascii(text.as_bytes(), 0);
                        assert_eq!(found, expected.filter(|_| behind != "é"), "{text}");
                    }
                }
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn tokens_stand_in_order_where_characters_begin(text in "\\PC{0,60}") {
            let mut last = 0;
            each(&text, &mut |token: &Token| {
                assert!(last <= token.start && token.start < token.end);
                assert!(text.get(token.start..token.end).is_some());
                last = token.end;
            });
        }
    }
}
