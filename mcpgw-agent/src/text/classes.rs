//! What each character is to the readings, looked up a page of characters at a time.

use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

use super::confusable::{self, Alike};
use super::fold::is_invisible;

/// What is done with a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A letter as it should be.
    Letter,
    /// A digit as it should be.
    Digit,
    /// Neither.
    Other,
    /// It takes no room.
    Invisible,
    /// It is drawn on the character before.
    Mark,
    /// A blank.
    Blank,
    /// The end of a line.
    LineEnd,
    /// A letter of another script that looks like this one of ASCII.
    Alike(u8),
    /// A Latin letter that ordinary words have none of, a picture of one, or another form of a character: it stands for
    /// this one of ASCII.
    Form(u8),
    /// A form that is common in ordinary text.
    CommonForm(u8),
    /// No letter, and it looks like this one of ASCII.
    Sign(u8),
    /// It stands for several characters, some of which tell something: a ligature, a number in a circle.
    Several,
}

/// Characters of a page.
const PAGE: usize = 256;
/// Planes 0 and 1: what lies beyond is looked at each time.
const PAGES: usize = 512;

static TABLE: [OnceLock<Box<[Class]>>; PAGES] = [const { OnceLock::new() }; PAGES];

/// What `character` is.
pub(super) fn of(character: char) -> Class {
    let number = u32::from(character) as usize;
    let Some(page) = TABLE.get(number / PAGE) else { return find(character) };
    let page = page.get_or_init(|| {
        let first = number - number % PAGE;
        let characters =
            (first..first + PAGE).map(|number| u32::try_from(number).ok().and_then(char::from_u32));
        characters.map(|character| character.map_or(Class::Other, find)).collect()
    });
    page.get(number % PAGE).copied().unwrap_or(Class::Other)
}

fn find(character: char) -> Class {
    if is_invisible(character) {
        return Class::Invisible;
    }
    if matches!(character, '\u{85}' | '\u{2028}' | '\u{2029}') {
        return Class::LineEnd;
    }
    if character.is_whitespace() || character == '\u{2800}' {
        return Class::Blank;
    }
    if canonical_combining_class(character) != 0 || is_combining_mark(character) {
        return Class::Mark;
    }
    let mut normal = std::iter::once(character).nfkc();
    match (normal.next(), normal.next()) {
        (Some(one), None) if one.is_ascii() && !character.is_ascii() => form(character, one),
        (Some(one), None) => by_looks(one),
        _ if matches!(character, '…' | '™' | '№' | '℡') => plain(character),
        _ if several(character).bytes().any(tells) => Class::Several,
        _ => plain(character),
    }
}

/// The characters that `character` stands for, look-alikes of ASCII replaced by it.
pub(super) fn several(character: char) -> String {
    let normal = std::iter::once(character).nfkc();
    let looks = |character| match confusable::alike(character) {
        Some(Alike::Latin(ascii) | Alike::Sign(ascii)) => ascii,
        Some(Alike::Other(_)) | None => character,
    };
    normal.filter(|character| !is_invisible(*character)).map(looks).collect()
}

fn form(character: char, ascii: char) -> Class {
    let byte = low(ascii);
    match byte {
        b' ' => Class::Blank,
        _ if matches!(character, 'ª' | 'º' | '²' | '³' | '¹') => Class::CommonForm(byte),
        _ if tells(byte) => Class::Form(byte),
        _ => Class::Sign(byte),
    }
}

fn by_looks(character: char) -> Class {
    match confusable::alike(character) {
        Some(Alike::Latin(ascii)) => Class::Form(low(ascii)),
        Some(Alike::Other(ascii)) => Class::Alike(low(ascii)),
        Some(Alike::Sign(ascii)) => Class::Sign(low(ascii)),
        None => plain(character),
    }
}

fn plain(character: char) -> Class {
    match character {
        _ if character.is_alphabetic() => Class::Letter,
        _ if character.is_numeric() => Class::Digit,
        _ => Class::Other,
    }
}

/// A detector may go by it.
pub(super) fn tells(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"%&\\/<>{}$`;|@".contains(&byte)
}

fn low(ascii: char) -> u8 {
    u8::try_from(ascii).unwrap_or(b'?')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_what_they_look_like() {
        for (characters, class) in [
            ("éßжλ漢ñ", Class::Letter),
            ("٣", Class::Digit),
            ("—☃", Class::Sign(b'-')),
            ("\u{200b}\u{e0041}\u{fe0f}\u{202e}", Class::Invisible),
            ("\u{301}\u{336}\u{20dd}", Class::Mark),
            ("\u{a0}\u{3000}\u{2003}", Class::Blank),
            ("оοօ", Class::Alike(b'o')),
            ("ｏ𝐨ⓞᴏₒ", Class::Form(b'o')),
            ("ﬁ⑴㏂", Class::Several),
        ] {
            for character in characters.chars().filter(|character| *character != '☃') {
                assert_eq!(of(character), class, "{character:?}");
            }
        }
        assert_eq!(of('☃'), Class::Other);
        assert_eq!(of('\u{2f801}'), Class::Letter);
    }
}
