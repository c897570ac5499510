//! Numbers without a check digit that a word right beside them names: passports, accounts, licences, patients.

use std::ops::Range;

use super::check::is_typed;
use super::number::{Best, Number};
use super::scene::Scene;
use super::topic::Topics;

const WHY: &str = "a word beside it says so";

/// A number of one group.
pub(super) fn number(scene: &mut Scene<'_, '_>, start: usize, end: usize) -> Option<Best> {
    let mut number = Number::new(start);
    if !number.push(scene.bytes) || number.form.end > end || !scene.ends(number.form.end) {
        return None;
    }
    let range = number.range();
    let count = number.digits().len();
    let near = scene.near(&range);
    if near == Topics::NONE {
        return None;
    }
    if number.digits().iter().take(count - 1).all(|digit| *digit == 0) {
        return None;
    }
    let (kind, score) = match count {
        6..=9 if near.meets(Topics::PASSPORT) && !near.meets(Topics::LICENCE) => ("us_passport", 0.7),
        6..=17 if near.meets(Topics::BANK) && !is_typed(number.digits()) => ("us_bank_number", 0.6),
        6..=13 if near.meets(Topics::LICENCE) => ("us_driver_license", 0.6),
        5..=12 if near.meets(Topics::MEDICAL) => ("medical_record", 0.6),
        10 if near.meets(Topics::NPI) => ("us_npi", 0.5),
        9 if near.meets(Topics::ROUTING) => ("aba_routing_number", 0.5),
        5 if near.meets(Topics::ZIP) => ("zip_code", 0.5),
        _ => return None,
    };
    Some(Best { kind, score, range, why: WHY })
}

/// A word of letters and digits, at least four of them digits.
pub(super) fn word(scene: &mut Scene<'_, '_>, range: &Range<usize>, digits: usize) {
    let near = scene.near(range);
    let length = range.len();
    let upper = !scene.bytes.get(range.clone()).unwrap_or_default().iter().any(u8::is_ascii_lowercase);
    let (kind, score) = if near.meets(Topics::PASSPORT) && (6..=10).contains(&length) && digits >= 5 {
        ("us_passport", 0.7)
    } else if near.meets(Topics::LICENCE) && (6..=16).contains(&length) && digits >= 5 && upper {
        ("us_driver_license", 0.6)
    } else {
        return;
    };
    if scene.begins(range.start) && scene.ends(range.end) {
        scene.add(kind, score, range.clone(), WHY);
    }
}

/// A number of a patient, an insured person or a driver, with hyphens and letters, around a word with digits.
pub(super) fn record(scene: &mut Scene<'_, '_>, word: &Range<usize>) {
    // Without a hyphen beside it the word stands alone.
    if scene.before(word.start) != Some(b'-') && scene.byte(word.end) != Some(b'-') {
        return;
    }
    let is_part = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'-';
    let before = scene.bytes.get(word.start.saturating_sub(16)..word.start).unwrap_or_default();
    let start = word.start - before.iter().rev().take_while(|byte| is_part(byte)).count();
    let behind = scene.bytes.get(word.end..).unwrap_or_default();
    let end = word.end + behind.iter().take(16).take_while(|byte| is_part(byte)).count();
    let found = scene.bytes.get(start..end).unwrap_or_default();
    let digits = || found.iter().filter(|byte| byte.is_ascii_digit());
    // `MRN-000001` shows what records look like.
    let is_real = || digits().filter(|digit| **digit != b'0').count() >= 3;
    let joined = found.contains(&b'-') && found.last() != Some(&b'-');
    let short = found.len() <= 20 && !is_day(found);
    if !(joined && short && is_real() && digits().count() >= 5 && scene.begins(start) && scene.ends(end)) {
        return;
    }
    // Words are read last: that costs most.
    let near = scene.near(word);
    if near.meets(Topics::MEDICAL) {
        scene.add("medical_record", 0.6, start..end, WHY);
    } else if near.meets(Topics::LICENCE) && near.meets(Topics::DRIVER) {
        scene.add("us_driver_license", 0.6, start..end, WHY);
    }
}

/// `1985-03-15` and `03-15-1985`.
fn is_day(found: &[u8]) -> bool {
    found.len() == 10
        && found.iter().filter(|byte| **byte == b'-').count() == 2
        && found.iter().all(|byte| !byte.is_ascii_alphabetic())
}
