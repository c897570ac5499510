//! What every exchange needs: the gate, the server, the sessions, and how a request goes to the server.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::session::{self, Legacy, Session, Sessions};
use super::upstream::{Lease, Upstream, UpstreamError};
use super::{headers, origin};
use crate::mcp::{Decoded, Direction, Malformed, Message, Revision};
use crate::policy::Principal;
use crate::proxy::gate::{Framing, Gate, Party, Passed};
use crate::verdict::Cause;

/// The header that names a session.
pub(super) const SESSION_ID: &str = "mcp-session-id";
/// The header that names a revision.
pub(super) const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// How long the server may take to accept a refusal.
const TELL: Duration = Duration::from_secs(10);

/// One proxied server.
pub(super) struct Front {
    pub(super) gate: Arc<Gate>,
    pub(super) upstream: Upstream,
    pub(super) sessions: Sessions,
    pub(super) guard: origin::Guard,
    /// The server's name in policies and records.
    pub(super) server: Box<str>,
    /// Its URL without the query, which may hold a key.
    pub(super) url: Box<str>,
    /// Cancelled when the gateway is to end.
    pub(super) ending: CancellationToken,
    stem: u32,
    parties: AtomicU64,
}

impl Front {
    pub(super) fn new(
        gate: Arc<Gate>,
        upstream: Upstream,
        sessions: Sessions,
        guard: origin::Guard,
        server: Box<str>,
        ending: CancellationToken,
    ) -> Self {
        let mut url = upstream.url().clone();
        url.set_query(None);
        url.set_fragment(None);
        let bytes = RandomState::new().hash_one(std::process::id()).to_ne_bytes();
        let stem = bytes.first_chunk().map_or(0, |half| u32::from_ne_bytes(*half));
        Self {
            gate,
            upstream,
            sessions,
            guard,
            server,
            url: url.as_str().into(),
            ending,
            stem,
            parties: AtomicU64::new(1),
        }
    }

    /// A session nobody knows of yet.
    pub(super) fn fresh(&self, legacy: Option<Legacy>, principal: Principal) -> Arc<Session> {
        let id = format!("{:08x}-{}", self.stem, self.parties.fetch_add(1, Ordering::Relaxed));
        let context = session::context(&self.server, &self.url, legacy.is_some(), principal);
        Session::new(Party::new(id, context), legacy)
    }

    /// Judges what came in `direction`, and waits for the record.
    pub(super) async fn judge(
        &self,
        party: &Party,
        direction: Direction,
        bytes: &Bytes,
        decoded: Result<Decoded, Malformed>,
        objection: Option<&Cause>,
        since: Instant,
    ) -> Passed {
        self.gate.judge(party, direction, bytes, decoded, objection, since).ready().await
    }

    /// Decodes a body or an event's data.
    pub(super) fn decode(&self, bytes: &Bytes) -> Result<Decoded, Malformed> {
        self.gate.decode(bytes.clone(), Framing::Body)
    }

    /// Sends a request to the server: `headers` are the client's.
    pub(super) async fn forward(
        &self,
        method: Method,
        headers: &HeaderMap,
        target: Option<&Uri>,
        body: Bytes,
    ) -> Result<(Response<Incoming>, Lease), UpstreamError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = target.unwrap_or_else(|| self.upstream.endpoint()).clone();
        *request.headers_mut() = headers::upstream(headers);
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.upstream.authority().clone());
        // What is inspected must be read: nothing compressed is asked for.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        self.upstream.send(request).await
    }

    /// Tells the server that its request was refused. Where that fails the server waits, as for a client that is gone.
    pub(super) async fn tell_server(&self, session: &Session, answer: Bytes) {
        let revision = session.party.session().revision();
        if revision.is_some_and(Revision::is_modern) {
            // Clients post no answers there; and servers ask nothing.
            return;
        }
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(
            header::ACCEPT,
            HeaderValue::from_static("application/json, text/event-stream"),
        );
        if let Some(id) = session.id() {
            headers.insert(SESSION_ID, id.clone());
        }
        if let Some(revision) = revision {
            headers.insert(PROTOCOL_VERSION, HeaderValue::from_static(revision.as_str()));
        }
        let target = session.legacy.as_ref().map(|legacy| &legacy.target);
        match timeout(TELL, self.forward(Method::POST, &headers, target, answer)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the server could not be told of a refusal"),
            Err(_elapsed) => tracing::warn!("the server did not take a refusal in time"),
        }
    }
}

/// What is sent on of `passed`: the bytes as they came, unless something of them was changed or refused.
pub(super) fn outgoing(passed: &Passed, original: &Bytes) -> Option<Bytes> {
    let same = |bytes: &Bytes, message: &Message| {
        bytes.as_ptr() == message.bytes().as_ptr() && bytes.len() == message.bytes().len()
    };
    let whole = passed.is_batch && passed.refused == 0 && passed.forward.len() == passed.messages.len();
    let unchanged = whole
        && passed.forward.iter().zip(&passed.messages).all(|(permitted, message)| same(permitted.bytes(), message));
    if unchanged { Some(original.clone()) } else { passed.bytes() }
}

/// `texts` as one answer: alone where it answers a message, in an array where it answers a batch.
pub(super) fn joined(texts: &[Bytes], as_batch: bool) -> Bytes {
    match texts {
        [] => Bytes::new(),
        [only] if !as_batch => only.clone(),
        [first, rest @ ..] => {
            let length: usize = texts.iter().map(|text| text.len() + 1).sum();
            let mut all = Vec::with_capacity(length + 1);
            all.push(b'[');
            all.extend_from_slice(first);
            for text in rest {
                all.push(b',');
                all.extend_from_slice(text);
            }
            all.push(b']');
            Bytes::from(all)
        }
    }
}
