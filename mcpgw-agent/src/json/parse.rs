//! The parser: RFC 8259, one pass, no recursion.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use bytestring::ByteString;

use super::value::{Kind, decode};
use super::{Error, Fault, Limits, Node};

/// Index of no node.
const NONE: u32 = u32::MAX;
/// Objects with more keys are checked for duplicates by their hashes.
const FEW_KEYS: usize = 12;
/// What is a number to lenient parsers alone.
const NO_NUMBERS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];

/// How much of what two parsers could read differently is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rigour {
    /// All of it.
    Strict,
    /// Only what no common parser takes for JSON: duplicate keys and lone surrogates pass, and so do `NaN`, `Infinity` and
    /// `-Infinity` for numbers, as in Python.
    Lenient,
}

/// `bytes` as text, and the index of the one value in it.
pub(super) fn parse(bytes: Bytes, limits: &Limits, rigour: Rigour) -> Result<(ByteString, Vec<Node>), Error> {
    let fail = |fault, at| Err(Error { fault, at });
    if bytes.len() > limits.bytes || u32::try_from(bytes.len()).is_err() {
        return fail(Fault::TooLong, limits.bytes);
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return fail(Fault::ByteOrderMark, 0);
    }
    let text = match ByteString::try_from(bytes) {
        Ok(text) => text,
        Err(error) => return fail(Fault::NotUtf8, error.valid_up_to()),
    };
    // A guess; text of nothing but small values makes it grow a few times.
    let nodes = Vec::with_capacity((text.len() / 16 + 8).min(limits.values));
    let bytes = text.as_bytes();
    let mut parser = Parser { text: &text, bytes, at: 0, nodes, open: NONE, depth: 0, limits, rigour };
    parser.document()?;
    let nodes = parser.nodes;
    Ok((text, nodes))
}

/// Words of eight bytes of a string that are looked at one by one: most keys and many values are no longer.
const SHORT: usize = 2;
/// A byte of a word.
const BYTE: usize = 8;

/// How many bytes of a string stand before its end or its first escape; `None` where there is neither, or a control
/// character before.
fn plain(rest: &[u8]) -> Option<usize> {
    let (words, _) = rest.as_chunks::<BYTE>();
    let words = words.get(..SHORT.min(words.len())).unwrap_or_default();
    for (nth, word) in words.iter().enumerate() {
        if let Some(at) = first_odd(u64::from_le_bytes(*word)) {
            let at = nth * BYTE + at;
            return rest.get(at).filter(|byte| **byte >= 0x20).map(|_| at);
        }
    }
    let behind = words.len() * BYTE;
    let rest = rest.get(behind..).unwrap_or_default();
    let length = memchr::memchr2(b'"', b'\\', rest)?;
    // Not `any`: that looks at one byte at a time.
    let inside = rest.get(..length).unwrap_or_default();
    let has_control = inside.iter().fold(false, |any, byte| any | (*byte < 0x20));
    (!has_control).then_some(behind + length)
}

/// The place of the first of eight bytes that is a quotation mark, a backslash or a control character.
fn first_odd(word: u64) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The highest bit of a byte less than `most`, which is no more than 0x80. What is borrowed from the next byte makes
    // mistakes only behind one that is found.
    let below = |word: u64, most: u64| word.wrapping_sub(ONES * most) & !word & HIGH;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let odd = below(word, 0x20) | is(b'"') | is(b'\\');
    (odd != 0).then(|| usize::try_from(odd.trailing_zeros() / 8).unwrap_or(0))
}

struct Parser<'a> {
    text: &'a str,
    /// Of the text.
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    /// Index of the innermost object or array not closed yet. The `next` of each is that of the one around it until then.
    open: u32,
    /// How many are not closed yet.
    depth: usize,
    limits: &'a Limits,
    rigour: Rigour,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    FirstElementOrEnd,
    FirstKeyOrEnd,
    Key,
    CommaOrEnd,
}

impl Parser<'_> {
    fn document(&mut self) -> Result<(), Error> {
        let mut expect = Expect::Value;
        loop {
            self.skip_blanks();
            expect = match (expect, self.peek()) {
                (Expect::FirstElementOrEnd, Some(b']')) | (Expect::FirstKeyOrEnd, Some(b'}')) => {
                    self.close()?
                }
                (Expect::Value | Expect::FirstElementOrEnd, Some(_)) => self.value()?,
                (Expect::FirstKeyOrEnd | Expect::Key, Some(b'"')) => self.key()?,
                (Expect::CommaOrEnd, next) => self.after_value(next)?,
                _ => return self.fail(Fault::Syntax),
            };
            if self.depth == 0 && expect == Expect::CommaOrEnd {
                break;
            }
        }
        self.skip_blanks();
        if self.at == self.bytes.len() { Ok(()) } else { self.fail(Fault::TrailingBytes) }
    }

    fn after_value(&mut self, next: Option<u8>) -> Result<Expect, Error> {
        let in_object = self.in_object();
        match (next, in_object) {
            (Some(b','), true) => {
                self.at += 1;
                Ok(Expect::Key)
            }
            (Some(b','), false) => {
                self.at += 1;
                Ok(Expect::Value)
            }
            (Some(b'}'), true) | (Some(b']'), false) => self.close(),
            _ => self.fail(Fault::Syntax),
        }
    }

    fn in_object(&self) -> bool {
        self.nodes.get(self.open as usize).is_some_and(|node| node.kind == Kind::Object)
    }

    fn value(&mut self) -> Result<Expect, Error> {
        match self.peek() {
            Some(b'{') => self.open(Kind::Object, Expect::FirstKeyOrEnd),
            Some(b'[') => self.open(Kind::Array, Expect::FirstElementOrEnd),
            Some(b'"') => self.string().map(|()| Expect::CommaOrEnd),
            Some(b't') => self.word(b"true", Kind::True),
            Some(b'f') => self.word(b"false", Kind::False),
            Some(b'n') => self.word(b"null", Kind::Null),
            Some(b'-' | b'0'..=b'9' | b'N' | b'I') => self.number(),
            _ => self.fail(Fault::Syntax),
        }
    }

    fn key(&mut self) -> Result<Expect, Error> {
        self.string()?;
        self.skip_blanks();
        if self.peek() != Some(b':') {
            return self.fail(Fault::Syntax);
        }
        self.at += 1;
        Ok(Expect::Value)
    }

    fn open(&mut self, kind: Kind, then: Expect) -> Result<Expect, Error> {
        if self.depth >= self.limits.depth {
            return self.fail(Fault::TooDeep);
        }
        let (start, index) = (self.at, self.offset(self.nodes.len()));
        self.at += 1;
        self.push(kind, start, false)?;
        if let Some(node) = self.nodes.last_mut() {
            node.next = self.open;
        }
        self.open = index;
        self.depth += 1;
        Ok(then)
    }

    fn close(&mut self) -> Result<Expect, Error> {
        self.at += 1;
        let (end, next) = (self.offset(self.at), self.offset(self.nodes.len()));
        let index = self.open as usize;
        let (Some(node), Some(depth)) = (self.nodes.get_mut(index), self.depth.checked_sub(1)) else {
            return self.fail(Fault::Syntax);
        };
        (self.open, self.depth) = (node.next, depth);
        (node.end, node.next) = (end, next);
        let strict = self.rigour == Rigour::Strict;
        if strict && node.kind == Kind::Object && self.has_duplicate_key(index) {
            return self.fail(Fault::DuplicateKey);
        }
        Ok(Expect::CommaOrEnd)
    }

    fn has_duplicate_key(&self, object: usize) -> bool {
        let mut few: [&str; FEW_KEYS] = [""; FEW_KEYS];
        for (count, key) in self.keys(object).enumerate() {
            let Some((slot, earlier)) = few.get_mut(..=count).and_then(<[&str]>::split_last_mut) else {
                return self.has_duplicate_of_many(object);
            };
            if key.escaped {
                return self.has_duplicate_of_many(object);
            }
            let text = self.inside(key);
            // Most are others by their length alone.
            if earlier.contains(&text) {
                return true;
            }
            *slot = text;
        }
        false
    }

    /// Sorted by hashes nobody can foresee, equal keys are neighbours: a few bytes for each key, however long it is.
    fn has_duplicate_of_many(&self, object: usize) -> bool {
        let hasher = RandomState::new();
        let mut hashes: Vec<(u64, Node)> =
            self.keys(object).map(|key| (hasher.hash_one(self.decoded(key)), key)).collect();
        hashes.sort_unstable_by_key(|(hash, _)| *hash);
        hashes.chunk_by(|(one, _), (other, _)| one == other).any(|equal| {
            equal.iter().enumerate().any(|(index, (_, key))| {
                let earlier = equal.get(..index).unwrap_or_default();
                earlier.iter().any(|(_, earlier)| self.decoded(*earlier) == self.decoded(*key))
            })
        })
    }

    fn keys(&self, object: usize) -> impl Iterator<Item = Node> {
        let after = |index: usize| self.nodes.get(index).map_or(usize::MAX, |node| node.next as usize);
        let end = after(object);
        let mut at = object + 1;
        std::iter::from_fn(move || {
            let key = *self.nodes.get(at).filter(|_| at < end)?;
            // Past the key, then past its value.
            at = after(at + 1);
            Some(key)
        })
    }

    /// What stands between the quotation marks.
    #[inline]
    fn inside(&self, key: Node) -> &str {
        self.text.get(key.start as usize + 1..key.end as usize - 1).unwrap_or_default()
    }

    fn decoded(&self, key: Node) -> Cow<'_, str> {
        decode(self.inside(key), key.escaped)
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<Expect, Error> {
        let start = self.at;
        if !self.bytes.get(start..).unwrap_or_default().starts_with(word) {
            return self.fail(Fault::Syntax);
        }
        self.at += word.len();
        self.push(kind, start, false)?;
        Ok(Expect::CommaOrEnd)
    }

    fn number(&mut self) -> Result<Expect, Error> {
        let start = self.at;
        if self.rigour == Rigour::Lenient {
            let rest = self.bytes.get(start..).unwrap_or_default();
            if let Some(word) = NO_NUMBERS.into_iter().find(|word| rest.starts_with(word)) {
                return self.word(word, Kind::Number);
            }
        }
        self.skip_if(b'-');
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return self.fail(Fault::Syntax),
        }
        if self.skip_if(b'.') {
            self.digits()?;
        }
        if self.skip_if(b'e') || self.skip_if(b'E') {
            if !self.skip_if(b'+') {
                self.skip_if(b'-');
            }
            self.digits()?;
        }
        self.push(Kind::Number, start, false)?;
        Ok(Expect::CommaOrEnd)
    }

    fn digits(&mut self) -> Result<(), Error> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 {
            return self.fail(Fault::Syntax);
        }
        self.at += length;
        Ok(())
    }

    fn string(&mut self) -> Result<(), Error> {
        let start = self.at;
        self.at += 1;
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(length) = plain(rest) else { return self.fail(Fault::Syntax) };
            self.at += length + 1;
            if rest.get(length) == Some(&b'"') {
                return self.push(Kind::String, start, escaped);
            }
            escaped = true;
            self.escape()?;
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<(), Error> {
        let Some(letter) = self.peek() else { return self.fail(Fault::Syntax) };
        self.at += 1;
        match letter {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => match self.unit()? {
                0xd800..=0xdbff if self.bytes.get(self.at..).unwrap_or_default().starts_with(b"\\u") => {
                    self.at += 2;
                    if matches!(self.unit()?, 0xdc00..=0xdfff) { Ok(()) } else { self.lone_surrogate() }
                }
                0xd800..=0xdfff => self.lone_surrogate(),
                _ => Ok(()),
            },
            _ => self.fail(Fault::Syntax),
        }
    }

    fn lone_surrogate(&self) -> Result<(), Error> {
        match self.rigour {
            Rigour::Strict => self.fail(Fault::LoneSurrogate),
            Rigour::Lenient => Ok(()),
        }
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u16, Error> {
        let digits =
            self.bytes.get(self.at..self.at + 4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let unit = digits.and_then(|digits| u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        let Some(unit) = unit else { return self.fail(Fault::Syntax) };
        self.at += 4;
        Ok(unit)
    }

    fn push(&mut self, kind: Kind, start: usize, escaped: bool) -> Result<(), Error> {
        if self.nodes.len() >= self.limits.values {
            return self.fail(Fault::TooManyValues);
        }
        let next = self.offset(self.nodes.len() + 1);
        self.nodes.push(Node { start: self.offset(start), end: self.offset(self.at), next, kind, escaped });
        Ok(())
    }

    /// Offsets fit: the text's length does.
    fn offset(&self, at: usize) -> u32 {
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_if(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn fail<T>(&self, fault: Fault) -> Result<T, Error> {
        Err(Error { fault, at: self.at })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_plain_part_of_a_string_is_what_a_plain_search_finds(
            bytes in proptest::collection::vec(prop_oneof![
                8 => any::<u8>().prop_filter("plain", |byte| *byte >= 0x20 && !b"\"\\\\".contains(byte)),
                1 => prop::sample::select(vec![b'"', b'\\', 0, 0x1f, 0x20, 0x21, 0x23, 0x5b, 0x5d, 0x7f, 0x80, 0xa2, 0xdc, 0xff]),
            ], 0..60),
        ) {
            let end = bytes.iter().position(|byte| *byte < 0x20 || b"\"\\\\".contains(byte));
            let expected = end.filter(|end| bytes.get(*end).is_some_and(|byte| *byte >= 0x20));
            prop_assert_eq!(plain(&bytes), expected);
        }
    }
}
