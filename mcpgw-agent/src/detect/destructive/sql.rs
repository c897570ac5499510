//! Statements of SQL: cut into tokens, judged one by one. What is quoted or a comment is no statement.

mod condition;
mod statement;
mod token;
mod transaction;

use std::ops::Range;
use std::sync::LazyLock;

use super::act::Act;
use crate::detect::table::Table;
use token::{Kind, Token, Tokens, first_word};
use transaction::Transaction;

/// Tokens of one statement that are looked at.
const MAX_TOKENS: usize = 2048;
/// What is found in one text at most.
const MAX_FOUND: usize = 64;
/// Strings within strings that are statements themselves.
const MAX_DEPTH: u8 = 3;

/// What a statement does.
#[derive(Debug)]
pub(super) enum Found {
    Act(Act),
    /// It has a shell run this.
    Shell(String),
}

/// Words a statement begins with.
const STARTS: &[&str] = &[
    "select",
    "with",
    "insert",
    "update",
    "delete",
    "drop",
    "truncate",
    "alter",
    "create",
    "grant",
    "revoke",
    "begin",
    "start",
    "explain",
    "set",
    "use",
    "copy",
    "merge",
    "replace",
    "call",
    "exec",
    "execute",
    "declare",
    "do",
    "if",
    "show",
    "purge",
    "reset",
    "commit",
    "rollback",
    "pragma",
    "vacuum",
    "backup",
    "restore",
    "detach",
    "attach",
    "rename",
    "flush",
    "lock",
    "load",
    "unload",
    "optimize",
    "match",
    "optional",
    "go",
    "analyze",
    "system",
    "undrop",
    "dr",
    "del",
    "refresh",
    "dbcc",
    "prepare",
    "deallocate",
];

static BEGINNINGS: LazyLock<Table<()>> = LazyLock::new(|| Table::new(STARTS.iter().map(|word| (*word, ()))));

/// Whether a text begins as statements do.
pub(super) fn looks_like(text: &str) -> bool {
    // They are no tokens that count, and there may be many.
    let is_nothing = |letter: char| letter.is_ascii_whitespace() || matches!(letter, '(' | ')' | ';');
    let start = text.trim_start_matches(is_nothing);
    if let Some(word) = first_word(start) {
        return BEGINNINGS.get(word).is_some();
    }
    let mut tokens = Tokens::new(start);
    match tokens.find(|token| !matches!(token.text.as_ref(), "(" | ";" | "'" | ")")) {
        Some(token) => match token.kind {
            Kind::Word => BEGINNINGS.get(token.text.as_bytes()).is_some(),
            // What closes a string of somebody else's statement: `1'; drop table …`.
            Kind::Number | Kind::Text | Kind::Name => text.contains(';'),
            Kind::Symbol => false,
        },
        None => false,
    }
}

/// Judges the statements of a text.
pub(super) fn judge(text: &str, found: &mut Vec<(Range<usize>, Found)>) {
    Script { found, depth: 0, at: None, transaction: Transaction::default(), passing: false }.judge(text);
}

/// Statements being gone through.
struct Script<'f> {
    found: &'f mut Vec<(Range<usize>, Found)>,
    depth: u8,
    /// Where all of it stands, if it is a string of another.
    at: Option<Range<usize>>,
    transaction: Transaction,
    /// Within the body of a function that is only made.
    passing: bool,
}

impl Script<'_> {
    fn judge(&mut self, text: &str) {
        let first = self.found.len();
        let mut statement: Vec<Token<'_>> = Vec::new();
        for token in Tokens::new(text) {
            if token.kind == Kind::Symbol && token.text == ";"
                || token.is("go") && statement.last().is_none_or(|last| last.ends_line(text, &token))
            {
                self.statement(&statement);
                statement.clear();
            } else if statement.len() < MAX_TOKENS {
                push(&mut statement, token);
            }
            if self.found.len() >= first + MAX_FOUND {
                return;
            }
        }
        self.statement(&statement);
        if self.transaction.is_undone() {
            for (_, found) in self.found.iter_mut().skip(first) {
                if let Found::Act(act) = found {
                    act.score = act.score.min(0.4);
                }
            }
        }
    }

    fn statement(&mut self, tokens: &[Token<'_>]) {
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return };
        let span = self.at.clone().unwrap_or(first.span.start..last.span.end);
        self.transaction.note(tokens);
        if statement::makes_routine(tokens) {
            self.passing = tokens.iter().any(|token| token.is("begin")) && !last.is("end");
            return;
        }
        if self.passing {
            self.passing = !(first.is("end") || last.is("end"));
            return;
        }
        if let Some(script) = statement::shell(tokens) {
            self.found.push((span.clone(), Found::Shell(script)));
        }
        if let Some(act) = statement::judge(tokens, &self.transaction) {
            self.found.push((span.clone(), Found::Act(act)));
        }
        if self.depth < MAX_DEPTH && statement::runs_strings(tokens) {
            for token in tokens.iter().filter(|token| token.kind == Kind::Text).take(8) {
                let inner = token.inner();
                Script {
                    found: self.found,
                    depth: self.depth + 1,
                    at: Some(span.clone()),
                    transaction: Transaction::default(),
                    passing: false,
                }
                .judge(inner);
            }
        }
    }
}

/// Adds a token; a keyword that a comment cut in two is one again.
fn push<'a>(statement: &mut Vec<Token<'a>>, token: Token<'a>) {
    if token.glued
        && let Some(last) = statement.last_mut()
        && last.kind == Kind::Word
        && token.kind == Kind::Word
    {
        let joined = format!("{}{}", last.text, token.text);
        if ["drop", "delete", "truncate", "table", "from", "update", "alter", "database"]
            .iter()
            .any(|word| joined.eq_ignore_ascii_case(word))
        {
            last.text = joined.into();
            last.span.end = token.span.end;
            return;
        }
    }
    statement.push(token);
}
