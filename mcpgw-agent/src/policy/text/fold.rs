//! Taking away what hides a text's meaning from a reader who goes by bytes.

use unicode_normalization::UnicodeNormalization;

use super::confusable;

/// `text` in NFKC, without invisible characters, look-alikes of ASCII replaced by it, blanks in a row made one; lower case.
pub(in crate::policy) fn fold(text: &str) -> String {
    if text.is_ascii() { fold_ascii(text) } else { fold_unicode(text).to_lowercase() }
}

/// The same for ASCII, of which NFKC changes nothing.
fn fold_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_blank = false;
    for byte in text.bytes() {
        let is_blank = matches!(byte, b' ' | b'\t'..=b'\r');
        if is_blank && !after_blank {
            out.push(' ');
        } else if matches!(byte, b'!'..=b'~') {
            out.push(char::from(byte.to_ascii_lowercase()));
        } else {
            // Control characters are nothing, also between blanks.
            continue;
        }
        after_blank = is_blank;
    }
    out
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ascii_folds_as_all_text_does(text in "([\\x00-\\x7f]|[ \\t\\x0b\\x0c\\x1c-\\x1f]{1,3}){0,20}") {
            prop_assert_eq!(fold_ascii(&text), fold_unicode(&text).to_lowercase());
        }
    }
}
