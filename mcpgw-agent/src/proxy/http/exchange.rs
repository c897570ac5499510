//! What every exchange needs: the gate, the server, the sessions, and how a request goes to the server.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::future::poll_fn;
use std::hash::BuildHasher;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

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
use super::{Patience, headers, origin};
use crate::audit::{AuditLog, Event};
use crate::detect::watch::Tools;
use crate::identity::Authenticator;
use crate::mcp::{Message, Revision};
use crate::pins::ServerId;
use crate::policy::Principal;
use crate::proxy::effects::Followed;
use crate::proxy::gate::{Client, Gate, Party, Passed};
use crate::tasks::Lane;

/// How long the server may take to accept a refusal.
const TELL: Duration = Duration::from_secs(10);

/// Clients whose knowledge of the server's tools is kept between exchanges.
const CLIENTS: usize = 64;

/// One proxied server, as one thread of connections sees it.
pub(super) struct Front {
    shared: Arc<Shared>,
    /// The thread; `None` where it shares what it runs on with others.
    pub(super) lane: Option<Lane>,
    /// Connections to the server, of which no other thread has any.
    pub(super) upstream: Upstream,
    /// Set when what listens is to end, as [`ending`](Self::ending) says; and when everything else is.
    is_ending: AtomicBool,
    is_late: AtomicBool,
}

/// What all threads have in common.
struct Shared {
    parts: Parts,
    /// The server's URL without the query, which may hold a key.
    url: Box<str>,
    /// A session without messages, which has what the server does to the host during no call.
    own: Option<Party>,
    /// What the server's tools mirror in headers.
    schemas: Mutex<ParamSchemas>,
    /// What clients without sessions were told of its tools, by who they are.
    tools: Mutex<HashMap<Option<Box<str>>, Tools>>,
    stem: u32,
    parties: AtomicU64,
}

/// What it is made of.
pub(super) struct Parts {
    pub(super) gate: Arc<Gate>,
    pub(super) audit: Arc<AuditLog>,
    pub(super) sessions: Sessions,
    pub(super) guard: origin::Guard,
    /// The server's name in policies and records.
    pub(super) server: Box<str>,
    pub(super) patience: Patience,
    /// Says who clients are; `None` where nobody is asked.
    pub(super) auth: Option<Arc<Authenticator>>,
    /// Clients speak TLS.
    pub(super) is_secured: bool,
    /// What the server does to the host is followed.
    pub(super) followed: Option<Followed>,
    /// Cancelled when the gateway is to end.
    pub(super) ending: CancellationToken,
}

impl Deref for Front {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.shared.parts
    }
}

impl Front {
    pub(super) fn new(parts: Parts, upstream: Upstream, lane: Option<Lane>) -> Self {
        let mut url = upstream.url().clone();
        url.set_query(None);
        url.set_fragment(None);
        let bytes = RandomState::new().hash_one(std::process::id()).to_ne_bytes();
        let stem = bytes.first_chunk().map_or(0, |half| u32::from_ne_bytes(*half));
        let (url, schemas, tools) = (Box::from(url.as_str()), Mutex::default(), Mutex::default());
        let own = own(&parts, &url, stem);
        let shared = Shared { parts, url, own, schemas, tools, stem, parties: AtomicU64::new(1) };
        Self::of(Arc::new(shared), upstream, lane)
    }

    /// The same for another thread.
    pub(super) fn beside(&self, lane: Lane) -> Self {
        Self::of(Arc::clone(&self.shared), self.upstream.beside(), Some(lane))
    }

    fn of(shared: Arc<Shared>, upstream: Upstream, lane: Option<Lane>) -> Self {
        Self { shared, lane, upstream, is_ending: AtomicBool::new(false), is_late: AtomicBool::new(false) }
    }

    /// A session nobody knows of yet.
    pub(super) fn fresh(&self, legacy: Option<Legacy>, principal: Principal) -> Arc<Session> {
        self.make(legacy, principal, Tools::default())
    }

    /// The session of one exchange, as all are from 2026-07-28 on. What a client was told of tools it knows in the next.
    pub(super) fn fresh_once(&self, principal: Principal) -> Arc<Session> {
        let mut clients = self.shared.tools.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= CLIENTS && !clients.contains_key(&principal.subject) {
            clients.clear();
        }
        let tools = clients.entry(principal.subject.clone()).or_default().clone();
        drop(clients);
        self.make(None, principal, tools)
    }

    fn make(&self, legacy: Option<Legacy>, principal: Principal, tools: Tools) -> Arc<Session> {
        let id = format!("{:08x}-{}", self.shared.stem, self.shared.parties.fetch_add(1, Ordering::Relaxed));
        let context = session::context(&self.server, &self.shared.url, legacy.is_some(), principal);
        let pinned = self.gate.pins_of(&ServerId::of_url(&self.shared.url));
        let client = context.principal.subject.clone().map(Client::Subject);
        let mut party = Party::new(id, context).pinned(pinned);
        if let Some(followed) = &self.followed {
            party = party.followed_by(followed.caller());
        }
        let circle = client.map(|client| self.gate.circle_of(client));
        Session::new(circle.into_iter().fold(party, Party::within).knowing(tools), legacy)
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

    /// What the server does to the host is followed.
    pub(super) fn follows(&self) -> bool {
        self.shared.own.is_some()
    }

    /// Records what the server did during no call.
    pub(super) fn note_strays(&self) {
        if let Some(own) = &self.shared.own {
            self.gate.note_strays(own);
        }
    }

    /// The same, and that is all there will be.
    pub(super) fn note_last_effects(&self) {
        if let Some(own) = &self.shared.own {
            self.gate.note_last_effects(own);
        }
    }

    /// Records that a session is over, or forgotten.
    pub(super) fn closed(&self, session: &Session) {
        self.gate.note_last_effects(&session.party);
        let (session, context) = (session.party.id(), session.party.context());
        self.note(&Event::SessionClosed { session, context, exit: None });
    }

    pub(super) fn schemas(&self) -> MutexGuard<'_, ParamSchemas> {
        self.shared.schemas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records something that is no message. A record that is lost is counted by the log.
    pub(super) fn note(&self, event: &Event<'_>) {
        self.audit.note(event).ok();
    }

    /// The gateway is to end: what only listens ends with it.
    pub(super) fn end(&self) {
        self.is_ending.store(true, Ordering::Relaxed);
    }

    /// It ends soon: whoever still waits for the server is told so.
    pub(super) fn end_soon(&self) {
        self.is_late.store(true, Ordering::Relaxed);
    }

    /// Waits until the gateway is to end. As [`late`](Self::late) it is for what a client's connection polls, for it is
    /// the connection that is woken then, not each exchange.
    pub(super) fn ended(&self) -> impl Future<Output = ()> {
        set(&self.is_ending)
    }

    /// Waits until whoever still waits for the server has to be told that the gateway ends.
    pub(super) fn late(&self) -> impl Future<Output = ()> {
        set(&self.is_late)
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
        request.headers_mut().insert(header::HOST, self.upstream.authority().clone());
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

/// A session of the gateway's own, the first there is: it is the one that tells what is no session's.
fn own(parts: &Parts, url: &str, stem: u32) -> Option<Party> {
    let followed = parts.followed.as_ref()?;
    followed.is_of(&ServerId::of_url(url));
    let context = session::context(&parts.server, url, false, Principal::default());
    let party = Party::new(format!("{stem:08x}-server"), context).followed_by(followed.caller());
    parts.gate.hold_to_policy(&party);
    Some(party)
}

async fn set(flag: &AtomicBool) {
    let look =
        |_: &mut Context<'_>| if flag.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending };
    poll_fn(look).await;
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
