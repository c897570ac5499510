//! What a policy most likely does not mean, though it may say it. Pure.
//!
//! Lint goes by what is written, as a tree with places; it judges only what it can be sure enough of, and a rule it does
//! not understand it leaves alone. A warning never keeps a policy from being loaded.

mod bypass;
mod cover;
mod effects;
mod observed;
mod rule;
mod shadow;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;

use crate::yaml::{Content, Place, Placed, tree};
use rule::{Rule, get, is_observe, rules, text};

/// Something a policy most likely does not mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where.
    pub place: Option<Place>,
    /// Which lint: a stable word.
    pub code: &'static str,
    /// What, in one line.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl Placed for Warning {
    fn place(&self) -> Option<Place> {
        self.place
    }
}

/// Warnings about the policy in `text`, by line; none where it is no policy, which parsing it says.
#[must_use]
pub fn lint(text: &str) -> Vec<Warning> {
    let Some(root) = tree(text).ok().flatten() else { return Vec::new() };
    let Content::Map(members) = &root.content else { return Vec::new() };
    let rules = rules(members);
    let observes = get(members, "mode").and_then(self::text).is_some_and(|mode| is_observe(&mode));
    let mut warnings = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let (earlier, later) =
            (rules.get(..index).unwrap_or_default(), rules.get(index + 1..).unwrap_or_default());
        words::check(rule, &mut warnings);
        observed::check(rule, later, observes, &mut warnings);
        if !shadow::check(rule, earlier, &mut warnings) {
            bypass::check(rule, later, &mut warnings);
        }
    }
    words::lists(members, &mut warnings);
    effects::check(members, &mut warnings);
    nothing_allowed(&rules, &mut warnings);
    warnings.sort_by_key(|warning| warning.place.map(|place| (place.line, place.column)));
    warnings
}

fn nothing_allowed(rules: &[Rule], warnings: &mut Vec<Warning>) {
    let Some(first) = rules.first() else { return };
    if rules.iter().all(|rule| rule.action == "deny" || rule.dry_run) {
        warnings.push(Warning {
            place: first.place,
            code: "nothing-allowed",
            message: "no rule allows anything, and what no rule matches is denied".to_owned(),
        });
    }
}
