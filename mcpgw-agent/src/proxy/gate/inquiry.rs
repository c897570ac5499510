//! What guardrails outside are asked before a message is decided on.
//!
//! Rules and detectors speak first, under the policy the message is then decided by: what they deny is shown to nobody,
//! and what they take out neither. The session is looked at and let go of; what it has become when the answers are there
//! is looked at again, and where that is something else the answers are none.

use std::fmt;
use std::sync::Arc;

use super::{Gate, Party};
use crate::detect::{Detector, DetectorSet, Finding, Findings};
use crate::mcp::{Decoded, Direction, Malformed, Revision};
use crate::policy::{Effect, Evaluation, Policy, Request};
use crate::proxy::guardrail::{Ask, Guardrails, join};
use crate::reload::Loaded;
use crate::session::{OpenRequest, Place};
use crate::verdict::Cause;

/// Questions about all that a peer sent at once.
#[must_use = "the answers are what it is for"]
pub struct Inquiry {
    guardrails: Arc<Guardrails>,
    loaded: Arc<Loaded>,
    items: Vec<(Option<Local>, Vec<Ask>)>,
}

/// What is known of what a peer sent at once, before it is decided on.
#[derive(Debug)]
pub struct Advice {
    pub(super) loaded: Arc<Loaded>,
    /// By message; `None` where nothing was asked of it.
    pub(super) items: std::vec::IntoIter<Option<Advised>>,
}

/// What is known of a message.
#[derive(Debug)]
pub(super) struct Advised {
    pub(super) local: Local,
    /// What guardrails say.
    pub(super) outside: Vec<Finding>,
}

impl Advised {
    /// The session has not changed since in what matters.
    pub(super) fn fits(&self, request: &Request<'_>) -> bool {
        self.local.revision == request.revision && self.local.answers.as_ref() == request.answers
    }
}

/// What rules and detectors say of a message.
#[derive(Debug)]
pub(super) struct Local {
    /// The request it answers, where somebody outside is asked before that is decided on.
    answers: Option<OpenRequest>,
    revision: Option<Revision>,
    evaluation: Evaluation,
    wanted: DetectorSet,
    findings: Findings,
}

impl Gate {
    /// What is to be asked outside about what [`decode`](Self::decode) made of what a peer sent; `objection` is the
    /// transport's. `None` where nobody is to be asked.
    pub fn inquire(
        &self,
        party: &Party,
        direction: Direction,
        decoded: &Result<Decoded, Malformed>,
        objection: Option<&Cause>,
    ) -> Option<Inquiry> {
        self.inquire_at(party, &Place::default(), direction, decoded, objection)
    }

    /// The same for what a server says in `place`.
    pub fn inquire_said(
        &self,
        party: &Party,
        place: &Place,
        decoded: &Result<Decoded, Malformed>,
    ) -> Option<Inquiry> {
        self.inquire_at(party, place, Direction::ToClient, decoded, None)
    }

    fn inquire_at(
        &self,
        party: &Party,
        place: &Place,
        direction: Direction,
        decoded: &Result<Decoded, Malformed>,
        objection: Option<&Cause>,
    ) -> Option<Inquiry> {
        let guardrails = self.guardrails.as_ref()?;
        let (messages, in_batch) = match decoded.as_ref().ok()? {
            Decoded::One(message) => (std::slice::from_ref(message), false),
            Decoded::Batch(messages) => (messages.as_slice(), true),
        };
        let loaded = self.policies.current();
        let items = messages.iter().map(|message| {
            if objection.is_some() {
                return (None, Vec::new());
            }
            let standing = party.session().look_at(place, direction, message, in_batch);
            let answered = standing.answers.as_ref();
            if standing.violation.is_some()
                || answered.is_some_and(|open| message.check_answer(&open.method).is_err())
            {
                return (None, Vec::new());
            }
            let request = Request {
                direction,
                message,
                answers: answered,
                revision: standing.revision,
                task_tool: standing.task_tool.as_deref(),
                context: party.context(),
            };
            let policy = &loaded.policy;
            let local = Local::of(&request, policy.wants(&request), policy.evaluate(&request));
            // The session may be another when the answers are there.
            let local = Local { answers: answered.cloned(), ..local };
            let asks = local.asks(&loaded.policy, &request, guardrails);
            (Some(local), asks)
        });
        let items = items.collect();
        Some(Inquiry { guardrails: Arc::clone(guardrails), loaded, items })
    }
}

impl Inquiry {
    /// There is something to wait for.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.items.iter().any(|(_, asks)| !asks.is_empty())
    }

    /// Asks, blocking the thread: no longer than the longest time-out.
    #[must_use]
    pub fn wait(self) -> Option<Advice> {
        if !self.asks() {
            return Some(self.answered(Vec::new()));
        }
        let guardrails = Arc::clone(&self.guardrails);
        guardrails.block_on(self.ready())
    }

    /// [`wait`](Self::wait) for tasks.
    pub async fn ready(mut self) -> Advice {
        let guardrails = Arc::clone(&self.guardrails);
        let asks = self.items.iter_mut().enumerate().flat_map(|(item, (_, asks))| {
            let guardrails = &guardrails;
            std::mem::take(asks).into_iter().map(move |ask| async move { (item, guardrails.put(ask).await) })
        });
        let answers = join(asks.collect()).await;
        self.answered(answers)
    }

    fn answered(self, answers: Vec<(usize, Vec<Finding>)>) -> Advice {
        let advised = |local: Option<Local>| local.map(|local| Advised { local, outside: Vec::new() });
        let mut items: Vec<_> = self.items.into_iter().map(|(local, _)| advised(local)).collect();
        for (item, findings) in answers {
            if let Some(Some(advised)) = items.get_mut(item) {
                advised.outside.extend(findings);
            }
        }
        Advice { loaded: self.loaded, items: items.into_iter() }
    }
}

impl Local {
    /// What rules say, `evaluation`, and what the `wanted` detectors find where those let it pass.
    pub(super) fn of(request: &Request<'_>, wanted: DetectorSet, evaluation: Evaluation) -> Self {
        let wanted = evaluation.inspected_by(wanted);
        let (answers, revision) = (None, request.revision);
        Self { answers, revision, evaluation, wanted, findings: request.inspect(wanted) }
    }

    /// The detectors that look at it.
    pub(super) fn wanted(&self) -> DetectorSet {
        self.wanted
    }

    /// What guardrails are to be asked: nothing where the message is denied already.
    fn asks(&self, policy: &Policy, request: &Request<'_>, guardrails: &Guardrails) -> Vec<Ask> {
        if !self.wanted.has(Detector::External) {
            return Vec::new();
        }
        let evaluation = policy.weigh(request, self.evaluation.clone(), self.wanted, self.findings.clone());
        let edits = match &evaluation.effect {
            Effect::Deny { .. } if evaluation.is_denied() => return Vec::new(),
            Effect::Redact(edits) => edits.as_slice(),
            Effect::Allow | Effect::Hold | Effect::Deny { .. } => &[],
        };
        let tool = request.tool();
        guardrails.asks(request.message, &request.subject(tool.as_deref()), edits)
    }

    /// What policy makes of it all.
    pub(super) fn weigh(
        mut self,
        policy: &Policy,
        request: &Request<'_>,
        outside: Vec<Finding>,
    ) -> Evaluation {
        if !outside.is_empty() {
            self.findings.list.extend(outside);
            self.findings.list.sort_by_key(|finding| finding.node);
        }
        policy.weigh(request, self.evaluation, self.wanted, self.findings)
    }
}

impl fmt::Debug for Inquiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asks: usize = self.items.iter().map(|(_, asks)| asks.len()).sum();
        f.debug_struct("Inquiry").field("messages", &self.items.len()).field("asks", &asks).finish()
    }
}

#[cfg(test)]
mod tests;
