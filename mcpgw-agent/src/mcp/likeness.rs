//! From the facts of one object to a [`Peek`]: is it a message, of which kind, and how much does it speak for MCP.

use super::facts::{Body, Envelope, ErrorFact, IdFact, Item, List, Version};
use super::method::{self, Proof};
use super::{Id, Likeness, Peek, PeekKind};

/// The message `envelope` is; `None` where it is some other JSON object.
pub(super) fn judge(envelope: Envelope) -> Option<Peek> {
    let Envelope { jsonrpc, id, method, params, result, error, dap } = envelope;
    if let Some(method) = method.0 {
        return call(jsonrpc, id, method, params);
    }
    if result.is_some() || error != ErrorFact::Absent {
        return answer(jsonrpc, id, result, &error);
    }
    debug_adapter(dap)
}

/// A request or notification. Peers that omit `jsonrpc` (and those that accept it) are looked at all the same,
/// but then more has to speak for a call: logs have a `method` too.
fn call(jsonrpc: bool, id: IdFact, method: String, params: Option<Body>) -> Option<Peek> {
    let structured = params.as_ref().is_some_and(|params| params.structured);
    let known = method::find(&method);
    let body = params.unwrap_or_default();
    let mcp = call_likeness(&method, known.map(|(_, proof)| proof), &body);
    let kind = match id {
        IdFact::Good(id) => PeekKind::Request { id, method },
        // Python's SDK takes a call with an id that is none for a notification.
        IdFact::Absent | IdFact::Odd if jsonrpc || structured || known.is_some() => {
            PeekKind::Notification { method }
        }
        IdFact::Absent | IdFact::Odd => return None,
    };
    Some(peek(kind, mcp, body))
}

fn call_likeness(method: &str, proof: Option<Proof>, body: &Body) -> Likeness {
    if body.meta.reserved {
        return Likeness::Strong;
    }
    let proven = match proof {
        None if method::may_be_mcp(method) => return Likeness::Neutral,
        None => return Likeness::Foreign,
        Some(Proof::Handshake) => return handshake(body),
        Some(Proof::Name) => true,
        Some(Proof::Never) => false,
        Some(Proof::Level) => body.level.0.as_deref().is_some_and(is_level),
        Some(Proof::TaskId) => body.has.task_id,
        Some(Proof::RequestId) => body.has.request_id,
        Some(Proof::ProgressToken) => body.has.progress_token,
    };
    if proven { Likeness::Strong } else { Likeness::Neutral }
}

/// `initialize`: LSP's has no version, ACP's an integer. A client that asks for a version of its own making is
/// answered by a server with a real one.
fn handshake(body: &Body) -> Likeness {
    match body.version {
        Version::Revision(_) => Likeness::Strong,
        Version::Text if body.client_info.0.is_some() && body.capabilities => Likeness::Neutral,
        Version::Absent | Version::Text | Version::Other => Likeness::Foreign,
    }
}

fn is_level(level: &str) -> bool {
    matches!(level, "debug" | "info" | "notice" | "warning" | "error" | "critical" | "alert" | "emergency")
}

fn answer(jsonrpc: bool, id: IdFact, result: Option<Body>, error: &ErrorFact) -> Option<Peek> {
    let id = match id {
        IdFact::Good(id) => id,
        IdFact::Absent | IdFact::Odd if jsonrpc => Id::Number("null".to_owned()),
        IdFact::Absent | IdFact::Odd => return None,
    };
    if !jsonrpc && result.is_none() && *error != ErrorFact::Object {
        return None;
    }
    let body = result.unwrap_or_default();
    let mcp = answer_likeness(&body);
    Some(peek(PeekKind::Response { id, error: *error != ErrorFact::Absent }, mcp, body))
}

fn answer_likeness(body: &Body) -> Likeness {
    let identified = body.capabilities || body.server_info.0.is_some();
    match body.version {
        // ACP's is an integer.
        Version::Other => return Likeness::Foreign,
        Version::Revision(_) if identified => return Likeness::Strong,
        Version::Absent | Version::Text | Version::Revision(_) => {}
    }
    if body.meta.reserved
        || (body.supported_versions.0 && identified)
        || body.has.structured_content
        || lists_mcp(body)
    {
        return Likeness::Strong;
    }
    // What a language or build server says of itself.
    if body.capabilities && body.version == Version::Absent { Likeness::Foreign } else { Likeness::Neutral }
}

/// One of the result's lists has the shape of MCP's.
fn lists_mcp(body: &Body) -> bool {
    let has =
        |list: &List, wanted: fn(&Item) -> bool| list.len.is_some_and(|len| len > 0) && wanted(&list.first);
    has(&body.tools, |tool| tool.name && tool.input_schema)
        || has(&body.resources, |resource| resource.name && resource.uri)
        || has(&body.templates, |template| template.uri_template)
        || has(&body.contents, |content| content.uri && (content.text || content.blob))
        // With a role it may be any model's answer.
        || (!body.has.role && has(&body.content, is_content))
}

fn is_content(block: &Item) -> bool {
    match block.kind.0.as_deref() {
        Some("text") => block.text,
        Some("image" | "audio") => block.data,
        Some("resource") => block.resource,
        Some("resource_link") => block.uri,
        Some(_) | None => false,
    }
}

/// `seq`, `type`, `command`: the debug adapter protocol.
fn debug_adapter(dap: super::facts::Dap) -> Option<Peek> {
    let IdFact::Good(seq) = dap.seq else { return None };
    let kind = match dap.kind.0.as_deref() {
        Some("request") => PeekKind::Request { id: seq, method: dap.command.0? },
        Some("event") => PeekKind::Notification { method: dap.event.0? },
        Some("response") => match dap.request_seq {
            IdFact::Good(id) => PeekKind::Response { id, error: false },
            IdFact::Absent | IdFact::Odd => return None,
        },
        Some(_) | None => return None,
    };
    Some(peek(kind, Likeness::Foreign, Body::default()))
}

fn peek(kind: PeekKind, mcp: Likeness, body: Body) -> Peek {
    if mcp == Likeness::Foreign {
        return Peek { kind, mcp, protocol_version: None, server_info: None, client_info: None, tools: None };
    }
    let revision = body.version.revision().or_else(|| body.meta.version.revision()).cloned();
    let answer = matches!(kind, PeekKind::Response { .. });
    Peek {
        kind,
        mcp,
        protocol_version: revision,
        server_info: body.server_info.0.or(body.meta.server_info.0).filter(|_| answer),
        client_info: body.client_info.0.or(body.meta.client_info.0).filter(|_| !answer),
        tools: body.tools.len.filter(|_| answer),
    }
}
