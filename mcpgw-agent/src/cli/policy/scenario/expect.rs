//! What a scenario expects, and how it may be disappointed.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;

use crate::cli::policy::trial::{Outcome, Trial};
use crate::json::{Document, Limits, Value};

/// What should become of a message.
#[derive(Debug, Clone, Default)]
pub(in crate::cli::policy) struct Expectation {
    /// `allow`, `deny`, `redact` or `hold`.
    pub(in crate::cli::policy) effect: &'static str,
    /// The rule that should decide.
    pub(in crate::cli::policy) rule: Option<String>,
    /// Tools that should be taken out of the list, and no others.
    pub(in crate::cli::policy) removes: Option<Vec<String>>,
    /// Text that should be in what goes on.
    pub(in crate::cli::policy) contains: Vec<String>,
    /// Text that should not.
    pub(in crate::cli::policy) lacks: Vec<String>,
}

/// Something that came otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli::policy) struct Mismatch {
    pub(in crate::cli::policy) what: &'static str,
    pub(in crate::cli::policy) expected: String,
    pub(in crate::cli::policy) actual: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, got {}", self.what, self.expected, self.actual)
    }
}

impl Expectation {
    /// Everything that came otherwise.
    pub(super) fn compare(&self, trial: &Trial, outcome: &Outcome) -> Vec<Mismatch> {
        let mut found = Vec::new();
        let mut check = |what, expected: &str, actual: &str| {
            if expected != actual {
                found.push(Mismatch { what, expected: expected.to_owned(), actual: actual.to_owned() });
            }
        };
        check("effect", self.effect, outcome.word());
        if let Some(rule) = &self.rule {
            check("rule", rule, &outcome.rule());
        }
        let forwarded = outcome.forwarded();
        if let Some(expected) = &self.removes {
            let removed = removed(trial, forwarded.as_ref());
            let list = |names: &BTreeSet<String>| {
                format!("[{}]", names.iter().cloned().collect::<Vec<_>>().join(", "))
            };
            check("removed tools", &list(&expected.iter().cloned().collect()), &list(&removed));
        }
        let text =
            forwarded.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
        let holds = |part: &String| text.contains(part.as_str());
        for (expected, parts) in [(true, &self.contains), (false, &self.lacks)] {
            for part in parts.iter().filter(|part| holds(part) != expected) {
                let (with, without) = (format!("with `{part}`"), format!("without `{part}`"));
                let (expected, actual) = if expected { (with, without) } else { (without, with) };
                found.push(Mismatch { what: "what goes on", expected, actual });
            }
        }
        found
    }
}

/// The tools that are in the message and not in what goes on.
fn removed(trial: &Trial, forwarded: Option<&Bytes>) -> BTreeSet<String> {
    let before = tools(&Bytes::copy_from_slice(trial.message.as_bytes()));
    let after = forwarded.map(tools).unwrap_or_default();
    before.difference(&after).cloned().collect()
}

fn tools(bytes: &Bytes) -> BTreeSet<String> {
    let Ok(document) = Document::parse(bytes.clone(), &Limits::default()) else { return BTreeSet::new() };
    let tools = document.root().get("result").and_then(|result| result.get("tools"));
    let elements = tools.into_iter().flat_map(Value::elements);
    elements.filter_map(|tool| Some(tool.get("name")?.as_str()?.into_owned())).collect()
}
