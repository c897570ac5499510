//! What an argument is: something that is run, a document, or neither.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::sql;
use crate::detect::Place;
use crate::detect::table::Table;
use crate::text::seek::{may_have, seek};

/// How a text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// It is run, as far as anybody can tell.
    Run {
        script: bool,
        statements: bool,
    },
    /// It is written or shown somewhere: commands in it are only mentioned.
    Document,
    Nothing,
}

/// Bytes of a query that may be a script after all.
const MAX_QUERY: usize = 4096;

/// Members whose value is a document or prose.
const DOCUMENTS: &[&str] = &[
    "content",
    "contents",
    "body",
    "text",
    "message",
    "description",
    "title",
    "comment",
    "comments",
    "summary",
    "subject",
    "oldstring",
    "newstring",
    "oldstr",
    "newstr",
    "oldtext",
    "newtext",
    "diff",
    "patch",
    "note",
    "notes",
    "html",
    "markdown",
    "prompt",
    "filetext",
    "thought",
    "reasoning",
    "question",
    "answer",
    "explanation",
    "reply",
    "caption",
    "commitmessage",
    "instructions",
    "observations",
    "insertline",
    "replacement",
    "topic",
    "pattern",
    "search",
    "searchterm",
    "searchquery",
    "regex",
    "keyword",
    "keywords",
    "q",
    "plan",
    "task",
    "goal",
    "thoughts",
    "messages",
    "context",
];
/// Members whose value is no text to be read.
const NAMES: &[&str] = &[
    "url", "uri", "href", "id", "uuid", "hash", "sha", "cursor", "encoding", "language", "locale",
    "mimetype", "date", "timezone",
];
/// Members whose value is run.
const COMMANDS: &[&str] = &[
    "command",
    "cmd",
    "commands",
    "script",
    "shell",
    "bash",
    "sh",
    "exec",
    "run",
    "args",
    "argv",
    "powershell",
    "commandline",
    "shellcommand",
    "input",
];
/// Members whose value is statements.
const STATEMENTS: &[&str] = &[
    "sql",
    "query",
    "statement",
    "statements",
    "stmt",
    "sqlquery",
    "sqlstatement",
    "queries",
    "sqltext",
    "ddl",
    "dml",
    "cypher",
];

/// What a member's value is, as far as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Command,
    Statements,
    Name,
    Document,
}

/// All these names.
static MEMBERS: LazyLock<Table<Known>> = LazyLock::new(|| {
    let lists = [
        (Known::Command, COMMANDS),
        (Known::Statements, STATEMENTS),
        (Known::Name, NAMES),
        (Known::Document, DOCUMENTS),
    ];
    Table::new(lists.into_iter().flat_map(|(known, names)| names.iter().map(move |name| (*name, known))))
});

/// What `text` is, by where it stands and how it begins.
pub(super) fn of(text: &str, place: &Place<'_>) -> Shape {
    if text.len() < 3 {
        return Shape::Nothing;
    }
    let mut buffer = [0; 24];
    let known = plain(place.key, &mut buffer).and_then(|key| MEMBERS.get(key));
    let tool = place.tool.unwrap_or_default();
    let searches = || {
        ["search", "find", "grep", "docs", "lookup", "web"].iter().any(|part| holds(tool, part))
            && !holds(tool, "sql")
    };
    match known {
        Some(Known::Statements) if searches() => Shape::Document,
        Some(Known::Statements) => {
            Shape::Run { script: text.len() <= MAX_QUERY && !sql::looks_like(text), statements: true }
        }
        Some(Known::Name) => Shape::Nothing,
        Some(Known::Document) => Shape::Document,
        None if is_marked(text) => Shape::Document,
        None | Some(Known::Command) => {
            Shape::Run { script: true, statements: sql::looks_like(text) || is_store(text) }
        }
    }
}

/// It has a block of code, as documents have.
fn is_marked(text: &str) -> bool {
    memchr::memchr(b'`', text.as_bytes()).is_some_and(|at| text.as_bytes().get(at..).is_some_and(has_fence))
}

fn has_fence(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"```").is_some()
}

/// Whether a text may be for a data store that speaks no SQL.
fn is_store(text: &str) -> bool {
    let start = text.trim_start();
    // None of the words is longer.
    let start = start.get(..start.floor_char_boundary(16)).unwrap_or_default();
    let first = start.split([' ', '.', '(', '"', '\n', ';', '\\', '[']).next().unwrap_or_default();
    let words = [
        "flushall",
        "flushdb",
        "config",
        "script",
        "debug",
        "cluster",
        "slaveof",
        "replicaof",
        "eval",
        "acl",
        "unlink",
        "del",
        "function",
    ];
    matches!(first, "db" | "rs" | "sh" | "use" | "DELETE" | "POST" | "{")
        || words.iter().any(|word| first.eq_ignore_ascii_case(word))
        || memchr::memchr(b'.', text.as_bytes()).is_some()
            && memchr::memmem::find(text.as_bytes(), b"db.").is_some()
}

/// A member's name without what only joins its words; nothing where it is longer than any that is known.
fn plain<'b>(key: &str, buffer: &'b mut [u8; 24]) -> Option<&'b [u8]> {
    let mut length = 0;
    for byte in key.bytes().filter(u8::is_ascii_alphanumeric) {
        *buffer.get_mut(length)? = byte;
        length += 1;
    }
    buffer.get(..length)
}

fn holds(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

/// Whether a script shows signs of cmd or PowerShell.
pub(super) fn may_be_windows(text: &str) -> bool {
    memchr::memchr2(b'^', b'%', text.as_bytes()).is_some() || may_have_sign(text) && WINDOWS.is_match(text)
}

/// Each sign has three bytes, or two, of these.
fn may_have_sign(text: &str) -> bool {
    let is_sign = |[a, b, c]: [u8; 3]| {
        let colon = (a == b':') & ((b == b'\\') | (b == b':'));
        let dollar = (a == b'$') & ((b == b'_') | ((b == b'e') & (c == b'n')));
        let dot = (a == b'.') & ((b == b'\\') | ((b == b'e') & (c == b'x')));
        let hyphen = (a == b'-') & (((b == b'O') & (c == b'b')) | ((b | 0x20 == b'i') & (c == b't')));
        let word = ((a == b'e') & (b == b't') & (c == b'-')) | ((a == b'i') & (b == b'n') & (c == b'3'));
        colon | dollar | dot | hyphen | word
    };
    let bytes = text.as_bytes();
    // And one of these, which is looked for first in short texts.
    let is_of_sign = |byte: u8| matches!(byte, b':' | b'$' | b'.' | b'O' | b'I' | b'i' | b't');
    may_have(bytes, is_of_sign) && seek(bytes, 0, is_sign).is_some()
}

const SIGNS: [&str; 11] =
    ["Get-", "Win32_", ":\\", "$env:", "$_", ".exe", "-Object", "-Item", "-item", "::", ".\\"];

static WINDOWS: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::new(SIGNS).expect("a few short words make a small automaton"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sign_of_windows_is_looked_for() {
        assert!(SIGNS.iter().all(|sign| may_have_sign(sign) && may_be_windows(sign)));
        assert!(SIGNS.iter().all(|sign| may_have_sign(&format!("{sign}{}", "a".repeat(100)))));
        assert!(!may_be_windows("the harbour of a town"));
    }

    #[test]
    fn a_fence_is_found_wherever_it_stands() {
        assert!(["```", "a ` b `` c ```", "`````"].into_iter().all(is_marked));
        assert!(!["", "` `` ` ``"].into_iter().any(is_marked));
    }
}
