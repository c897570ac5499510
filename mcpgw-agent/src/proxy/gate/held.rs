//! A message that waits for a person, and what is done when it waits no more.

use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::judged::{Item, Judged};
use super::record::Beside;
use super::{Gate, Party, Turn, outgoing};
use crate::effects::Done;
use crate::mcp::{Direction, Message, MessageKind};
use crate::proxy::hold::{Question, Ticket};
use crate::reload::Loaded;
use crate::session::{Place, Standing};
use crate::verdict::{Action, Hold, Verdict, settle};

/// A message that waits. The policy that held it is the one its outcome is recorded under: it is not asked again.
#[derive(Debug)]
#[must_use = "what waits is to be settled"]
pub struct Held {
    ticket: Ticket,
    message: Message,
    direction: Direction,
    decision: String,
    standing: Standing,
    verdict: Verdict,
    loaded: Arc<Loaded>,
    /// What the call did to the host that it answers: usual once it is approved.
    done: Option<Done>,
    /// That it waits could not be recorded: it does not.
    is_unrecorded: bool,
}

impl Held {
    /// The message.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// When it is refused at the latest.
    pub fn until(&self) -> Instant {
        self.ticket.until()
    }

    /// What came of it. Where nothing did, `waker` is woken once somebody has decided; not when time is up.
    pub fn poll(&self, waker: &Waker, now: Instant) -> Option<Hold> {
        if self.is_unrecorded { Some(Hold::Ended) } else { self.ticket.poll(waker, now) }
    }

    pub(super) fn knowing(self, done: Option<Done>) -> Self {
        Self { done, ..self }
    }

    pub(super) fn unrecorded(self) -> Self {
        Self { is_unrecorded: true, ..self }
    }
}

impl Gate {
    /// Decides on a message that waits no more, for the reason `hold`, and records it.
    ///
    /// Where it is refused it stays [`held`](crate::session::Session::held) in the session: whoever answers it lets go
    /// of it there in the same moment, so that it is answered once.
    pub fn settle(&self, party: &Party, held: &Held, hold: Hold) -> Judged {
        let (loaded, direction) = (&held.loaded, held.direction);
        let place = &Place::default();
        let turn = Turn { gate: self, party, direction, place, loaded, since: Instant::now() };
        Judged::one(turn.settle(held, hold))
    }
}

impl Turn<'_> {
    /// Has the message wait, where `verdict` says so and it may: the session is told before anybody else can speak.
    pub(super) fn hold(
        &self,
        decision: &str,
        message: &Message,
        standing: &Standing,
        verdict: Verdict,
        in_batch: bool,
    ) -> (Verdict, Option<Box<Held>>) {
        if verdict.action() != Action::Hold {
            return (verdict, None);
        }
        let Some(holds) = self.party.holds() else { return (verdict.holding(Hold::Nobody), None) };
        if in_batch {
            return (verdict.holding(Hold::InBatch), None);
        }
        let shown = verdict.shown(message);
        let question = Question {
            decision,
            session: self.party.id(),
            context: self.party.context(),
            direction: self.direction,
            shown: shown.message(),
            standing,
            rule: verdict.rule(),
            bytes: message.bytes().len(),
        };
        let Some(ticket) = holds.admit(&question, Instant::now()) else {
            return (verdict.holding(Hold::Full), None);
        };
        let verdict = verdict.holding(Hold::Waits);
        let held = Held {
            ticket,
            message: message.clone(),
            direction: self.direction,
            decision: decision.to_owned(),
            standing: standing.clone(),
            verdict: verdict.clone(),
            loaded: Arc::clone(self.loaded),
            done: None,
            is_unrecorded: false,
        };
        (verdict, Some(Box::new(held)))
    }

    fn settle(&self, held: &Held, hold: Hold) -> Item {
        let decision = self.gate.decision_id();
        let (message, direction) = (&held.message, self.direction);
        let mut session = self.party.session();
        let mut verdict = settle(&held.verdict, hold);
        let mut standing = held.standing.clone();
        let mut is_owed = hold != Hold::Cancelled;
        if verdict.forwards() {
            let waited = session.unheld(direction, message);
            let now = session.look(direction, message, false);
            if waited && now.violation.is_none() {
                self.passes(&mut session, message, &now, &verdict, &decision, self.since);
                let request = self.request(message, &now);
                let tool = request.tool();
                let view = self.view(&request, tool.as_deref().or(now.task_tool.as_deref()));
                self.watched(&view, &decision, true, true);
                standing = now;
            } else {
                // Meanwhile it was answered in its stead, or is expected no more.
                verdict = settle(&held.verdict, Hold::Ended);
                is_owed = waited;
                if waited {
                    session.held(direction, message);
                }
            }
        } else if let Some(id) = &standing.answered {
            session.closed(direction.opposite(), id);
        }
        let doings = self.follow(&session, message, None, &verdict, &decision);
        drop(session);
        let bytes = outgoing(message, &verdict);
        self.note(doings);
        if let (Some(followed), Some(done), true) = (self.party.followed(), &held.done, verdict.forwards()) {
            followed.learn(&done.tool, &done.done, |_| false);
        }
        let beside = Beside { held: Some(&held.decision), done: None, decided: Instant::now() };
        let recorded = self.record(&decision, Some(message), bytes, &standing, &verdict, beside);
        held.ticket.over(verdict.hold().unwrap_or(hold));
        let id = message.id().cloned().filter(|_| message.kind() == MessageKind::Request);
        if let (Err(_), Some(id), true) = (&recorded, &id, verdict.forwards()) {
            self.party.session().closed(direction, id);
        }
        let answer = (is_owed && !verdict.forwards())
            .then(|| self.answer(message, &standing, &verdict, &decision))
            .flatten();
        let asked = id.or_else(|| standing.answered.clone());
        let outcome = self.outcome(recorded, answer, asked.filter(|_| is_owed), &decision);
        Item {
            outcome,
            answers: message.kind().is_response(),
            message: Some(message.clone()),
            verdict,
            decision,
            held: None,
        }
    }
}
