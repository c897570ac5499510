//! One pass over a text that tells every detector where it has to look.
//!
//! It finds the detectors' needles whatever their case, runs of digits, and long words of the kind tokens are made of.
//! Each position costs one table look-up, whatever the needles.

use std::ops::Range;

use super::TextDetector;

/// Runs of digits: at least this many digits, with at most one separator between two.
const DIGITS_MIN: usize = 5;
/// Words that may be tokens: at least this many bytes.
const TOKEN_MIN: usize = 16;
/// Different hashes of prefixes.
const HASHES: usize = 1 << 16;
/// Bytes of a needle the filter goes by.
const PREFIX: usize = 4;

/// Where a needle stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nominee {
    /// Which of the detector's [`needles`](TextDetector::needles).
    pub needle: usize,
    /// Its first byte.
    pub at: usize,
}

/// What the pass noticed in a text, for one detector.
#[derive(Debug, Clone, Copy)]
pub struct Noticed<'a> {
    /// Its needles, in the order they stand.
    pub needles: &'a [Nominee],
    /// Runs that begin and end with a digit and hold at least five, in order: between two digits at most one blank,
    /// hyphen, dot, slash or parenthesis (or `) `, ` (`).
    pub digits: &'a [Range<usize>],
    /// Runs of at least 16 ASCII letters, digits and `+/=_-.~` with a digit in them, in order.
    pub tokens: &'a [Range<usize>],
}

/// The pass, made for a set of detectors.
#[derive(Debug)]
pub struct Nominator {
    /// A bit for each hash some needle's prefix has.
    filter: Box<[u64]>,
    /// Where the entries of a hash begin; one more than there are hashes.
    buckets: Box<[u16]>,
    /// By hash.
    entries: Box<[Entry]>,
    detectors: usize,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    text: &'static str,
    detector: usize,
    needle: usize,
}

/// What a pass found; used again for the next text.
#[derive(Debug, Default)]
pub struct Nominations {
    needles: Vec<Vec<Nominee>>,
    digits: Vec<Range<usize>>,
    tokens: Vec<Range<usize>>,
}

impl Nominations {
    /// What was noticed for the detector at `index` of those the pass was made for.
    #[must_use]
    pub fn of(&self, index: usize) -> Noticed<'_> {
        let needles = self.needles.get(index).map_or(&[][..], Vec::as_slice);
        Noticed { needles, digits: &self.digits, tokens: &self.tokens }
    }
}

impl Nominator {
    /// # Panics
    /// Where a needle is shorter than four bytes, has upper case, or there are more than 65,535: the tests make one of all
    /// detectors.
    #[must_use]
    pub fn new(detectors: &[&dyn TextDetector]) -> Self {
        let mut entries = Vec::new();
        for (detector, found) in detectors.iter().enumerate() {
            for (needle, text) in found.needles().iter().enumerate() {
                let prefix = text.as_bytes().first_chunk().expect("a needle has four bytes");
                assert!(!text.bytes().any(|byte| byte.is_ascii_uppercase()), "a needle is lower case");
                entries.push((hash(*prefix), Entry { text, detector, needle }));
            }
        }
        entries.sort_by_key(|(hash, _)| *hash);
        let mut filter = vec![0_u64; HASHES / 64];
        let mut buckets = vec![0_u16; HASHES + 1];
        for (hash, _) in &entries {
            if let Some(word) = filter.get_mut(hash / 64) {
                *word |= 1 << (hash % 64);
            }
        }
        for (hash, bucket) in buckets.iter_mut().enumerate() {
            let before = entries.partition_point(|(other, _)| *other < hash);
            *bucket = u16::try_from(before).expect("fewer needles than that");
        }
        Self {
            filter: filter.into(),
            buckets: buckets.into(),
            entries: entries.into_iter().map(|(_, entry)| entry).collect(),
            detectors: detectors.len(),
        }
    }

    /// Looks at `text`; what was in `into` is forgotten.
    pub fn scan(&self, text: &str, into: &mut Nominations) {
        into.needles.resize_with(self.detectors, Vec::new);
        into.needles.iter_mut().for_each(Vec::clear);
        into.digits.clear();
        into.tokens.clear();
        let bytes = text.as_bytes();
        for (at, window) in bytes.windows(PREFIX).enumerate() {
            let Ok(prefix) = <[u8; PREFIX]>::try_from(window) else { continue };
            let hash = hash(prefix);
            if self.filter.get(hash / 64).is_some_and(|word| word >> (hash % 64) & 1 == 1) {
                self.verify(bytes, at, hash, &mut into.needles);
            }
        }
        digits(bytes, &mut into.digits);
        tokens(bytes, &mut into.tokens);
    }

    #[cold]
    fn verify(&self, bytes: &[u8], at: usize, hash: usize, found: &mut [Vec<Nominee>]) {
        let bound = |hash: usize| self.buckets.get(hash).map_or(0, |bound| usize::from(*bound));
        for entry in self.entries.get(bound(hash)..bound(hash + 1)).unwrap_or_default() {
            let here = bytes.get(at..at + entry.text.len());
            if here.is_some_and(|here| here.eq_ignore_ascii_case(entry.text.as_bytes()))
                && let Some(found) = found.get_mut(entry.detector)
            {
                found.push(Nominee { needle: entry.needle, at });
            }
        }
    }
}

/// Of four bytes, whatever the case of their letters.
fn hash(prefix: [u8; PREFIX]) -> usize {
    let lower = u32::from_le_bytes(prefix) | 0x2020_2020;
    // Fibonacci hashing: the high bits of a multiplication by 2^32 divided by the golden ratio.
    let mixed = lower.wrapping_mul(0x9E37_79B1) >> (32 - HASHES.trailing_zeros());
    usize::try_from(mixed).unwrap_or(0)
}

/// Most text has no digits for long stretches: those are passed over in blocks.
fn digits(bytes: &[u8], found: &mut Vec<Range<usize>>) {
    const BLOCK: usize = 32;
    let mut run = Run::default();
    for (block, chunk) in bytes.chunks(BLOCK).enumerate() {
        let start = block * BLOCK;
        if !chunk.iter().fold(false, |any, byte| any | byte.is_ascii_digit()) {
            run.close(found);
            continue;
        }
        for (offset, byte) in chunk.iter().enumerate() {
            match byte {
                b'0'..=b'9' => run.digit(start + offset),
                b' ' | b'-' | b'.' | b'/' | b'(' | b')' if run.gap < 2 => run.gap += 1,
                _ => run.close(found),
            }
        }
    }
    run.close(found);
}

/// A run of digits that is not over.
#[derive(Debug, Default)]
struct Run {
    start: usize,
    /// Behind the last digit.
    end: usize,
    digits: usize,
    /// Separators since.
    gap: usize,
}

impl Run {
    fn digit(&mut self, at: usize) {
        if self.digits == 0 {
            self.start = at;
        }
        self.digits += 1;
        self.end = at + 1;
        self.gap = 0;
    }

    fn close(&mut self, found: &mut Vec<Range<usize>>) {
        if self.digits >= DIGITS_MIN {
            found.push(self.start..self.end);
        }
        *self = Self::default();
    }
}

/// Sixteen bytes in a row hold three aligned groups of four: only behind three that are all part of a word is it looked
/// where the word begins and ends.
fn tokens(bytes: &[u8], found: &mut Vec<Range<usize>>) {
    const WIDE: usize = 64;
    const GROUP: usize = 4;
    let mut behind = 0;
    let mut groups = 0;
    for (wide, chunk) in bytes.chunks(WIDE).enumerate() {
        // Without a branch, so that the compiler makes it vectors.
        let mut parts = [0_u8; WIDE];
        parts.iter_mut().zip(chunk).for_each(|(part, byte)| *part = u8::from(is_token(*byte)));
        for (number, group) in parts.chunks_exact(GROUP).enumerate() {
            groups = if group == [1; GROUP] { groups + 1 } else { 0 };
            if groups != 3 {
                continue;
            }
            let at = wide * WIDE + number * GROUP;
            let before = bytes.get(behind..at).unwrap_or_default();
            let start =
                before.iter().rposition(|byte| !is_token(*byte)).map_or(behind, |last| behind + last + 1);
            let rest = bytes.get(at..).unwrap_or_default();
            let end = rest.iter().position(|byte| !is_token(*byte)).map_or(bytes.len(), |length| at + length);
            behind = end;
            let word = bytes.get(start..end).unwrap_or_default();
            if word.len() >= TOKEN_MIN && word.iter().any(u8::is_ascii_digit) {
                found.push(start..end);
            }
        }
    }
}

/// A letter, a digit, or one of `+/=_-.~`.
#[inline(always)]
fn is_token(byte: u8) -> bool {
    let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    // From `+` to `9` in ASCII there are `,-./` and the digits.
    let is_digit = (byte.wrapping_sub(b'+') < 15) & (byte != b',');
    is_letter | is_digit | (byte == b'=') | (byte == b'_') | (byte == b'~')
}

#[cfg(test)]
mod tests {
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

    proptest::proptest! {
        #[test]
        fn tokens_are_what_a_plain_search_finds(text in "[a0 é_]{0,80}") {
            let plain = text.split(|character: char| !character.is_ascii() || !is_token(character as u8));
            let plain: Vec<_> = plain.filter(|word| word.len() >= 16 && word.contains('0')).collect();
            let found = scan(&text);
            let tokens: Vec<_> = found.of(0).tokens.iter().map(|run| text.get(run.clone()).unwrap()).collect();
            proptest::prop_assert_eq!(tokens, plain);
        }
    }
}
