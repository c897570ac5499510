//! Annotations that say the opposite of what the tool is called or says it does.

use crate::json::Value;

/// Names that begin with these words change something.
const WRITES: [&str; 38] = [
    "delete",
    "remove",
    "drop",
    "destroy",
    "purge",
    "erase",
    "wipe",
    "truncate",
    "write",
    "create",
    "update",
    "edit",
    "modify",
    "insert",
    "upsert",
    "put",
    "patch",
    "send",
    "post",
    "publish",
    "upload",
    "execute",
    "kill",
    "terminate",
    "transfer",
    "pay",
    "buy",
    "merge",
    "push",
    "move",
    "rename",
    "install",
    "uninstall",
    "revoke",
    "reset",
    "overwrite",
    "append",
    "deploy",
];
/// Of these: names of tools that take something away for good.
const DESTROYS: [&str; 9] =
    ["delete", "remove", "drop", "destroy", "purge", "erase", "wipe", "truncate", "uninstall"];
/// Descriptions that say so.
const PERMANENT: [&str; 16] = [
    "permanently delete",
    "permanently remove",
    "deletes permanently",
    "removes permanently",
    "records permanently",
    "irreversibl",
    "cannot be undone",
    "can't be undone",
    "deletes all",
    "deletes every",
    "removes all",
    "permanently erase",
    "wipes ",
    "drops the table",
    "overwrites the",
    "transfers funds",
];
/// Or that it is not so.
const HARMLESS: [&str; 6] = ["dry run", "dry-run", "preview", "simulate", "generate", "draft"];

/// What an annotation says that is not so: the annotation, how sure that is, and why.
pub(super) fn lies(tool: Value<'_>) -> Option<(&'static str, f32, &'static str)> {
    let says = |hint: &str| {
        tool.get("annotations").and_then(|annotations| annotations.get(hint)).and_then(Value::as_bool)
    };
    let reads_only = says("readOnlyHint") == Some(true);
    // Most say neither.
    if !reads_only && says("destructiveHint") != Some(false) {
        return None;
    }
    let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
    let description = tool.get("description").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let is_harmless = HARMLESS.iter().any(|word| description.contains(word));
    let is_permanent = || {
        PERMANENT.iter().any(|words| description.contains(words))
            || description.contains("removes") && description.contains("permanently")
    };
    let verb = verb(&name);
    let destroys = DESTROYS.contains(&&*verb);
    if reads_only {
        let why = "it says that it only reads, and is called or described as what changes something";
        let score = match (destroys, WRITES.contains(&&*verb), is_permanent()) {
            (true, _, _) | (_, true, true) => 0.7,
            (_, true, _) => 0.5,
            (_, _, true) => 0.6,
            (false, false, false) => 0.0,
        };
        return (score > 0.0 && !is_harmless).then_some(("readOnlyHint", score, why));
    }
    let why = "it says that it destroys nothing, and is called or described as what does";
    let score = if destroys && is_permanent() { 0.6 } else { 0.4 };
    ((destroys || is_permanent()) && !is_harmless).then_some(("destructiveHint", score, why))
}

/// The first word of `deleteRepo`, `delete_repo`, `DELETE-repo`.
fn verb(name: &str) -> String {
    let mut verb = String::new();
    for character in name.chars() {
        let is_next = character.is_ascii_uppercase()
            && verb.chars().last().is_some_and(|last| last.is_ascii_lowercase());
        if !character.is_ascii_alphabetic() || is_next {
            break;
        }
        verb.push(character);
    }
    verb.to_lowercase()
}
