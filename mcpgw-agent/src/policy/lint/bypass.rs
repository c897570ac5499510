//! Rules that forbid by a name somebody else chooses, with everything else allowed after them.

use super::Warning;
use super::cover::is_star;
use super::rule::{Condition, Kind, Rule};

/// Conditions by which a message is told apart and which a server chooses: what it calls its tools, and so on.
const NAMES: [(&str, &str, &str); 4] = [
    ("tools", "tool", "tools/call"),
    ("prompts", "prompt", "prompts/get"),
    ("arguments", "argument", "tools/call"),
    ("argument_patterns", "argument", "tools/call"),
];

/// Warns where `rule` denies by name and one of `later` allows all other names.
pub(super) fn check(rule: &Rule, later: &[Rule], warnings: &mut Vec<Warning>) {
    if rule.action == "allow" || rule.dry_run {
        return;
    }
    for (key, what, method) in NAMES {
        let Some(condition) = rule.conditions.get(key).filter(|condition| chooses(condition)) else {
            continue;
        };
        let Some(open) = later.iter().find(|later| allows_the_rest(later, method)) else { continue };
        let names = names(condition);
        warnings.push(Warning {
            place: condition.place,
            code: "bypass-by-name",
            message: format!(
                "rule `{}` goes by the {what} name {names}: under any other name it passes by rule `{}`; \
                 allow the names that are needed instead",
                rule.name, open.name
            ),
        });
    }
}

/// Some names are meant and others are not.
fn chooses(condition: &Condition) -> bool {
    match &condition.kind {
        Kind::Globs(globs) => !globs.iter().any(|glob| is_star(&glob.value)),
        Kind::Names(names) => !names.keys().any(|name| is_star(name)),
        Kind::Other(_) => false,
    }
}

fn names(condition: &Condition) -> String {
    let first = match &condition.kind {
        Kind::Globs(globs) => globs.first().map(|glob| glob.value.clone()),
        Kind::Names(names) => names.keys().next().cloned(),
        Kind::Other(_) => None,
    };
    format!("`{}`", first.unwrap_or_default())
}

/// It allows calls whatever they name.
fn allows_the_rest(rule: &Rule, method: &str) -> bool {
    rule.action == "allow"
        && !rule.dry_run
        && rule.conditions.iter().all(|(key, condition)| match (key.as_str(), &condition.kind) {
            ("methods", Kind::Globs(globs)) => globs.iter().any(|glob| {
                crate::policy::glob::Glob::new(&glob.value).is_ok_and(|glob| glob.matches(method))
            }),
            (_, Kind::Globs(globs)) => globs.iter().any(|glob| is_star(&glob.value)),
            (_, Kind::Names(_) | Kind::Other(_)) => false,
        })
}
