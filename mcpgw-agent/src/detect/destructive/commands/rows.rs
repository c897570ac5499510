//! Rules in rows: program, verbs, options, and what that amounts to.

use super::arguments::{Arguments, holds};
use crate::detect::destructive::act::Act;

/// A rule.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect::destructive) struct Row {
    /// Names with `|` between them.
    pub(super) programs: &'static str,
    /// Words that follow one another, options aside: `s3 rm`. `delete*` is any word that begins so, `a|b` either.
    pub(super) verbs: &'static str,
    /// Options that must be given, all of them: `-f|--force`. A word without hyphen may stand anywhere.
    pub(super) with: &'static str,
    pub(super) act: Act,
}

/// A row that asks for verbs only.
pub(super) const fn row(programs: &'static str, verbs: &'static str, act: Act) -> Row {
    Row { programs, verbs, with: "", act }
}

/// A row that asks for options too.
pub(super) const fn with(programs: &'static str, verbs: &'static str, with: &'static str, act: Act) -> Row {
    Row { programs, verbs, with, act }
}

impl Row {
    /// Whether a command is what this row says.
    pub(super) fn holds(&self, arguments: &Arguments<'_, '_>) -> bool {
        self.verbs_hold(arguments)
            && self.with.split(' ').filter(|part| !part.is_empty()).all(|part| given(arguments, part))
    }

    fn verbs_hold(&self, arguments: &Arguments<'_, '_>) -> bool {
        let mut verbs = self.verbs.split(' ').filter(|verb| !verb.is_empty());
        let Some(mut verb) = verbs.next() else { return true };
        let mut after_option = false;
        // What verbs there are stand in front.
        for word in arguments.texts().take(24) {
            if word.len() > 1 && word.starts_with('-') {
                after_option = !word.contains('=');
            } else if verb.split('|').any(|verb| is(word, verb)) {
                match verbs.next() {
                    Some(next) => verb = next,
                    None => return true,
                }
                after_option = false;
            } else if after_option {
                // The value of the option before, most likely.
                after_option = false;
            } else {
                return false;
            }
        }
        false
    }
}

/// Whether a word is what a row asks for: `*` stands for anything, in front, behind or both.
fn is(word: &str, verb: &str) -> bool {
    let inner = verb.trim_matches('*');
    let (open_front, open_back) = (verb.starts_with('*'), verb.ends_with('*'));
    match (open_front, open_back) {
        (false, false) => word.eq_ignore_ascii_case(verb),
        (true, true) => inner.is_empty() || holds(word, &[inner]),
        (false, true) => word.get(..inner.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(inner)),
        (true, false) => {
            let at = word.len().checked_sub(inner.len());
            at.and_then(|at| word.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(inner))
        }
    }
}

fn given(arguments: &Arguments<'_, '_>, part: &str) -> bool {
    part.split('|').any(|option| match option.strip_prefix('-').filter(|_| !option.contains('=')) {
        Some(rest) => match rest.strip_prefix('-') {
            Some(long) => arguments.long(long),
            None if rest.len() == 1 => rest.chars().all(|letter| arguments.short(letter)),
            None => arguments.texts().any(|word| word.eq_ignore_ascii_case(option)),
        },
        None => arguments.texts().any(|word| is(word, option)),
    })
}
