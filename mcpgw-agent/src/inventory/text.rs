//! Untrusted text on its way to people: nothing that could drive a terminal or reorder a line survives.
//!
//! Processes choose their own names and arguments, and peers choose what they call themselves; every string
//! of the view passes through here, once, and nowhere else in the inventory.

use std::fmt::Write as _;

/// Bytes of a name (server, client, path, reason) the view carries at most.
pub(super) const NAME: usize = 256;
/// Bytes of a whole command line the view carries at most, and the table keeps.
pub(super) const COMMAND: usize = 4096;
/// Arguments of a command line kept at most.
pub(super) const ARGUMENTS: usize = 256;

/// `text` with control, direction and invisible characters as `\u{..}`, cut to about `max` bytes.
pub(super) fn escape(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    for c in text.chars() {
        if out.len() + c.len_utf8() > max {
            out.push('…');
            break;
        }
        if is_hazard(c) {
            // Writing to a String cannot fail.
            write!(out, "\\u{{{:x}}}", u32::from(c)).unwrap_or_default();
        } else {
            out.push(c);
        }
    }
    out
}

/// Each argument escaped, all of them together within [`COMMAND`] bytes.
pub(super) fn escape_command(arguments: &[String]) -> Vec<String> {
    let mut left = COMMAND;
    let mut out = Vec::new();
    for argument in arguments.iter().take(ARGUMENTS) {
        if left == 0 {
            out.push("…".to_owned());
            break;
        }
        let argument = escape(argument, left);
        left = left.saturating_sub(argument.len().max(1));
        out.push(argument);
    }
    out
}

/// `text` cut to at most `max` bytes, at a character's edge. For what is kept, not shown.
pub(super) fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let end = (0..=max).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// Arguments cut to [`COMMAND`] bytes and [`ARGUMENTS`] in number. For what is kept, not shown.
pub(super) fn cut_command(arguments: &[String]) -> Vec<String> {
    let mut left = COMMAND;
    let mut out = Vec::new();
    for argument in arguments.iter().take(ARGUMENTS) {
        if left == 0 {
            break;
        }
        let argument = cut(argument, left);
        left = left.saturating_sub(argument.len().max(1));
        out.push(argument.to_owned());
    }
    out
}

fn is_hazard(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hazards_become_visible() {
        assert_eq!(escape("a\x1b[31mb\nc", 99), "a\\u{1b}[31mb\\u{a}c");
        assert_eq!(escape("x\u{202e}y\u{200b}z\u{9b}", 99), "x\\u{202e}y\\u{200b}z\\u{9b}");
        assert_eq!(escape("naïve — ок", 99), "naïve — ок");
    }

    #[test]
    fn length_is_bounded_at_a_character_edge() {
        assert_eq!(escape("ééé", 4), "éé…");
        assert_eq!(cut("ééé", 3), "é");
        let long = vec!["x".repeat(3000), "y".repeat(3000), "z".to_owned()];
        let total: usize = escape_command(&long).iter().map(String::len).sum();
        assert!(total <= COMMAND + 16, "{total}");
        assert_eq!(cut_command(&long).iter().map(String::len).sum::<usize>(), COMMAND);
    }
}
