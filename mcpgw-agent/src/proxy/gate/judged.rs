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
    /// The one message; nothing where it was a batch.
    one: Option<Item>,
    /// A batch's messages.
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
    /// It waits for a person. Few do, and it is large.
    pub(super) held: Option<Box<Held>>,
}

#[derive(Debug)]
pub(super) struct Outcome {
    /// `None` where the record could not be written: then it is refused, whatever was decided.
    pub(super) recorded: Option<Recorded>,
    /// What is said in its stead where it is refused.
    pub(super) answer: Option<Bytes>,
}

/// What is to be done now.
#[derive(Debug, Default)]
#[must_use]
pub struct Passed {
    /// Goes on.
    pub forward: Vec<Permitted>,
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
    /// The batch as it came, where it was one: the elements of `forward` belong into one array.
    batch: Option<Bytes>,
}

impl Passed {
    /// It came as a batch, and goes on as one.
    #[must_use]
    pub fn is_batch(&self) -> bool {
        self.batch.is_some()
    }

    /// The bytes to send on: the one message's, or the batch's that is left. `None` where nothing goes on.
    #[must_use]
    pub fn bytes(&self) -> Option<Bytes> {
        let [first, rest @ ..] = self.forward.as_slice() else { return None };
        let Some(batch) = &self.batch else { return Some(first.bytes().clone()) };
        if self.is_as_it_came() {
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
        Self { one: Some(item), items: Vec::new(), batch: None }
    }

    pub(super) fn batch(bytes: Bytes, items: Vec<Item>) -> Self {
        Self { one: None, items, batch: Some(bytes) }
    }

    /// Waits for the records, blocking the thread.
    pub fn wait(self) -> Passed {
        let mut passed = Passed::of(self.batch, self.items.len());
        let mut add = |mut item: Item| {
            let durable = item.outcome.recorded.take().map(Recorded::wait);
            passed.add(item, durable);
        };
        self.one.map(&mut add);
        self.items.into_iter().for_each(add);
        passed
    }

    /// [`wait`](Self::wait) for tasks.
    pub async fn ready(self) -> Passed {
        let mut passed = Passed::of(self.batch, self.items.len());
        for mut item in self.one.into_iter().chain(self.items) {
            let durable = match item.outcome.recorded.take() {
                Some(recorded) => Some(recorded.ready().await),
                None => None,
            };
            passed.add(item, durable);
        }
        passed
    }
}

/// What came of waiting for a record; `None` where there was none to wait for.
type Durable = Option<Result<Option<Permitted>, AuditError>>;

impl Passed {
    /// Of so many messages in a batch, or of one.
    fn of(batch: Option<Bytes>, messages: usize) -> Self {
        let room = messages.max(1);
        Self {
            batch,
            forward: Vec::with_capacity(room),
            messages: Vec::with_capacity(room),
            ..Self::default()
        }
    }

    fn add(&mut self, item: Item, durable: Durable) {
        let Item { outcome, message, verdict, decision, answers, held } = item;
        match (durable, held) {
            (Some(Ok(Some(permitted))), _) => {
                self.forward.push(permitted);
                self.messages.extend(message);
            }
            (durable, Some(held)) => self.waits(durable, held),
            (durable @ Some(Err(_)), None) if verdict.forwards() => {
                let answer = message.and_then(|message| unrecorded(&message, &decision));
                self.refuse(durable, answer, answers, &verdict);
            }
            (durable, None) => self.refuse(durable, outcome.answer, answers, &verdict),
        }
    }

    /// What waits is neither refused nor goes on, unless that cannot be told anybody.
    fn waits(&mut self, recorded: Durable, held: Box<Held>) {
        match recorded {
            Some(Ok(_)) => self.held.push(*held),
            Some(Err(error)) => {
                tracing::error!(%error, "a decision could not be made durable");
                self.held.push(held.unrecorded());
            }
            None => self.held.push(held.unrecorded()),
        }
    }

    fn refuse(&mut self, recorded: Durable, answer: Option<Bytes>, answers: bool, verdict: &Verdict) {
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
