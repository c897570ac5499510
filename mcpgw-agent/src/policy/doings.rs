//! What follows from what a server did to the host: detectors' reactions to what is odd, and what `effects` has against it.

use super::detectors::{Reaction, Whereabouts};
use super::effects::{EffectAction, Violation};
use super::evaluate::stronger;
use super::{Effect, Evaluation, Policy, Weighed};
use crate::detect::{Detector, Finding, Severity};
use crate::effects::{Collected, Oddity};
use crate::mcp::{Direction, Role};

/// The kind of a finding that is a violation of `effects`. What follows says the rule: no detector's reaction does.
const NOT_ALLOWED: &str = "not_allowed";

/// What is odd about what was done, each kind once. It stands nowhere in a message: all of it is meant.
#[must_use]
pub fn oddities(done: &Collected) -> Vec<Finding> {
    done.odd.iter().map(|odd| finding(odd.what.as_str(), odd.severity, odd.what.why())).collect()
}

impl Policy {
    /// What detectors' settings make of what `server` did outside of any answer, and what `effects` has against it. Nothing
    /// is left to be refused.
    #[must_use]
    pub fn weigh_doings(&self, server: &str, tool: Option<&str>, done: &Collected) -> Vec<Weighed> {
        let mut weighed: Vec<Weighed> = oddities(done)
            .into_iter()
            .map(|finding| Weighed { reaction: self.reaction(server, tool, &finding), finding })
            .filter(|weighed| weighed.reaction > Reaction::Off)
            .collect();
        weighed.extend(done.violations.iter().map(violated));
        weighed
    }

    /// Whether what is odd in this way is more than noted where `server` does it.
    #[must_use]
    pub fn objects(&self, server: &str, tool: Option<&str>, what: Oddity) -> bool {
        let finding = finding(what.as_str(), Severity::High, what.why());
        self.reaction(server, tool, &finding) > Reaction::Observe
    }

    fn reaction(&self, server: &str, tool: Option<&str>, finding: &Finding) -> Reaction {
        self.detectors.reaction(finding, &Whereabouts { server, tool, direction: Direction::ToClient })
    }

    /// `evaluation` of an answer, and what `effects` has against what was done meanwhile. The stricter of all counts.
    pub fn hold_to(&self, evaluation: Evaluation, violations: &[Violation]) -> Evaluation {
        if violations.is_empty() {
            return evaluation;
        }
        let mut findings = evaluation.findings.clone();
        let (origins, concealed) = (evaluation.origins.clone(), evaluation.concealed.clone());
        findings.extend(violations.iter().map(violated));
        let refused =
            violations.iter().filter(|violation| violation.act > EffectAction::Observe).map(|violation| {
                let effect = Effect::Deny { as_result: true };
                Evaluation { effect, ..Evaluation::passing(violation.rule.clone(), violation.mode) }
            });
        Evaluation { findings, origins, concealed, ..refused.fold(evaluation, stronger) }
    }
}

fn violated(violation: &Violation) -> Weighed {
    let (severity, reaction) = match violation.act {
        EffectAction::Observe => (Severity::Medium, Reaction::Observe),
        EffectAction::Deny => (Severity::High, Reaction::Deny),
        EffectAction::Kill => (Severity::Critical, Reaction::Deny),
    };
    Weighed {
        finding: finding(NOT_ALLOWED, severity, "the server did what policy does not allow it"),
        reaction,
    }
}

fn finding(kind: &'static str, severity: Severity, why: &'static str) -> Finding {
    Finding {
        detector: Detector::Effects,
        kind,
        severity,
        // It was done.
        score: 1.0,
        why,
        role: Role::Structured,
        node: 0,
        is_key: false,
        ranges: Vec::new(),
    }
}
