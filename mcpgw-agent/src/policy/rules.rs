//! Reading rules.
//!
//! | key | |
//! |---|---|
//! | `name` | not empty, different from every other rule's |
//! | `action` | `allow`, `deny`, `redact`, `hold` |
//! | `mode` | `enforce`, `observe` or `audit` for this rule; the file's where it is missing |
//! | `dry_run` | `true`: only what it would do is recorded |
//! | `answer` | of a rule that denies: `error`, or `result` for a tool's result that the model may read |
//! | `redact` | of a rule that redacts: `patterns` and `fields` |
//! | `match` | conditions, see [`Conditions`] |

use std::collections::BTreeSet;

use super::argument::ArgumentCondition;
use super::conditions::Conditions;
use super::pattern::Patterns;
use super::read::{Members, Reader};
use super::redact::{Redact, Wanted};
use super::request::Transport;
use super::rule::{Action, Described, Rule};
use super::when::When;
use super::{arguments, parse};
use crate::mcp::Direction;
use crate::yaml::{At, Content, Node};

/// Rules of a policy at most.
const MAX_RULES: usize = 10_000;
/// Characters of a name at most.
const MAX_NAME: usize = 256;
const CONDITIONS: [&str; 14] = [
    "methods",
    "directions",
    "tools",
    "prompts",
    "resources",
    "servers",
    "transports",
    "clients",
    "revisions",
    "subjects",
    "roles",
    "arguments",
    "argument_patterns",
    "when",
];

pub(super) fn rules(reader: &mut Reader, node: &Node) -> Vec<Rule> {
    if let Content::List(rules) = &node.content
        && rules.is_empty()
    {
        reader.problem(node.place, "`rules` has none: a policy without rules denies everything");
        return Vec::new();
    }
    let nodes = reader.list(node, "rules");
    if let Some(beyond) = nodes.get(MAX_RULES) {
        reader.problem(beyond.place, format!("there are more than {MAX_RULES} rules"));
    }
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for node in nodes.iter().take(MAX_RULES) {
        let keys = ["name", "action", "mode", "dry_run", "answer", "redact", "match"];
        let members = reader.map(node, "a rule", &keys);
        if let Some((place, Content::Text(name))) =
            members.get("name").map(|name| (name.place, &name.content))
            && !names.insert(name.clone())
        {
            reader.problem(place, format!("an earlier rule is called `{name}`"));
        }
        rules.extend(rule(reader, node, &members));
    }
    rules
}

fn rule(reader: &mut Reader, node: &Node, members: &Members<'_>) -> Option<Rule> {
    let name = members.get("name").and_then(|node| name(reader, node));
    let missing = ["name", "action", "match"].into_iter().filter(|key| members.get(key).is_none());
    for key in missing {
        reader.problem(node.place, format!("a rule has no `{key}`"));
    }
    let action = members.get("action").and_then(|node| action(reader, node, members));
    let mut described = Vec::new();
    let conditions = members.get("match").map(|node| {
        describe(reader, "", node, &mut described);
        conditions(reader, node)
    });
    let redact = members.get("redact").map(|node| {
        describe(reader, "redact", node, &mut described);
        redact(reader, node, name.as_deref().unwrap_or_default())
    });
    if let Some(action) = action {
        match (action == Action::Redact, members.get("redact")) {
            (true, None) => reader.problem(node.place, "a rule that redacts says what in `redact`"),
            (false, Some(redact)) => reader.problem(redact.place, "`redact` is for rules that redact"),
            (true, Some(_)) | (false, None) => {}
        }
    }
    let mode = members.get("mode").and_then(|node| parse::mode(reader, node));
    let dry_run = members.get("dry_run").is_some_and(|node| reader.flag(node, "dry_run"));
    Some(Rule {
        name: name?,
        action: action?,
        mode,
        dry_run,
        conditions: conditions?,
        redact,
        described,
        place: node.place,
    })
}

fn name(reader: &mut Reader, node: &Node) -> Option<Box<str>> {
    let At { value, place } = reader.text(node, "name")?;
    let is_name =
        !value.trim().is_empty() && value.chars().count() <= MAX_NAME && !value.chars().any(char::is_control);
    if !is_name {
        reader.problem(place, format!("a rule's name is 1 to {MAX_NAME} characters that can be printed"));
    } else if value.starts_with('(') {
        reader.problem(place, "names in round brackets are the gateway's own");
    }
    Some(value.into())
}

fn action(reader: &mut Reader, node: &Node, members: &Members<'_>) -> Option<Action> {
    let action = match reader.word(node, "action", &["allow", "deny", "redact", "hold"])? {
        0 => Action::Allow,
        1 => Action::Deny { as_result: false },
        2 => Action::Redact,
        _ => Action::Hold,
    };
    let Some(node) = members.get("answer") else { return Some(action) };
    let answer = reader.word(node, "answer", &["error", "result"])?;
    if !matches!(action, Action::Deny { .. }) {
        reader.problem(node.place, "`answer` is for rules that deny");
        return Some(action);
    }
    Some(Action::Deny { as_result: answer == 1 })
}

/// `c2s`, `s2c`.
pub(super) fn directions(reader: &mut Reader, node: &Node) -> Box<[Direction]> {
    each(reader, node, "direction", &[Direction::ToServer, Direction::ToClient], Direction::as_str)
}

fn conditions(reader: &mut Reader, node: &Node) -> Conditions {
    let members = reader.map(node, "match", &CONDITIONS);
    let mut globs = |key| members.get(key).map(|node| reader.globs(node, key));
    let mut conditions = Conditions {
        methods: globs("methods").unwrap_or_default(),
        tools: globs("tools"),
        prompts: globs("prompts"),
        resources: globs("resources"),
        servers: globs("servers"),
        clients: globs("clients"),
        revisions: globs("revisions"),
        subjects: globs("subjects"),
        roles: globs("roles"),
        ..Conditions::default()
    };
    if members.get("methods").is_none() {
        reader.problem(node.place, "`match` has no `methods`: write `methods: [\"*\"]` for all");
    }
    conditions.directions = members.get("directions").map(|node| directions(reader, node));
    conditions.transports = members.get("transports").map(|node| {
        let words = [Transport::Stdio, Transport::Http, Transport::Sse];
        each(reader, node, "transport", &words, Transport::as_str)
    });
    if let Some(node) = members.get("arguments") {
        conditions.arguments = arguments::arguments(reader, node);
    }
    if let Some(node) = members.get("argument_patterns") {
        for (name, node) in reader.entries(node, "argument_patterns") {
            let patterns = reader.patterns(node, &name.value);
            conditions.arguments.push(ArgumentCondition {
                name: name.value.as_str().into(),
                tests: vec![super::argument::Test::Patterns(Patterns::new(patterns, &mut reader.words))],
            });
        }
    }
    let only_answers = conditions.directions.as_deref() == Some(&[Direction::ToClient]);
    if let (false, true, Some(node)) = (
        conditions.arguments.is_empty(),
        only_answers,
        members.get("arguments").or(members.get("argument_patterns")),
    ) {
        reader.problem(
            node.place,
            "calls with arguments go from the client to the server: `s2c` alone never has any",
        );
    }
    if let Some(text) = members.get("when").and_then(|node| reader.text(node, "when")) {
        match When::new(&text.value) {
            Ok(when) if when.names_result() && conditions.directions.is_none() => {
                reader.problem(text.place, "`when`: only answers have a `result`: add `directions: [s2c]`");
            }
            Ok(when) => conditions.when = Some(when),
            Err(why) => reader.problem(text.place, format!("`when`: {why}")),
        }
    }
    conditions
}

/// A list of words.
fn each<T: Copy>(
    reader: &mut Reader,
    node: &Node,
    what: &str,
    known: &[T],
    word: fn(T) -> &'static str,
) -> Box<[T]> {
    let words: Vec<&str> = known.iter().map(|value| word(*value)).collect();
    let elements = reader.list(node, &format!("{what}s"));
    elements
        .iter()
        .filter_map(|element| reader.word(element, what, &words).and_then(|index| known.get(index).copied()))
        .collect()
}

fn redact(reader: &mut Reader, node: &Node, rule: &str) -> Redact {
    let members = reader.map(node, "redact", &["patterns", "fields"]);
    let mut redact = Redact::default();
    let mut add =
        |reader: &mut Reader, place, wanted: Option<Result<Wanted, String>>| match wanted.transpose() {
            Ok(wanted) => redact.patterns.extend(wanted),
            Err(why) => reader.problem(place, format!("`patterns`: {why}")),
        };
    match members.get("patterns").map(|node| (node, &node.content)) {
        Some((_, Content::Map(patterns))) => {
            for (name, node) in patterns {
                let text = reader.text(node, &name.value);
                let pattern = text.and_then(|text| reader.pattern(&text, &name.value));
                let place = node.place;
                add(reader, place, pattern.map(|pattern| Wanted::new(name.value.as_str().into(), pattern)));
            }
        }
        Some((node, _)) => {
            let patterns = reader.patterns(node, "patterns").into_vec();
            for pattern in patterns {
                add(reader, node.place, Some(Wanted::new(rule.into(), pattern)));
            }
        }
        None => {}
    }
    if let Some(node) = members.get("fields") {
        redact.fields = reader.globs(node, "fields");
    }
    if members.get("patterns").is_none() && members.get("fields").is_none() {
        reader.problem(node.place, "`redact` has neither `patterns` nor `fields`");
    }
    redact
}

/// A rule's part as text, for those who show, compare and check policies.
fn describe(reader: &Reader, key: &str, node: &Node, described: &mut Vec<Described>) {
    let below = |inner: &str| if key.is_empty() { inner.to_owned() } else { format!("{key}.{inner}") };
    let text = |node: &Node| match &node.content {
        Content::Text(text) | Content::Number(text) => text.clone(),
        Content::Bool(value) => value.to_string(),
        Content::Null | Content::List(_) | Content::Map(_) => String::new(),
    };
    let values = match &node.content {
        Content::Map(members) => {
            members.iter().for_each(|(name, node)| describe(reader, &below(&name.value), node, described));
            return;
        }
        Content::List(elements) => elements.iter().flat_map(|element| reader.shown(&text(element))).collect(),
        Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) => vec![text(node).into()],
    };
    described.push(Described { key: key.into(), values });
}
