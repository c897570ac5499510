//! Changing a text in places, and nowhere else.

use std::ops::Range;

use bytes::Bytes;

use super::Value;

/// Bytes to be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Which.
    pub span: Range<usize>,
    /// By what.
    pub with: String,
}

/// `bytes` with `edits` done. Of edits that overlap, the one that starts first, and of those the longest, gives the
/// text; what the others cover goes with it. Whatever an edit covers is gone: a span that reaches beyond the end is cut
/// there.
#[must_use]
pub fn apply(bytes: &Bytes, mut edits: Vec<Edit>) -> Bytes {
    edits.sort_by_key(|edit| (edit.span.start, std::cmp::Reverse(edit.span.end)));
    let mut text = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for Edit { span, with } in edits {
        if span.start < at {
            // Begun within the last one. Nothing of it may survive, also where it ends behind.
            at = at.max(span.end);
            continue;
        }
        text.extend_from_slice(bytes.get(at..span.start.min(bytes.len())).unwrap_or_default());
        text.extend_from_slice(with.as_bytes());
        at = span.end.max(span.start);
    }
    text.extend_from_slice(bytes.get(at..).unwrap_or_default());
    Bytes::from(text)
}

/// Edits that take the elements at `positions` out of `array`, commas included.
#[must_use]
pub fn remove_elements(array: Value<'_>, positions: &[usize]) -> Vec<Edit> {
    let spans: Vec<Range<usize>> = array.elements().map(Value::span).collect();
    let mut positions: Vec<usize> = positions.iter().copied().filter(|at| *at < spans.len()).collect();
    positions.sort_unstable();
    positions.dedup();
    // Positions 0, 1, 2 … at the start of the list are those before the first element that is kept.
    let first_kept = positions.iter().enumerate().take_while(|(index, position)| index == *position).count();
    let edit = |position: usize| {
        let span = spans.get(position)?;
        let before = position.checked_sub(1).and_then(|earlier| spans.get(earlier));
        // With the comma before it, unless nothing is kept before it; then with the comma after it.
        let range = match (before, spans.get(position + 1)) {
            (Some(before), _) if first_kept < position => before.end..span.end,
            (_, Some(after)) => span.start..after.start,
            (_, None) => span.clone(),
        };
        Some(Edit { span: range, with: String::new() })
    };
    positions.iter().filter_map(|position| edit(*position)).collect()
}

/// Edits that put something else in the place of parts of the string `value`: of ranges of its decoded text, in order and
/// apart from each other. A character is replaced whole where a range begins or ends within it. Nothing where `value` is
/// no string.
#[must_use]
pub fn replace<'w>(value: Value<'_>, parts: impl IntoIterator<Item = (Range<usize>, &'w str)>) -> Vec<Edit> {
    let raw = value.raw();
    let Some(text) = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) else { return Vec::new() };
    let first = value.span().start + 1;
    let mut spelling = Spelling { text, at: 0, decoded: 0 };
    let mut edits = Vec::new();
    for (range, with) in parts {
        if !spelling.advance(range.start, false) {
            break;
        }
        let start = first + spelling.at;
        spelling.advance(range.end, true);
        let quoted = quote(with);
        let with = quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned();
        edits.push(Edit { span: start..first + spelling.at, with });
    }
    edits
}

/// A place in a string as it is spelled, and how many bytes of decoded text are before it.
struct Spelling<'t> {
    text: &'t str,
    at: usize,
    decoded: usize,
}

impl Spelling<'_> {
    /// Goes to the decoded byte `to`, or to the character that has it; behind that character with `beyond`. `false` where
    /// the text ends before.
    fn advance(&mut self, to: usize, beyond: bool) -> bool {
        while self.decoded < to {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let Some(character) = rest.chars().next() else { return false };
            // RFC 8259 §7: `\uXXXX`, twice for what is beyond the basic plane; a letter otherwise.
            let (spelled, means) = match (character, rest.as_bytes().get(1)) {
                ('\\', Some(b'u')) => unicode_escape(rest),
                ('\\', _) => (2, 1),
                (other, _) => (other.len_utf8(), other.len_utf8()),
            };
            if self.decoded + means > to && !beyond {
                return true;
            }
            self.at += spelled;
            self.decoded += means;
        }
        true
    }
}

/// Bytes of the escape `text` begins with, and of the character it means.
fn unicode_escape(text: &str) -> (usize, usize) {
    let unit = |at: usize| text.get(at..at + 4).and_then(|digits| u16::from_str_radix(digits, 16).ok());
    match (unit(2), unit(8)) {
        (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => (12, 4),
        (Some(unit), _) => (6, char::from_u32(unit.into()).map_or(3, char::len_utf8)),
        // The parser has refused everything else.
        (None, _) => (2, 1),
    }
}

/// `text` as a JSON string, quotes included. What some readers of lines take for a line's end is escaped.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\0'..' ' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Document, Limits};

    #[test]
    fn parts_of_strings_are_replaced_however_they_are_spelled() {
        for (text, parts, expected) in [
            (r#"["abcdef"]"#, vec![(1..3, "X"), (4..6, "\"\n")], r#"["aXd\"\n"]"#),
            (
                r#"["a\u0062c\n\u00e9d\ud83d\ude00z"]"#,
                vec![(1..2, "-"), (4..6, "e"), (7..11, ":)")],
                r#"["a-c\ned:)z"]"#,
            ),
            ("[\"é1\"]", vec![(1..2, "x")], "[\"x1\"]"),
            (r#"["ab"]"#, vec![(0..9, "all")], r#"["all"]"#),
            (r#"["ab"]"#, vec![(2..2, "end"), (3..4, "no")], r#"["abend"]"#),
            ("[17]", vec![(0..1, "x")], "[17]"),
        ] {
            let bytes = Bytes::copy_from_slice(text.as_bytes());
            let document = Document::parse(bytes.clone(), &Limits::default()).unwrap();
            let value = document.root().elements().next().unwrap();
            let edited = apply(&bytes, replace(value, parts));
            assert_eq!(std::str::from_utf8(&edited).unwrap(), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_replaced_part_is_gone_and_nothing_else(
            before in "\\PC{0,8}", secret in "\\PC{1,8}", after in "\\PC{0,8}", escaped in proptest::bool::ANY,
        ) {
            let whole = format!("{before}{secret}{after}");
            let spelled = match escaped {
                true => format!("\"{}\"", whole.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>()),
                false => quote(&whole),
            };
            let bytes = Bytes::from(spelled);
            let document = Document::parse(bytes.clone(), &Limits::default()).unwrap();
            let part = before.len()..before.len() + secret.len();
            let edited = apply(&bytes, replace(document.root(), [(part, "<S>")]));
            let edited = Document::parse(edited, &Limits::default()).unwrap();
            proptest::prop_assert_eq!(edited.root().as_str().unwrap(), format!("{before}<S>{after}"));
        }
    }
}
