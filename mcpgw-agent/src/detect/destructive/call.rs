//! Calls of tools that do themselves what a command would: by the tool's name and its arguments.

use std::sync::LazyLock;

use super::act::Act;
use super::commands::{remove_path, write_path};
use super::shell::{Flavour, Frame, Walk};
use crate::detect::Hit;
use crate::detect::table::Table;
use crate::json::Value;

/// Arguments of one call that are looked at.
const MAX_ARGUMENTS: usize = 64;
/// Letters of a tool's name that are looked at.
const MAX_NAME: usize = 128;

const DELETE: Act = Act { score: 0.55, ..Act::medium("tool_delete", "a call that removes something") };
const STORE: Act =
    Act::high("tool_destroy", "a call that removes a store, a project or an account with all that is in it");
const FILE: Act = Act::low("file_delete", "a call that removes a file");

/// Verbs of tools that write.
const WRITES: &[&str] = &["write", "create", "save", "overwrite", "put", "edit", "append", "truncate"];
/// Verbs of tools that move.
const MOVES: &[&str] = &["move", "rename"];
/// Verbs of tools that remove.
const VERBS: &[&str] = &[
    "delete",
    "remove",
    "rm",
    "drop",
    "destroy",
    "purge",
    "truncate",
    "wipe",
    "erase",
    "terminate",
    "unlink",
    "rmdir",
    "uninstall",
    "flush",
    "clear",
    "nuke",
];
/// What holds a great deal.
const STORES: &[&str] = &[
    "repository",
    "repo",
    "database",
    "db",
    "table",
    "bucket",
    "project",
    "namespace",
    "cluster",
    "organization",
    "account",
    "user",
    "instance",
    "stack",
    "volume",
    "collection",
    "keyspace",
    "schema",
    "index",
    "indices",
    "tables",
    "all",
    "everything",
    "workspace",
    "site",
    "zone",
    "droplet",
    "server",
    "vm",
];
/// What holds little.
const SMALL: &[&str] = &[
    "label",
    "comment",
    "reaction",
    "tag",
    "message",
    "event",
    "note",
    "cache",
    "breakpoint",
    "session",
    "tab",
    "cookie",
    "entity",
    "entities",
    "observation",
    "observations",
    "relation",
    "relations",
    "memory",
    "filter",
    "highlight",
    "selection",
];

/// All these verbs.
static ACTS: LazyLock<Table<()>> =
    LazyLock::new(|| Table::new([WRITES, MOVES, VERBS].concat().into_iter().map(|verb| (verb, ()))));

/// Judges a call of the tool `tool`: what its name and its arguments say together. Single arguments that are commands
/// are what [`Destructive`](super::Destructive) finds; here, a program and a list of its arguments are put together.
/// The ranges are bytes of the document `arguments` is of.
#[must_use]
pub fn judge_call(tool: &str, arguments: Value<'_>) -> Vec<Hit> {
    let mut hits = Vec::new();
    if may_act(tool)
        && let Some((act, span)) = by_name(&words(tool), arguments)
    {
        let Act { kind, severity, score, why } = act;
        hits.push(Hit { kind, severity, score, range: span, why });
    }
    if let Some((line, span)) = command_line(arguments) {
        let first = hits.len();
        let mut walk = Walk::new(&mut hits, line.len());
        walk.script(&Frame::whole(&line, Flavour::Posix));
        for hit in hits.iter_mut().skip(first) {
            hit.range = span.clone();
        }
    }
    hits
}

/// A word of a tool's name is one of those that do something. Of most it is not.
fn may_act(tool: &str) -> bool {
    let is_one_word = |one: &u8, next: &u8| {
        let begins = one.is_ascii_lowercase() && next.is_ascii_uppercase();
        one.is_ascii_alphanumeric() && next.is_ascii_alphanumeric() && !begins
    };
    let name = tool.as_bytes();
    let name = name.get(..MAX_NAME).unwrap_or(name);
    !tool.is_ascii() || name.chunk_by(is_one_word).any(|word| ACTS.get(word).is_some())
}

/// The words of a tool's name, in lower case: `deleteFile`, `delete_file`, `fs.delete-file`.
fn words(tool: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut lower_before = false;
    for letter in tool.chars().take(MAX_NAME) {
        let begins = !letter.is_alphanumeric() || letter.is_uppercase() && lower_before;
        if begins || words.is_empty() {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        lower_before = letter.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

fn by_name(words: &[String], arguments: Value<'_>) -> Option<(Act, std::ops::Range<usize>)> {
    let is = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let (writes, moves, removes) = (is(WRITES), is(MOVES), is(VERBS));
    if !(writes || moves || removes) {
        return None;
    }
    let whole = arguments.span();
    let (path, span) = text_of(
        arguments,
        &["path", "file", "filepath", "file_path", "filename", "target", "directory", "dir", "uri"],
    )
    .unwrap_or_default();
    let dry = ["dry_run", "dryRun", "preview"]
        .iter()
        .any(|key| arguments.get(key).and_then(Value::as_bool) == Some(true));
    if dry {
        return None;
    }
    if writes && !path.is_empty() {
        let content = text_of(arguments, &["content", "contents", "text", "data", "file_text"])
            .map(|(content, _)| content);
        return write_path(&path, content.as_deref()).map(|act| (act, span));
    }
    if moves {
        let (to, span) = text_of(arguments, &["destination", "to", "dest", "new_path", "target"])?;
        return write_path(&to, None).map(|act| (act, span));
    }
    if !removes {
        return None;
    }
    if is(&["file", "files", "directory", "dir", "folder", "path", "rmdir", "unlink", "rm"]) {
        let deep = ["recursive", "force_recursive", "recurse"]
            .iter()
            .any(|key| arguments.get(key).and_then(Value::as_bool) == Some(true));
        let deep = deep || is(&["directory", "dir", "folder", "tree", "rmdir"]);
        return match remove_path(&path, deep) {
            Some(act) => Some((act, span)),
            None => Some((FILE, whole)),
        };
    }

    match () {
        () if is(SMALL) => Some((Act { score: 0.4, ..DELETE }, whole)),
        () if is(STORES) => Some((STORE, whole)),
        () => Some((DELETE, whole)),
    }
}

/// The first of these arguments that is a text.
fn text_of(arguments: Value<'_>, keys: &[&str]) -> Option<(String, std::ops::Range<usize>)> {
    keys.iter().find_map(|key| {
        let value = arguments.get(key)?;
        Some((value.as_str()?.into_owned(), value.span()))
    })
}

/// A program and its arguments given apart, as one line.
fn command_line(arguments: Value<'_>) -> Option<(String, std::ops::Range<usize>)> {
    // Few calls have a list at all.
    if !arguments.members().any(|(_, value)| value.is_array()) {
        return None;
    }
    let list = ["args", "arguments", "argv", "command", "cmd"]
        .iter()
        .find_map(|key| arguments.get(key).filter(|value| value.is_array()))?;
    let program = text_of(arguments, &["command", "cmd", "program", "executable", "binary"])
        .map(|(program, _)| program);
    let mut line = program.unwrap_or_default();
    for word in list.elements().take(MAX_ARGUMENTS).filter_map(Value::as_str) {
        line.push(' ');
        if word.contains(|letter: char| !(letter.is_alphanumeric() || "-_./=:,+@%*~".contains(letter))) {
            line.push('\'');
            line.push_str(&word.replace('\'', "'\\''"));
            line.push('\'');
        } else {
            line.push_str(&word);
        }
    }
    Some((line, list.span()))
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_name_without_a_word_that_acts_is_known_without_its_words(
            name in "([a-zA-Z]{0,2}[_. -]?|delete|Delete|DELETE|move|Put|rm|nu\u{212a}e|[0-9]){0,5}",
        ) {
            let acts = words(&name).iter().any(|word| ACTS.get(word.as_bytes()).is_some());
            proptest::prop_assert!(may_act(&name) == acts || !name.is_ascii(), "{}", name);
        }
    }
}
