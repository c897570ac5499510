//! Which way a message flows, told from the message alone.
//!
//! Only what one side alone may send counts: who reads a client's request is the server, whatever the file
//! descriptors look like. What both sides send (`ping`, progress, cancellation, tasks, plain answers) says
//! nothing, so that a server's own requests never turn the roles round.

use crate::mcp::{Likeness, Peek, PeekKind};

/// Where a message is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the client to the server.
    ToServer,
    /// From the server to the client.
    ToClient,
}

const BY_CLIENTS: &[&str] = &[
    "initialize",
    "notifications/initialized",
    "notifications/roots/list_changed",
    "server/discover",
    "subscriptions/listen",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
];

const BY_SERVERS: &[&str] = &[
    "sampling/createMessage",
    "elicitation/create",
    "roots/list",
    "notifications/message",
    "notifications/tools/list_changed",
    "notifications/prompts/list_changed",
    "notifications/resources/list_changed",
    "notifications/resources/updated",
    "notifications/elicitation/complete",
];

/// The way `peek` flows, or `None` where either side could have sent it.
pub(super) fn of(peek: &Peek) -> Option<Direction> {
    if peek.mcp == Likeness::Foreign {
        return None;
    }
    match &peek.kind {
        PeekKind::Request { method, .. } | PeekKind::Notification { method } => {
            if BY_CLIENTS.contains(&method.as_str()) {
                Some(Direction::ToServer)
            } else if BY_SERVERS.contains(&method.as_str()) {
                Some(Direction::ToClient)
            } else {
                None
            }
        }
        // An answer that names the server or lists its tools can only be the server's.
        PeekKind::Response { .. } => {
            let telling =
                peek.server_info.is_some() || peek.tools.is_some() || peek.protocol_version.is_some();
            telling.then_some(Direction::ToClient)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::Id;

    fn request(method: &str, mcp: Likeness) -> Peek {
        Peek {
            kind: PeekKind::Request { id: Id::Number("1".into()), method: method.into() },
            mcp,
            protocol_version: None,
            server_info: None,
            client_info: None,
            tools: None,
        }
    }

    #[test]
    fn each_side_s_own_methods_tell_and_shared_ones_do_not() {
        let of = |method| super::of(&request(method, Likeness::Strong));
        assert_eq!(of("initialize"), Some(Direction::ToServer));
        assert_eq!(of("server/discover"), Some(Direction::ToServer));
        assert_eq!(of("sampling/createMessage"), Some(Direction::ToClient));
        assert_eq!(of("roots/list"), Some(Direction::ToClient));
        assert_eq!(of("ping"), None);
        assert_eq!(of("tasks/get"), None);
        assert_eq!(super::of(&request("initialize", Likeness::Foreign)), None);
    }
}
