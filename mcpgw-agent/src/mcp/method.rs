//! MCP's methods over all revisions from 2024-11-05 to 2026-07-28, and how much each name alone says.
//!
//! The name decides only where no other protocol uses it. Namesakes thought of: LSP and DAP (`initialize`,
//! `initialized`, `shutdown`), ACP (`initialize` with an integer version, `session/*`), BSP (`build/*`), Codex's
//! app server (`initialize` without a version), A2A (`tasks/get`, `tasks/cancel` with `id`), Bitcoin and others
//! (`ping`).

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

/// Who sends `method`; `None` for a method no revision of MCP has.
#[must_use]
pub fn sender(method: &str) -> Option<Sender> {
    find(method).map(|(sender, _)| sender)
}

/// The table. A `match` on strings, so that an unknown name costs one comparison of lengths and bytes.
pub(super) fn find(method: &str) -> Option<(Sender, Proof)> {
    use Sender::{Both, Client, Server};
    Some(match method {
        // life cycle
        "initialize" => (Client, Proof::Handshake),
        "notifications/initialized" | "server/discover" => (Client, Proof::Name),
        "ping" => (Both, Proof::Never),
        // what servers offer
        "tools/list"
        | "tools/call"
        | "resources/list"
        | "resources/templates/list"
        | "resources/read"
        | "resources/subscribe"
        | "resources/unsubscribe"
        | "prompts/list"
        | "prompts/get"
        | "completion/complete"
        | "subscriptions/listen"
        | "notifications/roots/list_changed" => (Client, Proof::Name),
        "logging/setLevel" => (Client, Proof::Level),
        // what clients offer
        "sampling/createMessage" | "elicitation/create" | "roots/list" => (Server, Proof::Name),
        // what servers tell
        "notifications/tools/list_changed"
        | "notifications/resources/list_changed"
        | "notifications/resources/updated"
        | "notifications/prompts/list_changed"
        | "notifications/elicitation/complete"
        | "notifications/subscriptions/acknowledged" => (Server, Proof::Name),
        "notifications/message" => (Server, Proof::Level),
        // what either tells
        "notifications/cancelled" => (Both, Proof::RequestId),
        "notifications/progress" => (Both, Proof::ProgressToken),
        // tasks: of both sides in 2025-11-25, of the client in the extension of 2026-07-28
        "tasks/get" | "tasks/result" | "tasks/cancel" => (Both, Proof::TaskId),
        "tasks/update" => (Client, Proof::TaskId),
        "tasks/list" => (Both, Proof::Never),
        "notifications/tasks/status" | "notifications/tasks" => (Both, Proof::TaskId),
        _ => return None,
    })
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
