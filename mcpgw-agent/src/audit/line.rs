//! One record's JSON, member after member. Keys are ours and constant; values are whatever a peer chose, so they are
//! escaped, bounded, and cannot end the line.

use std::cell::Cell;
use std::io::Write;

use jiff::Timestamp;
use jiff::tz::Offset;
use sha2::{Digest, Sha256};

/// Longest text of a member, in bytes; of a longer one the start is kept, with its length and hash.
pub(super) const TEXT_MAX: usize = 1024;
/// Bytes of a JSON text that are looked at together.
const RUN: usize = 32;
/// Where the time stands in a line.
const TIME_AT: usize = r#"{"timestamp":""#.len();
/// As long as every time is.
const NO_TIME: &[u8; 27] = b"0000-00-00T00:00:00.000000Z";

/// Room for what most records need, in bytes.
const USUAL: usize = 2048;
/// Memory of a record that is kept for the next one at most, in bytes.
const KEPT_MAX: usize = 16 << 10;

thread_local! {
    /// The memory of a record that was written.
    static KEPT: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A record that is being written.
#[derive(Debug)]
pub(super) struct Line(Vec<u8>);

impl Line {
    /// A record that has room for its time and nothing else.
    pub(super) fn new() -> Self {
        let mut bytes = KEPT.take();
        bytes.reserve(USUAL);
        bytes.extend_from_slice(br#"{"timestamp":""#);
        bytes.extend_from_slice(NO_TIME);
        bytes.push(b'"');
        Self(bytes)
    }

    /// Members that stand behind others, to be [`append`](Self::append)ed to records.
    pub(super) fn members(write: impl FnOnce(&mut Self)) -> Box<[u8]> {
        let mut line = Self::new();
        let start = line.0.len();
        write(&mut line);
        line.0.split_off(start).into()
    }

    /// Members that were written before.
    pub(super) fn append(&mut self, members: &[u8]) {
        self.0.extend_from_slice(members);
    }

    /// The next record of this thread may be written into the memory of this one.
    pub(super) fn reuse(mut bytes: Vec<u8>) {
        if bytes.capacity() <= KEPT_MAX {
            bytes.clear();
            KEPT.set(bytes);
        }
    }

    /// Sets the time: in UTC, with microseconds.
    pub(super) fn stamp(&mut self, now: Timestamp) {
        let time = Offset::UTC.to_datetime(now);
        let fields = [
            (0, 4, i32::from(time.year())),
            (5, 2, i32::from(time.month())),
            (8, 2, i32::from(time.day())),
            (11, 2, i32::from(time.hour())),
            (14, 2, i32::from(time.minute())),
            (17, 2, i32::from(time.second())),
            (20, 6, time.subsec_nanosecond() / 1000),
        ];
        let place = self.0.get_mut(TIME_AT..).unwrap_or_default();
        // A year has four digits for the next eight thousand, and nobody's clock is at the one before Christ's.
        for (at, digits, value) in fields {
            let digits = place.get_mut(at..at + digits).unwrap_or_default();
            put_digits(digits, u64::from(value.unsigned_abs()));
        }
    }

    /// A member of text.
    #[inline(always)]
    pub(super) fn text(&mut self, key: &'static str, value: &str) {
        self.key(key);
        self.value(value);
    }

    /// A member of text that is ours: it has nothing to escape.
    #[inline(always)]
    pub(super) fn word(&mut self, key: &'static str, value: &'static str) {
        debug_assert!(is_plain(value.as_bytes()), "{value}");
        self.key(key);
        self.0.push(b'"');
        self.0.extend_from_slice(value.as_bytes());
        self.0.push(b'"');
    }

    /// A member of text, where there is one.
    #[inline(always)]
    pub(super) fn maybe(&mut self, key: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }

    /// A member that is a number.
    #[inline(always)]
    pub(super) fn number(&mut self, key: &'static str, value: impl Into<i128>) {
        self.key(key);
        self.integer(value.into());
    }

    /// A member that is a JSON text of a peer's, without the white space that could end the line.
    #[inline(always)]
    pub(super) fn json(&mut self, key: &'static str, raw: &str) {
        self.key(key);
        compact(&mut self.0, raw);
    }

    /// A member that is an object: `members` writes it.
    #[inline(always)]
    pub(super) fn object(&mut self, key: &'static str, members: impl FnOnce(&mut Self)) {
        self.key(key);
        self.0.push(b'{');
        members(self);
        self.0.push(b'}');
    }

    /// A member that is an array: `element` writes each of `items`.
    pub(super) fn array<T>(
        &mut self,
        key: &'static str,
        items: impl IntoIterator<Item = T>,
        mut element: impl FnMut(&mut Self, T),
    ) {
        self.key(key);
        self.0.push(b'[');
        for item in items {
            if self.0.last() != Some(&b'[') {
                self.0.push(b',');
            }
            element(self, item);
        }
        self.0.push(b']');
    }

    /// An object within an array.
    pub(super) fn element(&mut self, members: impl FnOnce(&mut Self)) {
        self.0.push(b'{');
        members(self);
        self.0.push(b'}');
    }

    /// A text within an array.
    pub(super) fn value(&mut self, value: &str) {
        self.0.push(b'"');
        if value.len() <= TEXT_MAX {
            escape(&mut self.0, value);
        } else {
            let head = value.get(..value.floor_char_boundary(TEXT_MAX)).unwrap_or_default();
            escape(&mut self.0, head);
            let hash = crate::hex::encode(&Sha256::digest(value.as_bytes()));
            let hash = hash.get(..16).unwrap_or_default();
            self.push(format_args!("…[{} bytes, sha256 {hash}]", value.len()));
        }
        self.0.push(b'"');
    }

    /// An integer.
    #[inline]
    pub(super) fn integer(&mut self, value: i128) {
        match u64::try_from(value) {
            // By far the most, and 128 bits are slow to divide.
            Ok(value) => push_number(&mut self.0, value),
            Err(_) => self.push(format_args!("{value}")),
        }
    }

    /// A member of text whose name is not ours.
    pub(super) fn named(&mut self, name: &str, value: &str) {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        self.value(name);
        self.0.push(b':');
        self.value(value);
    }

    /// The bytes, to be sealed.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Inlined, with all that call it, where the key is a constant: what is copied then has a known length.
    #[inline(always)]
    fn key(&mut self, key: &'static str) {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        self.0.push(b'"');
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn push(&mut self, text: std::fmt::Arguments<'_>) {
        let written = self.0.write_fmt(text);
        // Memory does not fail in a way that returns.
        debug_assert!(written.is_ok());
    }
}

/// The last digits of `value`, as many as there is room for.
#[inline]
fn put_digits(place: &mut [u8], mut value: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
    }
}

/// Writes `value` in decimal.
pub(super) fn push_number(out: &mut Vec<u8>, mut value: u64) {
    // As many digits as the largest number has, filled from behind.
    let mut digits = [0; 20];
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
        length += 1;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - length..).unwrap_or_default());
}

/// Writes `text` as the inside of a JSON string.
fn escape(out: &mut Vec<u8>, text: &str) {
    if is_plain(text.as_bytes()) {
        return out.extend_from_slice(text.as_bytes());
    }
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            hidden if is_hidden(hidden) => escape_character(out, hidden),
            shown => out.extend_from_slice(shown.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// ASCII that needs no second look; a quotation mark may end a string.
fn is_shown(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') & (byte != b'\\')
}

/// ASCII that shows, without a quotation mark or a backslash. Eight bytes at a time: most texts are ids and names.
fn is_plain(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk::<8>() else {
        return is_all(bytes, |byte| is_shown(byte) & (byte != b'"'));
    };
    // The last eight overlap those before.
    let (words, _) = bytes.as_chunks::<8>();
    let odd = words.iter().fold(odd(*last), |any, word| any | odd(*word));
    odd == 0
}

/// Not 0 where one of `bytes` is no ASCII that shows, a quotation mark or a backslash.
#[inline(always)]
fn odd(bytes: [u8; 8]) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = u64::from_le_bytes(bytes);
    // The highest bit of a byte less than `most`, and that of bytes from 0x80 on is set anyway. What is borrowed from the
    // next byte makes mistakes only where there is one.
    let below = |word: u64, most: u64| word.wrapping_sub(ONES * most) & !word & HIGH;
    let is = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (word & HIGH) | below(word, 0x20) | is(b'"') | is(b'\\') | is(0x7f)
}

/// `is_so` holds for every byte. Not `all`: that looks at one byte at a time.
fn is_all(bytes: &[u8], is_so: impl Fn(u8) -> bool) -> bool {
    bytes.iter().fold(true, |all, byte| all & is_so(*byte))
}

/// Writes the JSON text `raw`, which has been checked, without white space between its tokens, and with everything that
/// does not show escaped. Its meaning stays the same.
fn compact(out: &mut Vec<u8>, raw: &str) {
    let mut in_string = false;
    let (mut kept_from, mut at, mut looked_until) = (0, 0, 0);
    loop {
        // Most is text that stays as it is.
        while in_string && at >= looked_until {
            let run = raw.as_bytes().get(at..at + RUN);
            match run.is_some_and(|run| is_all(run, |byte| is_shown(byte) & (byte != b'"'))) {
                true => at += RUN,
                false => looked_until = at + RUN,
            }
        }
        let Some(byte) = raw.as_bytes().get(at) else { break };
        let mut length = 1;
        match byte {
            b'"' => in_string = !in_string,
            b'\\' => length = 2,
            b' ' | b'\n' | b'\r' | b'\t' if !in_string => {
                out.extend_from_slice(raw.as_bytes().get(kept_from..at).unwrap_or_default());
                kept_from = at + 1;
            }
            b' '..=b'~' => {}
            _ => {
                let character = raw.get(at..).and_then(|rest| rest.chars().next()).unwrap_or_default();
                length = character.len_utf8();
                if is_hidden(character) {
                    out.extend_from_slice(raw.as_bytes().get(kept_from..at).unwrap_or_default());
                    kept_from = at + length;
                    escape_character(out, character);
                }
            }
        }
        at += length;
    }
    out.extend_from_slice(raw.as_bytes().get(kept_from..).unwrap_or_default());
}

fn escape_character(out: &mut Vec<u8>, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
    }
}

/// Characters that end a line, command a terminal, turn the writing direction or take no room.
pub(crate) fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finished(line: Line) -> serde_json::Value {
        let mut bytes = line.into_bytes();
        bytes.push(b'}');
        assert!(!bytes.iter().any(|byte| *byte < b' '), "{}", String::from_utf8_lossy(&bytes));
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_time_has_microseconds_and_one_length() {
        let mut line = Line::new();
        line.stamp("2026-01-02T03:04:05.000006789Z".parse().unwrap());
        assert_eq!(finished(line)["timestamp"], "2026-01-02T03:04:05.000006Z");
    }

    #[test]
    fn nothing_of_a_record_is_in_the_next_one() {
        let mut line = Line::new();
        line.text("t", "of the first");
        line.stamp("2026-01-02T03:04:05.000006789Z".parse().unwrap());
        Line::reuse(line.into_bytes());
        let mut line = Line::new();
        line.word("w", "of_the-second");
        assert_eq!(line.into_bytes(), br#"{"timestamp":"0000-00-00T00:00:00.000000Z","w":"of_the-second""#);
    }

    #[test]
    fn white_space_between_tokens_goes_and_within_strings_stays() {
        let mut line = Line::new();
        line.json("a", "{ \"k\\\" \\\\\" :\n\t[1 ,\r2, \" x \u{85}\u{2028}\u{e0041}\u{7f}\"] }");
        let text = String::from_utf8(line.into_bytes()).unwrap();
        assert!(text.ends_with(r#""a":{"k\" \\":[1,2," x \u0085\u2028\udb40\udc41\u007f"]}"#), "{text}");
    }

    #[test]
    fn what_does_not_show_is_found_wherever_it_stands() {
        for at in 0..100 {
            let mut line = Line::new();
            line.json("a", &format!("[ \"{}\u{85}{}\\\"\" ]", "x".repeat(at), " y".repeat(100 - at)));
            let text = String::from_utf8(line.into_bytes()).unwrap();
            let expected = format!("\"a\":[\"{}\\u0085{}\\\"\"]", "x".repeat(at), " y".repeat(100 - at));
            assert!(text.ends_with(&expected), "{text}");
        }
    }

    #[test]
    fn a_long_text_is_cut_and_says_so() {
        let mut line = Line::new();
        line.text("a", &"ä".repeat(TEXT_MAX));
        let text = finished(line)["a"].as_str().unwrap().to_owned();
        assert!(text.len() < TEXT_MAX + 64 && text.contains("…[2048 bytes, sha256 "), "{text}");
    }

    proptest! {
        #[test]
        fn it_is_plain_by_the_definition(
            bytes in proptest::collection::vec(prop_oneof![9 => b' '..=b'~', 1 => any::<u8>()], 0..40),
        ) {
            let expected = bytes.iter().all(|byte| is_shown(*byte) && *byte != b'"');
            prop_assert_eq!(is_plain(&bytes), expected);
        }

        #[test]
        fn numbers_are_written_as_they_are(number in prop_oneof![any::<u64>(), 0..2000_u64, Just(u64::MAX)]) {
            let mut out = b"x".to_vec();
            push_number(&mut out, number);
            prop_assert_eq!(String::from_utf8(out).unwrap(), format!("x{number}"));
        }

        #[test]
        fn any_text_comes_back_as_it_was(text in any::<String>(), number in any::<i64>()) {
            let mut line = Line::new();
            line.text("t", &text);
            line.object("o", |line| line.json("j", &serde_json::to_string_pretty(&[&text]).unwrap()));
            line.array("a", [&text, &text], |line, text| line.value(text));
            line.number("n", number);
            let read = finished(line);
            prop_assume!(text.len() <= TEXT_MAX);
            prop_assert_eq!(read["t"].as_str(), Some(&*text));
            prop_assert_eq!(read["o"]["j"][0].as_str(), Some(&*text));
            prop_assert_eq!(read["a"][1].as_str(), Some(&*text));
            prop_assert_eq!(read["n"].as_i64(), Some(number));
        }
    }
}
