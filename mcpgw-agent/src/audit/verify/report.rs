//! What verifying found.

use std::path::PathBuf;

use serde::Serialize;

/// Findings that are kept; all are counted.
pub(super) const FINDINGS_MAX: usize = 100;

/// What is to be said of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The file.
    pub file: PathBuf,
    /// The short of it.
    pub outcome: Outcome,
    /// A process is writing it now.
    pub live: bool,
    /// Lines there are.
    pub lines: u64,
    /// Records whose signature is right.
    pub records: u64,
    /// Number of the first of them.
    pub first_seq: Option<u64>,
    /// The greatest number among them.
    pub last_seq: Option<u64>,
    /// That record's hash: noted elsewhere, it shows later whether the file still has it.
    pub head: Option<String>,
    /// Times a process began to write after one that had not closed the log: it crashed, or its end was cut off.
    pub interrupted: u64,
    /// Records the writer says it could not write.
    pub lost: u64,
    /// What is wrong, in the file's order; the first hundred.
    pub findings: Vec<Finding>,
    /// How much is wrong.
    pub findings_total: u64,
}

/// The short of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All of it is as it was written, and it was closed.
    Valid,
    /// What there is is as it was written, but there may have been more.
    NotClosed,
    /// It is signed with another key.
    OtherKey,
    /// It is not as it was written.
    Tampered,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The line it is noticed at, counted from 1.
    pub line: u64,
    /// The record's number, or the first one's that is missing, as far as that can be told.
    pub seq: Option<u64>,
    /// How many records it is about.
    pub count: u64,
    /// What.
    pub kind: Kind,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A line is not what was signed.
    Edited,
    /// Records are missing before this line.
    Deleted,
    /// A line was not written here.
    Inserted,
    /// A record stands after one that followed it.
    Reordered,
    /// The record does not follow the one before it, though its number does: an end was cut off and another begun.
    Spliced,
    /// The first records are missing.
    Beheaded,
    /// The file ends within a record, or has none.
    Truncated,
    /// The first record names another key.
    OtherKey,
}

impl Finding {
    /// One sentence about it.
    #[must_use]
    pub fn explain(&self) -> String {
        let last = self.seq.map(|seq| seq.saturating_add(self.count.saturating_sub(1)));
        let seq = self.seq.map_or_else(|| "unknown".to_owned(), |seq| seq.to_string());
        match self.kind {
            Kind::Edited => format!("edited: the signature of sequence {seq} does not match"),
            Kind::Deleted if self.count == 1 => format!("deleted: sequence {seq} is missing"),
            Kind::Deleted => {
                format!("deleted: sequence {seq} to {} is missing", last.unwrap_or_default())
            }
            Kind::Inserted => format!("inserted: it was not written here (sequence {seq})"),
            Kind::Reordered => format!("reordered: sequence {seq} stands after one that followed it"),
            Kind::Spliced => {
                format!("spliced: sequence {seq} follows another record than the one before it")
            }
            Kind::Beheaded => format!("beheaded: it begins with sequence {seq}"),
            Kind::Truncated => "truncated: the file ends within a record".to_owned(),
            Kind::OtherKey => "signed with another key, or its first record was edited".to_owned(),
        }
    }
}
