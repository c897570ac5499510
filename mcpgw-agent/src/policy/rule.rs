//! Rules as they are written and as they are evaluated.

use super::Mode;
use super::conditions::Conditions;
use super::redact::Redact;
use super::text::Side;
use crate::yaml::Place;

/// One rule of a policy.
#[derive(Debug)]
pub struct Rule {
    pub(super) name: Box<str>,
    pub(super) action: Action,
    pub(super) mode: Option<Mode>,
    pub(super) dry_run: bool,
    pub(super) conditions: Conditions,
    pub(super) redact: Option<Redact>,
    pub(super) described: Vec<Described>,
    pub(super) place: Option<Place>,
}

/// What a rule does with a message that matches: `action:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// `allow`: it passes as it is.
    Allow,
    /// `deny`: it does not pass.
    Deny {
        /// `answer: result`: a tool call is answered by a result the model may read; `answer: error`, the default, by a
        /// JSON-RPC error.
        as_result: bool,
    },
    /// `redact`: it passes with what the rule's `redact:` names replaced.
    Redact,
    /// `hold`: it waits for a person.
    Hold,
}

impl Action {
    /// Its word in policies.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny { .. } => "deny",
            Self::Redact => "redact",
            Self::Hold => "hold",
        }
    }

    /// Which way a doubtful match is safe.
    pub(super) fn side(self) -> Side {
        match self {
            Self::Allow => Side::Strict,
            Self::Deny { .. } | Self::Redact | Self::Hold => Side::Wide,
        }
    }
}

/// One condition, or another part of a rule, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The key, as `methods`, `arguments.path` or `arguments.path.under`; below `redact` with that before it.
    pub key: Box<str>,
    /// Its values, lists named by `@` expanded.
    pub values: Vec<Box<str>>,
}

impl Rule {
    /// `name:`, different from every other rule's.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `action:` and `answer:`.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// `mode:`; `None` where the file's counts.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        self.mode
    }

    /// `dry_run: true`: what it would do is recorded, and the rules behind it decide.
    #[must_use]
    pub fn dry_run(&self) -> bool {
        self.dry_run
    }

    /// What `match:` and `redact:` say, in the order of the file.
    #[must_use]
    pub fn conditions(&self) -> &[Described] {
        &self.described
    }

    /// The values of the condition `key`; empty where the rule has none.
    #[must_use]
    pub fn condition(&self, key: &str) -> &[Box<str>] {
        self.described
            .iter()
            .find(|described| *described.key == *key)
            .map_or(&[], |described| &described.values)
    }

    /// Where the rule is written.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.place
    }
}
