//! Scenario files: messages, and what a policy should make of each.
//!
//! Files of knorq's mcpgw load as they are: a name, a method, parameters as JSON text, a subject, roles, `allow` or
//! `deny`. Everything else is ours. Docs: `docs/policy.md`.

mod effects;
mod expect;
mod read;

pub(super) use effects::{EffectScenario, effect_of};
use expect::{Expectation, Mismatch};
#[cfg(test)]
pub(super) use read::read;
pub(super) use read::{SERVER, read_all, usual};

use super::trial::{Outcome, Trial};
use crate::policy::Policy;

/// A message and what is expected.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    pub(super) name: String,
    pub(super) trial: Trial,
    pub(super) expect: Expectation,
}

impl Scenario {
    /// Puts the message before `policy`: what became of it, and everything that was expected otherwise.
    pub(super) fn run(&self, policy: &Policy) -> (Outcome, Vec<Mismatch>) {
        let outcome = self.trial.run(policy);
        let mismatches = self.expect.compare(&self.trial, &outcome);
        (outcome, mismatches)
    }
}

#[cfg(test)]
mod tests;
