//! What a server did meanwhile, beside what it says.

use super::{Gate, Party, Turn};
use crate::audit::Event;
use crate::effects::{Done, NO_TOOL};
use crate::mcp::{Decoded, Direction, Malformed, Message, MessageKind};
use crate::policy::effects::Surroundings;
use crate::proxy::effects::{Apart, Caller};
use crate::session::{OpenRequest, Place, Session, Standing};
use crate::verdict::Verdict;

/// What follows from a message for what is known of its server's doings.
#[derive(Debug, Default)]
pub(super) struct Doings {
    /// To be recorded before the message.
    apart: Vec<Apart>,
    /// What the call did that the message answers; `None` where it answers none, or nobody looks.
    done: Option<Done>,
    /// The answer goes on: what was done is usual from now on.
    is_taken: bool,
}

impl Gate {
    /// Waits until what the session's server did before it said `decoded` in `place` is known, where that answers a call; for a
    /// moment at most.
    pub async fn settled(&self, party: &Party, place: &Place, decoded: &Result<Decoded, Malformed>) {
        let Some(followed) = party.followed() else { return };
        let messages = match decoded {
            Ok(Decoded::One(message)) => std::slice::from_ref(message),
            Ok(Decoded::Batch(messages)) => messages,
            Err(_) => return,
        };
        let answers = {
            let session = party.session();
            let is_call = |open: &OpenRequest| &*open.method == CALL;
            messages.iter().any(|message| session.request_of(place, message).is_some_and(is_call))
        };
        if answers {
            followed.settled().await;
        }
    }

    /// Records what the session's server did while no call was open, where it did and this session is to tell it.
    pub fn note_strays(&self, party: &Party) {
        let Some(followed) = party.followed() else { return };
        self.hold_to_policy(party);
        followed.take_apart().into_iter().for_each(|apart| self.note_apart(party, apart));
        self.note_killed(party, followed);
        self.note_reset(followed);
    }

    /// Records what is not recorded yet of what the session's server did: no call will be answered any more.
    pub fn note_last_effects(&self, party: &Party) {
        let Some(followed) = party.followed() else { return };
        followed.give_up(|_| false).into_iter().for_each(|apart| self.note_apart(party, apart));
        self.note_strays(party);
    }

    /// What the session's server does from now on is held against the policy in force.
    pub fn hold_to_policy(&self, party: &Party) {
        let Some(followed) = party.followed() else { return };
        let loaded = self.policies.current();
        let rules = |around: &Surroundings| loaded.policy.effects(&party.context().server, around);
        followed.server().is_held_to(loaded.generation, rules);
    }

    fn note_apart(&self, party: &Party, apart: Apart) {
        let (call, after, tool, mut done) = match apart {
            Apart::Stray(stray) => (None, stray.after, None, stray.done),
            Apart::Unanswered(Done { call, tool, done }) => (Some(call), None, Some(tool), done),
        };
        done.conceal();
        let loaded = self.policies.current();
        let (server, tool) = (&*party.context().server, tool.as_deref());
        let findings = loaded.policy.weigh_doings(server, tool, &done);
        if let Some(followed) = party.followed() {
            // Nothing can be refused any more; what would have been stays new.
            let refused = |what| loaded.policy.objects(server, tool, what);
            followed.learn(tool.unwrap_or(NO_TOOL), &done, refused);
        }
        self.metrics.found(&findings);
        let event = Event::ServerEffects {
            session: party.id(),
            context: party.context(),
            call: call.as_deref(),
            after: after.as_deref(),
            done: &done,
            findings: &findings,
        };
        // A record that is lost is counted by the log.
        if let Err(error) = self.audit.note(&event) {
            tracing::error!(%error, "what a server did is not on record");
        }
    }

    fn note_reset(&self, followed: &Caller) {
        let Some((server, act)) = followed.unrecorded() else { return };
        let event = Event::AdminServer { server: server.label(), hash: server.hash(), act: &act };
        match self.audit.note(&event) {
            Ok(()) => followed.recorded(&act),
            Err(error) => {
                tracing::error!(%error, "that what a server usually does was reset is not on record");
            }
        }
    }

    fn note_killed(&self, party: &Party, followed: &Caller) {
        let Some(killed) = followed.take_killed() else { return };
        tracing::warn!(
            session = party.id(), server = %party.context().server, rule = %killed.rule,
            processes = killed.ended.processes, "a server was ended for what it did"
        );
        let event = Event::ServerKilled { session: party.id(), context: party.context(), killed: &killed };
        if let Err(error) = self.audit.note(&event) {
            tracing::error!(%error, "that a server was ended is not on record");
        }
    }
}

impl Turn<'_> {
    /// What the call did that `standing`'s message answers. To be called while the session is held.
    pub(super) fn done(&self, standing: &Standing) -> Option<Done> {
        let followed = self.party.followed().filter(|_| self.direction == Direction::ToClient)?;
        let call = standing.answered().filter(|open| &*open.method == CALL)?;
        followed.closed(&call.decision)
    }

    /// Notes what `message` opens and closes. To be called while the session is held, after it was told what becomes of the
    /// message: no two messages may disagree on which calls are open. `done` is what the call [did](Self::done) that it answers.
    pub(super) fn follow(
        &self,
        session: &Session,
        message: &Message,
        done: Option<Done>,
        verdict: &Verdict,
        decision: &str,
    ) -> Doings {
        let mut doings = Doings { apart: Vec::new(), done, is_taken: verdict.forwards() };
        let Some(followed) = self.party.followed() else { return doings };
        match (self.direction, message.kind()) {
            (Direction::ToClient, _) | (Direction::ToServer, MessageKind::Result | MessageKind::Error) => {}
            (Direction::ToServer, MessageKind::Request) => {
                if verdict.forwards() && message.method() == Some(CALL) {
                    self.give_up(session, &mut doings);
                    self.gate.hold_to_policy(self.party);
                    let tool = message.params().and_then(|params| params.get("name")?.as_str());
                    doings.apart.extend(followed.opened(decision, tool.as_deref().unwrap_or_default()));
                }
            }
            (Direction::ToServer, MessageKind::Notification) => {
                if message.method() == Some("notifications/cancelled") {
                    self.give_up(session, &mut doings);
                }
            }
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
    pub(super) fn note(&self, doings: Doings) -> Option<Done> {
        doings.apart.into_iter().for_each(|apart| self.gate.note_apart(self.party, apart));
        let mut done = doings.done?;
        done.done.conceal();
        if let Some(followed) = self.party.followed() {
            if doings.is_taken {
                let (policy, server) = (&self.loaded.policy, &*self.party.context().server);
                // What has passed already cannot be refused; what would have been stays new.
                let refused = |what| self.party.is_tapped() && policy.objects(server, Some(&done.tool), what);
                followed.learn(&done.tool, &done.done, refused);
            }
            self.gate.note_killed(self.party, followed);
        }
        Some(done)
    }
}

const CALL: &str = "tools/call";
