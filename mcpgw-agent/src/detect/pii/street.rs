//! A house and its street: `11 Botley Road`, `Feldstrasse 42`, `12 rue de la Paix`, `Calle Mayor 5`.

use std::ops::Range;

use super::scene::Scene;
use super::topic::Topics;

/// Bytes of a street's name that are looked at, on either side of the number.
const REACH: usize = 48;
/// Words of a street's name, its kind included.
const WORDS: usize = 5;
/// Words of a text that are looked at for a kind of street before a number.
const BEFORE: usize = 6;

/// Kinds of street that are hardly anything else, behind a name.
const STREETS: &[&str] = &[
    "street",
    "str",
    "st",
    "road",
    "rd",
    "avenue",
    "ave",
    "boulevard",
    "blvd",
    "highway",
    "hwy",
    "parkway",
    "pkwy",
    "turnpike",
];
/// Kinds that are words of their own, too.
const WORDLY: &[&str] = &[
    "drive", "dr", "lane", "ln", "court", "ct", "place", "pl", "way", "terrace", "square", "sq", "crescent",
    "close", "circle", "trail", "gardens", "grove", "mews", "row", "walk", "gate", "hill",
];
/// What those stand behind in other names.
const OTHERS: &[&str] =
    &["google", "hard", "flash", "disk", "usb", "test", "data", "supreme", "market", "hill"];
/// Ends of names of streets, where kind and name are one word.
const ENDS: &[&str] = &[
    "straße", "strasse", "str.", "gasse", "allee", "platz", "weg", "damm", "ufer", "straat", "laan", "plein",
    "gracht", "gatan", "gata", "gaten", "vägen", "vegen", "veien", "vegur", "gade", "vej", "stien", "katu",
];
/// Kinds of street that stand before the name, and before or behind the number.
const LED: &[&str] = &[
    "rue",
    "boulevard",
    "chemin",
    "impasse",
    "quai",
    "calle",
    "carrer",
    "paseo",
    "avenida",
    "rua",
    "travessa",
    "viale",
    "piazza",
    "corso",
    "ulica",
    "via",
];
/// What joins the words of such a name.
const JOINS: &[&str] =
    &["de", "del", "della", "di", "du", "des", "da", "do", "dos", "das", "la", "le", "les", "los", "las"];

const WHY: &str = "a house's number and a kind of street";

/// A street may stand beside a number at `range`: most numbers have neither a name behind them nor a word before.
#[inline]
pub(super) fn may_be(scene: &Scene<'_, '_>, range: &Range<usize>) -> bool {
    let is_part = |byte: Option<u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphabetic() || byte >= 0x80 || byte == b'.')
    };
    match (scene.byte(range.end), scene.before(range.start)) {
        (Some(b','), _) if scene.byte(range.end + 1) == Some(b' ') => is_part(scene.byte(range.end + 2)),
        (Some(b' '), _) if is_part(scene.byte(range.end + 1)) => true,
        (_, Some(b' ')) => is_part(scene.before(range.start - 1)),
        _ => false,
    }
}

/// Looks at what stands beside a number of at most five digits at `range`, where [`may_be`] holds.
pub(super) fn look(scene: &mut Scene<'_, '_>, range: &Range<usize>) {
    let may_follow = scene.byte(range.end).is_some_and(|byte| matches!(byte, b' ' | b','));
    if may_follow
        && scene.begins(range.start)
        && let Some((score, end)) = led(scene, range).or_else(|| named(scene, range))
    {
        let start = with_number_before(scene, range.start);
        scene.add("street_address", score, start..end, WHY);
        return;
    }
    if range.len() <= 4
        && scene.before(range.start) == Some(b' ')
        && scene.ends(range.end)
        && let Some((score, start)) = behind(scene, range)
    {
        scene.add("street_address", score, start..range.end, WHY);
    }
}

/// A first number may be that of a district or a box: `3178 254 Damvergi Street`.
fn with_number_before(scene: &Scene<'_, '_>, start: usize) -> usize {
    let before = scene.bytes.get(start.saturating_sub(7)..start).unwrap_or_default();
    let Some((b' ', before)) = before.split_last() else { return start };
    let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let first = start - 1 - digits;
    if (3..=5).contains(&digits) && scene.begins(first) { first } else { start }
}

/// Letters, hyphens, apostrophes and what is not ASCII, from the start of `bytes`.
fn word(bytes: &[u8]) -> &[u8] {
    let is_part = |byte: &u8| byte.is_ascii_alphabetic() || *byte >= 0x80 || matches!(byte, b'-' | b'\'');
    bytes.get(..bytes.iter().take_while(|byte| is_part(byte)).count()).unwrap_or_default()
}

/// It begins as names do.
fn is_name(word: &[u8]) -> bool {
    word.first().is_some_and(|byte| byte.is_ascii_uppercase() || *byte >= 0x80)
}

fn is_one_of(word: &[u8], known: &[&str]) -> bool {
    let first = word.first().map(u8::to_ascii_lowercase);
    let is = |other: &str| {
        let other = other.as_bytes();
        other.len() == word.len() && other.first().copied() == first && other.eq_ignore_ascii_case(word)
    };
    word.len() <= 16 && known.iter().any(|other| is(other))
}

/// `11 Botley Road`, from the number on: how sure, and where it ends.
fn named(scene: &mut Scene<'_, '_>, range: &Range<usize>) -> Option<(f32, usize)> {
    let mut at = range.end + 1;
    if scene.byte(range.end) != Some(b' ') || !is_name(word(scene.bytes.get(at..at + 1)?)) {
        return None;
    }
    let last = (range.end + REACH).min(scene.bytes.len());
    let mut before: &[u8] = b"";
    for number in 0..WORDS {
        let here = word(scene.bytes.get(at..last)?);
        if !is_name(here) {
            return None;
        }
        let end = at + here.len();
        if number > 0 && is_one_of(here, STREETS) && !is_year(scene, range) {
            return Some((0.6, end));
        }
        if number > 0
            && range.len() >= 2
            && is_one_of(here, WORDLY)
            && !is_one_of(before, OTHERS)
            && !is_year(scene, range)
        {
            return Some((0.5, end));
        }
        // A short word may be cut short: `St. James`.
        at = match scene.bytes.get(end..) {
            Some([b' ', ..]) => end + 1,
            Some([b'.', b' ', ..]) if here.len() <= 3 => end + 2,
            Some(_) | None => return None,
        };
        before = here;
    }
    None
}

/// `12 rue de la Paix`, `5, Calle Mayor`: how sure, and where it ends.
fn led(scene: &mut Scene<'_, '_>, range: &Range<usize>) -> Option<(f32, usize)> {
    let gap = if scene.byte(range.end) == Some(b',') { 2 } else { 1 };
    let start = range.end + gap;
    if scene.byte(start - 1) != Some(b' ') {
        return None;
    }
    let last = (start + REACH).min(scene.bytes.len());
    let kind = word(scene.bytes.get(start..last)?);
    if kind.len() < 3 || !is_one_of(kind, LED) || kind.eq_ignore_ascii_case(b"via") {
        return None;
    }
    let mut at = start + kind.len();
    for _ in 0..WORDS {
        if scene.byte(at) != Some(b' ') {
            return None;
        }
        let here = word(scene.bytes.get(at + 1..last)?);
        at += 1 + here.len();
        if is_name(here) {
            return Some((0.6, at));
        }
        if !is_one_of(here, JOINS) {
            return None;
        }
    }
    None
}

/// `Feldstrasse 42`, `Calle Mayor 5`: how sure, and where it begins.
fn behind(scene: &mut Scene<'_, '_>, range: &Range<usize>) -> Option<(f32, usize)> {
    let bytes = scene.bytes;
    let mut end = range.start - 1;
    let from = end.saturating_sub(REACH);
    for number in 0..BEFORE {
        let before = bytes.get(from..end)?;
        let is_part =
            |byte: &u8| byte.is_ascii_alphabetic() || *byte >= 0x80 || matches!(byte, b'-' | b'\'' | b'.');
        let length = before.iter().rev().take_while(|byte| is_part(byte)).count();
        let start = end - length;
        let here = bytes.get(start..end)?;
        if number == 0 && is_name(here) && has_end(here) {
            return Some((0.55, start));
        }
        if number > 0 && is_name(here) && is_one_of(here, LED) {
            // `Via` is a word of other languages, too.
            let is_sure = !here.eq_ignore_ascii_case(b"via") || scene.topics(range).meets(Topics::STREET);
            return is_sure.then_some((0.55, start));
        }
        let goes_on = length > 0 && (is_name(here) || is_one_of(here, JOINS));
        if !goes_on || start == 0 || bytes.get(start - 1) != Some(&b' ') {
            return None;
        }
        end = start - 1;
    }
    None
}

/// Kind and name in one word.
fn has_end(word: &[u8]) -> bool {
    let last = word.last().map(u8::to_ascii_lowercase);
    let ends = |end: &str| {
        if end.as_bytes().last().copied() != last {
            return false;
        }
        let start = word.len().checked_sub(end.len()).filter(|start| *start >= 3);
        start
            .and_then(|start| word.get(start..))
            .is_some_and(|tail| tail.eq_ignore_ascii_case(end.as_bytes()))
    };
    ENDS.iter().any(|end| ends(end))
}

/// `In 2019 Wall Street …`: a year, unless it stands where addresses do.
fn is_year(scene: &Scene<'_, '_>, range: &Range<usize>) -> bool {
    let number = scene.bytes.get(range.clone()).unwrap_or_default();
    let before = scene.bytes.get(range.start.saturating_sub(3)..range.start).unwrap_or_default();
    let is_placed = before.is_empty() || before.ends_with(b"\n") || before.ends_with(b"at ");
    matches!(number, [b'1', b'9', _, _] | [b'2', b'0', _, _]) && !is_placed
}
