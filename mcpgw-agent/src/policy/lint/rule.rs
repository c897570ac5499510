//! A rule as lint sees it: its conditions by key, lists written out.

use std::collections::BTreeMap;

use crate::json::quote;
use crate::yaml::{At, Content, Node, Place};

/// A rule.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) place: Option<Place>,
    pub(super) action: String,
    pub(super) dry_run: bool,
    /// Its mode is to observe, or to enforce; `None` where the file's counts.
    pub(super) observes: Option<bool>,
    /// What must hold, by key; `_` for `-`.
    pub(super) conditions: BTreeMap<String, Condition>,
}

/// What one key asks for.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) place: Option<Place>,
    pub(super) kind: Kind,
}

/// Kinds of condition.
#[derive(Debug)]
pub(super) enum Kind {
    /// One of these globs.
    Globs(Vec<At<String>>),
    /// Each of these, by name.
    Names(BTreeMap<String, String>),
    /// Something else, as it is written.
    Other(String),
}

type Members = [(At<String>, Node)];

/// The rules of a policy.
pub(super) fn rules(policy: &Members) -> Vec<Rule> {
    let Some(Content::List(rules)) = get(policy, "rules").map(|rules| &rules.content) else {
        return Vec::new();
    };
    let lists = get(policy, "lists").map(members).unwrap_or_default();
    rules.iter().filter_map(|node| rule(node, lists)).collect()
}

fn rule(node: &Node, lists: &Members) -> Option<Rule> {
    let own = members(node);
    let text = |key| get(own, key).and_then(text);
    let dry_run = matches!(get(own, "dry_run").map(|node| &node.content), Some(Content::Bool(true)));
    let observes = text("mode").map(|mode| is_observe(&mode));
    let mut conditions = BTreeMap::new();
    for (key, node) in get(own, "match").map(members).unwrap_or_default() {
        conditions.insert(plain(key), condition(node, lists));
    }
    if let Some(when) = get(own, "when") {
        conditions.insert("when".to_owned(), condition(when, lists));
    }
    let (_, name) = own.iter().find(|(key, _)| plain(key) == "name")?;
    let (name, place) = (text("name")?, name.place);
    Some(Rule { name, place, action: text("action")?, dry_run, observes, conditions })
}

/// This mode carries nothing out.
pub(super) fn is_observe(mode: &str) -> bool {
    mode != "enforce"
}

fn condition(node: &Node, lists: &Members) -> Condition {
    let kind = match &node.content {
        Content::List(elements) if elements.iter().all(|element| self::text(element).is_some()) => {
            Kind::Globs(elements.iter().flat_map(|element| expand(element, lists)).collect())
        }
        Content::Map(members) => {
            Kind::Names(members.iter().map(|(key, node)| (key.value.clone(), show(node))).collect())
        }
        Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) | Content::List(_) => {
            Kind::Other(show(node))
        }
    };
    Condition { place: node.place, kind }
}

/// `@name` stands for the list of that name.
fn expand(node: &Node, lists: &Members) -> Vec<At<String>> {
    let Some(value) = text(node) else { return Vec::new() };
    let list = value.strip_prefix('@').and_then(|name| get(lists, name));
    match list.map(|list| &list.content) {
        Some(Content::List(elements)) => {
            // A list stands where it is used.
            let texts = elements.iter().filter_map(text);
            texts.map(|value| At { value, place: node.place }).collect()
        }
        Some(Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) | Content::Map(_))
        | None => {
            vec![At { value, place: node.place }]
        }
    }
}

pub(super) fn members(node: &Node) -> &Members {
    match &node.content {
        Content::Map(members) => members,
        Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) | Content::List(_) => &[],
    }
}

pub(super) fn get<'n>(members: &'n Members, key: &str) -> Option<&'n Node> {
    members.iter().find(|(name, _)| plain(name) == key || name.value == key).map(|(_, node)| node)
}

fn plain(key: &At<String>) -> String {
    key.value.replace('-', "_")
}

/// Text, a number or a truth value as it is written.
pub(super) fn text(node: &Node) -> Option<String> {
    match &node.content {
        Content::Text(text) | Content::Number(text) => Some(text.clone()),
        Content::Bool(value) => Some(value.to_string()),
        Content::Null | Content::List(_) | Content::Map(_) => None,
    }
}

/// A value on one line.
fn show(node: &Node) -> String {
    match &node.content {
        Content::Null => "null".to_owned(),
        Content::Bool(value) => value.to_string(),
        Content::Number(spelling) => spelling.clone(),
        Content::Text(text) => quote(text),
        Content::List(elements) => elements.iter().map(show).collect::<Vec<_>>().join(","),
        Content::Map(members) => {
            let mut all: Vec<_> =
                members.iter().map(|(key, node)| format!("{}:{}", key.value, show(node))).collect();
            all.sort();
            format!("{{{}}}", all.join(","))
        }
    }
}
