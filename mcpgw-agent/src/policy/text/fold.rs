//! Taking away what hides a text's meaning from a reader who goes by bytes.

use unicode_normalization::UnicodeNormalization;

use super::confusable;

/// `text` in NFKC, without invisible characters, look-alikes of ASCII replaced by it, blanks in a row made one; lower case.
pub(crate) fn fold(text: &str) -> String {
    let folded = if text.is_ascii() { blanks(text.chars()) } else { fold_unicode(text) };
    folded.to_lowercase()
}

fn fold_unicode(text: &str) -> String {
    let seen = text.nfkc().filter(|character| !is_invisible(*character));
    blanks(seen.map(|character| confusable::ascii(character).unwrap_or(character)))
}

/// Blanks of all kinds in a row are one space; other control characters are nothing.
fn blanks(characters: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    for character in characters {
        if character.is_whitespace() {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else if !character.is_control() {
            out.push(character);
        }
    }
    out
}

/// Characters that take no room: zero width, direction marks, tags, variation selectors, fillers.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}
