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
