//! Words that say what a number is, or that it is nothing.
//!
//! A number without a check digit is personal data only because of what stands around it. Words are looked up only near
//! numbers that have the right shape, and each word at most once: [`Around`] reads on from where it stopped.

mod words;

use std::ops::Range;
use std::sync::LazyLock;

use self::words::WORDS;
use crate::detect::table::Table;

/// A set of what words speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Topics(u64);

impl Topics {
    pub(super) const NONE: Self = Self(0);
    pub(super) const PHONE: Self = Self(1 << 0);
    pub(super) const CALL: Self = Self(1 << 1);
    pub(super) const CARD: Self = Self(1 << 2);
    pub(super) const SSN: Self = Self(1 << 3);
    pub(super) const TAX: Self = Self(1 << 4);
    pub(super) const PASSPORT: Self = Self(1 << 5);
    pub(super) const LICENCE: Self = Self(1 << 6);
    pub(super) const BANK: Self = Self(1 << 7);
    pub(super) const ROUTING: Self = Self(1 << 8);
    pub(super) const SWIFT: Self = Self(1 << 9);
    pub(super) const BIRTH: Self = Self(1 << 10);
    pub(super) const MEDICAL: Self = Self(1 << 11);
    pub(super) const NPI: Self = Self(1 << 12);
    pub(super) const DEA: Self = Self(1 << 13);
    pub(super) const IP: Self = Self(1 << 14);
    pub(super) const IMEI: Self = Self(1 << 15);
    pub(super) const ID: Self = Self(1 << 16);
    pub(super) const ZIP: Self = Self(1 << 17);
    pub(super) const UK: Self = Self(1 << 18);
    pub(super) const ES: Self = Self(1 << 19);
    pub(super) const IT: Self = Self(1 << 20);
    pub(super) const PL: Self = Self(1 << 21);
    pub(super) const SG: Self = Self(1 << 22);
    pub(super) const AU: Self = Self(1 << 23);
    pub(super) const IN: Self = Self(1 << 24);
    pub(super) const FI: Self = Self(1 << 25);
    pub(super) const SE: Self = Self(1 << 26);
    pub(super) const KR: Self = Self(1 << 27);
    pub(super) const TH: Self = Self(1 << 28);
    pub(super) const DE: Self = Self(1 << 29);
    pub(super) const FR: Self = Self(1 << 30);
    pub(super) const NL: Self = Self(1 << 31);
    pub(super) const BE: Self = Self(1 << 32);
    pub(super) const BR: Self = Self(1 << 33);
    pub(super) const CA: Self = Self(1 << 34);
    pub(super) const MX: Self = Self(1 << 35);
    pub(super) const CN: Self = Self(1 << 36);
    pub(super) const JP: Self = Self(1 << 37);
    pub(super) const TR: Self = Self(1 << 38);
    pub(super) const NG: Self = Self(1 << 39);
    pub(super) const PT: Self = Self(1 << 40);
    pub(super) const CZ: Self = Self(1 << 41);
    pub(super) const RO: Self = Self(1 << 42);
    pub(super) const HU: Self = Self(1 << 43);
    pub(super) const NORDIC: Self = Self(1 << 44);
    pub(super) const CRYPTO: Self = Self(1 << 45);
    pub(super) const CVV: Self = Self(1 << 52);
    pub(super) const DRIVER: Self = Self(1 << 54);
    pub(super) const STREET: Self = Self(1 << 53);
    pub(super) const VERSION: Self = Self(1 << 46);
    pub(super) const ORDER: Self = Self(1 << 47);
    pub(super) const TIME: Self = Self(1 << 48);
    pub(super) const TEST: Self = Self(1 << 49);
    pub(super) const LOCAL: Self = Self(1 << 50);

    /// What makes a number one of no person: versions, orders, moments, examples, networks.
    pub(super) const OTHER: Self =
        Self(Self::VERSION.0 | Self::ORDER.0 | Self::TIME.0 | Self::TEST.0 | Self::LOCAL.0);

    pub(super) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Of one word, in lower case.
    fn of(word: &[u8]) -> Self {
        let Some(place) = beginning(word) else { return Self::NONE };
        if BEGINNINGS.get(place).is_none_or(|lengths| lengths >> (word.len() & 15) & 1 == 0) {
            return Self::NONE;
        }
        Self(TABLE.get(word).unwrap_or(0))
    }
}

/// All words.
static TABLE: LazyLock<Table<u64>> = LazyLock::new(|| Table::new(WORDS.iter().copied()));

/// Of a word's first two bytes.
const fn beginning(word: &[u8]) -> Option<usize> {
    match word {
        [one, two, ..] => Some((*one as usize & 31) << 5 | *two as usize & 31),
        _ => None,
    }
}

/// By the first two bytes of words, a bit for each length, whose low four bits count.
static BEGINNINGS: [u16; 1024] = {
    let mut beginnings = [0_u16; 1024];
    let mut words = WORDS;
    while let [(word, _), more @ ..] = words {
        if let Some(place) = beginning(word.as_bytes()) {
            #[expect(clippy::indexing_slicing, reason = "at compile time, of a table with all beginnings")]
            {
                beginnings[place] |= 1 << (word.len() & 15);
            }
        }
        words = more;
    }
    beginnings
};

/// Bytes before a number in which words count.
const BEFORE: usize = 72;
/// Bytes behind it.
const BEHIND: usize = 32;
/// Words remembered; between two windows there are fewer.
const KEPT: usize = 16;
/// No word is longer.
const LONGEST: usize = 40;

/// What the words around the numbers of one text speak of.
#[derive(Debug)]
pub(super) struct Around<'a> {
    text: &'a [u8],
    /// Words before this are read.
    read: usize,
    /// Ends of words and their topics: a ring.
    kept: [(usize, Topics); KEPT],
    next: usize,
    /// End of the last of them.
    last: usize,
    /// The name of the member whose value the text is.
    key: &'a str,
    /// What that speaks of, once somebody asked: most texts have nothing to ask for.
    of_key: Option<Topics>,
}

impl<'a> Around<'a> {
    /// `key` is the name of the member whose value the text is.
    pub(super) fn new(text: &'a str, key: &'a str) -> Self {
        Self { text: text.as_bytes(), read: 0, kept: Default::default(), next: 0, last: 0, key, of_key: None }
    }

    /// What the text's key speaks of.
    pub(super) fn key(&mut self) -> Topics {
        if let Some(known) = self.of_key {
            return known;
        }
        let mut topics = Topics::NONE;
        if !self.key.is_empty() && self.key.len() <= 64 {
            let mut of = Around::new(self.key, "");
            of.read_to(self.key.len());
            topics = of.kept.iter().fold(topics, |topics, (_, more)| topics.or(*more));
        }
        self.of_key = Some(topics);
        topics
    }

    /// What the words within `within` bytes before the range, those just behind it and the text's key speak of. Ranges
    /// are asked for in the order they stand.
    pub(super) fn at(&mut self, range: &Range<usize>, within: usize) -> Topics {
        self.read = self.read.max(range.start.saturating_sub(BEFORE));
        if self.read < self.text.len().min(range.end + BEHIND) {
            self.read_to(range.end + BEHIND);
        }
        let key = self.key();
        if self.next == 0 || self.last + BEFORE < range.start {
            return key;
        }
        let near = range.start.saturating_sub(within)..range.end + BEHIND.min(within);
        let within = self.kept.iter().filter(|(end, _)| near.contains(end));
        within.fold(key, |topics, (_, more)| topics.or(*more))
    }

    /// As [`at`](Self::at), in the whole window.
    pub(super) fn wide(&mut self, range: &Range<usize>) -> Topics {
        self.at(range, BEFORE)
    }

    /// Ranges begin anew.
    pub(super) fn again(&mut self) {
        self.read = 0;
        self.last = 0;
        self.next = 0;
        self.kept = Default::default();
    }

    fn read_to(&mut self, end: usize) {
        let end = end.min(self.text.len());
        let mut word = [0_u8; LONGEST];
        while self.read < end {
            let rest = self.text.get(self.read..).unwrap_or_default();
            let skipped = rest.iter().take_while(|byte| !is_word(**byte)).count();
            let rest = rest.get(skipped..).unwrap_or_default();
            let mut length = 0;
            // A word ends where upper case begins anew: `phoneNumber`.
            let mut before = b'A';
            for byte in rest {
                if !is_word(*byte) || (byte.is_ascii_uppercase() && before.is_ascii_lowercase()) {
                    break;
                }
                if let Some(to) = word.get_mut(length) {
                    *to = byte.to_ascii_lowercase();
                }
                before = *byte;
                length += 1;
            }
            self.read += skipped + length;
            let topics = word.get(..length).map_or(Topics::NONE, Topics::of);
            if topics != Topics::NONE
                && let Some(kept) = self.kept.get_mut(self.next % KEPT)
            {
                *kept = (self.read, topics);
                self.next += 1;
                self.last = self.read;
            }
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_order() {
        assert!(WORDS.is_sorted_by(|one, two| one.0.as_bytes() < two.0.as_bytes()));
        assert!(WORDS.iter().all(|(word, topics)| word.len() <= LONGEST && *topics != 0));
    }

    #[test]
    fn words_around_a_number_say_what_it_is() {
        for (text, near) in [
            ("my phone is 12345", Topics::PHONE),
            ("userPhone=12345", Topics::PHONE),
            ("12345 (passport)", Topics::PASSPORT),
            ("TÉLÉPHONE 12345", Topics::NONE),
            ("Téléphone : 12345", Topics::PHONE),
        ] {
            let at = text.find("12345").unwrap();
            assert_eq!(Around::new(text, "").wide(&(at..at + 5)), near, "{text}");
        }
        assert_eq!(Around::new("12345", "patient_dob").wide(&(0..5)), Topics::BIRTH.or(Topics::MEDICAL));
    }

    #[test]
    fn far_words_do_not_count_and_reading_goes_on() {
        let text = format!("passport {} 12345 phone {} 67890", "x ".repeat(60), "y ".repeat(60));
        let mut around = Around::new(&text, "");
        let first = text.find("12345").unwrap();
        assert_eq!(around.wide(&(first..first + 5)), Topics::PHONE);
        let second = text.find("67890").unwrap();
        assert_eq!(around.wide(&(second..second + 5)), Topics::NONE);
    }
}
