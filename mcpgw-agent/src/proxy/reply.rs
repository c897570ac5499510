//! What the gateway answers in a peer's stead. The public text is fixed: rule names and matched text stay in the audit.
//!
//! Codes are JSON-RPC's own for what no JSON-RPC peer would accept, and beyond the range it reserves for what the
//! gateway decides (MCP 2026-07-28, "Error codes": new codes lie outside -32768..-32000).

use bytes::Bytes;

use crate::json::quote;
use crate::mcp::{Reason, RequestId, Revision};
use crate::verdict::{Action, Cause, Verdict};

/// Denied by policy.
pub const POLICY: i64 = 40301;
/// Refused for what a detector found.
pub const DETECTED: i64 = 40302;
/// Held for a person, and nobody approved.
pub const HELD: i64 = 40304;
/// The decision could not be put on record.
pub const UNAUDITED: i64 = 50301;
/// The server, or the way to it, is gone.
pub const UNAVAILABLE: i64 = 50201;
/// JSON-RPC: not JSON.
pub const PARSE: i64 = -32700;
/// JSON-RPC: not a request.
pub const INVALID: i64 = -32600;
/// MCP 2026-07-28: headers and body differ.
pub const HEADER_MISMATCH: i64 = -32020;
/// MCP 2026-07-28: a revision that is not supported.
pub const UNSUPPORTED_REVISION: i64 = -32022;

/// What is said with [`UNAUDITED`].
pub const UNRECORDED: &str = "the decision could not be recorded";

/// The error for a message that `verdict` refuses.
#[must_use]
pub fn refusal(id: Option<&RequestId>, verdict: &Verdict, decision: &str) -> Bytes {
    let (code, text) = match verdict.cause() {
        Some(Cause::Malformed(Reason::Json(_))) => (PARSE, "the message cannot be read without doubt"),
        Some(Cause::Malformed(_)) => (INVALID, "the message is not a valid request"),
        Some(Cause::Violation(_)) => (INVALID, "the message is not allowed here by the protocol"),
        Some(Cause::HeaderMismatch(_)) => (HEADER_MISMATCH, "headers and body differ"),
        Some(Cause::UnknownRevision(name)) => return unsupported(id, name, Some(decision)),
        Some(Cause::Policy(_) | Cause::Server(..) | Cause::Detector(..)) | None
            if verdict.action() == Action::Hold =>
        {
            (HELD, "held for approval")
        }
        Some(Cause::Policy(_) | Cause::Server(..) | Cause::Detector(..)) | None
            if verdict.hold().is_some() =>
        {
            (HELD, "held for approval, and not approved")
        }
        Some(Cause::Detector(..)) => (DETECTED, "refused by inspection"),
        Some(Cause::Policy(_) | Cause::Server(..)) | None => (POLICY, "denied by policy"),
    };
    error(id, code, text, Some(decision))
}

/// An error answer to the request `id`.
#[must_use]
pub fn error(id: Option<&RequestId>, code: i64, text: &str, decision: Option<&str>) -> Bytes {
    let data = decision.map(|decision| format!("{{\"decision_id\":{}}}", quote(decision)));
    with_data(id, code, text, data)
}

/// The error answer to a request of the revision `requested`, which the gateway does not know. Which of those it does know
/// the server has is not known.
#[must_use]
pub fn unsupported(id: Option<&RequestId>, requested: &str, decision: Option<&str>) -> Bytes {
    let known = Revision::ALL.map(|revision| quote(revision.as_str())).join(",");
    let decision =
        decision.map_or_else(String::new, |decision| format!(",\"decision_id\":{}", quote(decision)));
    let data = format!("{{\"supported\":[{known}],\"requested\":{}{decision}}}", quote(requested));
    with_data(id, UNSUPPORTED_REVISION, "unsupported protocol version", Some(data))
}

fn with_data(id: Option<&RequestId>, code: i64, text: &str, data: Option<String>) -> Bytes {
    let id = id.map_or_else(|| "null".to_owned(), RequestId::to_json);
    let data = data.map_or_else(String::new, |data| format!(",\"data\":{data}"));
    let text = quote(text);
    Bytes::from(format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":{text}{data}}}}}"
    ))
}

/// A tool's result that tells the model the call was denied.
#[must_use]
pub fn denied_result(id: &RequestId, revision: Option<Revision>, decision: &str) -> Bytes {
    let text = quote(&format!("This call was denied by policy (decision {decision})."));
    let kind = if revision.is_some_and(Revision::is_modern) { "\"resultType\":\"complete\"," } else { "" };
    Bytes::from(format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{{kind}\"content\":[{{\"type\":\"text\",\"text\":{text}}}],\"isError\":true}}}}"
    ))
}
