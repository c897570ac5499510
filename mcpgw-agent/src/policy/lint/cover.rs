//! Whether one condition leaves nothing to another. Errs towards no.

use super::rule::{Condition, Kind, Rule};
use crate::policy::glob::Glob;
use crate::yaml::At;

/// Every message `later` matches, `earlier` matches too.
pub(super) fn covers(earlier: &Rule, later: &Rule) -> bool {
    goes_where(earlier, later)
        && earlier.conditions.iter().filter(|(key, _)| *key != DIRECTIONS).all(|(key, condition)| {
            later.conditions.get(key).is_some_and(|other| condition_covers(condition, other))
                || is_everything(condition) && is_open(key)
        })
}

const DIRECTIONS: &str = "directions";

/// `earlier` speaks of every direction that `later` speaks of. Only a rule that has directions speaks of answers; of all else
/// one that has both says as much as one that has none.
fn goes_where(earlier: &Rule, later: &Rule) -> bool {
    let way = |rule: &Rule, way: &str| match rule.conditions.get(DIRECTIONS).map(|ways| &ways.kind) {
        Some(Kind::Globs(ways)) => ways.iter().any(|one| one.value == way),
        Some(Kind::Names(_) | Kind::Other(_)) => false,
        None => true,
    };
    let has = |rule: &Rule| rule.conditions.contains_key(DIRECTIONS);
    (has(earlier) || !has(later)) && ["c2s", "s2c"].iter().all(|one| way(earlier, one) || !way(later, one))
}

/// A glob that matches everything asks for nothing; but only where the message need not have the thing at all.
fn is_open(key: &str) -> bool {
    key == "methods"
}

fn is_everything(condition: &Condition) -> bool {
    match &condition.kind {
        Kind::Globs(globs) => globs.iter().any(|glob| is_star(&glob.value)),
        Kind::Names(_) | Kind::Other(_) => false,
    }
}

/// Only stars.
pub(super) fn is_star(glob: &str) -> bool {
    !glob.is_empty() && glob.bytes().all(|byte| byte == b'*')
}

fn condition_covers(earlier: &Condition, later: &Condition) -> bool {
    match (&earlier.kind, &later.kind) {
        (Kind::Globs(wide), Kind::Globs(narrow)) => narrow.iter().all(|glob| any_covers(wide, &glob.value)),
        // The later one asks for more.
        (Kind::Names(few), Kind::Names(many)) => {
            few.iter().all(|(name, value)| many.get(name).is_some_and(|other| other == value))
        }
        (one, other) => shown(one) == shown(other),
    }
}

/// One of `globs` matches whatever `glob` matches.
pub(super) fn any_covers(globs: &[At<String>], glob: &str) -> bool {
    globs.iter().any(|wide| glob_covers(&wide.value, glob))
}

/// `wide` matches whatever `narrow` matches.
pub(super) fn glob_covers(wide: &str, narrow: &str) -> bool {
    // A star of the one as text is matched by a star of the other only, unless a `?` takes it.
    let doubtful = wide.contains('?') && narrow.contains('*');
    wide == narrow || !doubtful && Glob::new(wide).is_ok_and(|wide| wide.matches(narrow))
}

fn shown(kind: &Kind) -> String {
    match kind {
        Kind::Globs(globs) => {
            let mut globs: Vec<_> = globs.iter().map(|glob| glob.value.as_str()).collect();
            globs.sort_unstable();
            globs.join(",")
        }
        Kind::Names(names) => format!("{names:?}"),
        Kind::Other(text) => text.trim_matches('"').to_owned(),
    }
}
