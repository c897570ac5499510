//! Guardrails outside: what they are asked about a message, and what their answers mean. Who asks is
//! `proxy::guardrail`.
//!
//! ```text
//! message ─▶ Texts (as they would go on) ─▶ Protocol::body ─▶ … ─▶ Protocol::answer ─▶ Flags ─▶ Texts::findings
//! ```
//!
//! All texts of a message are shown at once, with an empty line between them: one request a message. What a rule or
//! another detector takes out of a message is not shown.

mod generic;
mod kinds;
mod lasso;
mod offsets;
mod pointer;
mod presidio;
mod template;
#[cfg(test)]
mod tests;
mod texts;

use std::ops::Range;

use bytes::Bytes;

use super::{Detector, Finding, Severity};
use crate::json::{Document, Limits, Value};
use crate::mcp::{Direction, Role};
pub use generic::Mapping;
pub use kinds::{Kinds, is_personal, kinds};
pub use offsets::Unit;
pub use pointer::Pointer;
pub use presidio::Presidio;
pub use template::{Template, TemplateError};
pub use texts::{NotShown, Texts};

/// The kind of what is not known better.
pub const FLAG: &str = "external_flag";
/// The kind of a guardrail that gave no answer and must.
pub const UNAVAILABLE: &str = "guardrail_unavailable";
/// Flags of one answer.
const MAX_FLAGS: usize = 10_000;
/// Values and depth of an answer.
const MAX_VALUES: usize = 500_000;
const MAX_DEPTH: usize = 64;

/// How a guardrail is spoken to.
#[derive(Debug, Clone)]
pub enum Protocol {
    /// Presidio's analyzer: `POST /analyze`.
    Presidio(Presidio),
    /// Lasso's `classify`, version 3.
    Lasso,
    /// Anything that takes a JSON text and answers with one.
    Generic {
        /// What it is sent.
        body: Template,
        /// What its answer means.
        answer: Mapping,
    },
}

/// What a guardrail is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// All texts.
    pub text: &'a str,
    /// Which way the message goes.
    pub direction: Direction,
    /// The server's name.
    pub server: &'a str,
    /// The tool that is called, or answers.
    pub tool: Option<&'a str>,
}

/// One thing a guardrail says of the texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Flag {
    /// A word of a bounded list: see [`Kinds`].
    pub kind: &'static str,
    /// How bad that is.
    pub severity: Severity,
    /// How sure the guardrail is, from 0 to 1.
    pub score: f32,
    /// Bytes of the text it speaks of; `None` for all of the message.
    pub range: Option<Range<usize>>,
}

/// An answer that is not what the guardrail should say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Garbage(pub &'static str);

impl Protocol {
    /// The body of a request.
    #[must_use]
    pub fn body(&self, question: &Question<'_>) -> String {
        match self {
            Self::Presidio(presidio) => presidio.body(question),
            Self::Lasso => lasso::body(question),
            Self::Generic { body, .. } => body.fill(question),
        }
    }

    /// What `answer` says of `text`, with the kinds of `kinds`.
    ///
    /// # Errors
    /// It cannot be understood without doubt; then nothing of it counts.
    pub fn answer(&self, answer: Bytes, text: &str, kinds: &Kinds) -> Result<Vec<Flag>, Garbage> {
        let limits = Limits { bytes: answer.len(), depth: MAX_DEPTH, values: MAX_VALUES };
        let document = Document::parse(answer, &limits).map_err(|_error| Garbage("it is no JSON"))?;
        match self {
            Self::Presidio(_) => presidio::flags(document.root(), text, kinds),
            Self::Lasso => lasso::flags(document.root()),
            Self::Generic { answer, .. } => answer.flags(document.root(), text, kinds),
        }
    }
}

/// What is found where a guardrail must answer and does not; `why` names it.
#[must_use]
pub fn unavailable(why: &'static str) -> Finding {
    whole(UNAVAILABLE, Severity::High, 1.0, why)
}

/// A finding of a message as a whole: nothing can stand in its place.
fn whole(kind: &'static str, severity: Severity, score: f32, why: &'static str) -> Finding {
    let detector = Detector::External;
    let (role, node, is_key, ranges) = (Role::Structured, 0, false, Vec::new());
    Finding { detector, kind, severity, score, why, role, node, is_key, ranges }
}

/// A number from 0 to 1.
fn score(value: Value<'_>) -> Result<f32, Garbage> {
    let score = value.as_number().and_then(|number| number.parse::<f32>().ok());
    score.filter(|score| (0.0..=1.0).contains(score)).ok_or(Garbage("a score is no number from 0 to 1"))
}

/// A place in a text.
fn place(value: Option<Value<'_>>) -> Result<usize, Garbage> {
    let place = value.and_then(Value::as_number).and_then(|number| number.parse().ok());
    place.ok_or(Garbage("a place is no whole number"))
}

/// Adds a flag, of which there are only so many.
fn push(flags: &mut Vec<Flag>, flag: Flag) -> Result<(), Garbage> {
    if flags.len() >= MAX_FLAGS {
        return Err(Garbage("it has more findings than there is room for"));
    }
    flags.push(flag);
    Ok(())
}
