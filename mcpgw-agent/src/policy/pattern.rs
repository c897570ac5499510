//! Regexes, bounded: the `regex` crate is linear in the text, and what it may compile to is limited here.
//!
//! A policy has dozens of regexes, most messages match none, and compiling one costs more than parsing it tenfold. So a
//! regex is read when the policy is loaded, with every error there can be, and compiled when a text is searched that has
//! one of the words every match has.

mod needles;
mod size;
mod words;

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};
use regex_syntax::ast::Ast;
use regex_syntax::hir::Hir;
use regex_syntax::hir::translate::TranslatorBuilder;

use super::text::{Reading, Side};
pub(super) use words::{Collected, Seen, Words};

/// Bytes a regex may compile to, and its cache.
const SIZE: usize = 1 << 20;
/// Characters of a regex at most.
const MAX_LENGTH: usize = 4096;

/// A regex, searched for anywhere in a text.
#[derive(Debug)]
pub(super) struct Pattern {
    written: Box<str>,
    exact: Built,
    /// Without regard to case; `None` where `exact` does not regard it.
    any_case: Option<Built>,
    /// One of these is in whatever either finds; see [`needles`].
    needles: Option<Vec<Vec<u8>>>,
}

/// A regex that compiles, as soon as it is needed.
type Built = OnceLock<Option<Regex>>;

impl Pattern {
    pub(super) fn new(written: &str) -> Result<Self, String> {
        if written.chars().count() > MAX_LENGTH {
            return Err(format!("a regex is longer than {MAX_LENGTH} characters"));
        }
        let ast = regex_syntax::ast::parse::Parser::new().parse(written).ok();
        let (exact, hir) = load(written, ast.as_ref(), false)?;
        let (any_case, wide) = load(written, ast.as_ref(), true)?;
        let needles = match (&hir, &wide) {
            (Some(_), Some(wide)) => needles::of(wide),
            _ => None,
        };
        let is_same = hir.is_some() && hir == wide;
        Ok(Self { written: written.into(), exact, any_case: (!is_same).then_some(any_case), needles })
    }

    /// As it is written.
    pub(super) fn as_str(&self) -> &str {
        &self.written
    }

    /// The regex, which regards case, compiled.
    pub(super) fn regex(&self) -> Result<Regex, String> {
        match self.built(&self.exact, false) {
            Some(regex) => Ok(regex.clone()),
            None => Err(format!("`{}` is too large a regex", self.written)),
        }
    }

    /// Somewhere in `text`, as it came. `None` where that cannot be known.
    fn found(&self, text: &str, any_case: bool) -> Option<bool> {
        let built = if any_case { self.any_case.as_ref().unwrap_or(&self.exact) } else { &self.exact };
        self.built(built, any_case).map(|regex| regex.is_match(text))
    }

    fn built<'b>(&self, built: &'b Built, any_case: bool) -> Option<&'b Regex> {
        built.get_or_init(|| build(&self.written, any_case).ok()).as_ref()
    }

    /// Somewhere in `text`, whatever its case; also where that cannot be known.
    pub(super) fn matches_any_case(&self, text: &str) -> bool {
        self.found(text, true).unwrap_or(true)
    }
}

/// The regex: compiled only where that is the way to know that it can be. Otherwise what it says.
fn load(written: &str, ast: Option<&Ast>, any_case: bool) -> Result<(Built, Option<Hir>), String> {
    let mut translator = TranslatorBuilder::new().case_insensitive(any_case).build();
    let hir = ast.and_then(|ast| translator.translate(written, ast).ok());
    match hir.filter(|hir| size::is_at_most(hir, SIZE)) {
        Some(hir) => Ok((Built::new(), Some(hir))),
        None => {
            let regex = build(written, any_case)
                .map_err(|error| format!("`{written}` is no regex: {}", reason(&error)))?;
            Ok((Built::from(Some(regex)), None))
        }
    }
}

fn build(written: &str, any_case: bool) -> Result<Regex, regex::Error> {
    let mut builder = RegexBuilder::new(written);
    builder.case_insensitive(any_case).size_limit(SIZE).dfa_size_limit(SIZE).build()
}

/// The last line of what the crate says; those before draw the regex, which the policy's error draws in its place.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

/// Regexes of which one is to be found.
#[derive(Debug)]
pub(super) struct Patterns {
    all: Box<[Pattern]>,
    /// The policy's words that are needles, in order; with the pattern of each.
    owners: Box<[(usize, usize)]>,
    /// Those without needles.
    always: Vec<usize>,
    /// One of them regards case.
    regards_case: bool,
}

impl Patterns {
    /// Their needles are added to `words`, which are the policy's.
    pub(super) fn new(mut all: Box<[Pattern]>, words: &mut Collected) -> Self {
        let (mut owners, mut always) = (Vec::new(), Vec::new());
        for (index, pattern) in all.iter_mut().enumerate() {
            match pattern.needles.take() {
                Some(needles) => owners.extend(needles.into_iter().map(|needle| (words.add(needle), index))),
                None => always.push(index),
            }
        }
        owners.sort_unstable();
        let regards_case = all.iter().any(|pattern| pattern.any_case.is_some());
        Self { all, owners: owners.into(), always, regards_case }
    }

    /// What searching a text costs, in looks: one for all that have needles.
    pub(super) fn looks(&self) -> usize {
        1 + self.always.len()
    }

    /// One of them is found in `text`, as it came. What cannot be known is as is safe on `side`.
    pub(super) fn matches(&self, text: &Reading<'_>, words: &Words, side: Side) -> bool {
        self.is_found(text, words, false, side)
    }

    /// One of them is found in `text`, whatever its case; `seen` where [`Patterns::matches`] has been asked already.
    pub(super) fn matches_any_case(&self, text: &Reading<'_>, words: &Words, seen: bool, side: Side) -> bool {
        (!seen || self.regards_case) && self.is_found(text, words, true, side)
    }

    fn is_found(&self, text: &Reading<'_>, words: &Words, any_case: bool, side: Side) -> bool {
        let found = |index: &usize| {
            let pattern = self.all.get(*index);
            pattern
                .is_some_and(|pattern| pattern.found(text.as_str(), any_case).unwrap_or(side == Side::Wide))
        };
        if self.always.iter().any(found) {
            return true;
        }
        if self.owners.is_empty() {
            return false;
        }
        match text.words(words) {
            Seen::Any => (0..self.all.len()).any(|index| found(&index)),
            Seen::Words(numbers) if numbers.is_empty() => false,
            Seen::Words(numbers) => {
                let mut nominees: Vec<usize> =
                    numbers.iter().flat_map(|number| self.owners_of(*number)).collect();
                nominees.sort_unstable();
                nominees.dedup();
                nominees.iter().any(found)
            }
        }
    }

    /// The patterns of which `word` is a needle.
    fn owners_of(&self, word: usize) -> impl Iterator<Item = usize> {
        let first = self.owners.partition_point(|(number, _)| *number < word);
        let rest = self.owners.get(first..).unwrap_or_default();
        rest.iter().take_while(move |(number, _)| *number == word).map(|(_, pattern)| *pattern)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn both(written: &str, text: &str) -> (bool, bool) {
        let mut words = Collected::default();
        let patterns = Patterns::new(vec![Pattern::new(written).unwrap()].into(), &mut words);
        let (words, text) = (words.finish(), Reading::new(text));
        let exact = patterns.matches(&text, &words, Side::Wide);
        (exact, patterns.matches_any_case(&text, &words, false, Side::Wide))
    }

    #[test]
    fn nothing_is_compiled_for_texts_without_needles() {
        let mut words = Collected::default();
        let pattern = Pattern::new(r"(?i)\bkubectl\s+delete").unwrap();
        let patterns = Patterns::new(vec![pattern].into(), &mut words);
        let words = words.finish();
        let matches = |text: &str| patterns.matches(&Reading::new(text), &words, Side::Wide);
        assert!(!matches("rm -rf über"));
        assert!(patterns.all[0].exact.get().is_none() && patterns.all[0].any_case.is_none());
        assert!(matches("KuBectl delete"));
        assert!(matches("\u{212a}ubectl delete"));
        assert!(patterns.all[0].exact.get().is_some());
    }

    #[test]
    fn case_counts_where_it_is_written() {
        assert_eq!(both("sSh", "ssh"), (false, true));
        assert_eq!(both("sSh", "ſſh"), (false, true));
        assert_eq!(both("(?i)sSh", "ſSh"), (true, true));
        assert_eq!(both("É", "é"), (false, true));
    }

    proptest! {
        #[test]
        fn needles_hide_no_match(
            written in r"(\(\?i\))?([akK]|ks|\[sk\]|\[\^a\]|é|ſ|\.|\\b|\\s|\^|\$|(a|sk)[?*+]|\(a\|ks\|\)|\(\?:k\|as\)|(k|s)\{2,3\}){1,6}",
            text in "[akKsSſ\u{212a}é .]{0,10}",
        ) {
            let Ok(exact) = Regex::new(&written) else { return Ok(()) };
            let any_case = RegexBuilder::new(&written).case_insensitive(true).build().unwrap();
            prop_assert_eq!(both(&written, &text), (exact.is_match(&text), any_case.is_match(&text)), "{}", written);
        }
    }
}
