//! What every exchange needs: the gate, the server, the sessions, and how a request goes to the server.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, Uri};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::headers::{PROTOCOL_VERSION, ParamSchemas, SESSION_ID};
use super::session::{self, Legacy, Session, Sessions};
use super::upstream::{Lease, Upstream, UpstreamError};
use super::{LATE, Patience, headers, origin};
use crate::audit::{AuditLog, Event};
use crate::identity::Authenticator;
use crate::mcp::{Decoded, Direction, Malformed, Message, MessageKind, Revision};
use crate::pins::ServerId;
use crate::policy::Principal;
use crate::proxy::gate::{Client, Framing, Gate, Party, Passed};

/// How long the server may take to accept a refusal.
const TELL: Duration = Duration::from_secs(10);

/// One proxied server.
pub(super) struct Front {
    pub(super) parts: Parts,
    /// The server's URL without the query, which may hold a key.
    url: Box<str>,
    /// What the server's tools mirror in headers.
    schemas: Mutex<ParamSchemas>,
    stem: u32,
    parties: AtomicU64,
}

/// What it is made of.
pub(super) struct Parts {
    pub(super) gate: Arc<Gate>,
    pub(super) audit: Arc<AuditLog>,
    pub(super) upstream: Upstream,
    pub(super) sessions: Sessions,
    pub(super) guard: origin::Guard,
    /// The server's name in policies and records.
    pub(super) server: Box<str>,
    pub(super) patience: Patience,
    /// Says who clients are; `None` where nobody is asked.
    pub(super) auth: Option<Arc<Authenticator>>,
    /// Clients speak TLS.
    pub(super) is_secured: bool,
    /// Cancelled when the gateway is to end.
    pub(super) ending: CancellationToken,
}

impl Deref for Front {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Front {
    pub(super) fn new(parts: Parts) -> Self {
        let mut url = parts.upstream.url().clone();
        url.set_query(None);
        url.set_fragment(None);
        let bytes = RandomState::new().hash_one(std::process::id()).to_ne_bytes();
        let stem = bytes.first_chunk().map_or(0, |half| u32::from_ne_bytes(*half));
        let schemas = Mutex::default();
        Self { parts, url: url.as_str().into(), schemas, stem, parties: AtomicU64::new(1) }
    }

    /// A session nobody knows of yet.
    pub(super) fn fresh(&self, legacy: Option<Legacy>, principal: Principal) -> Arc<Session> {
        let id = format!("{:08x}-{}", self.stem, self.parties.fetch_add(1, Ordering::Relaxed));
        let context = session::context(&self.server, &self.url, legacy.is_some(), principal);
        let pinned = self.gate.pins_of(&ServerId::of_url(&self.url));
        let client = context.principal.subject.clone().map(Client::Subject);
        let party = Party::new(id, context).pinned(pinned);
        let circle = client.map(|client| self.gate.circle_of(client));
        Session::new(circle.into_iter().fold(party, Party::within), legacy)
    }

    /// Judges what a client sent with `headers`, and waits for the record.
    pub(super) async fn judge_client(
        &self,
        party: &Party,
        headers: &HeaderMap,
        bytes: &Bytes,
        decoded: Result<Decoded, Malformed>,
        since: Instant,
    ) -> Passed {
        let objection = match &decoded {
            Ok(Decoded::One(message)) => {
                let revision = party.session().revision();
                headers::agree(headers, message, revision, Some(&self.schemas())).err()
            }
            Ok(Decoded::Batch(_)) => headers::agree_batch(headers).err(),
            Err(_) => None,
        };
        let (direction, objection) = (Direction::ToServer, objection.as_ref());
        let advice = match self.gate.inquire(party, direction, &decoded, objection) {
            Some(inquiry) => Some(inquiry.ready().await),
            None => None,
        };
        self.gate.judge(party, direction, bytes, decoded, objection, advice, since).ready().await
    }

    /// Judges what the server sent, and waits for the record.
    pub(super) async fn judge_server(
        &self,
        party: &Party,
        bytes: &Bytes,
        decoded: Result<Decoded, Malformed>,
        since: Instant,
    ) -> Passed {
        let id = match &decoded {
            Ok(Decoded::One(message)) if message.kind() == MessageKind::Result => message.id(),
            Ok(_) | Err(_) => None,
        };
        let lists_tools = id.is_some_and(|id| {
            party.session().request(Direction::ToServer, id).is_some_and(|open| &*open.method == "tools/list")
        });
        let advice = match self.gate.inquire(party, Direction::ToClient, &decoded, None) {
            Some(inquiry) => Some(inquiry.ready().await),
            None => None,
        };
        let judged = self.gate.judge(party, Direction::ToClient, bytes, decoded, None, advice, since);
        let passed = judged.ready().await;
        if let (true, [message]) = (lists_tools, passed.messages.as_slice())
            && let Some(result) = message.result()
        {
            self.schemas().learn(result);
        }
        passed
    }

    /// `session` is called `id` from now on.
    pub(super) fn open(&self, session: &Arc<Session>, id: &HeaderValue) {
        let Some(gone) = self.sessions.open(session, id) else { return };
        for gone in gone {
            self.closed(&gone);
        }
        self.opened(session);
    }

    /// How many sessions are remembered, those nobody used for long no more.
    pub(super) fn count(&self) -> usize {
        let (count, gone) = self.sessions.count();
        for gone in gone {
            self.closed(&gone);
        }
        count
    }

    /// The session `id` is over.
    pub(super) fn close(&self, principal: &Principal, id: &HeaderValue) {
        if let Some(session) = self.sessions.close(principal, id) {
            self.closed(&session);
        }
    }

    /// Records that a session began.
    pub(super) fn opened(&self, session: &Session) {
        let (session, context) = (session.party.id(), session.party.context());
        self.note(&Event::SessionOpened { session, context });
    }

    /// Records that a session is over, or forgotten.
    pub(super) fn closed(&self, session: &Session) {
        let (session, context) = (session.party.id(), session.party.context());
        self.note(&Event::SessionClosed { session, context, exit: None });
    }

    fn schemas(&self) -> MutexGuard<'_, ParamSchemas> {
        self.schemas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records something that is no message. A record that is lost is counted by the log.
    pub(super) fn note(&self, event: &Event<'_>) {
        self.audit.note(event).ok();
    }

    /// Decodes a body or an event's data.
    pub(super) fn decode(&self, bytes: &Bytes) -> Result<Decoded, Malformed> {
        self.gate.decode(bytes.clone(), Framing::Body)
    }

    /// Waits until whoever still waits for the server has to be told that the gateway ends.
    pub(super) async fn late(&self) {
        self.ending.cancelled().await;
        tokio::time::sleep(LATE).await;
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
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
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
    let whole = passed.is_batch() && passed.refused == 0 && passed.forward.len() == passed.messages.len();
    let unchanged = whole
        && passed
            .forward
            .iter()
            .zip(&passed.messages)
            .all(|(permitted, message)| same(permitted.bytes(), message));
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
