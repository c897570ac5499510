//! What a server did meanwhile, beside what it says.

use super::{Gate, Party, Turn};
use crate::audit::Event;
use crate::effects::Collected;
use crate::mcp::{Direction, Message, MessageKind};
use crate::proxy::effects::Apart;
use crate::session::{Session, Standing};
use crate::verdict::Verdict;

/// What follows from a message for what is known of its server's doings.
#[derive(Debug, Default)]
pub(super) struct Doings {
    /// To be recorded before the message.
    apart: Vec<Apart>,
    /// What the call did that the message answers; `None` where it answers none, or nobody looks.
    pub(super) done: Option<Collected>,
}

impl Gate {
    /// Records what the session's server did while no call was open, where it did.
    pub fn note_strays(&self, party: &Party) {
        if let Some(stray) = party.followed().and_then(|followed| followed.take_stray()) {
            self.note_apart(party, stray);
        }
    }

    /// Records what is not recorded yet of what the session's server did: no call will be answered any more.
    pub fn note_last_effects(&self, party: &Party) {
        let Some(followed) = party.followed() else { return };
        followed.give_up(|_| false).into_iter().for_each(|apart| self.note_apart(party, apart));
        self.note_strays(party);
    }

    fn note_apart(&self, party: &Party, apart: Apart) {
        let (call, after, mut done) = match apart {
            Apart::Stray(stray) => (None, stray.after, stray.done),
            Apart::Unanswered(call, done) => (Some(call), None, done),
        };
        done.conceal();
        let event = Event::ServerEffects {
            session: party.id(),
            context: party.context(),
            call: call.as_deref(),
            after: after.as_deref(),
            done: &done,
        };
        // A record that is lost is counted by the log.
        if let Err(error) = self.audit.note(&event) {
            tracing::error!(%error, "what a server did is not on record");
        }
    }
}

impl Turn<'_> {
    /// Notes what `message` opens and closes. To be called while the session is held, after it was told what becomes of the
    /// message: no two messages may disagree on which calls are open.
    pub(super) fn follow(
        &self,
        session: &Session,
        message: &Message,
        standing: &Standing,
        verdict: &Verdict,
        decision: &str,
    ) -> Doings {
        let mut doings = Doings::default();
        let Some(followed) = self.party.followed() else { return doings };
        match (self.direction, message.kind()) {
            (Direction::ToClient, _) => {
                let call = standing.answers.as_ref().filter(|open| &*open.method == CALL);
                doings.done = call.and_then(|call| followed.closed(&call.decision));
            }
            (Direction::ToServer, MessageKind::Request) => {
                if verdict.forwards() && message.method() == Some(CALL) {
                    self.give_up(session, &mut doings);
                    doings.apart.extend(followed.opened(decision));
                }
            }
            (Direction::ToServer, MessageKind::Notification) => {
                if message.method() == Some("notifications/cancelled") {
                    self.give_up(session, &mut doings);
                }
            }
            (Direction::ToServer, MessageKind::Result | MessageKind::Error) => {}
        }
        doings
    }

    /// Calls that were cancelled, or answered by somebody else, will not be answered by the server.
    fn give_up(&self, session: &Session, doings: &mut Doings) {
        let Some(followed) = self.party.followed() else { return };
        let is_open =
            |call: &str| session.unanswered(Direction::ToServer).any(|(_, open)| &*open.decision == call);
        doings.apart.extend(followed.give_up(is_open));
    }

    /// Records what is to be recorded before the message, and leaves what belongs to its own record.
    pub(super) fn note(&self, doings: Doings) -> Option<Collected> {
        doings.apart.into_iter().for_each(|apart| self.gate.note_apart(self.party, apart));
        let mut done = doings.done;
        if let Some(done) = &mut done {
            done.conceal();
        }
        done
    }
}

const CALL: &str = "tools/call";
