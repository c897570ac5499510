//! The only place that decides. Pure.
//!
//! The decoder refuses, the session objects, the policy evaluates and weighs what detectors found; [`decide`] and
//! [`refuse`] make one [`Verdict`] of it, which nobody else can make. An error on the way is a denial.

mod shown;

pub use shown::Shown;

use crate::detect::Detector;
use crate::json::Edit;
use crate::mcp::Reason;
use crate::policy::{Effect, Evaluation, Mode, ServerStatus, Weighed};
use crate::risk::Level;
use crate::session::Violation;

/// What happens to a message: the word of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It goes on as it came.
    Pass,
    /// It goes on changed.
    Redact,
    /// It waits for a person.
    Hold,
    /// It does not go on.
    Block,
}

impl Action {
    /// The word of the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Redact => "redact",
            Self::Hold => "hold",
            Self::Block => "block",
        }
    }
}

/// What became of a message that policy holds for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hold {
    /// It waits.
    Waits,
    /// Nobody here can be asked: it does not wait.
    Nobody,
    /// As many wait as may: it does not.
    Full,
    /// It came in a batch, whose messages do not wait.
    InBatch,
    /// Somebody let it pass.
    Approved {
        /// Their user.
        by: u32,
    },
    /// Somebody refused it.
    Denied {
        /// Their user.
        by: u32,
    },
    /// Nobody decided in time.
    TimedOut,
    /// Whoever asked wants it no more.
    Cancelled,
    /// The session ended, or does not expect it any more.
    Ended,
}

impl Hold {
    /// The words of the audit log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Nobody => "nobody to decide",
            Self::Full => "too many wait",
            Self::InBatch => "in a batch",
            Self::Approved { .. } => "approved",
            Self::Denied { .. } => "denied",
            Self::TimedOut => "timed out",
            Self::Cancelled => "cancelled",
            Self::Ended => "ended",
        }
    }

    /// The user who decided.
    #[must_use]
    pub fn by(self) -> Option<u32> {
        match self {
            Self::Approved { by } | Self::Denied { by } => Some(by),
            Self::Waits
            | Self::Nobody
            | Self::Full
            | Self::InBatch
            | Self::TimedOut
            | Self::Cancelled
            | Self::Ended => None,
        }
    }
}

/// Why a message does not pass as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// It cannot be read without doubt.
    Malformed(Reason),
    /// The protocol does not allow it here.
    Violation(Violation),
    /// HTTP headers say something else than the body.
    HeaderMismatch(Box<str>),
    /// A header names this revision, which is not known here, and the body does not say how to read it.
    UnknownRevision(Box<str>),
    /// The policy's rule of this name.
    Policy(Box<str>),
    /// The server may not be used, and how much risk there is; `None` where it has listed nothing yet.
    Server(ServerStatus, Option<Level>),
    /// What this detector found, by its kind, and what policy makes of that.
    Detector(Detector, &'static str),
}

impl Cause {
    /// One line for the audit log; nothing of it is told to either peer.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Malformed(reason) => format!("malformed: {}", reason.code()),
            Self::Violation(violation) => format!("protocol: {}", violation.code()),
            Self::HeaderMismatch(what) => format!("protocol: header-mismatch: {what}"),
            Self::UnknownRevision(name) => format!("protocol: unknown-revision: {name}"),
            Self::Policy(rule) => format!("policy: {rule}"),
            Self::Server(status, level) => {
                format!("server: {} ({} risk)", status.as_str(), level.map_or("unknown", Level::as_str))
            }
            Self::Detector(detector, kind) => format!("detector: {}: {kind}", detector.as_str()),
        }
    }
}

/// What is decided about one message.
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Verdict {
    action: Action,
    would: Option<Action>,
    cause: Option<Cause>,
    hold: Option<Hold>,
    rule: Option<Box<str>>,
    as_result: bool,
    edits: Vec<Edit>,
    would_edit: Vec<Edit>,
    errors: Vec<Box<str>>,
    dry_run: Vec<(Box<str>, Action)>,
    findings: Vec<Weighed>,
    origins: Vec<Box<str>>,
    concealed: Vec<Edit>,
}

impl Verdict {
    fn of(action: Action) -> Self {
        Self {
            action,
            would: None,
            cause: None,
            hold: None,
            rule: None,
            as_result: false,
            edits: Vec::new(),
            would_edit: Vec::new(),
            errors: Vec::new(),
            dry_run: Vec::new(),
            findings: Vec::new(),
            origins: Vec::new(),
            concealed: Vec::new(),
        }
    }

    /// What happens.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// What would have happened in enforce mode, where that is something else.
    #[must_use]
    pub fn would(&self) -> Option<Action> {
        self.would
    }

    /// Why it does not, or would not, pass as it is.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    /// What became of it, where policy holds it for a person.
    #[must_use]
    pub fn hold(&self) -> Option<Hold> {
        self.hold
    }

    /// This verdict on a message that policy holds, and what that means here and now. Any other stays as it is.
    pub fn holding(self, hold: Hold) -> Self {
        if self.action == Action::Hold { Self { hold: Some(hold), ..self } } else { self }
    }

    /// The policy's rule that was evaluated, also where it allows.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// A denied tool call is answered by a result.
    #[must_use]
    pub fn as_result(&self) -> bool {
        self.as_result
    }

    /// Changes to be made before it goes on.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// Changes enforce mode would have made, or that are made once it is approved. The audit log makes them: it holds no
    /// more for only observing.
    #[must_use]
    pub fn would_edit(&self) -> &[Edit] {
        &self.would_edit
    }

    /// What went wrong in evaluating the policy.
    #[must_use]
    pub fn errors(&self) -> &[Box<str>] {
        &self.errors
    }

    /// What rules on trial would have done.
    #[must_use]
    pub fn dry_run(&self) -> &[(Box<str>, Action)] {
        &self.dry_run
    }

    /// What detectors found.
    #[must_use]
    pub fn findings(&self) -> &[Weighed] {
        &self.findings
    }

    /// The decisions that let through what makes the message dangerous in its session.
    #[must_use]
    pub fn origins(&self) -> &[Box<str>] {
        &self.origins
    }

    /// Changes without which the message is not written down: what was found of secrets and personal data.
    #[must_use]
    pub fn concealed(&self) -> &[Edit] {
        &self.concealed
    }

    /// This verdict on a message that no rule was asked about, and what was found in it: it is recorded, too.
    pub fn concealing(self, findings: Vec<Weighed>, concealed: Vec<Edit>) -> Self {
        Self { findings, concealed, ..self }
    }

    /// It goes on, changed or not.
    #[must_use]
    pub fn forwards(&self) -> bool {
        matches!(self.action, Action::Pass | Action::Redact)
    }
}

impl Verdict {
    /// This verdict on a message that cannot be stopped, because it has passed: what would have happened to it.
    pub fn observed(self) -> Self {
        in_mode(self, Mode::Observe)
    }
}

/// Decides on what policy was shown. The evaluation has a mode of its own: its rule's.
pub fn decide(evaluation: Evaluation) -> Verdict {
    let Evaluation {
        effect,
        mode,
        rule,
        errors,
        dry_run,
        findings,
        finding,
        server,
        origins,
        concealed,
        once_approved,
    } = evaluation;
    let action = action(&effect);
    let dry_run = dry_run.into_iter().map(|(rule, effect)| (rule, self::action(&effect))).collect();
    let cause = (action != Action::Pass).then(|| match (server, finding) {
        (Some((status, level)), _) => Cause::Server(status, level),
        (None, Some((detector, kind))) => Cause::Detector(detector, kind),
        (None, None) => Cause::Policy(rule.clone()),
    });
    let rule = Some(rule);
    let verdict =
        Verdict { cause, rule, errors, dry_run, findings, origins, concealed, ..Verdict::of(action) };
    let verdict = match effect {
        Effect::Allow => verdict,
        Effect::Hold => Verdict { would_edit: once_approved, ..verdict },
        Effect::Deny { as_result } => Verdict { as_result, ..verdict },
        Effect::Redact(edits) => Verdict { edits, ..verdict },
    };
    in_mode(verdict, mode)
}

/// Decides on what decoder, session or transport have a `cause` against; no rule is asked. `mode` says whether that is
/// carried out ([`Policy::unseen`](crate::policy::Policy::unseen)).
pub fn refuse(cause: Cause, mode: Mode) -> Verdict {
    in_mode(Verdict { cause: Some(cause), ..Verdict::of(Action::Block) }, mode)
}

/// Decides on a message that has waited, by what came of that. Only what waited and was approved passes, and without what
/// would have been taken out of it had nobody been asked.
pub fn settle(waited: &Verdict, hold: Hold) -> Verdict {
    let waits = (waited.action, waited.hold) == (Action::Hold, Some(Hold::Waits));
    let passes = waits && matches!(hold, Hold::Approved { .. });
    let mut settled = Verdict { action: Action::Block, hold: Some(hold), ..waited.clone() };
    if passes {
        settled.edits = std::mem::take(&mut settled.would_edit);
        settled.action = if settled.edits.is_empty() { Action::Pass } else { Action::Redact };
        settled.cause = settled.cause.filter(|_| settled.action == Action::Redact);
    }
    settled
}

/// In observe mode nothing is changed.
fn in_mode(verdict: Verdict, mode: Mode) -> Verdict {
    match mode {
        Mode::Enforce => verdict,
        Mode::Observe if verdict.action == Action::Pass => verdict,
        Mode::Observe => Verdict {
            action: Action::Pass,
            would: Some(verdict.action),
            would_edit: [verdict.edits, verdict.would_edit].concat(),
            edits: Vec::new(),
            ..verdict
        },
    }
}

fn action(effect: &Effect) -> Action {
    match effect {
        Effect::Allow => Action::Pass,
        Effect::Deny { .. } => Action::Block,
        Effect::Redact(_) => Action::Redact,
        Effect::Hold => Action::Hold,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(effect: Effect, mode: Mode) -> Evaluation {
        Evaluation { effect, ..Evaluation::passing("r".into(), mode) }
    }

    #[test]
    fn what_is_refused_passes_only_where_nothing_enforces() {
        let cause = Cause::Violation(Violation::Unsolicited);
        let verdict = refuse(cause.clone(), Mode::Enforce);
        assert_eq!(
            (verdict.action(), verdict.cause(), verdict.forwards()),
            (Action::Block, Some(&cause), false)
        );
        let verdict = refuse(cause, Mode::Observe);
        assert_eq!((verdict.action(), verdict.would()), (Action::Pass, Some(Action::Block)));
    }

    #[test]
    fn observing_changes_nothing_and_says_what_it_would() {
        let edits = vec![Edit { span: 0..1, with: "x".into() }];
        for (effect, would) in [
            (Effect::Allow, None),
            (Effect::Deny { as_result: true }, Some(Action::Block)),
            (Effect::Redact(edits), Some(Action::Redact)),
            (Effect::Hold, Some(Action::Hold)),
        ] {
            let verdict = decide(evaluation(effect, Mode::Observe));
            assert_eq!((verdict.action(), verdict.would()), (Action::Pass, would));
            assert!(verdict.edits().is_empty() && verdict.forwards());
            assert_eq!(verdict.would_edit().is_empty(), would != Some(Action::Redact));
        }
    }

    #[test]
    fn only_what_waits_and_is_approved_passes() {
        let held = || decide(evaluation(Effect::Hold, Mode::Enforce));
        let waiting = held().holding(Hold::Waits);
        assert!(!waiting.forwards());
        let approved = settle(&waiting, Hold::Approved { by: 7 });
        assert_eq!((approved.action(), approved.cause(), approved.rule()), (Action::Pass, None, Some("r")));
        for hold in [Hold::Denied { by: 0 }, Hold::TimedOut, Hold::Cancelled, Hold::Ended, Hold::Waits] {
            let refused = settle(&waiting, hold);
            assert_eq!((refused.action(), refused.hold()), (Action::Block, Some(hold)));
            assert!(refused.cause().is_some());
        }
        let edit = Edit { span: 0..1, with: "x".to_owned() };
        let changes =
            || Evaluation { once_approved: vec![edit.clone()], ..evaluation(Effect::Hold, Mode::Enforce) };
        let waiting = decide(changes()).holding(Hold::Waits);
        assert!(waiting.edits().is_empty());
        let approved = settle(&waiting, Hold::Approved { by: 7 });
        assert_eq!((approved.action(), approved.edits()), (Action::Redact, &[edit.clone()][..]));
        assert!(settle(&waiting, Hold::Denied { by: 0 }).edits().is_empty());
        let denied = decide(evaluation(Effect::Deny { as_result: false }, Mode::Enforce));
        for other in [held(), held().holding(Hold::Nobody), denied.holding(Hold::Waits)] {
            assert_eq!(settle(&other, Hold::Approved { by: 0 }).action(), Action::Block);
        }
    }
}
