//! What a server's tools can do, and whether they say so. Pure.
//!
//! To run commands or to delete files is what some servers are for: it costs little. Not to say so costs more.

use super::issue::{Issue, Subject};
use crate::detect::{DefinitionKind, Severity};
use crate::json::Value;

/// Parameters looked at of one tool.
const PARAMETERS_MAX: usize = 256;

/// Tools whose name begins with, or has, one of these take away for good.
const DESTROYS: [&str; 13] = [
    "delete",
    "remove",
    "drop",
    "destroy",
    "purge",
    "erase",
    "wipe",
    "truncate",
    "uninstall",
    "kill",
    "terminate",
    "revoke",
    "reset",
];
/// And these change something.
const WRITES: [&str; 22] = [
    "write", "create", "update", "edit", "modify", "insert", "upsert", "put", "patch", "send", "post",
    "publish", "upload", "execute", "exec", "run", "move", "rename", "install", "deploy", "commit", "push",
];
/// Parameters that are a program's text.
const COMMANDS: [&str; 12] = [
    "command",
    "cmd",
    "commands",
    "commandline",
    "shell",
    "shellcommand",
    "script",
    "bash",
    "code",
    "javascript",
    "python",
    "expression",
];
/// Parameters that are a query's.
const QUERIES: [&str; 4] = ["sql", "sqlquery", "statement", "cypher"];
/// Parameters that are an address.
const ADDRESSES: [&str; 8] =
    ["url", "uri", "endpoint", "webhook", "webhookurl", "callback", "callbackurl", "baseurl"];
/// Parameters that are a place in a file system.
const PATHS: [&str; 12] = [
    "path",
    "paths",
    "file",
    "filename",
    "filepath",
    "directory",
    "dir",
    "folder",
    "destination",
    "repopath",
    "source",
    "outputpath",
];

/// What may be said of a parameter anybody can fill with anything: rule, severity, why, remedy.
type Free = (&'static str, Severity, &'static str, &'static str);

const FREE: [(&[&str], Free); 4] = [
    (
        &COMMANDS,
        (
            "free-form-command",
            Severity::Medium,
            "it runs whatever text it is given",
            "Allow it only with arguments the policy knows, hold it for approval, or leave the tool out.",
        ),
    ),
    (
        &QUERIES,
        (
            "free-form-query",
            Severity::Medium,
            "it runs whatever query it is given",
            "Give the server an account that can do no more than is needed, and turn on the detector `destructive`.",
        ),
    ),
    (
        &ADDRESSES,
        (
            "free-form-url",
            Severity::Low,
            "it takes any address, those only this network can reach too",
            "Name the addresses it may have in the policy, and turn on the detector `ssrf`.",
        ),
    ),
    (
        &PATHS,
        (
            "free-form-path",
            Severity::Low,
            "it takes any path its server allows",
            "Start the server with the directories it needs and no others, and turn on the detector `traversal`.",
        ),
    ),
];

/// Looks at one tool.
pub(super) fn review(tool: Value<'_>, name: &str) -> Vec<Issue> {
    let mut issues = Vec::new();
    let mut say = |rule: &'static str, severity, why: &'static str, path: String, remedy| {
        let subject = Subject::Definition(DefinitionKind::Tool, name.to_owned(), path);
        issues.push(Issue { rule: rule.into(), severity, subject, why: why.into(), remedy });
    };
    let annotations = tool.get("annotations");
    let hint = |hint: &str| annotations.and_then(|all| all.get(hint)).and_then(Value::as_bool);
    let is_said = hint("readOnlyHint").is_some() || hint("destructiveHint").is_some();
    let first = words(name).into_iter().next().unwrap_or_default();
    // `git_reset` is called for what it works on first.
    let has = |list: &[&str]| {
        list.contains(&&*first) || words(name).get(1).is_some_and(|second| list.contains(&&**second))
    };
    if !is_said && has(&DESTROYS) {
        say(
            "destructive-unmarked",
            Severity::Medium,
            "it takes something away, and no annotation says so",
            String::new(),
            "Hold its calls for approval; ask the author for `destructiveHint`.",
        );
    } else if !is_said && has(&WRITES) {
        say(
            "write-unmarked",
            Severity::Low,
            "it changes something, and no annotation says so",
            String::new(),
            "Ask the author for `readOnlyHint: false`; until then no client can tell it from what only reads.",
        );
    }
    let properties = tool.get("inputSchema").and_then(|schema| schema.get("properties"));
    for (key, schema) in properties.into_iter().flat_map(Value::members).take(PARAMETERS_MAX) {
        let key = key.as_str().unwrap_or_default();
        if !is_free(schema) {
            continue;
        }
        let plain: String = words(&key).concat();
        for (names, (rule, severity, why, remedy)) in FREE {
            if names.contains(&&*plain) {
                say(rule, severity, why, format!("inputSchema.properties.{key}"), remedy);
            }
        }
    }
    // One of each: a tool with two paths is not worse than one with one.
    issues.dedup_by(|next, last| next.rule == last.rule);
    issues
}

/// Any string fits it, or a list of any strings.
fn is_free(schema: Value<'_>) -> bool {
    let schema = schema.get("items").filter(|items| items.is_object()).unwrap_or(schema);
    let is_bound = ["enum", "const", "pattern"].iter().any(|bound| schema.get(bound).is_some());
    let kind = schema.get("type").and_then(Value::as_str);
    !is_bound && kind.is_none_or(|kind| kind == "string")
}

/// The words of `deleteRepo`, `delete_repo`, `DELETE-repo`, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for character in name.chars() {
        let starts = character.is_uppercase() && was_lower;
        if (starts || !character.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if character.is_alphanumeric() {
            word.extend(character.to_lowercase());
        }
        was_lower = character.is_lowercase() || character.is_numeric();
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::json::{Document, Limits};

    fn rules(tool: &str) -> Vec<String> {
        let document = Document::parse(Bytes::copy_from_slice(tool.as_bytes()), &Limits::default()).unwrap();
        let name = document.root().get("name").unwrap().as_str().unwrap().into_owned();
        review(document.root(), &name).into_iter().map(|issue| issue.rule.into_owned()).collect()
    }

    #[test]
    fn what_a_tool_can_do_and_does_not_say_is_told() {
        for (tool, expected) in [
            (r#"{"name":"add","inputSchema":{"properties":{"a":{"type":"number"}}}}"#, &[][..]),
            (r#"{"name":"deleteRepo"}"#, &["destructive-unmarked"]),
            (r#"{"name":"git_reset"}"#, &["destructive-unmarked"]),
            (r#"{"name":"delete_repo","annotations":{"destructiveHint":true}}"#, &[]),
            (r#"{"name":"send-mail"}"#, &["write-unmarked"]),
            (r#"{"name":"send-mail","annotations":{"readOnlyHint":false}}"#, &[]),
            (r#"{"name":"undelete"}"#, &[]),
            (
                r#"{"name":"sh","inputSchema":{"properties":{"shellCommand":{"type":"string"}}}}"#,
                &["free-form-command"],
            ),
            (
                r#"{"name":"sh","inputSchema":{"properties":{"command":{"type":"string","enum":["ls"]}}}}"#,
                &[],
            ),
            (r#"{"name":"q","inputSchema":{"properties":{"sql":{}}}}"#, &["free-form-query"]),
            (r#"{"name":"get","inputSchema":{"properties":{"url":{"type":"string"}}}}"#, &["free-form-url"]),
            (
                r#"{"name":"read","inputSchema":{"properties":{"path":{"type":"string"},"paths":{"type":"array","items":{"type":"string"}}}}}"#,
                &["free-form-path"],
            ),
            (r#"{"name":"count","inputSchema":{"properties":{"source":{"type":"integer"}}}}"#, &[]),
        ] {
            assert_eq!(rules(tool), expected, "{tool}");
        }
    }
}
