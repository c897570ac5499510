//! What one statement does.

use super::condition;
use super::token::{Kind, Token};
use super::transaction::Transaction;
use crate::detect::destructive::act::Act;

const DROP: Act = Act::high("sql_drop", "drops something a database is made of");
const DROP_ALL: Act = Act::critical("sql_drop", "drops a table, a schema or a database");
const TRUNCATE: Act = Act::critical("sql_truncate", "removes every row of a table");
const DELETE: Act =
    Act::critical("sql_delete_all", "deletes from a table without a condition that narrows it down");
const UPDATE: Act = Act::high("sql_update_all", "changes every row of a table");
const ALTER: Act = Act::high("sql_alter_drop", "drops a part of a table");
const ACCOUNT: Act = Act::high("sql_account", "changes who gets into a database");
const REPLACE: Act = Act::high("sql_replace", "makes a table anew over the one there was");
const LOGS: Act = Act::high("sql_purge_logs", "removes what a database could be restored from");
const SESSIONS: Act = Act::medium("sql_kill", "ends sessions or the server");
const RIGHTS: Act = Act::low("sql_rights", "changes rights");
const GUARD: Act = Act::medium("sql_guard_off", "turns off what protects rows");
const GRAPH: Act = Act::critical("graph_delete", "deletes every node of a graph");

/// Whether a statement makes something that runs later: its body is not run now.
pub(super) fn makes_routine(tokens: &[Token<'_>]) -> bool {
    let routine = ["function", "procedure", "proc", "trigger", "event", "rule"];
    tokens.first().is_some_and(|first| first.is("create"))
        && tokens.iter().take(8).any(|token| token.is_one_of(&routine))
}

/// Whether strings of the statement are statements that run.
pub(super) fn runs_strings(tokens: &[Token<'_>]) -> bool {
    let runs = [
        "exec",
        "execute",
        "do",
        "prepare",
        "sp_executesql",
        "dblink_exec",
        "dblink",
        "openquery",
        "query_to_xml",
    ];
    tokens.iter().take(64).any(|token| token.is_one_of(&runs))
}

/// The script a statement has a shell run.
pub(super) fn shell(tokens: &[Token<'_>]) -> Option<String> {
    let at = tokens.iter().position(|token| {
        token.is_one_of(&["program", "xp_cmdshell", "sys_exec", "sys_eval", "system", "shell"])
    })?;
    let text = tokens.iter().skip(at + 1).take(3).find(|token| token.kind == Kind::Text)?;
    Some(text.inner().replace("''", "'"))
}

/// What a statement does.
pub(super) fn judge(tokens: &[Token<'_>], transaction: &Transaction) -> Option<Act> {
    let start =
        tokens.iter().position(|token| !matches!(token.text.as_ref(), "(" | ")" | "'" | "\"" | ","))?;
    let tokens = tokens.get(start..)?;
    let first = tokens.first()?;
    if first.kind != Kind::Word {
        return embedded(tokens, transaction);
    }
    let word = first.text.to_ascii_lowercase();
    match word.as_str() {
        "drop" => drop(tokens, transaction),
        "truncate" => truncate(tokens, transaction),
        "delete" => delete(tokens, transaction),
        "update" => update(tokens, transaction),
        "alter" => alter(tokens),
        "grant" | "revoke" => Some(rights(tokens)),
        "create" => create(tokens),
        "insert" => tokens.get(1).filter(|word| word.is("overwrite")).map(|_| REPLACE),
        "explain" => {
            tokens.iter().any(|token| token.is("analyze")).then(|| embedded(tokens, transaction)).flatten()
        }
        "purge" => tokens
            .get(1)
            .filter(|word| word.is_one_of(&["binary", "master", "recyclebin", "dba_recyclebin", "table"]))
            .map(|_| LOGS),
        "reset" => tokens
            .get(1)
            .filter(|word| word.is_one_of(&["master", "slave", "replica", "binary"]))
            .map(|_| LOGS),
        "shutdown" => {
            let stops = tokens
                .get(1)
                .is_none_or(|word| word.is_one_of(&["with", "immediate", "abort", "transactional"]));
            stops.then_some(Act { score: 0.6, ..SESSIONS })
        }
        "kill" => (tokens.len() >= 2).then_some(Act { score: 0.5, ..SESSIONS }),
        "restore" => tokens.iter().any(|token| token.is("replace")).then_some(REPLACE),
        "detach" => tokens.iter().any(|token| token.is("delete")).then_some(GRAPH),
        "pragma" => tokens.get(1).filter(|word| word.is("writable_schema")).map(|_| GUARD),
        "match" | "optional" => graph(tokens),
        "set" => set(tokens),
        "comment" | "show" | "describe" | "use" | "load" => None,
        _ => embedded(tokens, transaction),
    }
}

/// A statement within another: after `with …`, `begin`, `if …`, or without a semicolon before it.
fn embedded(tokens: &[Token<'_>], transaction: &Transaction) -> Option<Act> {
    let terminates = [
        "pg_terminate_backend",
        "pg_cancel_backend",
        "pg_drop_replication_slot",
        "lo_unlink",
        "pg_reload_conf",
    ];
    if tokens.iter().any(|token| token.is_one_of(&terminates)) {
        return Some(SESSIONS);
    }
    (1..tokens.len()).take(512).find_map(|at| {
        let rest = tokens.get(at..)?;
        let next = rest.get(1)?;
        match rest.first()? {
            verb if verb.is("drop")
                && next.is_one_of(&["table", "database", "schema", "view", "index", "user"]) =>
            {
                drop(rest, transaction)
            }
            verb if verb.is("truncate") && next.is("table") => truncate(rest, transaction),
            verb if verb.is("delete") && next.is("from") => delete(rest, transaction),
            verb if verb.is("update")
                && rest.iter().take(5).any(|token| token.is("set"))
                && !tokens.get(at - 1)?.is_one_of(&["for", "on", "key", "do"]) =>
            {
                update(rest, transaction)
            }
            _ => None,
        }
    })
}

/// The name that begins here, its parts joined, and how many tokens it is.
fn name(tokens: &[Token<'_>]) -> Option<(String, usize)> {
    let prose = [
        "the", "an", "this", "that", "all", "my", "your", "it", "to", "and", "from", "of", "in", "for",
        "these", "any", "with", "where", "set",
    ];
    let first = tokens.first().filter(|token| {
        matches!(token.kind, Kind::Word | Kind::Name | Kind::Text) && !token.is_one_of(&prose)
    })?;
    let article = first.is("a")
        && tokens
            .get(1)
            .is_some_and(|next| next.kind == Kind::Word && !next.is_one_of(&["cascade", "where", "set"]));
    if article {
        return None;
    }
    let mut name = first.inner().to_owned();
    let mut length = 1;
    while let [dot, part, ..] = tokens.get(length..).unwrap_or_default() {
        if dot.text != "." || length > 8 {
            break;
        }
        name.push('.');
        name.push_str(part.inner());
        length += 2;
    }
    Some((name, length))
}

/// Skips words such as `if exists`.
fn skip<'t, 'a>(tokens: &'t [Token<'a>], words: &[&str]) -> &'t [Token<'a>] {
    let at = tokens.iter().position(|token| !token.is_one_of(words)).unwrap_or(tokens.len());
    tokens.get(at..).unwrap_or_default()
}

/// What a database is made of beside tables.
const PARTS: &[&str] = &[
    "index",
    "view",
    "user",
    "role",
    "login",
    "function",
    "procedure",
    "proc",
    "trigger",
    "sequence",
    "type",
    "extension",
    "policy",
    "event",
    "publication",
    "subscription",
    "server",
    "domain",
    "aggregate",
    "collection",
    "stream",
    "constraint",
    "series",
    "group",
    "dictionary",
    "package",
    "synonym",
    "directory",
    "profile",
    "credential",
    "stage",
    "pipe",
    "task",
    "share",
    "partition",
    "retention",
    "column",
    "connector",
    "assembly",
    "certificate",
    "cluster",
    "library",
    "operator",
    "cast",
    "language",
    "routine",
    "resource",
    "model",
    "bucket",
    "topic",
    "queue",
    "node",
    "shard",
];

/// What may follow a name that is dropped: anything else is a sentence.
const TAIL: &[&str] = &[
    "cascade",
    "restrict",
    "purge",
    "on",
    "from",
    "no",
    "force",
    "sync",
    ",",
    "(",
    "-",
    "#",
    "with",
    "including",
    "immediate",
    "drop",
    "delete",
    "select",
    "go",
    "end",
    "--",
    "in",
    "at",
    "keep",
    "insert",
];

fn drop(tokens: &[Token<'_>], transaction: &Transaction) -> Option<Act> {
    let rest = skip(
        tokens.get(1..)?,
        &[
            "materialized",
            "foreign",
            "external",
            "unique",
            "clustered",
            "global",
            "public",
            "temporary",
            "temp",
            "or",
            "force",
        ],
    );
    if tokens.get(1).is_some_and(|word| word.is_one_of(&["temporary", "temp"])) {
        return None;
    }
    let what = rest.first()?.text.to_ascii_lowercase();
    let all = matches!(
        what.as_str(),
        "table"
            | "database"
            | "schema"
            | "keyspace"
            | "tablespace"
            | "owned"
            | "warehouse"
            | "catalog"
            | "measurement"
    );
    let part = PARTS.contains(&what.as_str());
    if !all && !part {
        return None;
    }
    let after = skip(rest.get(1..)?, &["if", "exists", "concurrently", "by", "policy", "online"]);
    let (name, length) = name(after)?;
    if after.get(length).is_some_and(|next| !next.is_one_of(TAIL)) {
        return None;
    }
    (!transaction.is_temporary(&name)).then_some(if all { DROP_ALL } else { DROP })
}

fn truncate(tokens: &[Token<'_>], transaction: &Transaction) -> Option<Act> {
    let rest = tokens.get(1..)?;
    let says_table = rest.first().is_some_and(|word| word.is_one_of(&["table", "partition", "database"]));
    let rest = skip(rest, &["table", "only", "if", "exists", "database", "partition"]);
    let (name, length) = name(rest)?;
    let next = rest.get(length);
    let plausible = next.is_none_or(|next| {
        next.is_one_of(&[
            ",",
            "cascade",
            "restart",
            "restrict",
            "continue",
            "drop",
            "reuse",
            "storage",
            "with",
            "on",
            "partition",
            "*",
            "-",
        ])
    });
    let loud = tokens.first().is_some_and(|word| word.text.bytes().all(|byte| byte.is_ascii_uppercase()));
    (plausible && (says_table || loud) && !transaction.is_temporary(&name)).then_some(TRUNCATE)
}

/// The condition of a statement, if it has one.
fn condition<'t, 'a>(tokens: &'t [Token<'a>]) -> Option<&'t [Token<'a>]> {
    let mut depth = 0_i32;
    let at = tokens.iter().position(|token| {
        depth += i32::from(token.text == "(") - i32::from(token.text == ")");
        depth <= 0 && token.is("where")
    })?;
    let rest = tokens.get(at + 1..)?;
    let mut depth = 0_i32;
    let end = rest.iter().position(|token| {
        depth += i32::from(token.text == "(") - i32::from(token.text == ")");
        depth < 0 || depth == 0 && token.is_one_of(&["returning", "limit", "order", "option", "allow"])
    });
    rest.get(..end.unwrap_or(rest.len()))
}

/// Whether a statement has a condition that narrows it down.
fn is_narrow(tokens: &[Token<'_>]) -> bool {
    condition(tokens)
        .is_some_and(|condition| !condition.is_empty() && !condition::is_always_true(condition, 0))
}

fn delete(tokens: &[Token<'_>], transaction: &Transaction) -> Option<Act> {
    let from = tokens.iter().take(6).position(|token| token.is("from"))?;
    let rest = skip(tokens.get(from + 1..)?, &["only"]);
    let (name, length) = name(rest)?;
    let after = skip(rest.get(length..)?, &["as"]);
    let ends = [
        "where",
        "using",
        "limit",
        "returning",
        "order",
        "with",
        "inner",
        "left",
        "join",
        "output",
        "partition",
        ")",
        "-",
        "go",
        "end",
        "select",
        "for",
        "t",
        "on",
        "settings",
    ];
    let ended = |tokens: &[Token<'_>]| tokens.first().is_none_or(|next| next.is_one_of(&ends));
    // An alias may stand between.
    if !ended(after) && !ended(after.get(1..)?) || transaction.is_temporary(&name) {
        return None;
    }
    if is_narrow(rest) {
        return None;
    }
    let limited = rest.iter().any(|token| token.is("limit"));
    let joined = rest.iter().any(|token| token.is_one_of(&["join", "using"]));
    Some(if limited || joined { Act { score: 0.55, ..DELETE } } else { DELETE })
}

fn update(tokens: &[Token<'_>], transaction: &Transaction) -> Option<Act> {
    let rest = skip(tokens.get(1..)?, &["only", "or", "ignore", "low_priority"]);
    let (name, _) = name(rest)?;
    let set = rest.iter().take(12).position(|token| token.is("set"))?;
    let assigns = rest.iter().skip(set + 1).take(6).any(|token| token.text == "=");
    let joined = rest.iter().any(|token| token.is_one_of(&["join", "from"]));
    if !assigns || transaction.is_temporary(&name) || is_narrow(rest) {
        return None;
    }
    Some(if joined { Act { score: 0.5, ..UPDATE } } else { UPDATE })
}

fn alter(tokens: &[Token<'_>]) -> Option<Act> {
    let what = tokens.get(1)?;
    let any = |words: &[&str]| tokens.iter().skip(2).any(|token| token.is_one_of(words));
    if what.is_one_of(&["user", "role", "login"]) {
        return any(&["password", "identified", "superuser", "nologin", "disable", "lock", "account"])
            .then_some(ACCOUNT);
    }
    let follows = |word: &str, next: &[&str]| {
        tokens.windows(2).any(|pair| matches!(pair, [one, two] if one.is(word) && two.is_one_of(next)))
    };
    let drops = tokens.iter().skip(3).any(|token| token.is("drop"))
        && !follows("drop", &["default", "not", "expression", "identity"]);
    match () {
        () if drops => Some(ALTER),
        () if any(&["delete"]) && !any(&["on"]) => Some(DELETE).filter(|_| !is_narrow(tokens)),
        () if follows("disable", &["trigger", "row", "rule"]) || follows("nocheck", &["constraint"]) => {
            Some(GUARD)
        }
        () if any(&["offline", "single_user", "read_only"]) || follows("set", &["unused"]) => Some(SESSIONS),
        () if what.is("system") => Some(Act { score: 0.5, ..SESSIONS }),
        () => None,
    }
}

fn rights(tokens: &[Token<'_>]) -> Act {
    let all = tokens.get(1).is_some_and(|word| word.is("all"));
    let wide = tokens.iter().any(|token| token.is("*") || token.is("public"))
        || tokens.first().is_some_and(|word| word.is("revoke"));
    if all && wide { Act { score: 0.55, ..ACCOUNT } } else { RIGHTS }
}

fn create(tokens: &[Token<'_>]) -> Option<Act> {
    let replaces = tokens.get(1).is_some_and(|word| word.is("or"))
        && tokens.get(2).is_some_and(|word| word.is("replace"));
    let table = tokens.iter().skip(3).take(2).any(|token| token.is_one_of(&["table", "database", "schema"]));
    let temporary = tokens.iter().take(5).any(|token| token.is_one_of(&["temp", "temporary", "transient"]));
    (replaces && table && !temporary).then_some(REPLACE)
}

fn set(tokens: &[Token<'_>]) -> Option<Act> {
    let names = [
        "sql_safe_updates",
        "sql_log_bin",
        "general_log",
        "read_only",
        "offline_mode",
        "foreign_key_checks",
        "session_replication_role",
    ];
    let off = tokens.iter().any(|token| token.is_one_of(&names));
    off.then_some(Act { score: 0.45, ..GUARD })
}

/// `MATCH (n) DETACH DELETE n`.
fn graph(tokens: &[Token<'_>]) -> Option<Act> {
    let deletes = tokens.iter().any(|token| token.is("delete"));
    let narrow = tokens.iter().any(|token| token.is("where") || token.text == "{");
    (deletes && !narrow).then_some(GRAPH)
}
