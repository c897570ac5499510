//! Pins as lines and as JSON.

use bytes::Bytes;
use serde_json::{Value, json};

use super::waits;
use crate::cli::stored::short;
use crate::cli::text::{Line, Style};
use crate::detect::pins::{Change, Piece, phrase};
use crate::detect::{DefinitionKind, Severity};
use crate::json::{Document, Limits};
use crate::pins::{Book, Pin, PinsError};

/// Characters of a long text that did not change which are shown at either end.
const CONTEXT: usize = 40;

/// How many are approved, wait, and are gone.
fn counts(book: &Book) -> (usize, usize, usize) {
    let count = |with: fn(&Pin) -> bool| book.pins.values().filter(|pin| with(pin)).count();
    (
        count(|pin| pin.approved.is_some()),
        count(|pin| pin.waiting.is_some() && !pin.missing),
        count(|pin| pin.missing),
    )
}

/// One server on one line.
pub(super) fn listed(book: &Result<Book, PinsError>) -> Line {
    let book = match book {
        Ok(book) => book,
        Err(error) => return Line::styled(Style::Bad, &error.to_string()),
    };
    let (approved, waiting, gone) = counts(book);
    let style = if waiting + gone > 0 { Style::Warn } else { Style::Good };
    Line::styled(Style::Dim, short(book.server.hash()))
        .and(Style::Bold, &format!("  {}", book.server))
        .and(style, &format!("  {approved} approved, {waiting} waiting, {gone} gone"))
}

pub(super) fn listed_json(book: &Result<Book, PinsError>) -> Value {
    match book {
        Ok(book) => {
            let (approved, waiting, gone) = counts(book);
            let listed: Vec<_> = book.listed.iter().map(|kind| kind.as_str()).collect();
            json!({
                "server": book.server.label(), "hash": book.server.hash(), "generation": book.generation,
                "listed": listed, "approved": approved, "waiting": waiting, "gone": gone,
            })
        }
        Err(error) => json!({ "error": error.to_string() }),
    }
}

fn waiting(book: &Book) -> impl Iterator<Item = (DefinitionKind, &str, &Pin, &'static str)> {
    book.pins.iter().filter(|(_, pin)| waits(pin)).map(|((kind, name), pin)| {
        let what = match (pin.missing, &pin.approved) {
            (true, _) => "gone",
            (false, Some(_)) => "changed",
            (false, None) => "new",
        };
        (*kind, name.as_str(), pin, what)
    })
}

fn changes(pin: &Pin) -> Vec<Change> {
    pin.approved
        .as_ref()
        .zip(pin.waiting.as_ref())
        .map_or_else(Vec::new, |(before, after)| before.compare(after))
}

pub(super) fn differing_json(book: &Book) -> Value {
    let definitions: Vec<_> = waiting(book)
        .map(|(kind, name, pin, what)| {
            let changes: Vec<_> = changes(pin)
                .iter()
                .map(|change| {
                    json!({
                        "path": change.path, "part": change.what.as_str(), "severity": change.severity.as_str(),
                        "before": change.before.as_deref().map(parsed), "after": change.after.as_deref().map(parsed),
                    })
                })
                .collect();
            let new = pin.waiting.as_ref().filter(|_| pin.approved.is_none()).map(|form| parsed(form.text()));
            json!({ "kind": kind.as_str(), "name": name, "what": what, "changes": changes, "definition": new })
        })
        .collect();
    json!({ "server": book.server.label(), "hash": book.server.hash(), "definitions": definitions })
}

/// JSON as JSON; what `serde_json` does not read (it holds numbers as floats do) as text.
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Everything of one server that waits.
pub(super) fn differing(book: &Book) -> Vec<Line> {
    let mut lines = Vec::new();
    for (kind, name, pin, what) in waiting(book) {
        if lines.is_empty() {
            lines.push(
                Line::styled(Style::Bold, book.server.label())
                    .and(Style::Dim, &format!("  {}", short(book.server.hash()))),
            );
        }
        lines.push(Line::plain(&format!("  {} {name}: ", kind.as_str())).and(Style::Warn, what));
        match (&pin.approved, &pin.waiting) {
            (None, Some(form)) => lines.push(Line::styled(Style::Good, &format!("    + {}", form.text()))),
            (Some(_), Some(_)) => lines.extend(changes(pin).iter().flat_map(changed)),
            (_, None) => {}
        }
    }
    lines
}

/// Where, then what was and what is; of two texts only the words that differ.
fn changed(change: &Change) -> Vec<Line> {
    let style = match change.severity {
        Severity::Low => Style::Dim,
        Severity::Medium => Style::Warn,
        Severity::High | Severity::Critical => Style::Bad,
    };
    let mut lines = vec![Line::plain(&format!("    {} ", change.path)).and(style, change.severity.as_str())];
    if let (Some(before), Some(after)) = (text(change.before.as_deref()), text(change.after.as_deref())) {
        let line =
            phrase(&before, &after).into_iter().fold(Line::plain("      "), |line, piece| match piece {
                Piece::Same(text) => line.and(Style::Plain, &cut(&text)),
                Piece::Removed(text) => line.and(Style::Bad, &format!("[-{text}-]")),
                Piece::Added(text) => line.and(Style::Good, &format!("{{+{text}+}}")),
            });
        lines.push(line);
        return lines;
    }
    if let Some(before) = &change.before {
        lines.push(Line::styled(Style::Bad, &format!("      - {before}")));
    }
    if let Some(after) = &change.after {
        lines.push(Line::styled(Style::Good, &format!("      + {after}")));
    }
    lines
}

/// The text that a JSON string is.
fn text(json: Option<&str>) -> Option<String> {
    let document = Document::parse(Bytes::copy_from_slice(json?.as_bytes()), &Limits::default()).ok()?;
    Some(document.root().as_str()?.into_owned())
}

/// Both ends of what did not change.
fn cut(text: &str) -> String {
    let count = text.chars().count();
    if count <= 2 * CONTEXT + 5 {
        return text.to_owned();
    }
    let start: String = text.chars().take(CONTEXT).collect();
    let end: String = text.chars().skip(count - CONTEXT).collect();
    format!("{start} ... {end}")
}
