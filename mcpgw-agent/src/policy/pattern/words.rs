//! The words of all regexes of a policy, looked for in a text together: one pass, whatever the number of rules.
//!
//! Mostly none is there, so the pass is one that is fast where nothing is found: a vector search for all words but the
//! shortest, each of which has a search of its own. Where it finds too much, or there are too many words for it, an
//! automaton goes over the rest at the same speed whatever the text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aho_corasick::packed::{Config, MatchKind, Searcher};
use aho_corasick::{AhoCorasick, Span};
use memchr::memmem::Finder;

use super::needles;

/// Bytes of a word that is searched for alone: among others it makes the search for all stop at every other place.
const SHORT: usize = 2;
/// Words that are searched for alone at most.
const MAX_SHORT: usize = 6;
/// What the fast search may find in any text, before the automaton takes over: this and [`PER_FINDING`].
const FINDINGS: usize = 32;
/// Bytes of a text for each further thing the fast search may find in it: finding one costs about as much as these.
const PER_FINDING: usize = 128;

/// Words as they are collected, with their numbers.
#[derive(Debug, Default)]
pub(in crate::policy) struct Collected(BTreeMap<Vec<u8>, usize>);

impl Collected {
    /// The number of `word`, which is lower case and not empty.
    pub(super) fn add(&mut self, word: Vec<u8>) -> usize {
        let next = self.0.len();
        *self.0.entry(word).or_insert(next)
    }

    /// All of them, ready to be looked for.
    pub(in crate::policy) fn finish(self) -> Words {
        let mut words: Vec<(Vec<u8>, usize)> = self.0.into_iter().collect();
        words.sort_unstable_by_key(|(_, number)| *number);
        Words::new(words.into_iter().map(|(word, _)| word).collect())
    }
}

/// A policy's words.
#[derive(Debug, Default)]
pub(in crate::policy) struct Words {
    count: usize,
    quick: Option<Quick>,
    /// For texts in lower case; `None` where there is nothing to look for, or it could not be built.
    automaton: Option<AhoCorasick>,
}

/// Which words a text has, whatever the case of ASCII letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::policy) enum Seen {
    /// These, each once.
    Words(Vec<usize>),
    /// Any may hide in it.
    Any,
}

#[derive(Debug)]
struct Quick {
    searcher: Option<Searcher>,
    /// For each word the searcher knows, by the searcher's number: its own, and those of the words it begins with.
    begins: Vec<Vec<usize>>,
    short: Vec<(Finder<'static>, usize)>,
}

/// What has been found so far.
struct Found {
    numbers: Vec<usize>,
    /// For each word; empty as long as there is none.
    is_there: Vec<bool>,
    count: usize,
}

impl Words {
    fn new(words: Vec<Vec<u8>>) -> Self {
        let automaton = (!words.is_empty()).then(|| AhoCorasick::new(&words)).and_then(Result::ok);
        Self { count: words.len(), quick: Quick::new(&words), automaton }
    }

    /// Those in `text`.
    pub(in crate::policy) fn find(&self, text: &str) -> Seen {
        if self.count == 0 {
            return Seen::Words(Vec::new());
        }
        let Some(automaton) = &self.automaton else { return Seen::Any };
        if needles::hides(text) {
            return Seen::Any;
        }
        let lower = lower_case(text.as_bytes());
        let mut found = Found { numbers: Vec::new(), is_there: Vec::new(), count: self.count };
        let done = match &self.quick {
            Some(quick) => quick.find(&lower, &mut found),
            None => 0,
        };
        let rest = lower.get(done..).unwrap_or_default();
        for word in automaton.find_overlapping_iter(rest) {
            found.add(word.pattern().as_usize());
            if found.numbers.len() == self.count {
                break;
            }
        }
        Seen::Words(found.numbers)
    }
}

impl Quick {
    fn new(words: &[Vec<u8>]) -> Option<Self> {
        let numbered = || words.iter().enumerate();
        let short = numbered().filter(|(_, word)| word.len() <= SHORT);
        let short: Vec<_> = short.map(|(number, word)| (Finder::new(word).into_owned(), number)).collect();
        if short.len() > MAX_SHORT {
            return None;
        }
        let longer: Vec<&Vec<u8>> = words.iter().filter(|word| word.len() > SHORT).collect();
        let mut builder = Config::new().match_kind(MatchKind::LeftmostLongest).builder();
        let searcher = match longer.is_empty() {
            true => None,
            false => Some(builder.extend(&longer).build()?),
        };
        let begins = longer.iter().map(|long| {
            let begin = numbered().filter(|(_, word)| word.len() > SHORT && long.starts_with(word));
            begin.map(|(number, _)| number).collect()
        });
        Some(Self { begins: begins.collect(), searcher, short })
    }

    /// Looks as long as that is fast. What begins before the place returned is found.
    fn find(&self, lower: &[u8], found: &mut Found) -> usize {
        for (short, number) in &self.short {
            if short.find(lower).is_some() {
                found.add(*number);
            }
        }
        let Some(searcher) = &self.searcher else { return lower.len() };
        let mut at = 0;
        for _ in 0..FINDINGS + lower.len() / PER_FINDING {
            let Some(word) = searcher.find_in(lower, Span { start: at, end: lower.len() }) else {
                return lower.len();
            };
            let begins = self.begins.get(word.pattern().as_usize());
            begins.into_iter().flatten().for_each(|number| found.add(*number));
            // Words may overlap.
            at = word.start() + 1;
        }
        at
    }
}

impl Found {
    fn add(&mut self, number: usize) {
        if self.is_there.is_empty() {
            self.is_there = vec![false; self.count];
        }
        if let Some(is_there @ false) = self.is_there.get_mut(number) {
            *is_there = true;
            self.numbers.push(number);
        }
    }
}

fn lower_case(text: &[u8]) -> Cow<'_, [u8]> {
    // Not `any`: that looks at one byte at a time.
    let has_upper = text.iter().fold(false, |has, byte| has | byte.is_ascii_uppercase());
    if has_upper { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(words: &[&str], text: &str) -> Vec<usize> {
        let mut collected = Collected::default();
        for word in words {
            collected.add(word.as_bytes().to_vec());
        }
        match collected.finish().find(text) {
            Seen::Words(mut numbers) => {
                numbers.sort_unstable();
                numbers
            }
            Seen::Any => panic!("{text}"),
        }
    }

    #[test]
    fn words_within_words_are_found() {
        let words = ["/dev/", ":", "rm", "/dev/sda", "arm", "ev"];
        assert_eq!(found(&words, "the quick brown fox jumps over a lazy dog"), [0; 0]);
        assert_eq!(found(&words, "the quick brown fox jumps over /DEV/SDA and arms"), [0, 2, 3, 4, 5]);
        assert_eq!(found(&words, "a:"), [1]);
    }

    #[test]
    fn a_text_full_of_one_word_hides_no_other() {
        let text = format!("{}/dev/sda", "rm".repeat(10_000));
        assert_eq!(found(&["rm", "/dev/", "x", "z"], &text), [0, 1]);
        let (many, numbers): (Vec<String>, Vec<usize>) = (0..300).map(|n| (format!("word{n:03}"), n)).unzip();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(found(&many, &many.concat()), numbers);
    }

    proptest! {
        #[test]
        fn it_equals_looking_for_each(
            words in proptest::collection::btree_set("[ab:é]{1,4}", 1..12),
            text in "([abAé:]{0,40}|(ab){0,200}b?[a:]{0,3}|[ab]{300})",
        ) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let lower = text.to_ascii_lowercase();
            let expected: Vec<usize> =
                words.iter().enumerate().filter(|(_, word)| lower.contains(**word)).map(|(n, _)| n).collect();
            prop_assert_eq!(found(&words, &text), expected);
        }
    }
}
