//! Whether headers say what the body says (MCP 2026-07-28, "Request headers"; error -32020).

use hyper::HeaderMap;
use hyper::header::HeaderValue;

use super::value::text;
use super::{METHOD, NAME, PARAM_PREFIX, PROTOCOL_VERSION, ParamSchemas};
use crate::json::Value;
use crate::mcp::{Message, Revision};
use crate::verdict::Cause;

/// Where a request of the revisions without a handshake names its revision.
const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";

/// Checks a client's message against the headers it came with. `session` is the revision its session agreed on, where it
/// has one; `schemas` what is known of mirrored parameters. [`check`](super::check) has passed the headers.
///
/// # Errors
/// [`Cause::HeaderMismatch`], naming the header; [`Cause::UnknownRevision`] where nothing but the name of a revision says that
/// there should be one.
pub fn agree(
    headers: &HeaderMap,
    message: &Message,
    session: Option<Revision>,
    schemas: Option<&ParamSchemas>,
) -> Result<(), Cause> {
    let is_plain = own_version(message).is_none() && !headers.contains_key(METHOD);
    let agreed = agree_as_told(headers, message, session, schemas);
    agreed.map_err(|cause| unknown_revision(headers).filter(|_| is_plain).unwrap_or(cause))
}

/// That the version's header names a revision that is not known, where it does. It is read by the newest one's rules, which
/// may not be its own.
fn unknown_revision(headers: &HeaderMap) -> Option<Cause> {
    let name = headers.get(PROTOCOL_VERSION)?.to_str().ok()?;
    let is_known = Revision::ALL.iter().any(|revision| revision.as_str() == name);
    (!is_known).then(|| Cause::UnknownRevision(name.into()))
}

fn agree_as_told(
    headers: &HeaderMap,
    message: &Message,
    session: Option<Revision>,
    schemas: Option<&ParamSchemas>,
) -> Result<(), Cause> {
    let version = headers.get(PROTOCOL_VERSION);
    let own = own_version(message);
    let named = |value: &HeaderValue| value.to_str().ok().and_then(Revision::named);
    let is_modern = match (own, version) {
        (Some(own), version) => {
            is_equal(PROTOCOL_VERSION, version, Some(own))?;
            own.as_str().as_deref().and_then(Revision::named).is_some_and(Revision::is_modern)
        }
        (None, Some(version)) => named(version).is_some_and(Revision::is_modern),
        (None, None) => false,
    };
    if is_modern && session.is_some_and(|session| !session.is_modern()) {
        return Err(mismatch(PROTOCOL_VERSION, "belongs to another era than the session"));
    }
    method(headers, message, is_modern)?;
    name(headers, message, is_modern)?;
    let params = message.params();
    if let (true, Some("tools/call"), Some(schemas)) = (is_modern, message.method(), schemas) {
        let member = |key| params.and_then(|params| params.get(key));
        let tool = member("name").and_then(Value::as_str).unwrap_or_default();
        let checked = schemas.check(&tool, member("arguments"), headers);
        checked.map_err(|header| mismatch(header.as_str(), "does not say what the body does"))?;
    }
    Ok(())
}

/// Checks the headers of a batch: revisions that have batches have no headers about one message.
///
/// # Errors
/// [`Cause::HeaderMismatch`], naming the header; [`Cause::UnknownRevision`].
pub fn agree_batch(headers: &HeaderMap) -> Result<(), Cause> {
    let about_one = |name: &str| name == METHOD || name == NAME || name.starts_with(PARAM_PREFIX);
    if let Some(name) = headers.keys().find(|name| about_one(name.as_str())) {
        return Err(mismatch(name.as_str(), "stands above a batch"));
    }
    let version = headers.get(PROTOCOL_VERSION).and_then(|version| version.to_str().ok());
    if version.and_then(Revision::named).is_some_and(Revision::is_modern) {
        let cause = unknown_revision(headers);
        return Err(cause.unwrap_or_else(|| mismatch(PROTOCOL_VERSION, "names a revision without batches")));
    }
    Ok(())
}

/// The revision the message itself names. A name that is no string equals no header.
fn own_version(message: &Message) -> Option<Value<'_>> {
    message.params()?.get("_meta")?.get(VERSION_KEY)
}

fn method(headers: &HeaderMap, message: &Message, is_modern: bool) -> Result<(), Cause> {
    let header = headers.get(METHOD);
    match (header, message.method()) {
        (None, None) => Ok(()),
        (None, Some(_)) if is_modern => Err(mismatch(METHOD, "is missing")),
        (None, Some(_)) => Ok(()),
        // Not unwrapped: a method is a plain word.
        (Some(header), Some(method)) if header.as_bytes().trim_ascii() == method.as_bytes() => Ok(()),
        (Some(_), _) => Err(mismatch(METHOD, "does not say what the body does")),
    }
}

fn name(headers: &HeaderMap, message: &Message, is_modern: bool) -> Result<(), Cause> {
    let (key, is_required) = match message.method() {
        Some("tools/call" | "prompts/get") => ("name", is_modern),
        Some("resources/read") => ("uri", is_modern),
        // Of the tasks extension, which not every client follows to the letter.
        Some("tasks/get" | "tasks/update" | "tasks/cancel" | "tasks/result") => ("taskId", false),
        Some(_) | None => return Ok(()),
    };
    let header = headers.get(NAME);
    if header.is_none() && !is_required {
        return Ok(());
    }
    is_equal(NAME, header, message.params().and_then(|params| params.get(key)))
}

/// Header and member say the same, or neither is there.
fn is_equal(name: &str, header: Option<&HeaderValue>, member: Option<Value<'_>>) -> Result<(), Cause> {
    match (header, member) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(mismatch(name, "is missing")),
        (Some(_), None) => Err(mismatch(name, "says what the body does not")),
        (Some(header), Some(member)) => {
            let text = text(header).ok_or_else(|| mismatch(name, "is malformed"))?;
            let is_same = member.as_str().is_some_and(|member| member == text);
            is_same.then_some(()).ok_or_else(|| mismatch(name, "does not say what the body does"))
        }
    }
}

fn mismatch(header: &str, what: &str) -> Cause {
    Cause::HeaderMismatch(format!("`{header}` {what}").into())
}
