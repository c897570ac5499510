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

/// `bytes` with `edits` done. An edit within another, or overlapping an earlier one, is dropped: the one that starts
/// first, and of those the longest, counts.
#[must_use]
pub fn apply(bytes: &Bytes, mut edits: Vec<Edit>) -> Bytes {
    edits.sort_by_key(|edit| (edit.span.start, std::cmp::Reverse(edit.span.end)));
    let mut text = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for Edit { span, with } in edits {
        if span.start < at || span.end > bytes.len() || span.end < span.start {
            continue;
        }
        text.extend_from_slice(bytes.get(at..span.start).unwrap_or_default());
        text.extend_from_slice(with.as_bytes());
        at = span.end;
    }
    text.extend_from_slice(bytes.get(at..).unwrap_or_default());
    Bytes::from(text)
}

/// Edits that take the elements at `positions` out of `array`, commas included.
#[must_use]
pub fn remove_elements(array: Value<'_>, positions: &[usize]) -> Vec<Edit> {
    let spans: Vec<Range<usize>> = array.elements().map(Value::span).collect();
    let kept = |position: usize| !positions.contains(&position);
    // With the comma before it, unless nothing is kept before it; then with the comma after it.
    let first_kept = (0..spans.len()).find(|position| kept(*position));
    let mut edits = Vec::new();
    for (position, span) in spans.iter().enumerate().filter(|(position, _)| !kept(*position)) {
        let before = position.checked_sub(1).and_then(|earlier| spans.get(earlier));
        let after = spans.get(position + 1);
        let range = match (before, after) {
            (Some(before), _) if first_kept.is_some_and(|first| first < position) => before.end..span.end,
            (_, Some(after)) => span.start..after.start,
            (_, None) => span.clone(),
        };
        edits.push(Edit { span: range, with: String::new() });
    }
    edits
}

/// `text` as a JSON string, quotes included.
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
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
