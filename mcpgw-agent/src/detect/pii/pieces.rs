//! What is written in several words: numbers in blocks with letters, days with a month's name, postal addresses.

use std::ops::Range;

use super::check;
use super::scene::Scene;
use super::topic::Topics;

const FORM: &str = "its form is right";
const NAMED: &str = "a word near it says so";

/// Looks at what a short word with so many digits, at least one, may be a part of.
pub(super) fn look(scene: &mut Scene<'_, '_>, word: &[u8], range: &Range<usize>, digits: usize) {
    match (word.len(), digits) {
        (2, 2) => insurance(scene, range),
        (3, 1) => postcode(scene, word, range),
        (3, 3) => security_code(scene, range),
        (4, 4) => {
            security_code(scene, range);
            birth(scene, word, range);
        }
        (4, 2 | 3) => beneficiary(scene, range),
        (8, 7 | 8) => letter_behind(scene, range),
        _ => {}
    }
}

/// `QQ 12 34 56 C`, at its first two digits.
fn insurance(scene: &mut Scene<'_, '_>, range: &Range<usize>) {
    let Some(start) = range.start.checked_sub(3).filter(|_| scene.before(range.start) == Some(b' ')) else {
        return;
    };
    let Some(found) = scene.bytes.get(start..start + 13) else { return };
    let mut word = [0; 9];
    let mut length = 0;
    for (index, byte) in found.iter().enumerate() {
        let blank = matches!(index, 2 | 5 | 8 | 11);
        let right = match index {
            _ if blank => *byte == b' ',
            0 | 1 | 12 => byte.is_ascii_alphabetic(),
            _ => byte.is_ascii_digit(),
        };
        if !right {
            return;
        }
        if let Some(to) = word.get_mut(length).filter(|_| !blank) {
            *to = byte.to_ascii_uppercase();
            length += 1;
        }
    }
    let range = start..start + 13;
    if check::nino(&word) && scene.begins(start) && scene.ends(range.end) {
        scene.add("uk_nino", 0.8, range, FORM);
    }
}

/// `SW1A 1AA`, at its second half.
fn postcode(scene: &mut Scene<'_, '_>, word: &[u8], range: &Range<usize>) {
    let [b'0'..=b'9', b'A'..=b'Z', b'A'..=b'Z'] = word else { return };
    if scene.before(range.start) != Some(b' ') || !scene.ends(range.end) {
        return;
    }
    let end = range.start - 1;
    let before = scene.bytes.get(end.saturating_sub(5)..end).unwrap_or_default();
    let length = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let area = scene.bytes.get(end - length..end).unwrap_or_default();
    let letters = area.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let is_area = (1..=2).contains(&letters)
        && area.get(letters).is_some_and(u8::is_ascii_digit)
        && area.len() <= letters + 2
        && area.get(letters + 1).is_none_or(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
    let range = end - length..range.end;
    if is_area && scene.begins(range.start) {
        if scene.topics(&range).meets(Topics::ZIP.or(Topics::STREET)) {
            scene.add("uk_postcode", 0.7, range, NAMED);
        } else if scene.is_whole(&range) {
            scene.add("uk_postcode", 0.5, range, FORM);
        }
    }
}

/// Three or four digits beside a word for a card's security code.
fn security_code(scene: &mut Scene<'_, '_>, range: &Range<usize>) {
    let stands_alone = scene.begins(range.start) && scene.ends(range.end);
    if stands_alone && scene.speaks_of_codes() && scene.near(range).meets(Topics::CVV) {
        scene.add("cvv", 0.7, range.clone(), NAMED);
    }
}

/// `March 15, 1985` or `15 March 1985`, at its year.
fn birth(scene: &mut Scene<'_, '_>, word: &[u8], range: &Range<usize>) {
    let is_year = word.starts_with(b"19") || word.starts_with(b"20");
    if !is_year || scene.before(range.start) != Some(b' ') || !scene.topics(range).meets(Topics::BIRTH) {
        return;
    }
    let from = range.start.saturating_sub(20);
    let before = scene.bytes.get(from..range.start).unwrap_or_default();
    let mut start = None;
    let (mut month, mut day) = (false, false);
    let mut at = range.start;
    // From the end: at most a month and a day, and what stands between them.
    for part in before.rsplit(|byte| b" ,.-".contains(byte)) {
        at -= part.len();
        let number = part.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if is_month(part) && !month {
            month = true;
        } else if (1..=2).contains(&number) && part.len() <= 4 && !day {
            day = true;
        } else if !part.is_empty() {
            break;
        }
        if !part.is_empty() {
            start = Some(at);
        }
        at = at.saturating_sub(1);
    }
    if let Some(start) = start.filter(|_| month) {
        scene.add("date_of_birth", 0.8, start..range.end, NAMED);
    }
}

fn is_month(word: &[u8]) -> bool {
    const MONTHS: [&[u8]; 12] =
        [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
    word.len() <= 9
        && word.get(..3).is_some_and(|three| MONTHS.iter().any(|month| month.eq_ignore_ascii_case(three)))
}

/// `1EG4-TE5-MK73`, at its first part.
fn beneficiary(scene: &mut Scene<'_, '_>, range: &Range<usize>) {
    let Some(found) = scene.bytes.get(range.start..range.start + 13) else { return };
    let shape = found.iter().map(|byte| match byte {
        b'0'..=b'9' => b'9',
        b'A'..=b'Z' => b'A',
        other => *other,
    });
    let is_shape = [b"9A99-A99-AA99", b"9AA9-A99-AA99", b"9A99-AA9-AA99", b"9AA9-AA9-AA99"]
        .iter()
        .any(|known| shape.clone().eq(known.iter().copied()));
    if is_shape && scene.begins(range.start) && scene.ends(range.start + 13) {
        scene.add("us_mbi", 0.8, range.start..range.start + 13, FORM);
    }
}

/// `12345678-Z` and `X1234567-L`, Spanish.
fn letter_behind(scene: &mut Scene<'_, '_>, range: &Range<usize>) {
    let (Some(b'-' | b' '), Some(letter)) = (scene.byte(range.end), scene.byte(range.end + 1)) else {
        return;
    };
    let mut word = [0; 9];
    let found = scene.bytes.get(range.clone()).unwrap_or_default();
    word.iter_mut().zip(found.iter().chain([&letter])).for_each(|(to, from)| *to = *from);
    let range = range.start..range.end + 2;
    if check::nif(&word) && scene.begins(range.start) && scene.ends(range.end) {
        let kind = if word.first().is_some_and(u8::is_ascii_digit) { "es_nif" } else { "es_nie" };
        scene.add(kind, 0.7, range, FORM);
    }
}

/// A flat, suite or box with its number at `at`, where numbers of a house or a place stand near by: the numbers and what
/// is between them.
pub(super) fn address(scene: &mut Scene<'_, '_>, at: usize) {
    const REACH: usize = 40;
    let bytes = scene.bytes;
    let is_name = scene.byte(at).is_some_and(|byte| byte.is_ascii_uppercase())
        && scene.before(at).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let rest = bytes.get(at..bytes.len().min(at + 12)).unwrap_or_default();
    let Some(digit) = rest.iter().position(u8::is_ascii_digit) else { return };
    let number = bytes
        .get(at + digit..)
        .unwrap_or_default()
        .iter()
        .take(6)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if !is_name || number > 5 || scene.is_taken(at) {
        return;
    }
    let end = at + digit + number;
    // House numbers and postal codes have three to six digits.
    let runs = |from: usize, to: usize| {
        let part = bytes.get(from..to.min(bytes.len())).unwrap_or_default();
        let mut offset = from;
        part.split(|byte| !byte.is_ascii_alphanumeric()).filter_map(move |word| {
            let start = offset;
            offset += word.len() + 1;
            ((2..=6).contains(&word.len()) && word.iter().all(u8::is_ascii_digit))
                .then_some(start..start + word.len())
        })
    };
    let first = runs(at.saturating_sub(REACH), at).next();
    let last = runs(end, end + REACH).fold(None, |_, run| Some(run)).filter(|last| scene.ends(last.end));
    if first.as_ref().or(last.as_ref()).is_none_or(|number| number.len() < 2) {
        return;
    }
    let start = first.map_or(at, |first| first.start);
    let end = last.map_or(end, |last| last.end);
    if end - start >= 12
        && bytes.get(start..end).is_some_and(|found| !found.iter().any(|byte| b"{}\"<>|=".contains(byte)))
    {
        scene.widen("street_address", 0.6, start..end, "a flat or box and other numbers of an address");
    }
}
