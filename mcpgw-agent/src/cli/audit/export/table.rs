//! Records as a table. What a cell holds came from peers, and whoever opens the table may do so in a spreadsheet.

use std::io::Write;

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};

use crate::audit::query::StoredRecord;
use crate::cli::error::CliError;
use crate::cli::text::clean;
use crate::json::{Kind, Value};

/// The columns: members of a record, and `policy` in its two parts. A new one comes last.
const COLUMNS: [&str; 44] = [
    "timestamp",
    "seq",
    "event",
    "direction",
    "method",
    "id",
    "kind",
    "size",
    "action",
    "reason",
    "would",
    "rule",
    "hold",
    "held",
    "decided_by",
    "mode",
    "subject",
    "server",
    "upstream",
    "transport",
    "client",
    "session",
    "revision",
    "request_id",
    "decision_id",
    "answers",
    "tool_name",
    "prompt",
    "resource",
    "task",
    "tool_args",
    "tool_args_omitted",
    "outcome",
    "error_code",
    "findings",
    "origins",
    "labels",
    "dry_run",
    "errors",
    "error",
    "latency_us",
    "answered_us",
    "policy_generation",
    "policy_hash",
];

/// Writes rows.
pub(super) struct Table<W: Write> {
    writer: Writer<W>,
    cells: Vec<String>,
}

impl<W: Write> Table<W> {
    /// Writes the row of names.
    pub(super) fn begin(to: W) -> Result<Self, CliError> {
        // Every cell has quotation marks, so that a reader that splits at other signs than commas makes no cell of its own.
        let mut builder = WriterBuilder::new();
        let mut writer = builder.quote_style(QuoteStyle::Always).terminator(Terminator::CRLF).from_writer(to);
        writer.write_record(COLUMNS).map_err(failed)?;
        Ok(Self { writer, cells: vec![String::new(); COLUMNS.len()] })
    }

    /// Writes the row of `record`.
    pub(super) fn row(&mut self, record: &StoredRecord) -> Result<(), CliError> {
        self.cells.iter_mut().for_each(String::clear);
        for (key, value) in record.root().members() {
            let Some(key) = key.as_str() else { continue };
            if key == "policy" {
                self.set("policy_generation", value.get("generation"));
                self.set("policy_hash", value.get("hash"));
            } else {
                self.set(&key, Some(value));
            }
        }
        self.writer.write_record(&self.cells).map_err(failed)
    }

    /// Writes what is left.
    pub(super) fn end(mut self) -> Result<(), CliError> {
        Ok(self.writer.flush()?)
    }

    fn set(&mut self, column: &str, value: Option<Value<'_>>) {
        let at = COLUMNS.iter().position(|known| *known == column);
        if let (Some(cell), Some(value)) = (at.and_then(|at| self.cells.get_mut(at)), value) {
            *cell = self::cell(value);
        }
    }
}

fn failed(error: csv::Error) -> CliError {
    // A reader that left is told from a disk that is full.
    if error.is_io_error()
        && let csv::ErrorKind::Io(error) = error.into_kind()
    {
        return error.into();
    }
    CliError::failure(anyhow::anyhow!("a row cannot be written"))
}

/// The text of `value`: a string's own, else its JSON.
fn cell(value: Value<'_>) -> String {
    let text = value.as_str().unwrap_or_else(|| value.raw().into());
    // No cell goes over several lines, and nothing in it controls the terminal it is looked at in.
    let text = clean(&text);
    // A number is one, with its sign.
    if value.kind() != Kind::Number && is_formula(&text) { format!("'{text}") } else { text.into_owned() }
}

/// A spreadsheet would calculate it, or might after dropping what stands before: space, quotation marks, signs that do not
/// show. Full-width forms count: some read them as the others.
fn is_formula(text: &str) -> bool {
    let begins = text.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`'));
    begins.starts_with(['=', '+', '-', '@', '|', '%', '＝', '＋', '－', '＠', '−', '﹦', '﹢', '﹣', '﹫'])
        || text.starts_with(['\t', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_formula_is_text() {
        for text in [
            "=1+1", "+1", "-1", "@SUM(A1)", " =1", "\u{a0}=1", "\"=1", "＝1", "＋1", "－1", "＠x", "|x", "%0",
        ] {
            assert!(is_formula(text), "{text}");
        }
        for text in ["", "a=1", "1-2", "{\"a\":\"=1\"}", "/etc", "tools/call"] {
            assert!(!is_formula(text), "{text}");
        }
    }
}
