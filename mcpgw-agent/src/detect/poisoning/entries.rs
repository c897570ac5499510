//! The lexicon, by the first words of its entries.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::concept::{Concepts, FOREIGN};
use super::lexicon::{ENGLISH, FOREIGN_WORDS};

/// Different hashes.
const HASHES: usize = 1 << 14;

/// The entries that begin with one word.
#[derive(Debug)]
pub(super) struct Entries {
    first: &'static str,
    /// Of entries of several words: those after the first, and what all of it is about. Longer entries first.
    pub(super) longer: Vec<(Vec<&'static str>, Concepts)>,
    /// A bit for the hash of each word that stands second.
    seconds: u64,
    /// What the word is about where none of those fits.
    pub(super) alone: Concepts,
}

/// All entries, in the order of their first words' hashes.
struct Index {
    entries: Vec<Entries>,
    /// Where those of a hash begin; one more than there are hashes.
    starts: Vec<usize>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut entries: Vec<Entries> = by_first_word().into_iter().map(Entries::new).collect();
    entries.sort_by_key(|entries| (hash(entries.first), entries.first));
    let starts =
        (0..=HASHES).map(|start| entries.partition_point(|entries| hash(entries.first) < start)).collect();
    Index { entries, starts }
});

/// An entry's words after the first, and what all of it is about.
type Rest = (Vec<&'static str>, Concepts);

fn by_first_word() -> HashMap<&'static str, Vec<Rest>> {
    let mut words: HashMap<_, Vec<Rest>> = HashMap::new();
    let foreign = FOREIGN_WORDS.iter().map(|(concepts, list)| (concepts | FOREIGN, *list));
    for (concepts, list) in ENGLISH.iter().copied().chain(foreign) {
        for entry in list.split('|') {
            let mut parts = entry.split_ascii_whitespace();
            let Some(first) = parts.next() else { continue };
            let rest: Vec<_> = parts.collect();
            let entries = words.entry(first).or_default();
            match entries.iter_mut().find(|(known, _)| *known == rest) {
                Some((_, known)) => *known |= concepts & !FOREIGN,
                None => entries.push((rest, concepts)),
            }
        }
    }
    words
}

impl Entries {
    fn new((first, entries): (&'static str, Vec<Rest>)) -> Self {
        let (mut longer, alone): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|(rest, _)| !rest.is_empty());
        longer.sort_by_key(|(rest, _)| std::cmp::Reverse(rest.len()));
        let seconds = longer.iter().filter_map(|(rest, _)| rest.first());
        let seconds = seconds.fold(0, |bits, second| bits | bit(second));
        Self { first, longer, seconds, alone: alone.first().map_or(0, |(_, concepts)| *concepts) }
    }

    /// Whether `second` may be the second word of one of them: most are not.
    pub(super) fn may_go_on(&self, second: &str) -> bool {
        self.seconds != 0 && self.seconds & bit(second) != 0
    }
}

/// The entries that begin with `word`. Most words are none.
pub(super) fn entries(word: &str) -> Option<&'static Entries> {
    let Index { entries, starts } = &*INDEX;
    let [start, end] = starts.get(hash(word)..)?.first_chunk()?;
    entries.get(*start..*end)?.iter().find(|entries| entries.first == word)
}

/// Of a word's length and first eight bytes. It need not withstand anybody: nothing is added at run time.
fn hash(word: &str) -> usize {
    let mut first = [0; 8];
    first.iter_mut().zip(word.as_bytes()).for_each(|(slot, byte)| *slot = *byte);
    let length = u64::try_from(word.len()).unwrap_or(u64::MAX);
    // Fibonacci hashing: the high bits of a multiplication by 2^64 divided by the golden ratio.
    let mixed = u64::from_le_bytes(first).wrapping_add(length).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from(mixed >> (u64::BITS - HASHES.trailing_zeros())).unwrap_or(0)
}

fn bit(word: &str) -> u64 {
    1 << (hash(word) % 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_and_nothing_else() {
        for (first, all) in by_first_word() {
            let found = entries(first).unwrap();
            for (rest, concepts) in all {
                match rest.first() {
                    Some(second) => {
                        assert!(found.may_go_on(second), "{first} {rest:?}");
                        assert!(found.longer.contains(&(rest, concepts)), "{first}");
                    }
                    None => assert_eq!(found.alone, concepts, "{first}"),
                }
            }
        }
        assert!(entries("harbour").is_none() && entries("").is_none());
        assert!(!entries("wait").unwrap().may_go_on("harbour"));
    }
}
