//! What a session's messages mean to one another: which answer belongs to which request, and under which revision.
//!
//! Pure, and one struct for one session in both directions. It is asked before a message is decided on ([`Session::look`])
//! and told afterwards what was let through ([`Session::passed`]): a request that was refused is not open, so nothing can
//! answer it.

mod open;
mod target;
#[cfg(test)]
mod tests;

pub use open::{MAX_OPEN, OpenRequest};
pub use target::Target;

use crate::mcp::{Direction, Message, MessageKind, RequestId, Revision};
use open::Open;

/// Something the protocol does not allow, though each message for itself is well-formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Violation {
    /// An answer to a request that is not open: never asked, already answered, or another session's.
    #[error("nobody asked for this answer")]
    Unsolicited,
    /// A request with the id of one that is open.
    #[error("a request with this id is open")]
    DuplicateId,
    /// More requests open than a session may have.
    #[error("too many requests are open")]
    TooManyOpen,
    /// A batch in a revision that has none.
    #[error("this revision has no batches")]
    Batch,
    /// `initialize` in a batch.
    #[error("`initialize` is in a batch")]
    InitializeInBatch,
    /// A server's request in a revision that has none.
    #[error("servers send no requests in this revision")]
    ServerRequest,
}

impl Violation {
    /// A stable word for records and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unsolicited => "unsolicited-response",
            Self::DuplicateId => "duplicate-id",
            Self::TooManyOpen => "too-many-open",
            Self::Batch => "batch",
            Self::InitializeInBatch => "initialize-in-batch",
            Self::ServerRequest => "server-request",
        }
    }
}

/// What the session knows about a message that is to be decided on.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The open request it answers.
    pub answers: Option<OpenRequest>,
    /// What is wrong with it.
    pub violation: Option<Violation>,
    /// The revision it is to be read by, where one is known.
    pub revision: Option<Revision>,
}

/// One session.
#[derive(Debug, Default)]
pub struct Session {
    revision: Option<Revision>,
    /// Open requests of the client.
    from_client: Open,
    /// Open requests of the server.
    from_server: Open,
}

impl Session {
    /// A session of which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The revision agreed on by `initialize`, where there was one.
    #[must_use]
    pub fn revision(&self) -> Option<Revision> {
        self.revision
    }

    /// Sets the revision where it is known from elsewhere, as from an HTTP header.
    pub fn set_revision(&mut self, revision: Revision) {
        self.revision = Some(revision);
    }

    /// What `message`, going in `direction`, is in this session; `in_batch` where it came in one.
    #[must_use]
    pub fn look(&self, direction: Direction, message: &Message, in_batch: bool) -> Standing {
        let own = target::revision_of(message);
        let mut standing = Standing { revision: own.or(self.revision), ..Standing::default() };
        standing.violation = in_batch.then(|| self.batch(message)).flatten();
        match (message.kind(), message.id()) {
            (MessageKind::Request, Some(id)) => {
                let modern = self.revision.is_some_and(Revision::is_modern);
                let of_server = direction == Direction::ToClient && modern;
                let open = self.open(direction).may_open(id).err();
                standing.violation =
                    standing.violation.or(of_server.then_some(Violation::ServerRequest)).or(open);
            }
            (MessageKind::Result | MessageKind::Error, Some(id)) => {
                standing.answers = self.open(direction.opposite()).get(id).cloned();
                if standing.answers.is_none() {
                    standing.violation = standing.violation.or(Some(Violation::Unsolicited));
                }
                standing.revision =
                    standing.answers.as_ref().and_then(|open| open.revision).or(standing.revision);
            }
            // An error about a request nobody could read answers none, and opens none.
            (
                MessageKind::Notification | MessageKind::Result | MessageKind::Error | MessageKind::Request,
                _,
            ) => {}
        }
        standing
    }

    fn batch(&self, message: &Message) -> Option<Violation> {
        if message.method() == Some("initialize") {
            return Some(Violation::InitializeInBatch);
        }
        let has_batches = self.revision.is_some_and(Revision::has_batches);
        (!has_batches).then_some(Violation::Batch)
    }

    /// `message` was let through, under `decision`, at `now_us` microseconds of the caller's clock.
    pub fn passed(&mut self, direction: Direction, message: &Message, decision: &str, now_us: u64) {
        match (message.kind(), message.id()) {
            (MessageKind::Request, Some(id)) => {
                let open = OpenRequest::of(message, decision, now_us);
                self.open_mut(direction).insert(id.clone(), open);
            }
            (MessageKind::Result | MessageKind::Error, Some(id)) => {
                let asked = self.open_mut(direction.opposite()).remove(id);
                if asked.is_some_and(|asked| &*asked.method == "initialize") {
                    self.revision = target::negotiated(message).or(self.revision);
                }
            }
            (
                MessageKind::Notification | MessageKind::Result | MessageKind::Error | MessageKind::Request,
                _,
            ) => {}
        }
    }

    /// The request `id` was answered by the gateway in the message's stead: nothing more is expected.
    pub fn closed(&mut self, direction: Direction, id: &RequestId) {
        self.open_mut(direction).remove(id);
    }

    /// `open` waits for an answer again: the transport replays what was sent before, its answer included.
    pub fn reopened(&mut self, direction: Direction, id: RequestId, open: OpenRequest) {
        self.open_mut(direction).insert(id, open);
    }

    /// The request `id` going in `direction`, where it is not answered yet.
    #[must_use]
    pub fn request(&self, direction: Direction, id: &RequestId) -> Option<&OpenRequest> {
        self.open(direction).get(id)
    }

    /// The requests going in `direction` that are not answered yet.
    pub fn unanswered(&self, direction: Direction) -> impl Iterator<Item = (&RequestId, &OpenRequest)> {
        self.open(direction).iter()
    }

    fn open(&self, direction: Direction) -> &Open {
        match direction {
            Direction::ToServer => &self.from_client,
            Direction::ToClient => &self.from_server,
        }
    }

    fn open_mut(&mut self, direction: Direction) -> &mut Open {
        match direction {
            Direction::ToServer => &mut self.from_client,
            Direction::ToClient => &mut self.from_server,
        }
    }
}
