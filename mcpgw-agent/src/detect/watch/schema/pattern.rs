//! Patterns of ECMA-262, as far as a linear matcher has them.

use regex::{Regex, RegexBuilder};

/// Bytes a compiled pattern may take.
pub(super) const MAX_SIZE: usize = 16 << 10;
/// Bytes of a pattern's text.
const MAX_LEN: usize = 2048;

/// Compiles `pattern`; `None` where it has what a linear matcher has not, or is too large.
pub(super) fn compile(pattern: &str) -> Option<Regex> {
    if pattern.len() > MAX_LEN {
        return None;
    }
    RegexBuilder::new(&translated(pattern))
        .size_limit(MAX_SIZE)
        .dfa_size_limit(MAX_SIZE)
        .nest_limit(64)
        .build()
        .ok()
}

/// `\d` and `\w` are ASCII there.
fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut letters = pattern.chars();
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('d') if in_class => out.push_str("0-9"),
                Some('d') => out.push_str("[0-9]"),
                Some('D') if !in_class => out.push_str("[^0-9]"),
                Some('w') if in_class => out.push_str("A-Za-z0-9_"),
                Some('w') => out.push_str("[A-Za-z0-9_]"),
                Some('W') if !in_class => out.push_str("[^A-Za-z0-9_]"),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            // A class in a class is none there.
            '[' if in_class => out.push_str("\\["),
            '[' | ']' => {
                in_class = letter == '[';
                out.push(letter);
            }
            '&' | '~' if in_class => out.extend(['\\', letter]),
            other => out.push(other),
        }
    }
    out
}
