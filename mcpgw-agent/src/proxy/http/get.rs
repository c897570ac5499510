//! GET and DELETE: a client listens to its session, or ends it.

use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderMap;
use hyper::{Method, Response, StatusCode};

use super::answer::{self, Manner};
use super::asked::{Asked, Opening};
use super::body::Body;
use super::exchange::Front;
use super::headers::SESSION_ID;
use super::post::revision;
use super::session::Session;
use crate::audit::{Event, Verb};
use crate::policy::Principal;
use crate::proxy::room::Share;

/// The header that says what a client saw last.
const LAST_EVENT_ID: &str = "last-event-id";

/// Opens the stream of a session, or takes one up again.
pub(super) async fn get(
    front: &Arc<Front>,
    (principal, share): (Principal, Share),
    headers: &HeaderMap,
) -> Response<Body> {
    let (session, opening) = session(front, &principal, headers);
    let last = headers.get(LAST_EVENT_ID);
    let manner = Manner { listens: true, replays: last.is_some() };
    let mut asked = Asked::nothing(Arc::clone(&session), share, opening);
    if let Some(last) = last {
        (asked.place, asked.waiting) = session.trail(last.as_bytes());
    }
    let response = send(front, Method::GET, headers, asked, manner).await;
    note(front, &session, Verb::Get, response.status());
    response
}

/// Ends a session.
pub(super) async fn delete(
    front: &Arc<Front>,
    (principal, share): (Principal, Share),
    headers: &HeaderMap,
) -> Response<Body> {
    let (session, _) = session(front, &principal, headers);
    let manner = Manner { listens: false, replays: false };
    let asked = Asked::nothing(Arc::clone(&session), share, Opening::None);
    let response = send(front, Method::DELETE, headers, asked, manner).await;
    note(front, &session, Verb::Delete, response.status());
    // A server that does not let clients end sessions says 405, and keeps it.
    let is_over = response.status().is_success() || response.status() == StatusCode::NOT_FOUND;
    if let Some(id) = headers.get(SESSION_ID).filter(|_| is_over) {
        front.close(&principal, id);
    }
    response
}

fn note(front: &Front, session: &Session, verb: Verb, status: StatusCode) {
    let (session, context) = (session.party.id(), session.party.context());
    front.note(&Event::SessionRequest { session, context, verb, status: status.as_u16() });
}

async fn send(
    front: &Arc<Front>,
    method: Method,
    headers: &HeaderMap,
    asked: Asked,
    manner: Manner,
) -> Response<Body> {
    match front.forward(method, headers, None, Bytes::new()).await {
        Ok(answer) => answer::relay(front, asked, manner, answer).await,
        Err(error) => {
            tracing::warn!(%error, "no answer from the server");
            answer::failed(front, &asked, StatusCode::BAD_GATEWAY, "the server cannot be reached")
        }
    }
}

fn session(front: &Front, principal: &Principal, headers: &HeaderMap) -> (Arc<Session>, Opening) {
    let id = headers.get(SESSION_ID);
    if let Some(session) = id.and_then(|id| front.sessions.find(principal, id)) {
        return (session, Opening::None);
    }
    let session = front.fresh(None, principal.clone());
    if let Some(revision) = revision(headers, None).filter(|_| id.is_some()) {
        session.party.session().set_revision(revision);
    }
    (session, id.map_or(Opening::None, |id| Opening::Known(id.clone())))
}
