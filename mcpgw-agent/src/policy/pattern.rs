//! Regexes, bounded: the `regex` crate is linear in the text, and what it may compile to is limited here.
//!
//! A policy has dozens of regexes, most messages match none, and compiling one costs more than parsing it tenfold. So a
//! regex is read when the policy is loaded, with every error there can be, and compiled when a text is searched that has
//! one of the words every match has.

mod needles;
mod size;

use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex::{Regex, RegexBuilder};
use regex_syntax::ast::Ast;
use regex_syntax::hir::Hir;
use regex_syntax::hir::translate::TranslatorBuilder;

use super::text::Side;

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
    /// Finds the patterns' needles, whatever the case of ASCII letters; with the pattern of each.
    needles: Option<(AhoCorasick, Vec<usize>)>,
    /// Those without needles.
    always: Vec<usize>,
    /// One of them regards case.
    regards_case: bool,
}

impl Patterns {
    pub(super) fn new(mut all: Box<[Pattern]>) -> Self {
        let (mut words, mut owners, mut always) = (Vec::new(), Vec::new(), Vec::new());
        for (index, pattern) in all.iter_mut().enumerate() {
            let Some(needles) = pattern.needles.take() else {
                always.push(index);
                continue;
            };
            owners.resize(owners.len() + needles.len(), index);
            words.extend(needles);
        }
        let regards_case = all.iter().any(|pattern| pattern.any_case.is_some());
        let needles = (!words.is_empty())
            .then(|| AhoCorasick::builder().ascii_case_insensitive(true).build(&words))
            .and_then(Result::ok);
        if needles.is_none() {
            always = (0..all.len()).collect();
        }
        Self { all, needles: needles.map(|finder| (finder, owners)), always, regards_case }
    }

    /// What searching a text costs, in looks: one for all that have needles.
    pub(super) fn looks(&self) -> usize {
        1 + self.always.len()
    }

    /// One of them is found in `text`, as it came. What cannot be known is as is safe on `side`.
    pub(super) fn matches(&self, text: &str, side: Side) -> bool {
        self.is_found(text, false, side)
    }

    /// One of them is found in `text`, whatever its case; `seen` where [`Patterns::matches`] has been asked already.
    pub(super) fn matches_any_case(&self, text: &str, seen: bool, side: Side) -> bool {
        (!seen || self.regards_case) && self.is_found(text, true, side)
    }

    fn is_found(&self, text: &str, any_case: bool, side: Side) -> bool {
        let found = |index: &usize| {
            let pattern = self.all.get(*index);
            pattern.is_some_and(|pattern| pattern.found(text, any_case).unwrap_or(side == Side::Wide))
        };
        if self.always.iter().any(found) {
            return true;
        }
        let Some((finder, owners)) = &self.needles else { return false };
        if needles::hides(text) {
            return (0..self.all.len()).any(|index| found(&index));
        }
        let mut tried: Vec<usize> = Vec::new();
        for needle in finder.find_overlapping_iter(text) {
            let Some(owner) = owners.get(needle.pattern().as_usize()) else { continue };
            if tried.contains(owner) {
                continue;
            }
            if found(owner) {
                return true;
            }
            tried.push(*owner);
            if tried.len() + self.always.len() == self.all.len() {
                return false;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn both(written: &str, text: &str) -> (bool, bool) {
        let patterns = Patterns::new(vec![Pattern::new(written).unwrap()].into());
        (patterns.matches(text, Side::Wide), patterns.matches_any_case(text, false, Side::Wide))
    }

    #[test]
    fn nothing_is_compiled_for_texts_without_needles() {
        let patterns = Patterns::new(vec![Pattern::new(r"(?i)\bkubectl\s+delete").unwrap()].into());
        assert!(!patterns.matches("rm -rf über", Side::Wide));
        assert!(patterns.all[0].exact.get().is_none() && patterns.all[0].any_case.is_none());
        assert!(patterns.matches("KuBectl delete", Side::Wide));
        assert!(patterns.matches("\u{212a}ubectl delete", Side::Wide));
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
