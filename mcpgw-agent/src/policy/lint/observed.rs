//! Rules that only observe, before rules that are carried out. The first rule that matches decides whatever its mode, as in
//! knorq's files: what the one matches passes, and the other is not asked.

use super::Warning;
use super::cover::glob_covers;
use super::rule::{Condition, Kind, Rule};

/// What a message has one of at most: a rule about the one kind does not meet a rule about the other.
const NAMED: [&str; 3] = ["tools", "prompts", "resources"];

/// Warns where `rule` only observes, and one of `later` would refuse some of the same; `observes` is the file's mode.
pub(super) fn check(rule: &Rule, later: &[Rule], observes: bool, warnings: &mut Vec<Warning>) {
    let restricts = |rule: &Rule| rule.action != "allow" && !rule.dry_run;
    let is_observed = |rule: &Rule| rule.observes.unwrap_or(observes);
    if !restricts(rule) || !is_observed(rule) {
        return;
    }
    let is_lost = |other: &&Rule| restricts(other) && !is_observed(other) && meet(rule, other);
    let Some(lost) = later.iter().find(is_lost) else { return };
    let line = lost.place.map_or_else(String::new, |place| format!(" (line {})", place.line));
    let Rule { name, action, .. } = lost;
    let message = format!(
        "rule `{}` only observes, so what it matches passes, also what rule `{name}`{line} would {action}: put it behind that \
         one, or say `dry_run: true` in place of its mode",
        rule.name
    );
    warnings.push(Warning { place: rule.place, code: "observed-before", message });
}

/// Some message may match both. Errs towards no where it looks at names, towards yes where it looks at nothing else.
fn meet(one: &Rule, other: &Rule) -> bool {
    let names = |rule: &Rule| NAMED.map(|key| rule.conditions.contains_key(key));
    let (ones, others) = (names(one), names(other));
    let is_apart = ones.contains(&true) && others.contains(&true);
    let has_common = ones.iter().zip(others).any(|(one, other)| *one && other);
    (!is_apart || has_common)
        && asks(one, other)
        && asks(other, one)
        && one.conditions.iter().all(|(key, condition)| {
            other.conditions.get(key).is_none_or(|other| conditions_meet(condition, other))
        })
}

/// What only says which way it goes where the other does not is about messages that are no answers: mostly the client's.
fn asks(one: &Rule, other: &Rule) -> bool {
    let ways = other.conditions.get("directions").filter(|_| !one.conditions.contains_key("directions"));
    match ways.map(|ways| &ways.kind) {
        Some(Kind::Globs(ways)) => ways.iter().any(|way| way.value == "c2s"),
        Some(Kind::Names(_) | Kind::Other(_)) | None => true,
    }
}

fn conditions_meet(one: &Condition, other: &Condition) -> bool {
    match (&one.kind, &other.kind) {
        (Kind::Globs(ones), Kind::Globs(others)) => ones.iter().any(|one| {
            others
                .iter()
                .any(|other| glob_covers(&one.value, &other.value) || glob_covers(&other.value, &one.value))
        }),
        (Kind::Globs(_) | Kind::Names(_) | Kind::Other(_), _) => true,
    }
}
