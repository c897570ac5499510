//! What verifying found.

use std::path::PathBuf;

use serde::Serialize;

/// Findings that are kept; all are counted.
pub(super) const FINDINGS_MAX: usize = 100;
/// Notices that are kept; all are counted.
pub(super) const NOTICES_MAX: usize = 100;

/// What is to be said of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The file.
    pub file: PathBuf,
    /// The short of it.
    pub outcome: Outcome,
    /// It ends in a seal, and a key vouches for all of it.
    #[serde(skip)]
    pub(super) ended: bool,
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
    /// The last record a key vouches for: beyond it anybody could have written what there is.
    pub valid_seq: Option<u64>,
    /// The number of its last seal, where it has one: what follows it can be cut off without a trace.
    pub sealed_seq: Option<u64>,
    /// Seals there are: checkpoints, ends of epochs, ends of the log.
    pub seals: u64,
    /// The epoch at its end, where the key evolves.
    pub epoch: Option<u64>,
    /// Times a process began to write after one that had not closed the log: it crashed, or its end was cut off.
    pub interrupted: u64,
    /// Records the writer says it could not write.
    pub lost: u64,
    /// What is wrong, in the file's order; the first hundred.
    pub findings: Vec<Finding>,
    /// How much is wrong.
    pub findings_total: u64,
    /// What is not wrong by itself, but to be explained; the first hundred.
    pub notices: Vec<Notice>,
    /// How many of these there are.
    pub notices_total: u64,
}

/// The short of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All of it is as it was written, and it was closed.
    Valid,
    /// What there is is as it was written, but there may have been more.
    NotClosed,
    /// What there is is as it was written, but for the beginning, which is missing.
    Beheaded,
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

/// Something that has to be explained by whoever runs the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// The line it is noticed at, counted from 1; `None` where it is about the file.
    pub line: Option<u64>,
    /// The record's number.
    pub seq: Option<u64>,
    /// How long, in milliseconds, where it is about time.
    pub millis: u64,
    /// What.
    pub kind: NoticeKind,
}

/// What may have to be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// A record is older than the one before it.
    ClockBack,
    /// There was nothing, not even a seal, for longer than seals are apart.
    Silence,
    /// The key file beside the log is not that of this log: how far the log had gone on cannot be told.
    ForeignState,
    /// There is no key file beside the log, or no right to read it: as above.
    NoState,
    /// The last record says that the log goes on in another file, and there is none.
    GoesOn,
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
    /// It is signed with the key of another epoch than its own: somebody took that key.
    WrongEpoch,
    /// An epoch ends with a record that names another key than the one that comes next.
    WrongNext,
    /// A file of the log is missing before this one.
    Removed,
    /// The file stands in another's place: what it has was before.
    Replayed,
    /// The key, or a record noted elsewhere, is of a time after this log's end: its end is gone, or it is an older copy.
    RolledBack,
    /// The file ends within a record, or has none.
    Truncated,
    /// The first record names another key.
    OtherKey,
}

impl Report {
    /// There was a record `seq`, and this, the log's last file, ends before it.
    pub(super) fn roll_back(&mut self, seq: u64) {
        self.outcome = Outcome::Tampered;
        self.findings_total += 1;
        let line = self.lines.saturating_add(1);
        self.findings.push(Finding { line, seq: Some(seq), count: 1, kind: Kind::RolledBack });
    }

    /// The log says that its records up to `deleted` were deleted as configured: it may begin after that.
    pub(super) fn allow_beginning_after(&mut self, deleted: u64) {
        let allowed = self.first_seq.is_some_and(|first| first <= deleted.saturating_add(1));
        if self.outcome != Outcome::Beheaded || !allowed {
            return;
        }
        self.findings.retain(|finding| finding.kind != Kind::Beheaded);
        self.findings_total = self.findings_total.saturating_sub(1);
        self.outcome = if self.ended { Outcome::Valid } else { Outcome::NotClosed };
    }

    /// Nothing beside the log says how far it had gone on, so that its end is as good as open.
    pub(super) fn end_unknown(&mut self, kind: NoticeKind) {
        self.outcome = self.outcome.max(Outcome::NotClosed);
        self.notices_total += 1;
        self.notices.push(Notice { line: None, seq: None, millis: 0, kind });
    }
}

impl Notice {
    /// One sentence about it.
    #[must_use]
    pub fn explain(&self) -> String {
        let seq = self.seq.map_or_else(|| "unknown".to_owned(), |seq| seq.to_string());
        let seconds = format!("{}.{:03}", self.millis / 1000, self.millis % 1000);
        match self.kind {
            NoticeKind::ClockBack => format!("the clock went back by {seconds} s at sequence {seq}"),
            NoticeKind::Silence => {
                format!("silent for {seconds} s before sequence {seq}, without a checkpoint")
            }
            NoticeKind::ForeignState => {
                "the key file beside it is not this log's: whether the log went on cannot be told".to_owned()
            }
            NoticeKind::NoState => {
                "its key file (….seal) is not beside it: whether the log went on cannot be told".to_owned()
            }
            NoticeKind::GoesOn => {
                "its last record says that the log goes on in another file, and there is none".to_owned()
            }
        }
    }
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
            Kind::WrongEpoch => {
                format!(
                    "wrong epoch: sequence {seq} is signed with a key that was not in force: that key was taken"
                )
            }
            Kind::WrongNext => {
                format!("wrong epoch: sequence {seq} names another key than the one that follows")
            }
            Kind::Removed => {
                format!("a file is missing: sequence {seq} to {}", last.unwrap_or_default())
            }
            Kind::Replayed => format!("replayed: it begins with sequence {seq}, which was before"),
            Kind::RolledBack => {
                format!("rolled back: there was a sequence {seq}, and the log ends before it")
            }
            Kind::Truncated => "truncated: the file ends within a record".to_owned(),
            Kind::OtherKey => "signed with another key, or its first record was edited".to_owned(),
        }
    }
}
