//! Full text: words that stand in a record's names, arguments, reasons, errors and findings.
//!
//! What somebody types is read here, strictly, and becomes an expression of FTS5 in which every term is quoted: no text
//! is an operator but those below. A record alone is looked at by the same engine, in memory, so that there is one meaning
//! of a word.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::record::{StoredRecord, plain};
use crate::json::Value;

/// Longest query, in bytes.
const QUERY_MAX: usize = 4096;
/// Most terms of a query.
const TERMS_MAX: usize = 64;
/// How the words of a record are told apart; the index has the same.
pub(in crate::audit) const TABLE: &str = "CREATE VIRTUAL TABLE words USING fts5(names, arguments, reason, error, findings, \
     content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2')";
/// Puts a record's words into it.
pub(in crate::audit) const INSERT: &str =
    "INSERT INTO words(rowid, names, arguments, reason, error, findings) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// What of a record is looked through for words: names, arguments, reason, errors, findings.
#[derive(Debug, Default)]
pub(in crate::audit) struct Texts(pub(in crate::audit) [String; 5]);

impl Texts {
    /// Takes them from `record`.
    pub(in crate::audit) fn read(&mut self, record: &StoredRecord) {
        let Self([names, arguments, reason, error, findings]) = self;
        for text in [&mut *names, arguments, reason, error, findings] {
            text.clear();
        }
        for (key, value) in record.root().members() {
            let Some(key) = key.as_str() else { continue };
            match &*key {
                "tool_name" | "prompt" | "resource" | "task" | "method" => all(names, record, value, ""),
                "tool_args" => all(arguments, record, value, ""),
                "reason" | "rule" => all(reason, record, value, ""),
                "error" | "errors" => all(error, record, value, ""),
                "findings" => all(
                    findings,
                    record,
                    value,
                    "detector type severity score_percent path count why reaction",
                ),
                _ => {}
            }
        }
    }
}

/// Every text, number and key within `value`, but for keys that are one of `but`.
fn all(out: &mut String, record: &StoredRecord, value: Value<'_>, but: &str) {
    for at in value.index()..value.end() {
        let Some(text) = plain(Value::at(record.document(), at)) else { continue };
        if but.split(' ').any(|key| key == text) {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&text);
    }
}

/// What words are looked for.
#[derive(Debug)]
pub struct Wording {
    expression: String,
    one: Mutex<Connection>,
}

/// What is wrong with a query for words.
#[derive(Debug, thiserror::Error)]
pub enum WordsError {
    /// There is nothing in it.
    #[error("there is no word to look for")]
    Empty,
    /// It is too long.
    #[error("the words to look for are more than {QUERY_MAX} bytes or {TERMS_MAX} terms")]
    TooLong,
    /// A quotation mark is missing.
    #[error("a quotation mark is missing at the end of `{0}`")]
    Unclosed(String),
    /// A term without a letter or digit.
    #[error("`{0}` has no letter and no digit to look for")]
    NoWord(String),
    /// Something is excluded and nothing asked for.
    #[error("`-{0}` excludes something: say also what to look for")]
    OnlyExcluded(String),
    /// `OR` with nothing on one side.
    #[error("`OR` stands between two words")]
    Or,
    /// The engine does not take it.
    #[error("the words to look for cannot be used")]
    Engine(#[from] rusqlite::Error),
}

impl Wording {
    /// Reads a query: words, all of which must be there; `"several words"` that follow one another; `begin*`; `-not`;
    /// `this OR that`. Everything else in a word separates it: `/etc/passwd` is `"etc passwd"`.
    ///
    /// # Errors
    /// [`WordsError`]
    pub fn parse(text: &str) -> Result<Self, WordsError> {
        let expression = expression(text)?;
        let one = Connection::open_in_memory()?;
        one.execute_batch(TABLE)?;
        let wording = Self { expression, one: Mutex::new(one) };
        // Says now what the engine would say later.
        wording.finds(&Texts::default())?;
        Ok(wording)
    }

    /// The expression for `MATCH`.
    pub(in crate::audit) fn expression(&self) -> &str {
        &self.expression
    }

    /// They are in `record`.
    pub(super) fn matches(&self, record: &StoredRecord) -> bool {
        let mut texts = Texts::default();
        texts.read(record);
        // The expression was tried; what is left is memory that is short.
        self.finds(&texts).unwrap_or_default()
    }

    fn finds(&self, texts: &Texts) -> Result<bool, rusqlite::Error> {
        let one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        let [names, arguments, reason, error, findings] = &texts.0;
        one.prepare_cached(INSERT)?.execute((1, names, arguments, reason, error, findings))?;
        let found =
            one.prepare_cached("SELECT 1 FROM words WHERE words MATCH ?1")?.exists([&self.expression]);
        one.prepare_cached("INSERT INTO words(words) VALUES ('delete-all')")?.execute([])?;
        found
    }
}

/// A term as typed.
struct Term<'t> {
    text: &'t str,
    excluded: bool,
    begins: bool,
}

fn expression(text: &str) -> Result<String, WordsError> {
    if text.len() > QUERY_MAX {
        return Err(WordsError::TooLong);
    }
    // Groups of which one must be there, and what must not.
    let (mut groups, mut excluded): (Vec<Vec<Term<'_>>>, Vec<Term<'_>>) = Default::default();
    let (mut rest, mut count, mut after_or) = (text.trim_start(), 0, false);
    while !rest.is_empty() {
        let (term, after) = term(rest)?;
        (rest, count) = (after.trim_start(), count + 1);
        if count > TERMS_MAX {
            return Err(WordsError::TooLong);
        }
        let Some(term) = term else {
            if after_or || groups.is_empty() {
                return Err(WordsError::Or);
            }
            after_or = true;
            continue;
        };
        if !term.text.contains(char::is_alphanumeric) {
            return Err(WordsError::NoWord(term.text.to_owned()));
        }
        match groups.last_mut().filter(|_| after_or) {
            Some(_) if term.excluded => return Err(WordsError::Or),
            Some(group) => group.push(term),
            None if term.excluded => excluded.push(term),
            None => groups.push(vec![term]),
        }
        after_or = false;
    }
    match (groups.is_empty(), excluded.first()) {
        _ if after_or => Err(WordsError::Or),
        (true, None) => Err(WordsError::Empty),
        (true, Some(term)) => Err(WordsError::OnlyExcluded(term.text.to_owned())),
        (false, _) => Ok(join(&groups, &excluded)),
    }
}

/// The first term of `text`, which is not empty, and what follows; no term where it is `OR`.
fn term(text: &str) -> Result<(Option<Term<'_>>, &str), WordsError> {
    let (excluded, bare) = match text.strip_prefix('-') {
        Some(bare) if !bare.is_empty() && !bare.starts_with(char::is_whitespace) => (true, bare),
        Some(_) | None => (false, text),
    };
    let (word, after) = match bare.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or_else(|| WordsError::Unclosed(bare.to_owned()))?,
        None => bare.split_at(bare.find(char::is_whitespace).unwrap_or(bare.len())),
    };
    if word == "OR" && !excluded && bare.starts_with('O') {
        return Ok((None, after));
    }
    let (begins, word, after) = match (word.strip_suffix('*'), after.strip_prefix('*')) {
        (_, Some(after)) if bare.starts_with('"') => (true, word, after),
        (Some(start), _) if !bare.starts_with('"') => (true, start, after),
        (_, _) => (false, word, after),
    };
    Ok((Some(Term { text: word, excluded, begins }), after))
}

fn join(groups: &[Vec<Term<'_>>], excluded: &[Term<'_>]) -> String {
    let mut out = String::new();
    let any = |out: &mut String, terms: &[Term<'_>]| {
        out.push('(');
        for (at, Term { text, begins, .. }) in terms.iter().enumerate() {
            // A NUL would end the expression.
            let text = text.replace('"', "\"\"").replace('\0', " ");
            let (or, star) = (if at > 0 { " OR " } else { "" }, if *begins { "*" } else { "" });
            // Writing to a String cannot fail.
            write!(out, "{or}\"{text}\"{star}").unwrap_or_default();
        }
        out.push(')');
    };
    out.push('(');
    for (at, group) in groups.iter().enumerate() {
        out.push_str(if at > 0 { " AND " } else { "" });
        any(&mut out, group);
    }
    out.push(')');
    if !excluded.is_empty() {
        out.push_str(" NOT ");
        any(&mut out, excluded);
    }
    out
}
