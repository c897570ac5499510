//! A message, or a batch, from a client.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response, StatusCode};

use super::answer::{self, Manner};
use super::asked::{Asked, Opening};
use super::body::Body;
use super::collect::{self, Fault};
use super::encoding::Coding;
use super::exchange::{Front, joined, outgoing};
use super::headers::{PROTOCOL_VERSION, SESSION_ID};
use super::session::Session;
use super::{headers, reply};
use crate::mcp::{Decoded, Malformed, Message, MessageKind, Revision};
use crate::policy::Principal;
use crate::proxy::gate::Passed;
use crate::proxy::reply::{HEADER_MISMATCH, INVALID, error, unsupported};
use crate::proxy::room::{Share, Taken};
use crate::session::{Place, Violation};
use crate::verdict::Cause;

/// Where `_meta` names the revision.
const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";

/// Takes a message to the server, and its answer back.
pub(super) async fn post(
    front: &Arc<Front>,
    (principal, share): (Principal, Share),
    request: Request<Incoming>,
) -> Response<Body> {
    let (mut head, body) = request.into_parts();
    let target = head.uri.path_and_query().and_then(|target| front.sessions.at(target.as_str()));
    let is_own = |session: &Arc<Session>| session.party.context().principal.is_same(&principal);
    if target.as_ref().is_some_and(|session| !is_own(session)) {
        return reply::refusal(StatusCode::FORBIDDEN, "this stream is somebody else's");
    }
    let (bytes, _room) = match receive(front, &share, &head.headers, body).await {
        Ok(received) => received,
        Err(response) => return response,
    };
    let since = Instant::now();
    let decoded = front.decode(&bytes).await;
    let (session, opening) = match target {
        Some(session) => (session, Opening::None),
        None => session(front, principal, &head.headers, &decoded),
    };
    let passed = front.judge_client(&session, &head.headers, &bytes, decoded, since).await;
    let Some(outgoing) = outgoing(&passed, &bytes) else {
        return refused(&head.headers, &session, passed);
    };
    let ids: Vec<_> = passed.messages.iter().filter_map(request_id).cloned().collect();
    let mut asked = Asked {
        session: Arc::clone(&session),
        share,
        place: Place::of(&ids),
        ids,
        waiting: Vec::new(),
        is_unread: passed.messages.is_empty(),
        is_batch: passed.is_batch(),
        refused: passed.to_sender,
        opening,
        // HTTP+SSE: answers come on the stream, whatever becomes of this exchange.
        keeps_open: session.legacy.is_some(),
    };
    if let Some(legacy) = &session.legacy {
        let refused = std::mem::take(&mut asked.refused);
        refused.into_iter().for_each(|answer| tell_client(legacy, answer));
    }
    if session.party.session().revision().is_some_and(Revision::is_modern) {
        head.headers.remove(SESSION_ID);
    }
    let target = session.legacy.as_ref().map(|legacy| &legacy.target);
    let forwarded = tokio::select! {
        forwarded = front.forward(Method::POST, &head.headers, target, outgoing) => forwarded,
        () = front.late() => {
            asked.keeps_open = false;
            return answer::ending(&asked);
        }
    };
    match forwarded {
        Ok(answer) => answer::relay(front, asked, Manner { listens: false, replays: false }, answer).await,
        Err(fault) => {
            tracing::warn!(error = %fault, "no answer from the server");
            asked.keeps_open = false;
            answer::failed(front, &asked, StatusCode::BAD_GATEWAY, "the server cannot be reached")
        }
    }
}

/// The body, decompressed.
async fn receive(
    front: &Front,
    share: &Share,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<(Bytes, Taken), Response<Body>> {
    let unsupported = |text| reply::refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
    headers::check_json(headers)
        .map_err(|_fault| unsupported("the content type must be application/json, in UTF-8"))?;
    let coding =
        Coding::of(headers).map_err(|_unknown| unsupported("the content coding is not supported"))?;
    let limits = (front.gate.limits().bytes, share);
    collect::request(body, coding, limits, front.patience.body).await.map_err(|fault| match fault {
        Fault::TooLong => reply::refusal(StatusCode::PAYLOAD_TOO_LARGE, "the message is too long"),
        Fault::Slow => reply::refusal(StatusCode::REQUEST_TIMEOUT, "the message did not come in time"),
        Fault::Broken => reply::refusal(StatusCode::BAD_REQUEST, "the message broke off"),
        Fault::Full => reply::refusal(StatusCode::SERVICE_UNAVAILABLE, "too much is on its way already"),
        Fault::Coding(_) => {
            reply::refusal(StatusCode::BAD_REQUEST, "the message is not in its content coding")
        }
    })
}

/// The session the messages belong to, and what to do about it once the server has agreed.
fn session(
    front: &Front,
    principal: Principal,
    headers: &HeaderMap,
    decoded: &Result<Decoded, Malformed>,
) -> (Arc<Session>, Opening) {
    let message = match decoded {
        Ok(Decoded::One(message)) => Some(message),
        Ok(Decoded::Batch(_)) | Err(_) => None,
    };
    let is_initialize = message.is_some_and(|message| message.method() == Some("initialize"));
    if is_initialize {
        return (front.fresh(None, principal), Opening::Initialize);
    }
    let revision = revision(headers, message);
    let id = headers.get(SESSION_ID);
    // Whatever revision the message names: it may not leave behind what the session remembers.
    if let Some(session) = id.and_then(|id| front.sessions.find(&principal, id)) {
        return (session, Opening::None);
    }
    // From 2026-07-28 on there are no sessions, and the header means nothing.
    if let Some(revision) = revision.filter(|revision| revision.is_modern()) {
        let session = front.fresh_once(principal);
        session.party.session().set_revision(revision);
        return (session, Opening::None);
    }
    let session = front.fresh(None, principal);
    if let Some(revision) = revision {
        session.party.session().set_revision(revision);
    }
    (session, id.map_or(Opening::None, |id| Opening::Known(id.clone())))
}

/// The revision of messages outside a known session. Without any hint it is the one whose clients send none.
pub(super) fn revision(headers: &HeaderMap, message: Option<&Message>) -> Option<Revision> {
    let own = || {
        let version = message?.params()?.get("_meta")?.get(VERSION_KEY)?;
        Revision::named(&version.as_str()?)
    };
    match headers.get(PROTOCOL_VERSION) {
        Some(name) => Revision::named(name.to_str().ok()?),
        None => own().or(Some(Revision::R2025_03_26)),
    }
}

/// The answer where nothing goes on.
fn refused(headers: &HeaderMap, session: &Session, passed: Passed) -> Response<Body> {
    let status = match &passed.cause {
        Some(Cause::Malformed(_) | Cause::HeaderMismatch(_) | Cause::UnknownRevision(_)) => {
            StatusCode::BAD_REQUEST
        }
        Some(Cause::Violation(Violation::Batch | Violation::InitializeInBatch)) => StatusCode::BAD_REQUEST,
        Some(Cause::Violation(_) | Cause::Policy(_) | Cause::Server(..) | Cause::Detector(..)) | None => {
            StatusCode::OK
        }
    };
    if status != StatusCode::OK {
        let answer = match (passed.to_sender.is_empty(), &passed.cause) {
            (false, _) => joined(&passed.to_sender, passed.is_batch()),
            (true, Some(Cause::HeaderMismatch(_))) => {
                error(None, HEADER_MISMATCH, "headers and body differ", None)
            }
            (true, Some(Cause::UnknownRevision(name))) => unsupported(None, name, None),
            (true, _) => error(None, INVALID, "the message is not allowed here by the protocol", None),
        };
        return reply::json(status, answer);
    }
    if let Some(legacy) = &session.legacy {
        passed.to_sender.into_iter().for_each(|answer| tell_client(legacy, answer));
        return reply::empty(StatusCode::ACCEPTED);
    }
    if passed.to_sender.is_empty() {
        // Nobody waits for an answer to a notification.
        return reply::empty(StatusCode::ACCEPTED);
    }
    reply::accepted(headers, joined(&passed.to_sender, passed.is_batch()))
}

/// HTTP+SSE has answers on its stream only. One that does not take any more is read by nobody.
fn tell_client(legacy: &super::session::Legacy, answer: Bytes) {
    if legacy.inject.try_send(answer).is_err() {
        tracing::warn!("an answer of the gateway found no room in the client's stream");
    }
}

fn request_id(message: &Message) -> Option<&crate::mcp::RequestId> {
    message.id().filter(|_| message.kind() == MessageKind::Request)
}
