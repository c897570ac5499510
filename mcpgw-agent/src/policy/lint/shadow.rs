//! Rules that can never count: an earlier one takes all their messages.

use super::Warning;
use super::cover::covers;
use super::rule::Rule;

/// Warns where one of `earlier` leaves `rule` nothing; says whether it did.
pub(super) fn check(rule: &Rule, earlier: &[Rule], warnings: &mut Vec<Warning>) -> bool {
    // A rule on trial leaves everything to those after it.
    let Some(first) = earlier.iter().find(|first| !first.dry_run && covers(first, rule)) else {
        return false;
    };
    let line = first.place.map_or_else(String::new, |place| format!(" (line {})", place.line));
    let (code, what) = if first.action == "allow" && rule.action != "allow" {
        ("allowed-before", "allows all of its messages before: put it after this one")
    } else if first.action == rule.action && same(first, rule) {
        ("duplicate-rule", "has the same conditions and the same action")
    } else {
        ("never-matches", "takes all of its messages before")
    };
    let message = format!("rule `{}` never counts: rule `{}`{line} {what}", rule.name, first.name);
    warnings.push(Warning { place: rule.place, code, message });
    true
}

fn same(one: &Rule, other: &Rule) -> bool {
    covers(one, other) && covers(other, one)
}
