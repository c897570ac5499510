use super::digits::DIGITS_MIN;
use super::*;
use crate::detect::{Detector, Hit, Place};

struct Words(&'static [&'static str]);

impl TextDetector for Words {
    fn detector(&self) -> Detector {
        Detector::Secrets
    }

    fn needles(&self) -> &'static [&'static str] {
        self.0
    }

    fn find(&self, _: &str, _: &Place<'_>, _: &Noticed<'_>, _: &mut Vec<Hit>) {}
}

fn scan(text: &str) -> Nominations {
    let (one, two) = (Words(&["sk_live_", "ghp_"]), Words(&["drop table", "ghp_"]));
    let mut found = Nominations::default();
    Nominator::new(&[&one, &two]).scan(text, &mut found);
    found
}

#[test]
fn every_detector_is_told_of_its_needles_in_any_case() {
    let found = scan("ghp_x GHP_ dRoP TaBlE sk_liv sk_live_ghp_");
    let needles = |index| {
        let noticed = found.of(index);
        noticed.needles.iter().map(|Nominee { needle, at }| (*needle, *at)).collect::<Vec<_>>()
    };
    assert_eq!(needles(0), [(1, 0), (1, 6), (0, 29), (1, 37)]);
    assert_eq!(needles(1), [(1, 0), (1, 6), (0, 11), (1, 37)]);
    assert_eq!(needles(2), []);
}

#[test]
fn digits_are_runs_with_separators() {
    let long = format!("{}12345", "word ".repeat(20));
    for (text, runs) in [
        ("call +1 (415) 555-2671 now", vec!["1 (415) 555-2671"]),
        ("4111 1111 1111 1111, 2026-11-20", vec!["4111 1111 1111 1111", "2026-11-20"]),
        ("1234 and 5", vec![]),
        ("1   2345 67", vec!["2345 67"]),
        (&*long, vec!["12345"]),
        ("é12345é", vec!["12345"]),
    ] {
        let found = scan(text);
        let noticed = found.of(0);
        assert_eq!(
            noticed.digits.iter().map(|run| text.get(run.clone()).unwrap()).collect::<Vec<_>>(),
            runs,
            "{text}"
        );
    }
}

#[test]
fn tokens_are_long_words_with_a_digit() {
    let token = "abcdefgh0ijklmno";
    let short = token.get(1..).unwrap();
    for text in [token.to_owned(), format!("x {token}"), format!("a bc {short} {token}, {short}")] {
        let found = scan(&text);
        let tokens = found.of(0).tokens;
        assert_eq!(tokens.iter().map(|run| text.get(run.clone()).unwrap()).collect::<Vec<_>>(), [token]);
    }
    assert!(scan("abcdefghijklmnopqrstuvwxyz abcdefgh0").of(0).tokens.is_empty());
}

/// The run of digits that begins at `start`, and how many they are.
fn run(bytes: &[u8], start: usize) -> (Range<usize>, usize) {
    let (mut end, mut digits, mut gap) = (start, 0, 0);
    for (offset, byte) in bytes.get(start..).unwrap().iter().enumerate() {
        match byte {
            b'0'..=b'9' => (end, digits, gap) = (start + offset + 1, digits + 1, 0),
            b' ' | b'-' | b'.' | b'/' | b'(' | b')' if gap < 2 => gap += 1,
            _ => break,
        }
    }
    (start..end, digits)
}

proptest::proptest! {
    #[test]
    fn runs_and_words_are_what_a_plain_search_finds(text in "([0-9]{1,4}|[a-c]{1,3}|[-./() +_é]|  |[a-z ]{12}){0,20}") {
        let bytes = text.as_bytes();
        let (mut plain, mut end) = (Vec::new(), 0);
        for at in 0..bytes.len() {
            if at >= end && bytes[at].is_ascii_digit() {
                let (run, digits) = run(bytes, at);
                end = run.end;
                plain.extend((digits >= DIGITS_MIN).then_some(run));
            }
        }
        let found = scan(&text);
        proptest::prop_assert_eq!(found.of(0).digits, &plain[..], "{:?}", text);
        let words: Vec<_> = found.of(0).words.iter().map(|run| text.get(run.clone()).unwrap()).collect();
        let plain = text.split(|character: char| !character.is_ascii_alphanumeric());
        let plain: Vec<_> = plain.filter(|word| word.bytes().any(|byte| byte.is_ascii_digit())).collect();
        proptest::prop_assert_eq!(words, plain, "{:?}", text);
    }

    #[test]
    fn what_is_left_out_is_what_is_known(
        text in "([0-9]{1,9}|[a-c]|[-. ]|  ){0,20}",
        cuts in proptest::collection::vec(0_usize..60, 0..8),
    ) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.sort_unstable();
        let known: Vec<Range<usize>> =
            cuts.chunks_exact(2).map(|pair| pair[0]..pair[1]).filter(|place| !place.is_empty()).collect();
        let mut found = scan(&text);
        let before: Vec<_> = found.of(0).digits.iter().cloned().flatten().collect();
        let words: Vec<_> = found.of(0).words.to_vec();
        found.leave_out(&known);
        let is_known = |at: &usize| known.iter().any(|place| place.contains(at));
        let is_inside = |word: &Range<usize>| {
            known.iter().any(|place| place.start <= word.start && word.end <= place.end)
        };
        let kept: Vec<_> = words.into_iter().filter(|word| !is_inside(word)).collect();
        proptest::prop_assert_eq!(found.of(0).words, &kept[..]);
        // Of what is not known only pieces too short for a run are gone.
        let left: Vec<_> = found.of(0).digits.iter().cloned().flatten().collect();
        proptest::prop_assert!(left.is_sorted() && !left.iter().any(is_known));
        for at in before.iter().filter(|at| !is_known(at)) {
            let on = |step: isize| {
                let place = |far: isize| at.wrapping_add_signed(step * far);
                (0..5).take_while(|far| before.contains(&place(*far)) && !is_known(&place(*far))).count()
            };
            proptest::prop_assert!(left.contains(at) || on(1) + on(-1) <= 5, "{:?} {:?} {}", text, known, at);
        }
    }

    #[test]
    fn tokens_are_what_a_plain_search_finds(text in "[a0 é_]{0,80}") {
        let plain = text.split(|character: char| !character.is_ascii() || !is(character as u8, TOKEN));
        let plain: Vec<_> = plain.filter(|word| word.len() >= 16 && word.contains('0')).collect();
        let found = scan(&text);
        let tokens: Vec<_> = found.of(0).tokens.iter().map(|run| text.get(run.clone()).unwrap()).collect();
        proptest::prop_assert_eq!(tokens, plain);
    }
}
