//! The protocol's own keys, and the types of those that decide what a message does.

use super::malformed::Reason;
use crate::json::Value;

/// Of every message.
pub(super) const ENVELOPE: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];
/// Of an error.
pub(super) const ERROR: [&str; 3] = ["code", "message", "data"];
/// Of the parameters of MCP's methods, as far as decisions rest on them.
const PARAMS: [&str; 22] = [
    "name",
    "arguments",
    "uri",
    "uris",
    "ref",
    "argument",
    "context",
    "cursor",
    "task",
    "taskId",
    "_meta",
    "level",
    "requestId",
    "progressToken",
    "protocolVersion",
    "capabilities",
    "clientInfo",
    "inputResponses",
    "requestState",
    "messages",
    "systemPrompt",
    "url",
];
/// Of the results of MCP's methods, likewise.
const RESULT: [&str; 19] = [
    "tools",
    "content",
    "structuredContent",
    "isError",
    "contents",
    "messages",
    "prompts",
    "resources",
    "resourceTemplates",
    "nextCursor",
    "instructions",
    "serverInfo",
    "capabilities",
    "protocolVersion",
    "completion",
    "resultType",
    "inputRequests",
    "requestState",
    "_meta",
];
/// Of a tool's definition.
const TOOL: [&str; 8] =
    ["name", "title", "description", "inputSchema", "outputSchema", "annotations", "icons", "_meta"];

/// `key` is not one of `known`, but some peers would take it for one: it differs only by case, as Unicode folds it.
pub(super) fn is_variant(key: &str, known: &[&str]) -> bool {
    known.iter().any(|known| *known != key && folds_to(key, known))
}

fn folds_to(key: &str, known: &str) -> bool {
    // Upper before lower: U+017F and U+212A fold to `s` and `k` only so.
    let fold = |text: &str| -> Vec<char> {
        text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
    };
    key.len() <= 3 * known.len() && key.eq_ignore_ascii_case(known)
        || !key.is_ascii() && fold(key) == fold(known)
}

/// Checks the parameters of the methods decisions rest on; those of other methods are free.
pub(super) fn check_params(method: &str, params: Value<'_>) -> Result<(), Reason> {
    if super::method::sender(method).is_none() {
        return Ok(());
    }
    if params.members().any(|(key, _)| is_variant(&key.as_str().unwrap_or_default(), &PARAMS)) {
        return Err(Reason::CaseVariantKey);
    }
    let text = |key: &'static str, name| match params.get(key) {
        Some(value) if value.as_str().is_some() => Ok(()),
        Some(_) | None => Err(Reason::Type(name)),
    };
    match method {
        "tools/call" => text("name", "params.name")?,
        "prompts/get" => text("name", "params.name")?,
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => text("uri", "params.uri")?,
        _ => {}
    }
    match params.get("arguments") {
        Some(value) if !value.is_object() && !value.is_null() => Err(Reason::Type("params.arguments")),
        Some(_) | None => Ok(()),
    }
}

/// Checks the result of a known method.
pub(super) fn check_result(method: &str, result: Value<'_>) -> Result<(), Reason> {
    if super::method::sender(method).is_none() {
        return Ok(());
    }
    if !result.is_object() {
        return Err(Reason::Type("result"));
    }
    if result.members().any(|(key, _)| is_variant(&key.as_str().unwrap_or_default(), &RESULT)) {
        return Err(Reason::CaseVariantKey);
    }
    if method != "tools/list" {
        return Ok(());
    }
    let Some(tools) = result.get("tools") else { return Ok(()) };
    if !tools.is_array() {
        return Err(Reason::Type("result.tools"));
    }
    for tool in tools.elements() {
        if tool.get("name").and_then(Value::as_str).is_none() {
            return Err(Reason::Type("result.tools[].name"));
        }
        if tool.members().any(|(key, _)| is_variant(&key.as_str().unwrap_or_default(), &TOOL)) {
            return Err(Reason::CaseVariantKey);
        }
    }
    Ok(())
}
