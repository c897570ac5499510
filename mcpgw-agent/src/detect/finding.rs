//! What detectors say.

use std::ops::Range;

use crate::mcp::Role;

/// Every detector there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Detector {
    /// Instructions addressed to the model.
    Injection,
    /// Tool definitions that lie or instruct.
    Poisoning,
    /// Definitions that are not what was approved.
    Pins,
    /// Keys, tokens, passwords.
    Secrets,
    /// Personal data.
    Pii,
    /// Commands that destroy.
    Destructive,
    /// Calls that leave the project their session is about.
    Scope,
    /// Paths that climb out of where they should stay.
    Traversal,
    /// Addresses only the server's network can reach.
    Ssrf,
    /// Data carried out in what looks like something else.
    Exfiltration,
    /// Arguments that become options or commands of a program.
    ArgumentInjection,
    /// Untrusted text, private data and a way out in one session.
    Flow,
    /// Arguments and results that are not what their schema says.
    Schema,
    /// Calls in a risky order.
    Sequence,
    /// Calls whose server did to the host what it never did, or may not.
    Effects,
    /// Whatever a guardrail outside says.
    External,
}

impl Detector {
    /// All of them, in order.
    pub const ALL: [Self; 16] = [
        Self::Injection,
        Self::Poisoning,
        Self::Pins,
        Self::Secrets,
        Self::Pii,
        Self::Destructive,
        Self::Scope,
        Self::Traversal,
        Self::Ssrf,
        Self::Exfiltration,
        Self::ArgumentInjection,
        Self::Flow,
        Self::Schema,
        Self::Sequence,
        Self::Effects,
        Self::External,
    ];

    /// Its word in policies, records and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Injection => "injection",
            Self::Poisoning => "poisoning",
            Self::Pins => "pins",
            Self::Secrets => "secrets",
            Self::Pii => "pii",
            Self::Destructive => "destructive",
            Self::Scope => "scope",
            Self::Traversal => "traversal",
            Self::Ssrf => "ssrf",
            Self::Exfiltration => "exfiltration",
            Self::ArgumentInjection => "argument-injection",
            Self::Flow => "flow",
            Self::Schema => "schema",
            Self::Sequence => "sequence",
            Self::Effects => "effects",
            Self::External => "external",
        }
    }
}

/// How bad it is if it is what it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a line in the record.
    Low,
    /// Worth a look.
    Medium,
    /// Should not pass unasked.
    High,
    /// Should not pass.
    Critical,
}

impl Severity {
    /// Its word in policies, records and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// What a detector found in one reading of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// What it is: a word of the detector's own, in snake case (`github_token`, `credit_card`, `recursive_delete`).
    pub kind: &'static str,
    /// How bad that is.
    pub severity: Severity,
    /// How sure the detector is, from 0 to 1. What is below the detector's threshold counts only where all is asked for.
    pub score: f32,
    /// Bytes of the reading, where characters begin and end: what is to be replaced, if it is.
    pub range: Range<usize>,
    /// Why, for a person: never a piece of the text.
    pub why: &'static str,
}

/// What a detector found in one text of a message: everything of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Who found it.
    pub detector: Detector,
    /// What it is; see [`Hit::kind`].
    pub kind: &'static str,
    /// How bad that is: the worst of all.
    pub severity: Severity,
    /// How sure the detector is, from 0 to 1: the most of all.
    pub score: f32,
    /// Why, for a person: never a piece of the text.
    pub why: &'static str,
    /// What the text is for.
    pub role: Role,
    /// The text's place in the document's index: [`Value::at`](crate::json::Value::at) finds it.
    pub node: usize,
    /// The text is a key.
    pub is_key: bool,
    /// Bytes of the decoded text as it came, in order and apart from each other: what is to be replaced, if it is.
    pub ranges: Vec<Range<usize>>,
}

impl Finding {
    /// Adds another of the kind. The ranges are put in order by [`settle`](Self::settle).
    pub(super) fn add(&mut self, severity: Severity, score: f32, why: &'static str, range: Range<usize>) {
        self.severity = self.severity.max(severity);
        if score > self.score {
            (self.score, self.why) = (score, why);
        }
        // Readings of one text find the same again.
        if self.ranges.last() != Some(&range) {
            self.ranges.push(range);
        }
    }

    /// Ranges that overlap become one.
    pub(super) fn settle(&mut self) {
        self.ranges.sort_by_key(|range| (range.start, range.end));
        self.ranges.dedup_by(|next, last| {
            let overlaps = next.start < last.end || *next == *last;
            if overlaps {
                last.end = last.end.max(next.end);
            }
            overlaps
        });
    }
}
