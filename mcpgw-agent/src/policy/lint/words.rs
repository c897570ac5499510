//! Words that match nothing, twice, or are never used.

use super::Warning;
use super::cover::any_covers;
use super::rule::{Kind, Rule, get, members, text};
use crate::mcp::sender;
use crate::policy::glob::Glob;
use crate::yaml::{At, Content, Node, nearest};

/// Conditions that hold for messages of some methods only.
const ONLY_WITH: [(&str, &[&str]); 4] = [
    ("tools", &["tools/call"]),
    ("prompts", &["prompts/get", "completion/complete"]),
    ("arguments", &["tools/call", "prompts/get"]),
    ("argument_patterns", &["tools/call", "prompts/get"]),
];
/// Methods a policy is most likely to speak of, for "did you mean".
const METHODS: [&str; 16] = [
    "initialize",
    "ping",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "subscriptions/listen",
];

/// Looks at each condition of `rule` by itself.
pub(super) fn check(rule: &Rule, warnings: &mut Vec<Warning>) {
    for (key, condition) in &rule.conditions {
        let Kind::Globs(globs) = &condition.kind else { continue };
        for (index, glob) in globs.iter().enumerate() {
            let before = globs.get(..index).unwrap_or_default();
            if any_covers(before, &glob.value) {
                let message =
                    format!("`{}` adds nothing: an earlier element of `{key}` matches all of it", glob.value);
                warnings.push(Warning { place: glob.place, code: "duplicate-condition", message });
            }
            if let Some(what) = not_a_glob(&glob.value).filter(|_| is_of_names(key)) {
                let message = format!("`{}` is a glob, in which {what} stands for itself", glob.value);
                warnings.push(Warning { place: glob.place, code: "not-a-glob", message });
            }
        }
    }
    methods(rule, warnings);
}

fn methods(rule: &Rule, warnings: &mut Vec<Warning>) {
    let Some(Kind::Globs(globs)) = rule.conditions.get("methods").map(|condition| &condition.kind) else {
        return;
    };
    for glob in globs.iter().filter(|glob| is_unknown(&glob.value)) {
        if let Some(meant) = nearest(&glob.value, &METHODS) {
            let message = format!("MCP has no method `{}`, did you mean `{meant}`?", glob.value);
            warnings.push(Warning { place: glob.place, code: "unknown-method", message });
        }
    }
    for (key, needed) in ONLY_WITH {
        let Some(condition) = rule.conditions.get(key) else { continue };
        let matched = |method: &&str| globs.iter().any(|glob| matches(glob, method));
        if !needed.iter().any(matched) {
            let needed = needed.join("` or `");
            let message = format!(
                "`{key}` holds for `{needed}` only, which `methods` leaves out: the rule never matches"
            );
            warnings.push(Warning { place: condition.place, code: "never-matches", message });
        }
    }
}

fn matches(glob: &At<String>, text: &str) -> bool {
    Glob::new(&glob.value).is_ok_and(|glob| glob.matches(text))
}

/// A name without wildcards that no revision has.
fn is_unknown(glob: &str) -> bool {
    !glob.contains(['*', '?']) && sender(glob).is_none()
}

/// Keys whose values are names, in which the characters of regexes are not to be expected.
fn is_of_names(key: &str) -> bool {
    ["methods", "tools", "prompts", "subjects", "roles", "servers", "revisions"].contains(&key)
}

/// The sign of another language of patterns.
fn not_a_glob(glob: &str) -> Option<&'static str> {
    [(".*", "`.*`"), ("|", "`|`"), ("[", "`[`"), ("{", "`{`"), ("^", "`^`"), ("\\", "`\\`"), ("(", "`(`")]
        .into_iter()
        .find(|(sign, _)| glob.contains(sign))
        .map(|(_, shown)| shown)
}

/// Warns of lists nobody uses.
pub(super) fn lists(policy: &[(At<String>, Node)], warnings: &mut Vec<Warning>) {
    let mut used = Vec::new();
    for (_, node) in policy.iter().filter(|(key, _)| key.value != "lists") {
        mentioned(node, &mut used);
    }
    for (name, _) in get(policy, "lists").map(members).unwrap_or_default() {
        if !used.contains(&name.value) {
            let message = format!("list `{}` is never used", name.value);
            warnings.push(Warning { place: name.place, code: "unused-list", message });
        }
    }
}

fn mentioned(node: &Node, used: &mut Vec<String>) {
    match &node.content {
        Content::List(elements) => elements.iter().for_each(|element| mentioned(element, used)),
        Content::Map(members) => members.iter().for_each(|(_, value)| mentioned(value, used)),
        Content::Null | Content::Bool(_) | Content::Number(_) | Content::Text(_) => {
            used.extend(text(node).and_then(|text| Some(text.strip_prefix('@')?.to_owned())));
        }
    }
}
