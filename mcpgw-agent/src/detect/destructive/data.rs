//! Statements of stores that speak no SQL: MongoDB, Redis, Elasticsearch.

use std::ops::Range;

use super::act::Act;
use super::sql::Found;

const DROP: Act = Act::critical("nosql_drop", "drops a collection or a database");
const DELETE: Act = Act::critical("nosql_delete_all", "deletes every document of a collection");
const SOME: Act = Act::low("nosql_delete", "deletes documents a condition holds for");
const UPDATE: Act = Act::medium("nosql_update_all", "changes every document of a collection");
const FLUSH: Act = Act::critical("cache_flush", "removes every key of a store");
const CONFIG: Act =
    Act::high("store_config", "has a store write where it should not, stop, or follow another");
const INDEX: Act = Act::high("index_delete", "deletes an index with its documents");

/// Bytes of a text that are looked at: nobody writes such statements longer.
const MAX_TEXT: usize = 64 << 10;

/// Judges the statements of a text.
pub(super) fn judge(text: &str, found: &mut Vec<(Range<usize>, Found)>) {
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    let text = text.get(..end).unwrap_or_default();
    let act = redis(text).or_else(|| search(text)).or_else(|| mongo(text)).or_else(|| document(text));
    found.extend(act.map(|act| (0..text.len(), Found::Act(act))));
}

/// Redis: a command a line.
fn redis(text: &str) -> Option<Act> {
    text.lines().take(256).find_map(|line| {
        let mut words = line
            .split([' ', '\t', '\\'])
            .filter(|word| !word.is_empty())
            .map(|word| word.trim_matches(['"', '\'', ';']));
        let first = words.next()?.to_ascii_lowercase();
        let second = words.next().unwrap_or_default().to_ascii_lowercase();
        let third = words.next().unwrap_or_default().to_ascii_lowercase();
        match (first.as_str(), second.as_str()) {
            ("flushall" | "flushdb", "" | "async" | "sync") => Some(FLUSH),
            ("script" | "function", "flush") => Some(Act { score: 0.6, ..FLUSH }),
            ("eval", _) if line.to_ascii_lowercase().contains("flush") => Some(FLUSH),
            ("shutdown", "nosave" | "save" | "now" | "force") if !line.contains('/') => Some(CONFIG),
            ("config", "set") => matches!(
                third.as_str(),
                "dir"
                    | "dbfilename"
                    | "save"
                    | "appendonly"
                    | "requirepass"
                    | "maxmemory"
                    | "slaveof"
                    | "protected-mode"
            )
            .then_some(CONFIG),
            ("debug", "segfault" | "reload" | "sleep" | "crash-and-recover")
            | ("cluster", "reset" | "forget" | "failover" | "flushslots") => Some(CONFIG),
            ("slaveof" | "replicaof", host) if !host.is_empty() => Some(CONFIG),
            ("del" | "unlink", keys) if keys.contains('*') => Some(FLUSH),
            ("acl", "deluser") => Some(CONFIG),
            _ => None,
        }
    })
}

/// Elasticsearch as its console writes it.
fn search(text: &str) -> Option<Act> {
    let mut words = text.split_whitespace();
    let (verb, path) = (words.next()?, words.next()?);
    let path = path.trim_start_matches('/');
    match verb {
        "DELETE"
            if words.next().is_none() && !path.contains("/_doc/") && !path.eq_ignore_ascii_case("from") =>
        {
            (path.starts_with('_') || path.contains(['*', '-', '/']) || text.contains('/')).then_some(INDEX)
        }
        "POST" if path.contains("_delete_by_query") => Some(INDEX),
        _ => None,
    }
}

/// MongoDB's shell.
fn mongo(text: &str) -> Option<Act> {
    // Each of these has one of these bytes.
    let may_be = memchr::memchr3(b'.', b'[', b'D', text.as_bytes()).is_some();
    if !may_be || !["db.", "db[", "rs.", "getSiblingDB", "sh."].iter().any(|part| text.contains(part)) {
        return None;
    }
    const DROPS: &[&str] = &[
        ".dropDatabase(",
        ".drop(",
        ".dropIndex(",
        ".dropIndexes(",
        ".dropUser(",
        ".dropAllUsers",
        ".dropRole(",
        ".dropAllRoles",
        ".shutdownServer(",
        ".dropCollection(",
        "dropDatabase:",
        "shutdown:",
        "removeShard",
        "rs.remove(",
        ".dropAllRolesFromDatabase",
        ".dropConnections(",
        ".dropSearchIndex(",
    ];
    let quoted = |at: usize| {
        let line = text.get(..at).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
        line.matches('"').count() % 2 == 1 || line.trim_start().starts_with("//")
    };
    // `rs.` is the replica set, not the end of `users.`.
    let apart = |call: &str, at: usize| {
        let before = text.get(..at).and_then(|before| before.bytes().next_back());
        call.starts_with('.') || !before.is_some_and(|byte| byte.is_ascii_alphanumeric())
    };
    if DROPS.iter().any(|call| text.find(call).is_some_and(|at| !quoted(at) && apart(call, at))) {
        return Some(DROP);
    }
    let argument = |call: &str| {
        let at = text.find(call).filter(|at| !quoted(*at))?;
        Some(text.get(at + call.len()..).unwrap_or_default().trim_start())
    };
    let wide = |filter: &str| {
        let inner = filter.strip_prefix('{').map(str::trim_start);
        filter.starts_with(')')
            || inner.is_some_and(|inner| inner.starts_with('}'))
            || filter.starts_with("{$where")
            || filter.contains("{$exists: true}")
            || filter.contains("$ne: null}")
    };
    for call in [".deleteMany(", ".remove(", ".findAndRemove("] {
        if let Some(filter) = argument(call) {
            return Some(if wide(filter) { DELETE } else { SOME });
        }
    }
    argument(".updateMany(").filter(|filter| wide(filter)).map(|_| UPDATE)
}

/// A command of MongoDB as a document.
fn document(text: &str) -> Option<Act> {
    let body = text.trim_start().strip_prefix('{')?;
    let key = body.trim_start().trim_start_matches(['"', '\'']);
    let key = key.split(['"', '\'', ':', ' ']).next()?;
    match key {
        "dropDatabase" | "drop" | "dropIndexes" | "dropAllUsersFromDatabase" | "shutdown" => Some(DROP),
        "delete" if body.contains("\"q\":{}") || body.contains("\"q\": {}") || body.contains("q: {}") => {
            Some(DELETE)
        }
        _ => None,
    }
}
