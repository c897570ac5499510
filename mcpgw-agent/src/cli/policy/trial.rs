//! One message put before a policy as the gateway would: decoded strictly, in a session, with its circumstances.

use bytes::Bytes;

use crate::json::{self, Limits};
use crate::mcp::{Decoded, Direction, Message, Reason, Revision};
use crate::policy::{Context, Effect, Evaluation, Policy, Request};
use crate::session::{Session, Standing};

/// A message and all that is said of where it comes from.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    pub(super) direction: Direction,
    /// JSON.
    pub(super) message: String,
    /// The request it answers, as JSON.
    pub(super) answers: Option<String>,
    pub(super) revision: Option<Revision>,
    pub(super) context: Context,
}

/// What becomes of it.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// It is refused before a policy sees it.
    Malformed(Reason),
    /// What the policy makes of it.
    Evaluated(Box<Evaluation>, Message),
}

/// A message that can be put before a policy.
#[derive(Debug)]
pub(super) struct Prepared<'t> {
    trial: &'t Trial,
    pub(super) message: Message,
    standing: Standing,
}

impl Trial {
    /// What `policy` makes of it.
    pub(super) fn run(&self, policy: &Policy) -> Outcome {
        match self.prepare() {
            Ok(prepared) => {
                let evaluation = policy.judge(&prepared.request());
                Outcome::Evaluated(Box::new(evaluation), prepared.message)
            }
            Err(reason) => Outcome::Malformed(reason),
        }
    }

    /// Decodes it.
    ///
    /// # Errors
    /// Why the gateway refuses it without asking the policy.
    pub(super) fn prepare(&self) -> Result<Prepared<'_>, Reason> {
        let mut session = Session::new();
        if let Some(revision) = self.revision {
            session.set_revision(revision);
        }
        let asked = self.answers.as_deref().map(decode).transpose()?;
        if let Some(asked) = &asked {
            session.passed(self.direction.opposite(), asked, &[], "", 0);
        }
        let message = decode(&self.message)?;
        if let Some(method) = asked.as_ref().and_then(Message::method) {
            message.check_answer(method)?;
        }
        let standing = session.look(self.direction, &message, false);
        Ok(Prepared { trial: self, message, standing })
    }
}

impl Prepared<'_> {
    pub(super) fn request(&self) -> Request<'_> {
        Request {
            direction: self.trial.direction,
            message: &self.message,
            answers: self.standing.answers.as_ref(),
            revision: self.standing.revision,
            task_tool: self.standing.task_tool.as_deref(),
            context: &self.trial.context,
        }
    }
}

fn decode(text: &str) -> Result<Message, Reason> {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    match crate::mcp::decode(bytes, &Limits::default()).map_err(|malformed| malformed.reason)? {
        Decoded::One(message) => Ok(message),
        Decoded::Batch(_) => Err(Reason::NotAMessage),
    }
}

impl Outcome {
    /// `allow`, `deny`, `redact` or `hold`.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "deny",
            Self::Evaluated(evaluation, _) => word(&evaluation.effect),
        }
    }

    /// The rule that decided; `(malformed: CODE)` where none was asked.
    pub(super) fn rule(&self) -> String {
        match self {
            Self::Malformed(reason) => format!("(malformed: {})", reason.code()),
            Self::Evaluated(evaluation, _) => evaluation.rule.to_string(),
        }
    }

    /// The text that goes on; `None` where nothing does, at least not now.
    pub(super) fn forwarded(&self) -> Option<Bytes> {
        let Self::Evaluated(evaluation, message) = self else { return None };
        match &evaluation.effect {
            Effect::Allow => Some(message.bytes().clone()),
            Effect::Redact(edits) => Some(json::apply(message.bytes(), edits.clone())),
            Effect::Deny { .. } | Effect::Hold => None,
        }
    }
}

/// The word of `effect` in policies.
pub(super) fn word(effect: &Effect) -> &'static str {
    match effect {
        Effect::Allow => "allow",
        Effect::Deny { .. } => "deny",
        Effect::Redact(_) => "redact",
        Effect::Hold => "hold",
    }
}
