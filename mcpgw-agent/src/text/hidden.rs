//! Texts smuggled in characters nobody sees: tag characters stand for ASCII, variation selectors for bytes.

use super::budget::Budget;
use super::made::Made;
use super::plausible;
use super::reading::Layer;

/// A gap behind so many characters is a gap in the hidden text too.
const PART: usize = 8;
/// Selectors in a row that stand for bytes; one alone chooses how a character looks.
const SELECTORS: usize = 4;

/// The first byte of tags and of most selectors.
const TAG: u8 = 0xf3;
/// The first byte of the other selectors.
const SELECTOR: u8 = 0xef;

/// What `text` hides: each layer at most once.
pub(super) fn texts(text: &str, budget: &mut Budget) -> Vec<(Layer, Made)> {
    let mut found = Vec::new();
    if let Some(made) = tags(text, budget) {
        found.push((Layer::Tags, made));
    }
    if let Some(made) = selectors(text, budget) {
        found.push((Layer::Selectors, made));
    }
    found
}

/// The characters of `text` whose first byte is one of these, and where they stand.
fn beginning(text: &str, first: [u8; 2]) -> impl Iterator<Item = (usize, char)> {
    let [one, other] = first;
    memchr::memchr2_iter(one, other, text.as_bytes())
        .filter_map(|at| Some((at, text.get(at..)?.chars().next()?)))
}

fn tags(text: &str, budget: &mut Budget) -> Option<Made> {
    let hidden = || beginning(text, [TAG; 2]).filter_map(|(at, character)| Some((at, tag(character)?)));
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
    let (mut start, mut end) = (0, 0);
    let hidden = beginning(text, [TAG, SELECTOR]);
    let hidden = hidden.filter_map(|(at, character)| Some((at, character.len_utf8(), selector(character)?)));
    for (at, len, byte) in hidden.map(|(at, len, byte)| (at, len, Some(byte))).chain([(text.len(), 0, None)])
    {
        if at != end || byte.is_none() {
            if bytes.len() >= SELECTORS
                && budget.take(bytes.len())
                && let Some(hidden) = plausible::text(std::mem::take(&mut bytes))
            {
                if !made.text.is_empty() {
                    made.put("\n", start..start);
                }
                made.put(&hidden, start..end);
            }
            bytes.clear();
            start = at;
        }
        bytes.extend(byte);
        end = at + len;
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
