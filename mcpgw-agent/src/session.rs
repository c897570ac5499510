//! What a session's messages mean to one another: which answer belongs to which request, and under which revision.
//!
//! Pure, and one struct for one session in both directions. It is asked before a message is decided on ([`Session::look`])
//! and told afterwards what was let through ([`Session::passed`]): a request that was refused is not open, so nothing can
//! answer it.
//!
//! Everything it remembers is bounded, and what is forgotten is not known, which is said (`None`), never guessed. The
//! order of the life cycle is nobody's concern here: real servers speak before they are initialized.

mod catalogue;
mod open;
mod place;
mod target;
mod tasks;
#[cfg(test)]
mod tests;

pub use open::{MAX_OPEN, Named, OpenRequest};
pub use place::Place;
pub use target::Target;

use std::collections::HashSet;

use crate::json::Edit;
use crate::mcp::{Direction, Message, MessageKind, Method, Names, RequestId, Revision};
use catalogue::Catalogue;
use open::{Open, Waiting};
use tasks::Tasks;

/// Something the protocol does not allow, though each message for itself is well-formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Violation {
    /// An answer to a request that is not open: never asked, already answered, or another session's.
    #[error("nobody asked for this answer")]
    Unsolicited,
    /// An answer to an open request, in a [`Place`] that is for the answers to others.
    #[error("it answers another request than those that are answered here")]
    Misplaced,
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
    /// A client's message that names another revision than was agreed on.
    #[error("it names another revision than its session agreed on")]
    Revision,
}

impl Violation {
    /// A stable word for records and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Unsolicited => "unsolicited-response",
            Self::Misplaced => "misplaced-response",
            Self::DuplicateId => "duplicate-id",
            Self::TooManyOpen => "too-many-open",
            Self::Batch => "batch",
            Self::InitializeInBatch => "initialize-in-batch",
            Self::ServerRequest => "server-request",
            Self::Revision => "revision",
        }
    }
}

/// What the session knows about a message that is to be decided on.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// The open request it answers, or, where it is [`Misplaced`](Violation::Misplaced), would.
    pub answers: Option<OpenRequest>,
    /// The id of the request it answers. An error may have none of its own.
    pub answered: Option<RequestId>,
    /// What is wrong with it.
    pub violation: Option<Violation>,
    /// The revision it is to be read by, where one is known.
    pub revision: Option<Revision>,
    /// The tool whose call became the task that this message, or the request it answers, names; `None` also where that
    /// is not known.
    pub task_tool: Option<Box<str>>,
}

impl Standing {
    /// The open request it answers, and is to answer where it is said.
    #[must_use]
    pub fn answered(&self) -> Option<&OpenRequest> {
        self.answers.as_ref().filter(|_| self.answered.is_some())
    }
}

/// One session.
#[derive(Debug, Default)]
pub struct Session {
    revision: Option<Revision>,
    /// Open requests of the client.
    from_client: Open,
    /// Open requests of the server.
    from_server: Open,
    catalogue: Catalogue,
    /// The client's.
    tasks: Tasks,
}

impl Session {
    /// A session of which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The revision agreed on by `initialize`; without one, the modern one of a request that had a result.
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
        self.look_at(&Place::default(), direction, message, in_batch)
    }

    /// [`look`](Self::look), where the message is said in `place`.
    #[must_use]
    pub fn look_at(
        &self,
        place: &Place,
        direction: Direction,
        message: &Message,
        in_batch: bool,
    ) -> Standing {
        let own = target::revision_of(message);
        let revision = match direction {
            Direction::ToServer => own.or(self.revision),
            Direction::ToClient => self.revision.or(own),
        };
        let mut standing = Standing { revision, ..Standing::default() };
        standing.violation = in_batch.then(|| self.batch(message)).flatten();
        if direction == Direction::ToServer && own.is_some_and(|own| self.has_settled_on_another(own)) {
            standing.violation = standing.violation.or(Some(Violation::Revision));
        }
        match (message.kind(), message.id()) {
            (MessageKind::Request, Some(id)) => {
                let modern = self.revision.is_some_and(Revision::is_modern);
                let of_server = direction == Direction::ToClient && modern;
                let open = self.open(direction).may_open(id).err();
                standing.violation =
                    standing.violation.or(of_server.then_some(Violation::ServerRequest)).or(open);
            }
            (MessageKind::Result | MessageKind::Error, _) => {
                self.look_at_answer(place, direction, message, &mut standing);
            }
            (MessageKind::Notification | MessageKind::Request, _) => {}
        }
        if !message.kind().is_response() {
            standing.task_tool = self.task_tool(direction, message);
        }
        standing
    }

    fn look_at_answer(
        &self,
        place: &Place,
        direction: Direction,
        message: &Message,
        standing: &mut Standing,
    ) {
        let open = self.open(direction.opposite());
        let waiting = |id: &RequestId| open.get(id).filter(|_| !open.held_answers.contains(id));
        let answered = place.answered(message, |id| waiting(id).is_some());
        // An error about a request nobody could read answers none, and opens none.
        let is_about_nothing = is_unreadable(message) && place.may_be_about_nothing();
        let wrong = match (answered, message.id()) {
            (Some(_), _) => None,
            (None, Some(id)) if !place.holds(id) && waiting(id).is_some() => Some(Violation::Misplaced),
            (None, _) => (!is_about_nothing).then_some(Violation::Unsolicited),
        };
        standing.violation = standing.violation.or(wrong);
        let meant = message.id().filter(|_| wrong == Some(Violation::Misplaced));
        let asked = answered.or(meant).and_then(waiting);
        standing.answered = answered.cloned();
        standing.answers = asked.map(|asked| asked.request.clone());
        standing.task_tool = asked.and_then(|asked| asked.task_tool.clone());
        standing.revision = standing.answers.as_ref().and_then(|open| open.revision).or(standing.revision);
    }

    /// The client's open request that `message` of the server's answers in `place`.
    #[must_use]
    pub fn request_of(&self, place: &Place, message: &Message) -> Option<&OpenRequest> {
        let answered = place.answered(message, |id| self.from_client.get(id).is_some())?;
        self.request(Direction::ToServer, answered).filter(|_| message.kind().is_response())
    }

    /// Of the client's tasks. Those that a server made of the client's answers have no tool.
    fn task_tool(&self, direction: Direction, message: &Message) -> Option<Box<str>> {
        let of_client = match message.kind() {
            MessageKind::Request => direction == Direction::ToServer,
            MessageKind::Notification => direction == Direction::ToClient,
            MessageKind::Result | MessageKind::Error => false,
        };
        let names = |method| Method::named(method).and_then(Method::names) == Some(Names::Task);
        if !of_client || !message.method().is_some_and(names) {
            return None;
        }
        self.tasks.tool(Target::of(message)?.text()).map(Box::from)
    }

    /// Whether the server has offered a tool called `name` in the lists that reached the client; `None` where no whole
    /// list did, or the list was too long to be kept.
    #[must_use]
    pub fn offered(&self, name: &str) -> Option<bool> {
        self.catalogue.offered(name)
    }

    /// Where each message names its revision, another of that kind may be named.
    fn has_settled_on_another(&self, revision: Revision) -> bool {
        let may_change = |agreed: Revision| agreed.is_modern() && revision.is_modern();
        self.revision.is_some_and(|agreed| agreed != revision && !may_change(agreed))
    }

    fn batch(&self, message: &Message) -> Option<Violation> {
        if message.method() == Some("initialize") {
            return Some(Violation::InitializeInBatch);
        }
        let has_batches = self.revision.is_some_and(Revision::has_batches);
        (!has_batches).then_some(Violation::Batch)
    }

    /// `message` was let through with `edits`, under `decision`, at `now_us` microseconds of the caller's clock.
    pub fn passed(
        &mut self,
        direction: Direction,
        message: &Message,
        edits: &[Edit],
        decision: &str,
        now_us: u64,
    ) {
        match (message.kind(), message.id()) {
            (MessageKind::Request, Some(id)) => self.asked(direction, message, id, decision, now_us),
            (MessageKind::Result | MessageKind::Error, Some(id)) => {
                if let Some(asked) = self.open_mut(direction.opposite()).remove(id) {
                    self.answered(direction, &asked, message, edits);
                }
            }
            (MessageKind::Notification, _) => self.told(direction, message),
            (MessageKind::Result | MessageKind::Error | MessageKind::Request, None) => {}
        }
    }

    /// The request `id` going in `direction` is to be called as `shown` is in the record of its answer: something was taken
    /// out of its own.
    pub fn shown_as(&mut self, direction: Direction, id: &RequestId, shown: Option<&Message>) {
        self.open_mut(direction).show_as(id, Named::of(shown));
    }

    fn asked(
        &mut self,
        direction: Direction,
        message: &Message,
        id: &RequestId,
        decision: &str,
        now_us: u64,
    ) {
        let request = OpenRequest::of(message, decision, now_us);
        if &*request.method == "initialize" && self.revision.is_some_and(Revision::is_modern) {
            // The client falls back: until the server has answered, nothing is agreed on.
            self.revision = None;
        }
        let waiting = Waiting::new(request, self.task_tool(direction, message));
        self.open_mut(direction).insert(id.clone(), waiting);
    }

    fn answered(&mut self, direction: Direction, asked: &Waiting, message: &Message, edits: &[Edit]) {
        let (Direction::ToClient, Some(result)) = (direction, message.result()) else { return };
        match (&*asked.request.method, &asked.request.target) {
            ("initialize", _) => self.revision = target::negotiated(message),
            ("tools/list", _) => self.catalogue.page(asked.request.from_start, result, edits),
            ("tools/call", Some(Target::Tool(tool))) => self.tasks.answered(tool, result),
            _ => {}
        }
        // A server that has a result for such a request speaks that revision, as long as none was agreed on.
        if let (None, Some(revision)) = (self.revision, asked.request.revision)
            && revision.is_modern()
        {
            self.revision = Some(revision);
        }
    }

    /// What a notification changes. To cancel what is not open is harmless: the answer may have been faster.
    fn told(&mut self, direction: Direction, message: &Message) {
        if message.method() != Some("notifications/cancelled") {
            return;
        }
        let id = message.params().and_then(|params| params.get("requestId")).and_then(RequestId::of);
        let Some(id) = id else { return };
        let ends_stream = |open: &Open| {
            open.get(&id).is_some_and(|waiting| &*waiting.request.method == "subscriptions/listen")
        };
        if self.open(direction).get(&id).is_some() {
            self.open_mut(direction).give_up(&id);
        } else if direction == Direction::ToClient && ends_stream(&self.from_client) {
            // The one request of the client's that a server may end so.
            self.from_client.give_up(&id);
        }
    }

    /// `message` waits for a person: its id is taken, and what it answers has no other answer, until it is
    /// [`unheld`](Self::unheld).
    pub fn held(&mut self, direction: Direction, message: &Message) {
        if let Some(id) = message.id() {
            self.held_by(direction, message.kind()).insert(id.clone());
        }
    }

    /// `message` waits no more, and has not passed yet. Says whether it was still waited for: the request it is may have
    /// been [`closed`](Self::closed) meanwhile. What has no id always is.
    pub fn unheld(&mut self, direction: Direction, message: &Message) -> bool {
        message.id().is_none_or(|id| self.held_by(direction, message.kind()).remove(id))
    }

    fn held_by(&mut self, direction: Direction, kind: MessageKind) -> &mut HashSet<RequestId> {
        if kind.is_response() {
            &mut self.open_mut(direction.opposite()).held_answers
        } else {
            &mut self.open_mut(direction).held
        }
    }

    /// The requests going in `direction` that wait for a person.
    pub fn waiting(&self, direction: Direction) -> impl Iterator<Item = &RequestId> {
        self.open(direction).held.iter()
    }

    /// The request `id` was answered by the gateway in the message's stead: nothing more is expected.
    pub fn closed(&mut self, direction: Direction, id: &RequestId) {
        let open = self.open_mut(direction);
        open.held.remove(id);
        open.remove(id);
    }

    /// `open` waits for an answer again: the transport replays what was sent before, its answer included.
    pub fn reopened(&mut self, direction: Direction, id: RequestId, open: OpenRequest) {
        self.open_mut(direction).insert(id, Waiting::new(open, None));
    }

    /// The request `id` going in `direction`, where it is not answered yet.
    #[must_use]
    pub fn request(&self, direction: Direction, id: &RequestId) -> Option<&OpenRequest> {
        self.open(direction).get(id).map(|waiting| &waiting.request)
    }

    /// The requests going in `direction` that are not answered yet and were not cancelled.
    pub fn unanswered(&self, direction: Direction) -> impl Iterator<Item = (&RequestId, &OpenRequest)> {
        self.open(direction).unanswered()
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

/// An error about a request whose id could not be read. Python's SDK up to 1.28 has a word where JSON-RPC has `null`.
fn is_unreadable(message: &Message) -> bool {
    let word = |id: &RequestId| matches!(id, RequestId::String(text) if &**text == "server-error");
    message.kind() == MessageKind::Error && message.id().is_none_or(word)
}
