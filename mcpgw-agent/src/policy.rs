//! Policy: what a message may do, as somebody wrote it down. Pure: text in, evaluations out.
//!
//! ```text
//! YAML ─▶ model (typed, strict keys) ─▶ compile (globs, regexes, CEL) ─▶ Policy
//! Request (message, session, context) ─▶ evaluate ─▶ Evaluation ─▶ verdict::decide
//! ```
//!
//! A policy evaluates, it never decides: [`crate::verdict`] does. The first rule that matches counts, no rule denies,
//! and a rule that does not allow matches where it cannot be evaluated. Three kinds of message are different:
//!
//! - Answers, of either side, pass unless a rule that names their direction (`directions: [s2c]`) matches: a rule about
//!   a call must not deny the answer of a call it let through. They are matched by the method and the tool, prompt or
//!   resource of the request they answer.
//! - What a server only tells (`notifications/…`, `ping`) passes where no rule matches, as its answers do.
//! - Requests within a server's message (`inputRequests` of 2026-07-28, the elicitations of an error) are evaluated as
//!   requests of the server, and answers within a client's (`inputResponses`) as its answers; the strictest evaluation is
//!   the message's.

mod argument;
mod arguments;
mod conditions;
mod decimal;
mod detectors;
mod doings;
pub mod effects;
mod effort;
mod error;
mod evaluate;
mod explain;
mod facts;
mod glob;
mod leaf;
mod lint;
mod names;
mod parse;
pub(crate) mod path;
mod pattern;
mod read;
mod redact;
mod request;
mod responses;
mod rule;
mod rules;
mod server_eval;
mod stands_for;
mod text;
mod weigh;
mod when;

#[cfg(test)]
mod tests;

pub use detectors::Reaction;
pub use doings::oddities;
pub use error::{PolicyError, Problem};
pub use explain::{Explanation, Outcome, Step};
pub use lint::{Warning, lint};
pub use request::{Context, End, Ends, Labels, Principal, Request, Transport};
pub use rule::{Action, Described, Rule};
pub use server_eval::{ServerEval, ServerStatus};
pub use weigh::{Weighed, placeholder};

use std::sync::Arc;

use detectors::Detectors;
use pattern::Words;
use responses::Responses;

use crate::detect::{Detector, DetectorSet};
use crate::json::Edit;
use crate::risk::Level;

/// Whether refusals are carried out or only recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Nothing is changed; what would have been is recorded.
    Observe,
    /// Refusals are carried out.
    Enforce,
}

/// What a policy makes of a message.
#[derive(Debug, Clone, PartialEq)]
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
    /// What detectors found and is not off here.
    pub findings: Vec<Weighed>,
    /// The detector and the kind of finding that decided, where no rule did.
    pub finding: Option<(Detector, &'static str)>,
    /// What is known of the server, where that decided.
    pub server: Option<(ServerStatus, Option<Level>)>,
    /// The decisions that let through what makes the message dangerous in its session.
    pub origins: Vec<Box<str>>,
    /// Changes that take secrets and personal data out of the record, whatever becomes of the message.
    pub concealed: Vec<Edit>,
    /// Changes to make before it goes on, where it is held and then approved.
    pub once_approved: Vec<Edit>,
}

impl Evaluation {
    /// It passes, by the rule of this name.
    pub fn passing(rule: Box<str>, mode: Mode) -> Self {
        Self {
            effect: Effect::Allow,
            mode,
            rule,
            dry_run: Vec::new(),
            errors: Vec::new(),
            findings: Vec::new(),
            finding: None,
            server: None,
            origins: Vec::new(),
            concealed: Vec::new(),
            once_approved: Vec::new(),
        }
    }

    /// It does not pass, whatever else is said about it.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        self.mode == Mode::Enforce && matches!(self.effect, Effect::Deny { .. })
    }

    /// Those of the `wanted` detectors that should look at the message: where it is denied anyway those alone whose
    /// findings are not written down.
    #[must_use]
    pub fn inspected_by(&self, wanted: DetectorSet) -> DetectorSet {
        if self.is_denied() { wanted.and(DetectorSet::private()) } else { wanted }
    }
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

/// A policy, ready to be evaluated. Clones share everything.
#[derive(Debug, Clone)]
pub struct Policy {
    mode: Mode,
    /// SHA-256 of the text, in hexadecimal.
    hash: Box<str>,
    is_built_in: bool,
    rules: Arc<[Rule]>,
    /// What the rules' regexes need to have in a text.
    words: Arc<Words>,
    responses: Arc<Responses>,
    response_patterns: Vec<Box<str>>,
    allowed_tools: Vec<Box<str>>,
    detectors: Arc<Detectors>,
    server_eval: Option<Arc<ServerEval>>,
    effects: Option<Arc<effects::Effects>>,
}

impl Policy {
    /// What holds where nobody wrote a policy: everything passes and is recorded.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            mode: Mode::Observe,
            hash: "built-in".into(),
            is_built_in: true,
            rules: Arc::default(),
            words: Arc::default(),
            responses: Arc::default(),
            response_patterns: Vec::new(),
            allowed_tools: Vec::new(),
            detectors: Arc::default(),
            server_eval: None,
            effects: None,
        }
    }

    /// The file's mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The mode for what no rule can be shown, or is refused before: enforce where the file, any of its rules or
    /// `server_eval` enforces.
    /// Else whatever cannot be read would get past a rule that is carried out.
    #[must_use]
    pub fn unseen(&self) -> Mode {
        let enforces = |rule: &Rule| rule.mode() == Some(Mode::Enforce) && !rule.dry_run();
        let keeps_out = self.server_eval().is_some_and(|servers| servers.mode() == Mode::Enforce);
        if keeps_out || self.rules.iter().any(enforces) { Mode::Enforce } else { self.mode }
    }

    /// SHA-256 of its text in hexadecimal; `built-in` for the one that has none.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Its rules in order.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = &Rule> {
        self.rules.iter()
    }

    /// `response_patterns:` as written.
    #[must_use]
    pub fn response_patterns(&self) -> &[Box<str>] {
        &self.response_patterns
    }

    /// `allowed_tools:`, lists named by `@` expanded; empty where the file has none.
    #[must_use]
    pub fn allowed_tools(&self) -> &[Box<str>] {
        &self.allowed_tools
    }
}
