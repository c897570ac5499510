//! Why a message is evaluated as it is.

use super::Evaluation;
use super::conditions::Checked;
use super::evaluate::why;
use super::facts::Facts;
use super::text::Readings;

/// An evaluation and the way to it.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Explanation {
    /// What came of it.
    pub evaluation: Evaluation,
    /// The rules that were looked at, in order; the last one decided, unless none did.
    pub steps: Vec<Step>,
}

/// A rule that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name.
    pub rule: Box<str>,
    /// It is on trial: it matched or not, others decide.
    pub dry_run: bool,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of looking at a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It matched.
    Matched,
    /// It did not.
    NotMatched {
        /// The key of the first condition that did not hold, as `tools` or `arguments.path`.
        condition: Box<str>,
        /// Why not, in a few words.
        why: Box<str>,
    },
    /// A condition could not be evaluated.
    Error {
        /// Its key.
        condition: Box<str>,
        /// What went wrong.
        error: Box<str>,
        /// It counts as a match all the same: the rule does not allow.
        matched: bool,
    },
}

impl Outcome {
    pub(super) fn of(checked: &Checked, matched: bool, facts: &Facts<'_>) -> Self {
        match checked {
            Checked::Yes => Self::Matched,
            Checked::Maybe => {
                Self::NotMatched { condition: "arguments".into(), why: "it depends on them".into() }
            }
            Checked::No(miss) => Self::NotMatched { condition: miss.key(), why: why(miss, facts).into() },
            Checked::Error(miss, error) => {
                Self::Error { condition: miss.key(), error: error.clone(), matched }
            }
        }
    }
}

/// Characters of a value shown at most.
const MAX_SHOWN: usize = 80;

impl Facts<'_> {
    /// What the condition `key` looks at.
    pub(super) fn values(&self, key: &str) -> Vec<String> {
        let context = self.context;
        let readings = |readings: &[Readings<'_>]| -> Vec<String> {
            readings.iter().map(|text| text.raw().to_owned()).collect()
        };
        let text = |text: Option<&str>| text.map(str::to_owned).into_iter().collect();
        let values: Vec<String> = match key {
            "methods" => readings(self.method.as_slice()),
            "tools" => readings(self.tool.as_slice()),
            "prompts" => readings(self.prompt.as_slice()),
            "resources" => readings(&self.resources),
            "directions" => text(Some(self.direction.as_str())),
            "transports" => text(Some(context.transport.as_str())),
            "servers" => text(Some(&context.server)),
            "clients" => text(context.client.as_deref()),
            "revisions" => text(self.revision.map(crate::mcp::Revision::as_str)),
            "subjects" => text(context.principal.subject.as_deref()),
            "roles" => context.principal.roles.iter().map(|role| role.to_string()).collect(),
            _ => Vec::new(),
        };
        values.into_iter().map(|value| value.chars().take(MAX_SHOWN).collect()).collect()
    }
}
