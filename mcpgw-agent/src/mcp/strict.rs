//! The gateway's decoder: bytes in, a message without doubt out, or the reason why not.
//!
//! Unlike [`peek`](super::peek), which recognises whatever real peers accept, this refuses whatever two peers could
//! read differently. Unknown methods, members and capabilities are no business of it and survive untouched.

#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use bytes::Bytes;

use super::malformed::{Malformed, Reason};
use super::message::{Decoded, Message, MessageKind};
use super::{RequestId, keys};
use crate::json::{Document, Fault, Limits, Value};

/// Messages a batch may have.
pub const BATCH_MAX: usize = 1000;

/// Bytes a method's name may have.
pub const METHOD_MAX_BYTES: usize = 256;

/// Decodes one text: a message, or a batch of them.
///
/// # Errors
/// The first reason to refuse it.
pub fn decode(bytes: Bytes, limits: &Limits) -> Result<Decoded, Malformed> {
    let document = Document::parse(bytes.clone(), limits)
        .map_err(|error| Malformed { reason: Reason::Json(error), id: asking(bytes, limits, error.fault) })?;
    let root = document.root();
    if root.is_object() {
        return message(document).map(Decoded::One);
    }
    if !root.is_array() {
        return Err(Malformed::new(Reason::NotAMessage));
    }
    // All that can be said without reading an element is said before one is.
    let wrong = |element: Value<'_>| {
        let nested = element.is_array().then_some(Reason::NestedBatch);
        nested.or((!element.is_object()).then_some(Reason::NotAMessage))
    };
    if root.elements().next().is_none() {
        return Err(Malformed::new(Reason::EmptyBatch));
    }
    if root.elements().nth(BATCH_MAX).is_some() {
        return Err(Malformed::new(Reason::LongBatch));
    }
    if let Some(reason) = root.elements().find_map(wrong) {
        return Err(Malformed::new(reason));
    }
    let part = |element: Value<'_>| {
        let part = Document::parse(document.bytes().slice(element.span()), limits);
        let part = part.map_err(|error| Malformed::new(Reason::Json(error)))?;
        message(part).map_err(|malformed| Malformed::new(malformed.reason))
    };
    root.elements().map(part).collect::<Result<_, _>>().map(Decoded::Batch)
}

/// Why a line that [hides](super::hides_a_line) another is refused. Its id is that of the request it is to whoever takes it
/// for one line, as its sender does who waits for an answer; a part of it is no message with an id of its own, since quotes
/// within a string are escaped and nothing is complete outside of one.
#[must_use]
pub fn hiding(bytes: Bytes, limits: &Limits) -> Malformed {
    let id = match decode(bytes, limits) {
        Ok(Decoded::One(message)) if message.kind() == MessageKind::Request => message.id().cloned(),
        Ok(Decoded::One(_) | Decoded::Batch(_)) => None,
        Err(malformed) => malformed.id,
    };
    Malformed { reason: Reason::LineSeparator, id }
}

/// The id of a request that is JSON but no strict one: whoever sent it should not wait for ever.
fn asking(bytes: Bytes, limits: &Limits, fault: Fault) -> Option<RequestId> {
    let limits = match fault {
        Fault::DuplicateKey | Fault::LoneSurrogate => *limits,
        // Bounded by the number of values still.
        Fault::TooDeep => Limits { depth: usize::MAX, ..*limits },
        Fault::TooLong
        | Fault::TooManyValues
        | Fault::ByteOrderMark
        | Fault::NotUtf8
        | Fault::Syntax
        | Fault::TrailingBytes => return None,
    };
    let document = Document::parse_lenient(bytes, &limits).ok()?;
    let (mut id, mut asks) = (None, false);
    for (key, value) in document.root().members() {
        match &*key.as_str().unwrap_or_default() {
            "id" if id.is_some() => return None,
            "id" => id = Some(value),
            "method" => asks = true,
            "result" | "error" => return None,
            other if keys::is_variant(other, keys::ENVELOPE) => return None,
            _ => {}
        }
    }
    // A string is taken only as it stands: an escape may be the surrogate.
    let plain = |id: &Value<'_>| !id.raw().contains('\\');
    id.filter(plain).filter(|_| asks).and_then(RequestId::of)
}

/// The members of the envelope.
#[derive(Default)]
struct Envelope<'d> {
    version: Option<Value<'d>>,
    id: Option<Value<'d>>,
    method: Option<Value<'d>>,
    params: Option<Value<'d>>,
    result: Option<Value<'d>>,
    error: Option<Value<'d>>,
}

fn message(document: Document) -> Result<Message, Malformed> {
    let mut envelope = Envelope::default();
    let mut variant = false;
    for (key, value) in document.root().members() {
        let key = key.as_str().unwrap_or_default();
        match &*key {
            "jsonrpc" => envelope.version = Some(value),
            "id" => envelope.id = Some(value),
            "method" => envelope.method = Some(value),
            "params" => envelope.params = Some(value),
            "result" => envelope.result = Some(value),
            "error" => envelope.error = Some(value),
            other => variant |= keys::is_variant(other, keys::ENVELOPE),
        }
    }
    let id = envelope.id.and_then(RequestId::of);
    let parts = check(&envelope, variant, id.is_some());
    let (kind, body) = parts.map_err(|reason| Malformed {
        reason,
        // Only a request is answered: an answer to an answer would confuse whoever it names.
        id: id
            .clone()
            .filter(|_| envelope.method.is_some() && envelope.result.is_none() && envelope.error.is_none()),
    })?;
    let body = body.map(Value::index);
    let method = envelope.method.and_then(Value::as_str).map(Into::into);
    Ok(Message { kind, id, method, body, document, unpacked: OnceLock::new() })
}

fn check<'d>(
    envelope: &Envelope<'d>,
    variant: bool,
    has_id: bool,
) -> Result<(MessageKind, Option<Value<'d>>), Reason> {
    if variant {
        return Err(Reason::CaseVariantKey);
    }
    if envelope.version.and_then(Value::as_str).as_deref() != Some("2.0") {
        return Err(Reason::Version);
    }
    if envelope.id.is_some() && !has_id && !is_unreadable_error(envelope) {
        return Err(Reason::Id);
    }
    match (envelope.method, envelope.result, envelope.error) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => Err(Reason::RequestAndResponse),
        (Some(method), None, None) => call(envelope, method, has_id),
        (None, Some(_), Some(_)) => Err(Reason::ResultAndError),
        (None, Some(result), None) if has_id => Ok((MessageKind::Result, Some(result))),
        (None, Some(_), None) => Err(Reason::MissingId),
        (None, None, Some(error)) => failure(error),
        (None, None, None) => Err(Reason::Neither),
    }
}

/// An error about a request whose id could not be read: JSON-RPC 2.0 §5 has `"id": null` there.
fn is_unreadable_error(envelope: &Envelope<'_>) -> bool {
    envelope.error.is_some() && envelope.method.is_none() && envelope.id.is_some_and(Value::is_null)
}

fn call<'d>(
    envelope: &Envelope<'d>,
    method: Value<'d>,
    has_id: bool,
) -> Result<(MessageKind, Option<Value<'d>>), Reason> {
    let fits = |name: &str| (1..=METHOD_MAX_BYTES).contains(&name.len());
    let name = method.as_str().filter(|name| fits(name)).ok_or(Reason::Method)?;
    let params = envelope.params;
    if params.is_some_and(|params| !params.is_object() && !params.is_null()) {
        return Err(Reason::Params);
    }
    keys::check_params(&name, params)?;
    Ok((if has_id { MessageKind::Request } else { MessageKind::Notification }, params))
}

fn failure(error: Value<'_>) -> Result<(MessageKind, Option<Value<'_>>), Reason> {
    keys::check_error(error).map(|()| (MessageKind::Error, Some(error)))
}
