//! Two policy texts, key by key. Both have been checked; here they are trees.
//!
//! Goes by what is written, not by what it comes to: a key this file does not know is compared all the same.

use std::collections::BTreeSet;

use serde::Serialize;

use super::sequence;
use crate::json::quote;
use crate::yaml::{At, Content, Node, tree};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Change {
    pub(super) kind: Kind,
    /// The key or rule.
    pub(super) what: String,
    /// Its value, or place, before.
    pub(super) old: Option<String>,
    /// Now.
    pub(super) new: Option<String>,
}

/// Kinds of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another value.
    Changed,
    /// A rule has changed places with another.
    Moved,
}

/// Every difference of two policies.
pub(super) fn compare(old: &str, new: &str) -> Vec<Change> {
    let root = |text| tree(text).ok().flatten();
    let (Some(old), Some(new)) = (root(old), root(new)) else { return Vec::new() };
    let mut changes = Vec::new();
    let of_rules = |key: &str| key == "rules";
    members("", &old, &new, &of_rules, &mut changes);
    rules(&old, &new, &mut changes);
    changes
}

/// The differences of two mappings; those within a member that is a mapping on both sides one by one.
fn members(path: &str, old: &Node, new: &Node, skip: &dyn Fn(&str) -> bool, changes: &mut Vec<Change>) {
    let keys: BTreeSet<String> = map(old).iter().chain(map(new)).map(|(key, _)| plain(key)).collect();
    for key in keys.into_iter().filter(|key| !skip(key)) {
        let what = format!("{path}{key}");
        match (get(old, &key), get(new, &key)) {
            (Some(old), Some(new)) if !map(old).is_empty() && !map(new).is_empty() => {
                members(&format!("{what}."), old, new, &|_| false, changes);
            }
            (old, new) => {
                let (old, new) = (old.map(show), new.map(show));
                if old != new {
                    let kind = match (&old, &new) {
                        (None, _) => Kind::Added,
                        (_, None) => Kind::Removed,
                        (Some(_), Some(_)) => Kind::Changed,
                    };
                    changes.push(Change { kind, what, old, new });
                }
            }
        }
    }
}

fn rules(old: &Node, new: &Node, changes: &mut Vec<Change>) {
    let (old, new) = (named(old), named(new));
    let find = |rules: &[(String, &Node)], name: &str| rules.iter().position(|(known, _)| known == name);
    let place = |position: usize| format!("rule {}", position + 1);
    for (position, (name, rule)) in old.iter().enumerate() {
        if find(&new, name).is_none() {
            let old = Some(format!("{}: {}", place(position), show(rule)));
            changes.push(Change { kind: Kind::Removed, what: format!("rule `{name}`"), old, new: None });
        }
    }
    let mut kept = Vec::new();
    for (position, (name, rule)) in new.iter().enumerate() {
        let before = find(&old, name).and_then(|before| Some((before, old.get(before)?.1)));
        let Some((before, was)) = before else {
            let new = Some(format!("{}: {}", place(position), show(rule)));
            changes.push(Change { kind: Kind::Added, what: format!("rule `{name}`"), old: None, new });
            continue;
        };
        kept.push((before, position, name));
        members(&format!("rule `{name}`: "), was, rule, &|key| key == "name", changes);
    }
    let order: Vec<usize> = kept.iter().map(|(before, ..)| *before).collect();
    let stayed: BTreeSet<usize> = sequence::longest_rising(&order).into_iter().collect();
    for (before, position, name) in kept.iter().filter(|(before, ..)| !stayed.contains(before)) {
        changes.push(Change {
            kind: Kind::Moved,
            what: format!(
                "rule `{name}` has changed places with others, and the first rule that matches counts"
            ),
            old: Some(place(*before)),
            new: Some(place(*position)),
        });
    }
}

/// The rules with their names; of those with one name the second is `name (2)`.
fn named(root: &Node) -> Vec<(String, &Node)> {
    let Some(Content::List(rules)) = get(root, "rules").map(|rules| &rules.content) else {
        return Vec::new();
    };
    let mut named: Vec<(String, &Node)> = Vec::new();
    for rule in rules {
        let name = match get(rule, "name").map(|name| &name.content) {
            Some(Content::Text(name) | Content::Number(name)) => name.clone(),
            Some(Content::Bool(name)) => name.to_string(),
            Some(Content::Null | Content::List(_) | Content::Map(_)) | None => String::new(),
        };
        let same = |(known, _): &&(String, &Node)| *known == name || known.starts_with(&format!("{name} ("));
        let name = match named.iter().filter(same).count() {
            0 => name,
            earlier => format!("{name} ({})", earlier + 1),
        };
        named.push((name, rule));
    }
    named
}

fn map(node: &Node) -> &[(At<String>, Node)] {
    match &node.content {
        Content::Map(members) => members,
        Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) | Content::List(_) => &[],
    }
}

fn get<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    map(node).iter().find(|(name, _)| plain(name) == key).map(|(_, value)| value)
}

/// `-` and `_` in keys are the same to a policy.
fn plain(key: &At<String>) -> String {
    key.value.replace('-', "_")
}

/// A value on one line, its mappings sorted.
fn show(node: &Node) -> String {
    match &node.content {
        Content::Null => "null".to_owned(),
        Content::Bool(value) => value.to_string(),
        Content::Number(spelling) => spelling.clone(),
        Content::Text(text) => quote(text),
        Content::List(elements) => {
            format!("[{}]", elements.iter().map(show).collect::<Vec<_>>().join(", "))
        }
        Content::Map(members) => {
            let mut members: Vec<String> =
                members.iter().map(|(key, value)| format!("{}: {}", key.value, show(value))).collect();
            members.sort();
            format!("{{{}}}", members.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(old: &str, new: &str) -> Vec<String> {
        let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let of = |change: Change| {
            format!("{:?} {}: {} / {}", change.kind, change.what, text(change.old), text(change.new))
        };
        compare(old, new).into_iter().map(of).collect()
    }

    const OLD: &str = "mode: audit\nrules:\n- {name: a, action: deny, match: {methods: [x], roles: [dev]}}\n\
                       - {name: b, action: allow}\n- {name: c, action: allow}\n";

    #[test]
    fn layout_comments_and_order_of_keys_are_no_difference() {
        let same = "rules: # all\n  - match: {roles: ['dev'], methods: [\"x\"]}\n    action: deny\n    name: a\n\
                    \x20 - {name: b, action: allow}\n  - {action: allow, name: c}\nmode: audit\n";
        assert_eq!(brief(OLD, same), [""; 0]);
    }

    #[test]
    fn every_key_and_the_order_of_rules_count() {
        let new = "mode: enforce\nlists: {x: [y]}\nrules:\n- {name: c, action: allow}\n\
                   - {name: a, action: deny, match: {methods: [x], roles: [dev, ops]}}\n- {name: d, action: hold}\n";
        assert_eq!(
            brief(OLD, new),
            [
                "Added lists: - / {x: [\"y\"]}",
                "Changed mode: \"audit\" / \"enforce\"",
                "Removed rule `b`: rule 2: {action: \"allow\", name: \"b\"} / -",
                "Changed rule `a`: match.roles: [\"dev\"] / [\"dev\", \"ops\"]",
                "Added rule `d`: - / rule 3: {action: \"hold\", name: \"d\"}",
                "Moved rule `a` has changed places with others, and the first rule that matches counts: rule 1 / rule 2",
            ]
        );
    }
}
