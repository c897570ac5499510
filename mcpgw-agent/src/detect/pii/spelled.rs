//! Numbers written in words, as people say them: `five five five, two three four`.

use std::ops::Range;

use super::scene::Scene;
use super::topic::Topics;

const WORDS: [&[u8]; 11] =
    [b"zero", b"one", b"two", b"three", b"four", b"five", b"six", b"seven", b"eight", b"nine", b"oh"];
/// Fewer digits are a count of something.
const LEAST: usize = 7;
const MOST: usize = 19;

/// Looks around a digit's word at `at`, not before `past`. Gives what it has looked at.
pub(super) fn look(scene: &mut Scene<'_, '_>, at: usize, past: usize) -> usize {
    if at < past || scene.before(at).is_some_and(|byte| byte.is_ascii_alphabetic()) {
        return past;
    }
    let mut start = at;
    let mut digits = 0;
    while let Some(before) = word_before(scene.bytes, start).filter(|before| *before >= past && digits < MOST)
    {
        start = before;
        digits += 1;
    }
    let mut end = at;
    while let Some(behind) = word_at(scene.bytes, if end == at { at } else { skip(scene.bytes, end) }) {
        end = behind;
        digits += 1;
    }
    if (LEAST..=MOST).contains(&digits) {
        report(scene, start..end, digits);
    }
    end.max(past)
}

fn report(scene: &mut Scene<'_, '_>, range: Range<usize>, digits: usize) {
    let topics = scene.topics(&range);
    let (kind, score) = if topics.meets(Topics::SSN) && digits == 9 {
        ("us_ssn", 0.8)
    } else if topics.meets(Topics::CARD) && digits >= 12 {
        ("credit_card", 0.7)
    } else {
        ("phone_number", if topics.meets(Topics::PHONE.or(Topics::CALL)) { 0.7 } else { 0.5 })
    };
    scene.add(kind, score, range, "digits written as words");
}

/// Where the digit's word at `at` ends.
fn word_at(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let length = rest.iter().take(6).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = rest.get(..length)?;
    WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)).then_some(at + length)
}

/// Where the digit's word before `at` begins.
fn word_before(bytes: &[u8], at: usize) -> Option<usize> {
    let before = bytes.get(at.saturating_sub(9)..at)?;
    let gap = before.iter().rev().take(3).take_while(|byte| is_gap(**byte)).count();
    let end = at - gap;
    let letters = bytes
        .get(end.saturating_sub(6)..end)?
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    (gap > 0 && word_at(bytes, end - letters) == Some(end)).then_some(end - letters)
}

fn skip(bytes: &[u8], at: usize) -> usize {
    at + bytes.get(at..).unwrap_or_default().iter().take(3).take_while(|byte| is_gap(**byte)).count()
}

fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b',' | b'-' | b'.')
}
