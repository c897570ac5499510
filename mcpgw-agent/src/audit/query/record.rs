//! One line of a log, read again. A log may have been written by anybody: what is no record is `None`.

use std::borrow::Cow;

use bytes::Bytes;
use jiff::Timestamp;

use crate::audit::chain::{LINE_MAX, Seal};
use crate::json::{Document, Limits, Value};

/// What a record can have at all: its own envelope around a message's arguments.
const LIMITS: Limits = Limits { bytes: LINE_MAX, depth: 160, values: 600_000 };

/// What records are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Facet {
    /// The server's name.
    Server,
    /// The tool's name.
    Tool,
    /// The authenticated subject.
    Subject,
    /// The session's id.
    Session,
    /// The message's method.
    Method,
    /// `c2s` or `s2c`.
    Direction,
    /// What happened to the message.
    Action,
    /// What enforce mode would have done.
    Would,
    /// The policy's rule.
    Rule,
    /// A detector that found something, `secrets`, and with what it found, `secrets/github_token`.
    Detector,
    /// A label, `key=value`.
    Label,
    /// The kind of a record that is no message.
    Event,
    /// Where it was seen, if not in the gateway: `tap`.
    Source,
}

impl Facet {
    /// Every facet, each at the place of its [`number`](Self::number).
    pub const ALL: [Self; 13] = [
        Self::Server,
        Self::Tool,
        Self::Subject,
        Self::Session,
        Self::Method,
        Self::Direction,
        Self::Action,
        Self::Would,
        Self::Rule,
        Self::Detector,
        Self::Label,
        Self::Event,
        Self::Source,
    ];

    /// The facet whose value is the text of the member `key`.
    fn of(key: &str) -> Option<Self> {
        Some(match key {
            "server" => Self::Server,
            "tool_name" => Self::Tool,
            "subject" => Self::Subject,
            "session" => Self::Session,
            "method" => Self::Method,
            "direction" => Self::Direction,
            "action" => Self::Action,
            "would" => Self::Would,
            "rule" => Self::Rule,
            "event" => Self::Event,
            "source" => Self::Source,
            _ => return None,
        })
    }

    /// Its number in the index; never another one's within a version of the schema.
    pub(in crate::audit) fn number(self) -> u8 {
        self as u8
    }
}

/// A record as it stands in a log.
#[derive(Debug, Clone)]
pub struct StoredRecord {
    document: Document,
    seq: u64,
    time: Timestamp,
}

impl StoredRecord {
    /// Reads `line`, which has no line feed; `None` where it is no record: no strict JSON, not sealed, without a time.
    /// Whether its seal is true is for [`Verifier`](crate::audit::Verifier) to say.
    #[must_use]
    pub fn read(line: &[u8]) -> Option<Self> {
        let seq = Seal::of(line)?.seq;
        i64::try_from(seq).ok()?;
        let document = Document::parse(Bytes::copy_from_slice(line), &LIMITS).ok()?;
        let (first, time) = document.root().members().next()?;
        let time = time.as_str().filter(|_| first.as_str().as_deref() == Some("timestamp"))?.parse().ok()?;
        Some(Self { seq, time, document })
    }

    /// Its number.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// When it was written, by the clock of its host.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The line, without its line feed: UTF-8, one JSON object.
    #[must_use]
    pub fn line(&self) -> &str {
        self.document.root().raw()
    }

    /// The JSON object.
    #[must_use]
    pub fn root(&self) -> Value<'_> {
        self.document.root()
    }

    /// The text of the member `key`, or its number as it is spelled.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        plain(self.root().get(key)?)
    }

    /// The line, taken apart.
    pub(in crate::audit) fn document(&self) -> &Document {
        &self.document
    }

    /// Calls `each` with every value of every facet it has.
    pub fn facets(&self, mut each: impl FnMut(Facet, &str)) {
        for (key, value) in self.root().members() {
            let Some(key) = key.as_str() else { continue };
            match (&*key, Facet::of(&key)) {
                (_, Some(facet)) => {
                    if let Some(text) = value.as_str() {
                        each(facet, &text);
                    }
                }
                ("findings", None) => {
                    for finding in value.elements() {
                        let part = |key| finding.get(key).and_then(Value::as_str);
                        let Some(detector) = part("detector") else { continue };
                        each(Facet::Detector, &detector);
                        if let Some(kind) = part("type") {
                            each(Facet::Detector, &format!("{detector}/{kind}"));
                        }
                    }
                }
                ("labels", None) => {
                    for (key, value) in value.members() {
                        if let (Some(key), Some(value)) = (key.as_str(), plain(value)) {
                            each(Facet::Label, &format!("{key}={value}"));
                        }
                    }
                }
                (_, None) => {}
            }
        }
    }

    /// Calls `each` with the ids of all decisions it names: its own, its request's, that of what was held, and where what
    /// makes it dangerous comes from. One may come twice.
    pub fn decisions(&self, mut each: impl FnMut(&str)) {
        for (key, value) in self.root().members() {
            match key.as_str().as_deref() {
                Some("decision_id" | "request_id" | "answers" | "held") => {
                    if let Some(id) = value.as_str() {
                        each(&id);
                    }
                }
                Some("origins") => value.elements().filter_map(Value::as_str).for_each(|id| each(&id)),
                Some(_) | None => {}
            }
        }
    }
}

/// A text, or a number as it is spelled.
pub(super) fn plain(value: Value<'_>) -> Option<Cow<'_, str>> {
    value.as_str().or_else(|| value.as_number().map(Cow::Borrowed))
}
