//! How old somebody is: `a 38-year-old male`, `I'll turn 47`, `aged 62`.

use std::ops::Range;

use super::scene::Scene;

/// Bytes before the number in which somebody is named.
const BEFORE: usize = 28;
/// Nobody is older.
const OLDEST: usize = 120;

/// Who has an age, behind it.
const PEOPLE: &[&str] = &[
    "male",
    "female",
    "man",
    "woman",
    "boy",
    "girl",
    "patient",
    "child",
    "son",
    "daughter",
    "person",
    "mother",
    "father",
    "student",
    "gentleman",
    "lady",
    "driver",
    "resident",
    "victim",
    "suspect",
];
/// Who has an age, before it.
const WHO: &[&str] = &[
    "i", "i'm", "i'll", "he", "he's", "she", "she's", "who", "my", "his", "her", "patient", "brother",
    "sister", "husband", "wife", "son", "daughter", "mother", "father", "mr", "mrs", "ms",
];
/// What stands behind a number of years.
const YEARS: &[&str] = &["-year-old ", " year old ", " years old", "-years-old ", " yo ", " y/o "];

/// An age may stand at `range`: a word of years behind it, or one of those that go before.
#[inline]
pub(super) fn may_be(scene: &Scene<'_, '_>, range: &Range<usize>) -> bool {
    let is_years = matches!(scene.byte(range.end), Some(b' ' | b'-'))
        && matches!(scene.byte(range.end + 1), Some(b'y' | b'Y'));
    // `turn`, `turns`, `turned`, `turning`, `aged`.
    is_years
        || scene.before(range.start) == Some(b' ')
            && matches!(
                scene.before(range.start - 1),
                Some(b'n' | b's' | b'd' | b'g' | b'N' | b'S' | b'D' | b'G')
            )
}

/// Looks at what stands beside a number of at most three digits at `range`, where [`may_be`] holds.
pub(super) fn look(scene: &mut Scene<'_, '_>, range: &Range<usize>) {
    let digits = scene.bytes.get(range.clone()).unwrap_or_default();
    let number = digits.iter().fold(0, |number, digit| number * 10 + usize::from(digit.wrapping_sub(b'0')));
    if !(1..=OLDEST).contains(&number) || !scene.begins(range.start) {
        return;
    }
    if is_told(scene, range) || is_turned(scene, range) {
        scene.add("age", 0.5, range.clone(), "how old somebody is");
    }
}

/// `38-year-old male`, `he is 38 years old`.
fn is_told(scene: &Scene<'_, '_>, range: &Range<usize>) -> bool {
    let rest = scene.bytes.get(range.end..).unwrap_or_default();
    if !matches!(rest.first(), Some(b' ' | b'-')) {
        return false;
    }
    let fits = |years: &&&str| {
        rest.get(..years.len()).is_some_and(|here| here.eq_ignore_ascii_case(years.as_bytes()))
    };
    let Some(years) = YEARS.iter().find(fits) else { return false };
    let behind = rest.get(years.len()..).unwrap_or_default();
    let letters = behind.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    has(behind.get(..letters).unwrap_or_default(), PEOPLE) || is_somebodys(scene, range.start)
}

/// `I'll turn 47.`, `just turned 47`, `aged 62,`.
fn is_turned(scene: &Scene<'_, '_>, range: &Range<usize>) -> bool {
    let before = scene.bytes.get(range.start.saturating_sub(9)..range.start).unwrap_or_default();
    let Some((b' ', before)) = before.split_last() else { return false };
    let word = before.rsplit(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default();
    let turns = has(word, &["turn", "turns", "turned", "turning"]);
    if !turns && !word.eq_ignore_ascii_case(b"aged") {
        return false;
    }
    // Degrees, pages and days are turned and aged, too.
    let is_end = match scene.bytes.get(range.end..) {
        None | Some([] | [b'\n' | b'!' | b'?' | b';' | b')', ..]) => true,
        Some([b'.' | b',', behind @ ..]) => behind.first().is_none_or(|byte| !byte.is_ascii_alphanumeric()),
        Some(rest) => [&b" years"[..], b" today", b" this ", b" next ", b" last ", b" in ", b" on "]
            .iter()
            .any(|word| rest.starts_with(word)),
    };
    is_end && (!turns || is_somebodys(scene, range.start))
}

/// Somebody is named before `at`.
fn is_somebodys(scene: &Scene<'_, '_>, at: usize) -> bool {
    let before = scene.bytes.get(at.saturating_sub(BEFORE)..at).unwrap_or_default();
    before.split(|byte| !byte.is_ascii_alphabetic() && *byte != b'\'').any(|word| has(word, WHO))
}

fn has(word: &[u8], known: &[&str]) -> bool {
    known.iter().any(|other| other.as_bytes().eq_ignore_ascii_case(word))
}
