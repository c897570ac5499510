//! What became of what a peer sent at once: what goes on, and what is said in the stead of what does not.

use bytes::{BufMut, Bytes, BytesMut};

use super::super::reply;
use super::held::Held;
use crate::audit::{AuditError, Permitted, Recorded};
use crate::mcp::{Message, MessageKind};
use crate::verdict::{Cause, Verdict};

/// Decided; the records may not be durable yet.
#[derive(Debug)]
#[must_use]
pub struct Judged {
    items: Vec<Item>,
    /// The batch's bytes, where it was one.
    batch: Option<Bytes>,
}

/// One message.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) outcome: Outcome,
    pub(super) message: Option<Message>,
    pub(super) verdict: Verdict,
    /// The decision's id.
    pub(super) decision: String,
    /// What is said in its stead is said to the receiver, who waits for it, not to the sender.
    pub(super) answers: bool,
    /// It waits for a person.
    pub(super) held: Option<Held>,
}

#[derive(Debug)]
pub(super) enum Outcome {
    Forward(Recorded),
    Refuse {
        /// `None` where the record could not be written.
        recorded: Option<Recorded>,
        answer: Option<Bytes>,
    },
}

/// What is to be done now.
#[derive(Debug, Default)]
#[must_use]
pub struct Passed {
    /// Goes on.
    pub forward: Vec<Permitted>,
    /// Goes on as one batch: the elements of `forward` belong into one array.
    pub is_batch: bool,
    /// Answers to the sender's refused requests.
    pub to_sender: Vec<Bytes>,
    /// Answers to the receiver, in the stead of refused ones.
    pub to_receiver: Vec<Bytes>,
    /// Why the first refused message was refused; `None` where a record failed.
    pub cause: Option<Cause>,
    /// What waits for a person: to be [settled](super::Gate::settle).
    pub held: Vec<Held>,
    /// How many were refused.
    pub refused: usize,
    /// The messages that go on.
    pub messages: Vec<Message>,
    /// The batch as it came.
    batch: Option<Bytes>,
}

impl Passed {
    /// The bytes to send on: the one message's, or the batch's that is left. `None` where nothing goes on.
    #[must_use]
    pub fn bytes(&self) -> Option<Bytes> {
        let [first, rest @ ..] = self.forward.as_slice() else { return None };
        if !self.is_batch {
            return Some(first.bytes().clone());
        }
        if let Some(batch) = self.batch.as_ref().filter(|_| self.is_as_it_came()) {
            return Some(batch.clone());
        }
        let mut batch = BytesMut::new();
        batch.put_u8(b'[');
        batch.put_slice(first.bytes());
        for message in rest {
            batch.put_u8(b',');
            batch.put_slice(message.bytes());
        }
        batch.put_u8(b']');
        Some(batch.freeze())
    }

    /// Every element goes on, and none is changed.
    fn is_as_it_came(&self) -> bool {
        let mut pairs = self.forward.iter().zip(&self.messages);
        self.refused == 0
            && self.forward.len() == self.messages.len()
            && pairs.all(|(permitted, message)| permitted.bytes() == message.bytes())
    }
}

impl Judged {
    pub(super) fn one(item: Item) -> Self {
        Self { items: vec![item], batch: None }
    }

    pub(super) fn batch(bytes: Bytes, items: Vec<Item>) -> Self {
        Self { items, batch: Some(bytes) }
    }

    /// Waits for the records, blocking the thread.
    pub fn wait(self) -> Passed {
        let mut passed = Passed { is_batch: self.batch.is_some(), batch: self.batch, ..Passed::default() };
        for item in self.items {
            let Item { outcome, message, verdict, decision, answers, held } = item;
            match outcome {
                Outcome::Forward(recorded) => {
                    passed.forwarded(recorded.wait(), message, answers, &verdict, &decision);
                }
                Outcome::Refuse { recorded, answer } => {
                    let outcome = recorded.map(Recorded::wait);
                    match held {
                        Some(held) => passed.waits(outcome, held),
                        None => passed.refuse(outcome, answer, answers, &verdict),
                    }
                }
            }
        }
        passed
    }

    /// [`wait`](Self::wait) for tasks.
    pub async fn ready(self) -> Passed {
        let mut passed = Passed { is_batch: self.batch.is_some(), batch: self.batch, ..Passed::default() };
        for item in self.items {
            let Item { outcome, message, verdict, decision, answers, held } = item;
            match outcome {
                Outcome::Forward(recorded) => {
                    passed.forwarded(recorded.ready().await, message, answers, &verdict, &decision);
                }
                Outcome::Refuse { recorded, answer } => {
                    let outcome = match recorded {
                        Some(recorded) => Some(recorded.ready().await),
                        None => None,
                    };
                    match held {
                        Some(held) => passed.waits(outcome, held),
                        None => passed.refuse(outcome, answer, answers, &verdict),
                    }
                }
            }
        }
        passed
    }
}

impl Passed {
    fn forwarded(
        &mut self,
        permitted: Result<Option<Permitted>, AuditError>,
        message: Option<Message>,
        answers: bool,
        verdict: &Verdict,
        decision: &str,
    ) {
        match permitted {
            Ok(Some(permitted)) => {
                self.forward.push(permitted);
                self.messages.extend(message);
            }
            Ok(None) => self.refuse(None, None, answers, verdict),
            Err(error) => {
                let answer = message.and_then(|message| unrecorded(&message, decision));
                self.refuse(Some(Err(error)), answer, answers, verdict);
            }
        }
    }

    /// What waits is neither refused nor goes on, unless that cannot be told anybody.
    fn waits(&mut self, recorded: Option<Result<Option<Permitted>, AuditError>>, held: Held) {
        match recorded {
            Some(Ok(_)) => self.held.push(held),
            Some(Err(error)) => {
                tracing::error!(%error, "a decision could not be made durable");
                self.held.push(held.unrecorded());
            }
            None => self.held.push(held.unrecorded()),
        }
    }

    fn refuse(
        &mut self,
        recorded: Option<Result<Option<Permitted>, AuditError>>,
        answer: Option<Bytes>,
        answers: bool,
        verdict: &Verdict,
    ) {
        if let Some(Err(error)) = &recorded {
            tracing::error!(%error, "a decision could not be made durable");
        }
        self.refused += 1;
        if self.cause.is_none() {
            self.cause = verdict.cause().cloned();
        }
        let side = if answers { &mut self.to_receiver } else { &mut self.to_sender };
        side.extend(answer);
    }
}

/// What is said in the stead of a message whose record did not last, where somebody waits.
fn unrecorded(message: &Message, decision: &str) -> Option<Bytes> {
    let id = message.id().filter(|_| message.kind() != MessageKind::Notification)?;
    Some(reply::error(Some(id), reply::UNAUDITED, reply::UNRECORDED, Some(decision)))
}
