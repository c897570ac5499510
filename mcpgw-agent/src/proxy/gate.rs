//! The one way from a peer's bytes to the other peer: decode, look, evaluate, decide, record, forward.
//!
//! ```text
//! bytes ─▶ decode ─▶ (inquire) ─▶ Session::look ─▶ Policy::evaluate ─▶ decide ─▶ AuditLog::record ─▶ Passed
//! ```
//!
//! The same for both directions and every transport. Everything up to the record is synchronous and pure; the record is
//! waited for by a thread ([`Judged::wait`]) or a task ([`Judged::ready`]).

mod circles;
mod effects;
mod held;
mod inquiry;
mod inspect;
mod judged;
pub(crate) mod metrics;
mod party;
mod pinned;
mod record;
mod risk;
#[cfg(test)]
mod tests;
mod watching;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::vec::IntoIter;

use bytes::Bytes;

pub use circles::Client;
pub use held::Held;
pub use inquiry::{Advice, Inquiry};
pub use judged::{Judged, Passed};
pub use metrics::GateMetrics;
pub use party::{Party, Tally};
pub use pinned::Pinned;

use super::guardrail::Guardrails;
use super::reply;
use super::room::Room;
use crate::audit::{AuditError, AuditLog, Recorded};
use crate::detect::watch::{Circle, View};
use crate::effects::Done;
use crate::json::{self, Limits};
use crate::mcp::{Decoded, Direction, Malformed, Message, MessageKind, PeekKind, RequestId};
use crate::pins::{Pins, ServerId};
use crate::policy::{Effect, Evaluation, Mode, Request};
use crate::reload::{Loaded, PolicyStore};
use crate::session::{Place, Session, Standing};
use crate::verdict::{self, Cause, Shown, Verdict};
use circles::Circles;
use inquiry::Advised;
use judged::{Item, Outcome};
use record::Beside;

/// Digits of a decision's number at most.
const ID_DIGITS: usize = 20;

/// Decides on every message of every session of this process.
#[derive(Debug)]
pub struct Gate {
    policies: Arc<PolicyStore>,
    audit: Arc<AuditLog>,
    limits: Limits,
    room: Room,
    born: Instant,
    /// What decision ids of this process start with.
    stem: Box<str>,
    decisions: AtomicU64,
    metrics: Arc<GateMetrics>,
    pins: Option<Arc<Pins>>,
    guardrails: Option<Arc<Guardrails>>,
    circles: Circles,
}

/// How messages are told apart on the wire they came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A line: no carriage return but before its end.
    Line,
    /// A body or an event's data: any white space JSON allows.
    Body,
}

impl Gate {
    /// A gate under the policies of `policies`, recording to `audit`.
    #[must_use]
    pub fn new(policies: Arc<PolicyStore>, audit: Arc<AuditLog>, limits: Limits) -> Self {
        let stem = format!("{:016x}-", RandomState::new().hash_one(std::process::id()));
        Self {
            policies,
            audit,
            room: Room::new(limits.bytes),
            limits,
            born: Instant::now(),
            stem: stem.into(),
            decisions: AtomicU64::new(1),
            metrics: Arc::default(),
            pins: None,
            guardrails: None,
            circles: Circles::default(),
        }
    }

    /// It holds what servers say of themselves against `pins`.
    #[must_use]
    pub fn pinning(self, pins: Arc<Pins>) -> Self {
        Self { pins: Some(pins), ..self }
    }

    /// The pins of `server`, for a session with it. Without pins nothing counts as approved.
    #[must_use]
    pub fn pins_of(&self, server: &ServerId) -> Pinned {
        Pinned::new(self.pins.as_ref(), server)
    }

    /// What the sessions of `client` have read between them, for another session of it.
    #[must_use]
    pub fn circle_of(&self, client: Client) -> Arc<Circle> {
        self.circles.of(client, self.now_us())
    }

    /// This gate, which asks `guardrails` before it decides.
    #[must_use]
    pub fn guarded_by(self, guardrails: Arc<Guardrails>) -> Self {
        let metrics = Arc::new(GateMetrics::new().with(guardrails.metrics()));
        Self { guardrails: Some(guardrails), metrics, ..self }
    }

    /// Where it records.
    #[must_use]
    pub fn audit(&self) -> &AuditLog {
        &self.audit
    }

    /// What it counts.
    #[must_use]
    pub fn metrics(&self) -> &Arc<GateMetrics> {
        &self.metrics
    }

    /// Limits of a message.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// For messages that are held, those of all sessions together.
    pub(super) fn room(&self) -> &Room {
        &self.room
    }

    /// Whether what cannot be read does not go on, by the policy in force now.
    #[must_use]
    pub fn enforces(&self) -> bool {
        self.policies.current().policy.unseen() == Mode::Enforce
    }

    /// Decodes what a peer sent at once.
    ///
    /// # Errors
    /// The reason to refuse it; hand it to [`judge`](Self::judge) all the same, which records and answers it.
    pub fn decode(&self, bytes: Bytes, framing: Framing) -> Result<Decoded, Malformed> {
        if framing == Framing::Line && crate::mcp::hides_a_line(&bytes) {
            return Err(crate::mcp::hiding(bytes, &self.limits));
        }
        crate::mcp::decode(bytes, &self.limits)
    }

    /// Decides on what [`decode`](Self::decode) made of `bytes`, and records it. `objection` is what the transport has
    /// against it; `advice` what came of [`inquire`](Self::inquire); `since` when its last byte arrived.
    #[expect(clippy::too_many_arguments, reason = "each is another's word on one message")]
    pub fn judge(
        &self,
        party: &Party,
        direction: Direction,
        bytes: &Bytes,
        decoded: Result<Decoded, Malformed>,
        objection: Option<&Cause>,
        advice: Option<Advice>,
        since: Instant,
    ) -> Judged {
        let (loaded, advised) = self.advised(advice);
        let place = &Place::default();
        let turn = Turn { gate: self, party, direction, place, loaded: &loaded, since };
        turn.judge(bytes, decoded, objection, advised)
    }

    /// The same for what a server says in `place`.
    pub fn judge_said(
        &self,
        party: &Party,
        place: &Place,
        bytes: &Bytes,
        decoded: Result<Decoded, Malformed>,
        advice: Option<Advice>,
        since: Instant,
    ) -> Judged {
        let (loaded, advised) = self.advised(advice);
        let direction = Direction::ToClient;
        let turn = Turn { gate: self, party, direction, place, loaded: &loaded, since };
        turn.judge(bytes, decoded, None, advised)
    }

    fn advised(&self, advice: Option<Advice>) -> (Arc<Loaded>, IntoIter<Option<Advised>>) {
        match advice {
            Some(Advice { loaded, items }) => (loaded, items),
            None => (self.policies.current(), Vec::new().into_iter()),
        }
    }

    /// Microseconds since the gate was made.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        self.us_at(Instant::now())
    }

    /// Microseconds from then to `at`.
    fn us_at(&self, at: Instant) -> u64 {
        micros(at.saturating_duration_since(self.born))
    }

    fn decision_id(&self) -> String {
        let mut id = String::with_capacity(self.stem.len() + ID_DIGITS);
        id.push_str(&self.stem);
        let mut number = self.decisions.fetch_add(1, Ordering::Relaxed);
        // As many digits as the largest number has, filled from behind; formatting takes several times as long.
        let mut digits = [b'0'; ID_DIGITS];
        let mut length = 0;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
            length += 1;
            if number == 0 {
                break;
            }
        }
        let digits = digits.get(ID_DIGITS - length..).unwrap_or_default();
        id.push_str(std::str::from_utf8(digits).unwrap_or_default());
        id
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// What of `message` goes on, if it does.
fn outgoing(message: &Message, verdict: &Verdict) -> Bytes {
    if verdict.edits().is_empty() {
        return message.bytes().clone();
    }
    json::apply(message.bytes(), verdict.edits().to_vec())
}

/// One message's, or one batch's, way through the gate: one policy for all of it.
struct Turn<'a> {
    gate: &'a Gate,
    party: &'a Party,
    direction: Direction,
    place: &'a Place,
    loaded: &'a Arc<Loaded>,
    since: Instant,
}

impl Turn<'_> {
    fn judge(
        &self,
        bytes: &Bytes,
        decoded: Result<Decoded, Malformed>,
        objection: Option<&Cause>,
        mut advised: IntoIter<Option<Advised>>,
    ) -> Judged {
        let mut advised = || advised.next().flatten();
        match decoded {
            Err(malformed) => Judged::one(self.refuse(bytes, &malformed)),
            Ok(Decoded::One(message)) => Judged::one(self.message(message, objection, advised(), false)),
            Ok(Decoded::Batch(messages)) => {
                let items =
                    messages.into_iter().map(|message| self.message(message, objection, advised(), true));
                Judged::batch(bytes.clone(), items.collect())
            }
        }
    }

    /// A text that is no message.
    fn refuse(&self, bytes: &Bytes, malformed: &Malformed) -> Item {
        let decision = self.gate.decision_id();
        let verdict = verdict::refuse(Cause::Malformed(malformed.reason), self.loaded.policy.unseen());
        let verdict = self.as_it_is(verdict);
        if self.direction == Direction::ToClient {
            self.babbled(bytes);
        }
        let standing = Standing::default();
        let recorded =
            self.record(&decision, None, bytes.clone(), &standing, &verdict, Beside::at(Instant::now()));
        let id = match self.direction {
            Direction::ToServer => malformed.id.clone(),
            Direction::ToClient => self.meant(bytes),
        };
        let answer = match (self.direction, &id) {
            // Nobody can be told: what cannot be read answers nothing that is known.
            (Direction::ToClient, None) => None,
            (Direction::ToClient | Direction::ToServer, _) => {
                Some(reply::refusal(id.as_ref(), &verdict, &decision))
            }
        };
        if let (Direction::ToClient, Some(id), false) = (self.direction, &id, verdict.forwards()) {
            self.party.session().closed(Direction::ToServer, id);
        }
        Item {
            outcome: self.outcome(recorded, answer, None, &decision),
            message: None,
            verdict,
            decision,
            answers: self.direction == Direction::ToClient,
            held: None,
        }
    }

    /// The client's open request an unreadable text most likely answers: whoever waits for it should not wait for ever.
    fn meant(&self, bytes: &Bytes) -> Option<RequestId> {
        let session = self.party.session();
        let mut ids = crate::mcp::peek(bytes)?.into_iter().filter_map(|peek| match peek.kind {
            PeekKind::Response { id: crate::mcp::Id::Number(number), .. } => {
                number.parse().ok().map(RequestId::Integer)
            }
            PeekKind::Response { id: crate::mcp::Id::String(text), .. } => {
                Some(RequestId::String(text.into()))
            }
            PeekKind::Request { .. } | PeekKind::Notification { .. } => None,
        });
        let unanswered = |id: &RequestId| session.unanswered(Direction::ToServer).any(|(open, _)| open == id);
        ids.find(|id| self.place.holds(id) && unanswered(id))
    }

    fn message(
        &self,
        mut message: Message,
        objection: Option<&Cause>,
        advised: Option<Advised>,
        in_batch: bool,
    ) -> Item {
        let decision = self.gate.decision_id();
        let mut session = self.party.session();
        let mut standing = session.look_at(self.place, self.direction, &message, in_batch);
        standing.violation = self.party.excused(standing.violation);
        let request = self.request(&message, &standing);
        let tool = request.tool();
        let view = self.view(&request, tool.as_deref().or(standing.task_tool.as_deref()));
        let done = self.done(&standing);
        let decided = self.decide(&request, &standing, &view, objection, advised, done.as_ref());
        let verdict = self.as_it_is(decided);
        let (verdict, mut held) = self.hold(&decision, &message, &standing, verdict, in_batch);
        let outgoing = outgoing(&message, &verdict);
        let decided = Instant::now();
        if verdict.forwards() {
            self.passes(&mut session, &message, &standing, &verdict, &decision, decided);
        } else if held.is_some() {
            session.held(self.direction, &message);
        } else if let Some(id) = &standing.answered {
            // The client is told in the answer's stead: the request is over.
            session.closed(self.direction.opposite(), id);
        }
        if held.is_none() {
            self.watched(&view, &decision, verdict.forwards(), false);
        } else {
            self.party.watch().held();
        }
        let doings = self.follow(&session, &message, done, &verdict, &decision);
        drop(session);
        if let Some(pinned) = self.party.pins() {
            pinned.keep(&self.gate.audit);
        }
        let done = self.note(doings);
        held = held.map(|held| Box::new(held.knowing(done.clone())));
        let beside = Beside { done: done.as_ref().map(|done| &done.done), ..Beside::at(decided) };
        let recorded = self.record(&decision, Some(&message), outgoing, &standing, &verdict, beside);
        let answer =
            (!verdict.forwards()).then(|| self.answer(&message, &standing, &verdict, &decision)).flatten();
        let id = message.id().cloned().filter(|_| message.kind() == MessageKind::Request);
        let answers = message.kind().is_response();
        if let (Err(_), Some(id)) = (&recorded, &id) {
            // It does not go on, so nothing may answer it.
            self.party.session().closed(self.direction, id);
        }
        if recorded.is_err() {
            held = held.map(|held| Box::new(held.unrecorded()));
        }
        let asked = id.or_else(|| standing.answered.clone());
        let answer = answer.filter(|_| held.is_none());
        let asked = asked.filter(|_| held.is_none());
        let outcome = self.outcome(recorded, answer, asked, &decision);
        message.forget_unpacked();
        Item { outcome, message: Some(message), verdict, decision, answers, held }
    }

    /// `verdict`, or what it amounts to where the message has passed already.
    fn as_it_is(&self, verdict: Verdict) -> Verdict {
        if self.party.is_tapped() { verdict.observed() } else { verdict }
    }

    /// The session is told what is let through at `now`, and what it is about thereby.
    fn passes(
        &self,
        session: &mut Session,
        message: &Message,
        standing: &Standing,
        verdict: &Verdict,
        decision: &str,
        now: Instant,
    ) {
        // An error without the id of what it answers is no answer to every client: that request stays open until nothing
        // more can come.
        if !message.kind().is_response() || standing.answered.as_ref() == message.id() {
            session.passed(self.direction, message, verdict.edits(), decision, self.gate.us_at(now));
        }
        if let (MessageKind::Request, Some(id)) = (message.kind(), message.id()) {
            match verdict.shown(message) {
                Shown::AsItCame(_) => {}
                changed @ (Shown::Changed(_) | Shown::Unreadable) => {
                    session.shown_as(self.direction, id, changed.message())
                }
            }
        }
        let allowed = |realm, name: &str| self.loaded.policy.scope(realm, name);
        self.party.scope().passed(self.direction, message, allowed);
    }

    fn decide(
        &self,
        request: &Request<'_>,
        standing: &Standing,
        view: &View<'_>,
        objection: Option<&Cause>,
        advised: Option<Advised>,
        done: Option<&Done>,
    ) -> Verdict {
        let policy = &self.loaded.policy;
        let wrong = || {
            let answers = standing.answered()?;
            request.message.check_answer(&answers.method).err().map(Cause::Malformed)
        };
        if let Some(cause) = objection.cloned().or(standing.violation.map(Cause::Violation)).or_else(wrong) {
            // No rule is asked, but what is not to be written down is looked for all the same.
            let effect = Effect::Deny { as_result: false };
            let refused = Evaluation { effect, ..Evaluation::passing("".into(), Mode::Enforce) };
            let Evaluation { findings, concealed, .. } = self.conceal(request, view.wanted, refused);
            return verdict::refuse(cause, policy.unseen()).concealing(findings, concealed);
        }
        verdict::decide(self.admitted(request, self.inspect(request, view, advised, done)))
    }

    /// What is said in the place of a refused message: to its sender where it asks, to its receiver where it answers.
    fn answer(
        &self,
        message: &Message,
        standing: &Standing,
        verdict: &Verdict,
        decision: &str,
    ) -> Option<Bytes> {
        let answered = standing.answered.as_ref();
        let id = answered.or_else(|| message.id().filter(|_| !message.kind().is_response()))?;
        match message.kind() {
            MessageKind::Request if verdict.as_result() => {
                Some(reply::denied_result(id, standing.revision, decision))
            }
            MessageKind::Request => Some(reply::refusal(Some(id), verdict, decision)),
            MessageKind::Result | MessageKind::Error => Some(reply::refusal(Some(id), verdict, decision)),
            MessageKind::Notification => None,
        }
    }

    fn outcome(
        &self,
        recorded: Result<Recorded, AuditError>,
        answer: Option<Bytes>,
        id: Option<RequestId>,
        decision: &str,
    ) -> Outcome {
        match recorded {
            Ok(recorded) => Outcome { recorded: Some(recorded), answer },
            Err(error) => {
                tracing::error!(%error, "a decision could not be recorded");
                let answer =
                    id.map(|id| reply::error(Some(&id), reply::UNAUDITED, reply::UNRECORDED, Some(decision)));
                Outcome { recorded: None, answer }
            }
        }
    }
}
