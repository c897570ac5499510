//! A session and its circumstances, as the gate needs them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pinned::Pinned;
use crate::audit::SessionMembers;
use crate::detect::Scope;
use crate::detect::watch::{Circle, Tools, Watch};
use crate::inventory::BootTime;
use crate::mcp::Direction;
use crate::policy::Context;
use crate::proxy::effects::Caller;
use crate::proxy::hold::Holds;
use crate::session::{Session, Violation};

/// One session: who talks, and what is open between them.
#[derive(Debug)]
pub struct Party {
    id: Box<str>,
    context: Context,
    members: SessionMembers,
    session: Mutex<Session>,
    scope: Mutex<Scope>,
    watch: Mutex<Watch>,
    tally: Tally,
    holds: Option<Arc<Holds>>,
    pinned: Option<Pinned>,
    followed: Option<Caller>,
    is_tapped: bool,
    is_blind: AtomicBool,
}

/// A session's messages, counted.
#[derive(Debug, Default)]
pub struct Tally {
    to_server: AtomicU64,
    to_client: AtomicU64,
    refused: AtomicU64,
}

impl Tally {
    pub(super) fn count(&self, direction: Direction, forwarded: bool) {
        let count = match (forwarded, direction) {
            (false, _) => &self.refused,
            (true, Direction::ToServer) => &self.to_server,
            (true, Direction::ToClient) => &self.to_client,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// Messages let through in `direction`.
    #[must_use]
    pub fn forwarded(&self, direction: Direction) -> u64 {
        match direction {
            Direction::ToServer => self.to_server.load(Ordering::Relaxed),
            Direction::ToClient => self.to_client.load(Ordering::Relaxed),
        }
    }

    /// Messages refused, in either.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

impl Party {
    /// A session called `id` in the audit log.
    #[must_use]
    pub fn new(id: impl Into<Box<str>>, context: Context) -> Self {
        let id = id.into();
        Self {
            members: SessionMembers::of(&id, &context),
            id,
            context,
            session: Mutex::default(),
            scope: Mutex::default(),
            watch: Mutex::default(),
            tally: Tally::default(),
            holds: None,
            pinned: None,
            followed: None,
            is_tapped: false,
            is_blind: AtomicBool::new(false),
        }
    }

    /// Its messages have passed already, where the host was looked at: nothing can be done about them but say what would
    /// have been.
    #[must_use]
    pub fn tapped(self) -> Self {
        Self { is_tapped: true, ..self }
    }

    /// Messages of it were, or may have been, missed: what only those explain is no violation from here on.
    pub fn blinded(&self) {
        self.is_blind.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_tapped(&self) -> bool {
        self.is_tapped
    }

    /// `violation`, unless what was missed may explain it.
    pub(super) fn excused(&self, violation: Option<Violation>) -> Option<Violation> {
        violation.filter(|violation| match violation {
            Violation::Unsolicited
            | Violation::Misplaced
            | Violation::DuplicateId
            | Violation::TooManyOpen
            | Violation::Batch
            | Violation::ServerRequest
            | Violation::Revision => !self.is_blind.load(Ordering::Relaxed),
            Violation::InitializeInBatch => true,
        })
    }

    /// Its messages wait in `holds` where policy wants a person's word. Whatever carries the session must
    /// [settle](crate::proxy::gate::Gate::settle) what is held.
    #[must_use]
    pub fn holding(self, holds: Arc<Holds>) -> Self {
        Self { holds: Some(holds), ..self }
    }

    /// It is a session of the client whose sessions are `circle`. Before its first message.
    #[must_use]
    pub fn within(self, circle: Arc<Circle>) -> Self {
        Self { watch: Mutex::new(Watch::within(circle)), ..self }
    }

    /// What is known of its server's tools is `tools`. Before its first message.
    #[must_use]
    pub fn knowing(self, tools: Tools) -> Self {
        let watch = self.watch.into_inner().unwrap_or_else(PoisonError::into_inner);
        Self { watch: Mutex::new(watch.knowing(tools)), ..self }
    }

    /// What its server says of itself is held against pins.
    #[must_use]
    pub fn pinned(self, pinned: Pinned) -> Self {
        Self { pinned: Some(pinned), ..self }
    }

    /// What its server does to the host is followed.
    #[must_use]
    pub fn followed_by(self, caller: Caller) -> Self {
        Self { followed: Some(caller), ..self }
    }

    /// Of a tapped session: its next message passed at `at`, and all before is judged.
    pub fn heard(&self, at: BootTime) {
        if let Some(followed) = &self.followed {
            followed.heard(at);
        }
    }

    /// Calls of which `session`, which is this one's, knows nothing any more will not be answered: somebody else will tell what
    /// was done meanwhile.
    pub fn abandon_calls(&self, session: &Session) {
        let Some(followed) = &self.followed else { return };
        followed
            .abandon(|call| session.unanswered(Direction::ToServer).any(|(_, open)| &*open.decision == call));
    }

    /// What its server does to the host; `None` where nobody looks.
    pub(super) fn followed(&self) -> Option<&Caller> {
        self.followed.as_ref()
    }

    /// The pins of its server.
    pub(super) fn pins(&self) -> Option<&Pinned> {
        self.pinned.as_ref()
    }

    /// Where its messages wait; `None` where nobody can be asked.
    #[must_use]
    pub fn holds(&self) -> Option<&Arc<Holds>> {
        self.holds.as_ref()
    }

    /// Its id in the audit log.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its circumstances.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// What each of its records says of it.
    pub(super) fn members(&self) -> &SessionMembers {
        &self.members
    }

    /// Its messages, counted.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What is open. The gate holds it from a message's look until the session is told what became of it, the policy's
    /// evaluation included: were another message of the session decided on meanwhile, two requests of one id would both
    /// find it free, and two answers both their request open. So a session's messages are decided on one after the
    /// other, each within what an evaluation may take; those of other sessions do not wait. It is a std mutex, for
    /// nothing is waited for while it is held: no peer, no record, no `await`. Nothing is left half done.
    pub fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the session is about. It is locked for a moment, while [`session`](Self::session) is, never the other way round.
    pub(super) fn scope(&self) -> MutexGuard<'_, Scope> {
        self.scope.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What its messages amount to together. Only taken while [`session`](Self::session) is held.
    pub(super) fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
