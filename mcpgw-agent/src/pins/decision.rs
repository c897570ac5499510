//! What a person decided about a server as a whole: whether it may be used.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::book::{Form, Pin};
use super::file::Book;
use crate::detect::{DefinitionKind, Neighbours, Severity};
use crate::json::{Document, Limits};
use crate::risk::{self, Assessment, Decided, Issue, Known, Subject};

/// Issues of one rule that are told; more say nothing new.
const SAME_MAX: usize = 100;
const READ_DIFF: &str =
    "Read `mcpgw-agent pins diff`; approve it with `mcpgw-agent pins approve` if it is what you expect.";

/// What a person decided, of a server as it was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// It may be used; else it may not, whatever it becomes.
    pub is_approved: bool,
    /// [`Assessment::basis`] of the server as it was.
    pub basis: [u8; 32],
    /// User id of whoever decided.
    pub by: u32,
    /// When.
    pub at: Timestamp,
}

/// What was said of definitions, by kind and hash of their form, so that only new ones are looked at.
pub(super) type Judged = HashMap<(DefinitionKind, [u8; 32]), Vec<Issue>>;

impl Book {
    /// What the server amounts to: all that is pinned of it, what waits in the place of what was approved, and what is
    /// gone until somebody approves that it is.
    #[must_use]
    pub fn assess(&self) -> Assessment {
        self.assess_with(&mut Judged::new())
    }

    /// [`assess`](Self::assess), with what was `judged` before.
    pub(super) fn assess_with(&self, judged: &mut Judged) -> Assessment {
        let mut basis = Sha256::new();
        let mut known = Judged::new();
        let mut issues: Vec<Issue> = Vec::new();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut say = |issue: Issue| {
            let count = counts.entry(issue.rule.clone().into_owned()).or_default();
            *count += 1;
            if *count <= SAME_MAX {
                issues.push(issue);
            }
        };
        let mut tools = 0;
        for ((kind, name), pin) in &self.pins {
            let Some(form) = pin.waiting.as_ref().or(pin.approved.as_ref()) else { continue };
            tools += usize::from(*kind == DefinitionKind::Tool);
            for part in [kind.as_str().as_bytes(), name.as_bytes(), form.digest()] {
                basis.update(part.len().to_le_bytes());
                basis.update(part);
            }
            let key = (*kind, *form.digest());
            let told = judged.remove(&key).unwrap_or_else(|| self.judge(*kind, form));
            told.iter().cloned().for_each(&mut say);
            known.insert(key, told);
            differs(*kind, name, pin).into_iter().for_each(&mut say);
        }
        for behaviour in &self.behaviour {
            basis.update(behaviour.as_str());
            say(behaviour.issue());
        }
        risk::many(tools).into_iter().for_each(&mut say);
        *judged = known;
        issues
            .sort_by(|one, other| other.severity.cmp(&one.severity).then_with(|| one.rule.cmp(&other.rule)));
        let score = risk::score(&issues);
        Assessment { score, issues, basis: basis.finalize().into(), is_listed: !self.listed.is_empty() }
    }

    fn judge(&self, kind: DefinitionKind, form: &Form) -> Vec<Issue> {
        let text = Bytes::copy_from_slice(form.text().as_bytes());
        // Forms are of documents that were parsed.
        let Ok(document) = Document::parse(text, &Limits::default()) else { return Vec::new() };
        risk::judge(kind, document.root(), (self.server.label(), &Neighbours::default()))
    }

    /// What was decided, for the server as `assessment` has it.
    #[must_use]
    pub fn decided(&self, assessment: &Assessment) -> Option<Decided> {
        self.decision.as_ref().map(|decision| match decision.is_approved {
            false => Decided::Blocked,
            true if decision.basis == assessment.basis => Decided::Approved,
            true => Decided::Outdated,
        })
    }

    /// What is known of it, as policies ask.
    #[must_use]
    pub fn known(&self, assessment: &Assessment) -> Known {
        let level = assessment.is_listed.then_some(assessment.score.level);
        Known { level, decided: self.decided(assessment) }
    }
}

/// How a definition differs from what was approved.
fn differs(kind: DefinitionKind, name: &str, pin: &Pin) -> Option<Issue> {
    let (rule, severity, path, why) = match (&pin.approved, &pin.waiting) {
        (Some(_), None) if pin.missing => {
            ("removed", Severity::Low, String::new(), "it was approved, and is gone")
        }
        (Some(approved), Some(waiting)) => {
            let worst = approved.compare(waiting).into_iter().max_by_key(|change| change.severity);
            let why = worst.as_ref().map_or("it is not what was approved", |change| change.what.why());
            let severity = worst.as_ref().map_or(Severity::High, |change| change.severity);
            ("changed", severity, worst.map(|change| change.path.to_string()).unwrap_or_default(), why)
        }
        (None, Some(_)) => ("added", Severity::Medium, String::new(), "nobody has approved it"),
        (_, None) => return None,
    };
    let subject = Subject::Definition(kind, name.to_owned(), path);
    Some(Issue { rule: rule.into(), severity, subject, why: why.into(), remedy: READ_DIFF })
}
