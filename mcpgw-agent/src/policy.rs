//! Policy: what a message may do, as somebody wrote it down. Pure: text in, evaluations out.
//!
//! ```text
//! YAML ─▶ model (typed, strict keys) ─▶ compile (globs, regexes, CEL) ─▶ Policy
//! Request (message, session, context) ─▶ evaluate ─▶ Evaluation ─▶ verdict::decide
//! ```
//!
//! A policy evaluates, it never decides: [`crate::verdict`] does. The first rule that matches counts, no rule denies,
//! and a deny rule that cannot be evaluated matches.

mod request;

pub use request::{Context, Principal, Request, Transport};

use crate::json::Edit;

/// Whether refusals are carried out or only recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Nothing is changed; what would have been is recorded.
    Observe,
    /// Refusals are carried out.
    Enforce,
}

/// What a policy makes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Evaluation {
    /// What should happen.
    pub effect: Effect,
    /// Whether it should, or only be recorded: the rule's mode, else the file's.
    pub mode: Mode,
    /// Name of the rule that decided; `(implicit-deny)` where none matched.
    pub rule: Box<str>,
    /// Rules with `dry_run` that matched before, and what each would have done.
    pub dry_run: Vec<(Box<str>, Effect)>,
    /// What went wrong in evaluating; each made its rule match if it denies.
    pub errors: Vec<Box<str>>,
}

/// What should happen to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// It passes as it is.
    Allow,
    /// It does not pass.
    Deny {
        /// A tool call is answered by a result the model may read, not by an error.
        as_result: bool,
    },
    /// It passes with these changes of its bytes.
    Redact(Vec<Edit>),
    /// It waits for a person.
    Hold,
}

/// A policy, ready to be evaluated.
#[derive(Debug, Clone)]
pub struct Policy {
    mode: Mode,
    /// SHA-256 of the text, in hexadecimal.
    hash: Box<str>,
}

impl Policy {
    /// What holds where nobody wrote a policy: everything passes and is recorded.
    #[must_use]
    pub fn built_in() -> Self {
        Self { mode: Mode::Observe, hash: "built-in".into() }
    }

    /// The file's mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// SHA-256 of its text in hexadecimal; `built-in` for the one that has none.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What it makes of `request`.
    pub fn evaluate(&self, _request: &Request<'_>) -> Evaluation {
        Evaluation {
            effect: Effect::Allow,
            mode: self.mode,
            rule: "(built-in)".into(),
            dry_run: Vec::new(),
            errors: Vec::new(),
        }
    }
}
