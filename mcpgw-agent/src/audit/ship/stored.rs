//! A record as receivers have to be told of it: its time, what it is, and how bad.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

/// A line of the log, read.
#[derive(Debug)]
pub(super) struct Stored<'a> {
    /// As it stands in the log.
    pub(super) line: &'a str,
    pub(super) seq: u64,
    pub(super) members: Map<String, Value>,
}

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    /// It is as it should be.
    Info,
    /// Something was taken out, or waits for a person.
    Notice,
    /// Something was refused, or would have been.
    Warning,
    /// Records are missing.
    Error,
}

impl<'a> Stored<'a> {
    /// `None` for what is no record: whoever reads the log next finds it too.
    pub(super) fn read(seq: u64, line: &'a [u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?;
        let Value::Object(members) = serde_json::from_str(line).ok()? else { return None };
        Some(Self { line, seq, members })
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.members.get(key)?.as_str()
    }

    /// What kind of event it is; `message` for a decision.
    pub(super) fn event(&self) -> &str {
        self.text("event").unwrap_or("message")
    }

    /// When it was written, as it stands there.
    pub(super) fn timestamp(&self) -> Option<&str> {
        // What follows is sent in a header of ours: nothing but a time may stand there.
        self.text("timestamp").filter(|time| time.len() == 27 && time.parse::<Timestamp>().is_ok())
    }

    /// The same in nanoseconds since 1970.
    pub(super) fn nanoseconds(&self) -> u64 {
        let since = self.timestamp().and_then(|time| time.parse::<Timestamp>().ok());
        let since =
            since.and_then(|time| Duration::try_from(time.duration_since(Timestamp::UNIX_EPOCH)).ok());
        since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or_default()
    }

    pub(super) fn severity(&self) -> Severity {
        match (self.event(), self.text("action"), self.text("would")) {
            ("log.gap" | "ship.lost", _, _) => Severity::Error,
            ("auth.failed" | "policy.failed" | "host.gap", _, _) => Severity::Warning,
            ("message", Some("block"), _) | ("message", _, Some("block")) => Severity::Warning,
            ("message", Some("redact" | "hold"), _) | ("message", _, Some(_)) => Severity::Notice,
            ("admin.hold" | "admin.reload" | "policy.loaded", _, _) => Severity::Notice,
            (_, _, _) => Severity::Info,
        }
    }
}
