//! Words of letters and digits: identity cards, tax numbers, accounts, wallets.

mod rules;

use std::ops::Range;

use self::rules::rules;
use super::scene::Scene;
use super::topic::Topics;
use super::{age, check, label, net, pieces, street, wallet};

/// No word looked at is longer.
const LONGEST: usize = 90;

/// Looks at one word.
pub(super) fn look(scene: &mut Scene<'_, '_>, range: Range<usize>) {
    let Some(word) = scene.bytes.get(range.clone()) else { return };
    if scene.is_taken(range.start) || word.len() > LONGEST {
        return;
    }
    if word.len() <= 4 {
        let is_side = |byte: Option<u8>| matches!(byte, Some(b':' | b'-' | b'.'));
        let has_side = is_side(scene.before(range.start)) || is_side(scene.byte(range.end));
        if has_side && word.iter().all(u8::is_ascii_hexdigit) {
            net::hexadecimal(scene, &range);
        }
    }
    let digits = word.iter().fold(0, |digits, byte| digits + usize::from(byte.is_ascii_digit()));
    let letters = word.len() - digits;
    if let [first, second, b'0'..=b'9', b'0'..=b'9', ..] = word
        && first.is_ascii_alphabetic()
        && second.is_ascii_alphabetic()
        && account(scene, range.start)
    {
        return;
    }
    if matches!(word.len(), 2..=4 | 8) {
        pieces::look(scene, word, &range, digits);
        if scene.is_taken(range.start) {
            return;
        }
    }
    if letters == 0 {
        if digits <= 5 && street::may_be(scene, &range) {
            street::look(scene, &range);
        }
        if digits <= 3 && !scene.is_taken(range.start) && age::may_be(scene, &range) {
            age::look(scene, &range);
        }
        if digits >= 4 {
            label::record(scene, &range);
        }
        return;
    }
    if word.len() >= 14 && wallet(scene, word, &range) {
        return;
    }
    if !(4..=20).contains(&word.len()) {
        return;
    }
    by_shape(scene, word, &range);
    if digits >= 4 && !scene.is_taken(range.start) {
        if digits >= 5 {
            label::word(scene, &range, digits);
        }
        label::record(scene, &range);
    }
}

fn by_shape(scene: &mut Scene<'_, '_>, word: &[u8], range: &Range<usize>) {
    let mut upper = [0_u8; 20];
    let Some(upper) = upper.get_mut(..word.len()) else { return };
    upper.copy_from_slice(word);
    upper.make_ascii_uppercase();
    let is_upper = upper == word;
    let mask = word
        .iter()
        .enumerate()
        .fold(0_u32, |mask, (index, byte)| mask | u32::from(byte.is_ascii_digit()) << index);
    for rule in rules(word.len()) {
        if rule.mask != mask || !(rule.check)(upper) || !scene.begins(range.start) || !scene.ends(range.end) {
            continue;
        }
        let (score, why) = if scene.topics(range).meets(rule.topics) {
            (rule.named, "a word near it says so")
        } else if scene.is_whole(range) {
            (rule.whole, "the text is nothing else, and its form is right")
        } else if is_upper {
            (rule.plain, "its form is right")
        } else {
            continue;
        };
        if score > 0.25 {
            scene.add(rule.kind, score, range.clone(), why);
        }
        if score >= 0.5 {
            return;
        }
    }
    if matches!(word.len(), 9 | 10)
        && check::document(upper)
        && scene.begins(range.start)
        && scene.ends(range.end)
    {
        let checked = word.len() == 10;
        if scene.topics(range).meets(Topics::PASSPORT.or(Topics::DE).or(Topics::ID)) {
            scene.add("de_id_card", if checked { 0.9 } else { 0.7 }, range.clone(), "a word near it says so");
        } else if scene.is_whole(range) {
            scene.add(
                "de_id_card",
                if checked { 0.6 } else { 0.5 },
                range.clone(),
                "the text is nothing else, and its form is right",
            );
        }
    }
    hyphenated(scene, word, range);
}

/// `131052-308T`, Finnish: the part behind the sign.
fn hyphenated(scene: &mut Scene<'_, '_>, word: &[u8], range: &Range<usize>) {
    let [a, b, c, sign] = word else { return };
    if ![a, b, c].iter().all(|byte| byte.is_ascii_digit())
        || !matches!(scene.before(range.start), Some(b'-' | b'+'))
    {
        return;
    }
    let Some(start) = range.start.checked_sub(7) else { return };
    let mut digits = [0; 9];
    let first = scene.bytes.get(start..start + 6).unwrap_or_default();
    for (to, from) in digits.iter_mut().zip(first.iter().chain([a, b, c])) {
        if !from.is_ascii_digit() {
            return;
        }
        *to = from - b'0';
    }
    if check::hetu(&digits, *sign) && scene.begins(start) && scene.ends(range.end) {
        scene.add("fi_personal_identity_code", 0.8, start..range.end, "its form is right");
    }
}

/// A bank account of the international form, in one or in groups of four.
fn account(scene: &mut Scene<'_, '_>, start: usize) -> bool {
    let mut word = [0_u8; 34];
    let mut length = 0;
    let Some(wanted) = scene
        .bytes
        .get(start..)
        .and_then(|rest| rest.first_chunk())
        .and_then(|country| check::iban_length(*country))
    else {
        return false;
    };
    let mut end = start;
    let rest = scene.bytes.get(start..).unwrap_or_default();
    for (offset, byte) in rest.iter().enumerate() {
        let gap = length % 4 == 0
            && length > 0
            && b" -".contains(byte)
            && rest.get(offset + 1).is_some_and(u8::is_ascii_alphanumeric);
        if gap && length < wanted {
            continue;
        }
        if !byte.is_ascii_alphanumeric() || length >= wanted {
            break;
        }
        if let Some(to) = word.get_mut(length) {
            *to = *byte;
        }
        length += 1;
        end = start + offset + 1;
    }
    let holds = length == wanted && word.get(..length).is_some_and(check::iban);
    if holds && scene.begins(start) && scene.ends(end) {
        scene.add("iban_code", 0.95, start..end, "length and check digits are right");
    }
    holds
}

fn wallet(scene: &mut Scene<'_, '_>, word: &[u8], range: &Range<usize>) -> bool {
    let score = if wallet::is_base58(word) || wallet::is_bech32(word) {
        0.9
    } else if wallet::is_ethereum(word) {
        if scene.topics(range).meets(Topics::CRYPTO) || scene.is_whole(range) { 0.8 } else { 0.4 }
    } else {
        return false;
    };
    scene.add("crypto", score, range.clone(), "an address of a crypto currency");
    true
}

/// The code of a bank behind a word that names it.
pub(super) fn bank(scene: &mut Scene<'_, '_>, at: usize) {
    let rest = scene.bytes.get(at..scene.bytes.len().min(at + 40)).unwrap_or_default();
    let mut start = at + rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let named = start;
    for part in rest.get(named - at..).unwrap_or_default().split(|byte| !byte.is_ascii_alphanumeric()) {
        let range = start..start + part.len();
        start = range.end + 1;
        let letters = part.iter().take(6).all(u8::is_ascii_uppercase);
        let is_code = matches!(part.len(), 8 | 11)
            && letters
            && part.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if is_code && scene.bytes.get(range.clone()) == Some(part) {
            scene.add("swift_code", 0.8, range, "a word beside it says so");
            return;
        }
    }
}
