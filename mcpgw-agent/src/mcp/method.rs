//! MCP's methods over all revisions from 2024-11-05 to 2026-07-28, and how much each name alone says.
//!
//! The name decides only where no other protocol uses it. Namesakes thought of: LSP and DAP (`initialize`,
//! `initialized`, `shutdown`), ACP (`initialize` with an integer version, `session/*`), BSP (`build/*`), Codex's
//! app server (`initialize` without a version), A2A (`tasks/get`, `tasks/cancel` with `id`), Bitcoin and others
//! (`ping`).

use std::sync::LazyLock;

use super::Revision;
use super::shape::Shape;
use super::table::{self, shapes};

/// Which peer of a session sends a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sender {
    /// The client: whoever reads it is the server.
    Client,
    /// The server: whoever reads it is the client.
    Server,
    /// Either.
    Both,
}

/// What, beside its name, makes a method MCP's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// Nothing: no other protocol has it.
    Name,
    /// `protocolVersion` in the form of an MCP revision.
    Handshake,
    /// `level` is one of the eight syslog levels.
    Level,
    /// `taskId` is there.
    TaskId,
    /// `requestId` is there.
    RequestId,
    /// `progressToken` is there.
    ProgressToken,
    /// Nothing can: others have it too, with the same parameters.
    Never,
}

/// Request or notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// Wants an answer.
    Request,
    /// Wants none.
    Notification,
}

/// What a method's parameters name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Names {
    /// A tool, by `name`.
    Tool,
    /// A prompt, by `name`.
    Prompt,
    /// A resource, by `uri`.
    Resource,
    /// A task, by `taskId`.
    Task,
    /// A prompt or a resource, by `ref`.
    Reference,
}

/// Bytes of the longest method's name, and some more.
const LONGEST: usize = 48;

/// All methods by the length of their names: of one length there are few.
static BY_LENGTH: LazyLock<[Vec<&'static Method>; LONGEST]> = LazyLock::new(|| {
    std::array::from_fn(|length| table::all().filter(|method| method.name.len() == length).collect())
});

/// A method: who sends it, when it was MCP's, what it names, and where its text is.
#[derive(Debug)]
pub struct Method {
    name: &'static str,
    sender: Sender,
    call: Call,
    since: Revision,
    until: Revision,
    names: Option<Names>,
    pub(super) proof: Proof,
    /// Parameters that must be there.
    pub(super) required: &'static [&'static str],
    pub(super) params: &'static Shape,
    pub(super) result: &'static Shape,
}

impl Method {
    /// The method called `name`; `None` for one that no revision has.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        BY_LENGTH.get(name.len())?.iter().copied().find(|method| method.name == name)
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        table::all()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Who sends it.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.sender
    }

    /// Request or notification.
    #[must_use]
    pub fn call(&self) -> Call {
        self.call
    }

    /// `revision` has it: in itself, in an extension of its, or within a result.
    #[must_use]
    pub fn is_in(&self, revision: Revision) -> bool {
        (self.since..=self.until).contains(&revision)
    }

    /// What its parameters name.
    #[must_use]
    pub fn names(&self) -> Option<Names> {
        self.names
    }

    /// A request of every revision, proven by its name, with nothing but common parameters and results.
    pub(super) const fn request(name: &'static str, sender: Sender) -> Self {
        Self {
            name,
            sender,
            call: Call::Request,
            since: Revision::R2024_11_05,
            until: Revision::R2026_07_28,
            names: None,
            proof: Proof::Name,
            required: &[],
            params: &shapes::NO_PARAMS,
            result: &shapes::NO_RESULT,
        }
    }

    /// A notification, likewise.
    pub(super) const fn notification(name: &'static str, sender: Sender) -> Self {
        let mut method = Self::request(name, sender);
        method.call = Call::Notification;
        method
    }

    /// Its first revision.
    pub(super) const fn since(mut self, revision: Revision) -> Self {
        self.since = revision;
        self
    }

    /// Its last revision.
    pub(super) const fn until(mut self, revision: Revision) -> Self {
        self.until = revision;
        self
    }

    pub(super) const fn naming(mut self, names: Names) -> Self {
        self.names = Some(names);
        self.required = match names {
            Names::Tool | Names::Prompt => &["name"],
            Names::Resource => &["uri"],
            Names::Task => &["taskId"],
            Names::Reference => &["ref", "argument"],
        };
        self
    }

    /// It may come without what it names: later revisions have it no more, and who says so is to be let say so.
    pub(super) const fn gone(mut self) -> Self {
        self.required = &[];
        self
    }

    pub(super) const fn proven_by(mut self, proof: Proof) -> Self {
        self.proof = proof;
        self
    }

    pub(super) const fn params(mut self, shape: &'static Shape) -> Self {
        self.params = shape;
        self
    }

    pub(super) const fn result(mut self, shape: &'static Shape) -> Self {
        self.result = shape;
        self
    }
}

/// Who sends `method`; `None` for a method no revision of MCP has.
#[must_use]
pub fn sender(method: &str) -> Option<Sender> {
    Method::named(method).map(Method::sender)
}

pub(super) fn find(method: &str) -> Option<(Sender, Proof)> {
    Method::named(method).map(|method| (method.sender, method.proof))
}

/// Names no revision knows that may still be MCP: its own namespaces (later revisions, extensions), and what
/// widespread servers add.
pub(super) fn may_be_mcp(method: &str) -> bool {
    const NAMESPACES: [&str; 11] = [
        "notifications/",
        "tools/",
        "resources/",
        "prompts/",
        "sampling/",
        "elicitation/",
        "roots/",
        "completion/",
        "subscriptions/",
        "logging/",
        // `codex mcp-server` reports its progress so.
        "codex/event",
    ];
    NAMESPACES.iter().any(|namespace| method.starts_with(namespace))
}
