//! Text that is safe to show: lines made of styled pieces, in which nothing but our own styles can reach the
//! terminal as a control sequence.
//!
//! Names, command lines and paths are whatever a process chose. Escape codes in them could clear the screen,
//! forge a line or retitle the terminal; characters that turn the writing direction or take no room could make a
//! command look like another. [`clean`] writes both out as `\u{…}`, and [`Line`] applies it to every piece, so
//! that forgetting to is not possible.

use std::borrow::Cow;
use std::fmt::Write;

#[cfg(test)]
mod tests;

/// How a piece of text looks on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As is.
    Plain,
    /// Headings.
    Bold,
    /// Of less interest.
    Dim,
    /// Wants attention.
    Bad,
    /// Wants a look.
    Warn,
    /// As it should be.
    Good,
}

impl Style {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Bold => Some("1"),
            Self::Dim => Some("2"),
            Self::Bad => Some("1;31"),
            Self::Warn => Some("33"),
            Self::Good => Some("32"),
        }
    }
}

/// One line of output, without its newline.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Line {
    pieces: Vec<(Style, String)>,
}

impl Line {
    /// A line of plain `text`.
    pub(super) fn plain(text: &str) -> Self {
        Self::styled(Style::Plain, text)
    }

    /// A line of `text` in one style.
    pub(super) fn styled(style: Style, text: &str) -> Self {
        Self::default().and(style, text)
    }

    /// The line with `text` after it.
    pub(super) fn and(mut self, style: Style, text: &str) -> Self {
        self.pieces.push((style, clean(text).into_owned()));
        self
    }

    /// The line as it is written out, with control sequences for the styles if `colour`.
    pub(super) fn render(&self, colour: bool) -> String {
        let mut out = String::new();
        for (style, text) in &self.pieces {
            match style.code().filter(|_| colour) {
                Some(code) => {
                    out.push_str("\u{1b}[");
                    out.push_str(code);
                    out.push('m');
                    out.push_str(text);
                    out.push_str("\u{1b}[0m");
                }
                None => out.push_str(text),
            }
        }
        out
    }
}

/// `text` with everything written out that is not shown as it stands: control characters, characters that turn
/// the writing direction, break lines or take no room.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_harmful(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// JSON text made safe to show and unchanged in meaning: what [`clean`] would write out becomes `\uXXXX`. Only
/// inside JSON strings can such characters stand, apart from the newlines and spaces of its layout.
pub(super) fn clean_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && is_harmful(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                write!(out, "\\u{unit:04x}").unwrap_or_default();
            }
        } else {
            out.push(character);
        }
    }
    out
}

fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' // soft hyphen
            | '\u{61c}' // Arabic letter mark
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' // fillers
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}' // zero width, direction marks
            | '\u{2028}'..='\u{202e}' // line and paragraph separator, embeddings and overrides
            | '\u{2060}'..='\u{206f}' // word joiner, isolates, invisible operators
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' // interlinear annotation
            | '\u{e0000}'..='\u{e0fff}' // tags, variation selectors
        )
}
