//! Texts smuggled in characters nobody sees: tag characters stand for ASCII, variation selectors for bytes.

use super::budget::Budget;
use super::made::Made;
use super::plausible;
use super::reading::Layer;

/// A gap behind so many characters is a gap in the hidden text too.
const PART: usize = 8;
/// Selectors in a row that stand for bytes; one alone chooses how a character looks.
const SELECTORS: usize = 4;

/// What `text` hides: each layer at most once.
pub(super) fn texts(text: &str, budget: &mut Budget) -> Vec<(Layer, Made)> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    // Tags and most selectors begin with F3 A0, the other selectors with EF B8.
    let has_tags = memchr::memchr(0xf3, bytes).is_some();
    if has_tags && let Some(made) = tags(text, budget) {
        found.push((Layer::Tags, made));
    }
    if (has_tags || memchr::memmem::find(bytes, &[0xef, 0xb8]).is_some())
        && let Some(made) = selectors(text, budget)
    {
        found.push((Layer::Selectors, made));
    }
    found
}

fn tags(text: &str, budget: &mut Budget) -> Option<Made> {
    let hidden = || text.char_indices().filter_map(|(at, character)| Some((at, tag(character)?)));
    if !budget.take(hidden().count()) {
        return None;
    }
    let mut made = Made::default();
    let (mut end, mut part) = (0, 0);
    for (at, character) in hidden() {
        if at != end {
            if part >= PART {
                made.put("\n", end..at);
            }
            part = 0;
        }
        part += 1;
        end = at + '\u{e0020}'.len_utf8();
        made.put(character.encode_utf8(&mut [0; 4]), at..end);
    }
    (!made.text.is_empty()).then_some(made)
}

/// The character of ASCII that a tag stands for.
fn tag(character: char) -> Option<char> {
    match character {
        '\u{e0020}'..='\u{e007e}' => char::from_u32(u32::from(character) - 0xe0000),
        _ => None,
    }
}

fn selectors(text: &str, budget: &mut Budget) -> Option<Made> {
    let mut made = Made::default();
    let mut bytes = Vec::new();
    let mut start = 0;
    for (at, character) in text.char_indices().chain([(text.len(), 'x')]) {
        if let Some(byte) = selector(character) {
            if bytes.is_empty() {
                start = at;
            }
            bytes.push(byte);
        } else if !bytes.is_empty() {
            let run = std::mem::take(&mut bytes);
            if run.len() >= SELECTORS
                && budget.take(run.len())
                && let Some(hidden) = plausible::text(run)
            {
                if !made.text.is_empty() {
                    made.put("\n", start..start);
                }
                made.put(&hidden, start..at);
            }
        }
    }
    (!made.text.is_empty()).then_some(made)
}

/// The byte that a variation selector stands for.
fn selector(character: char) -> Option<u8> {
    let value = match character {
        '\u{fe00}'..='\u{fe0f}' => u32::from(character) - 0xfe00,
        '\u{e0100}'..='\u{e01ef}' => u32::from(character) - 0xe0100 + 16,
        _ => return None,
    };
    u8::try_from(value).ok()
}
