//! Sessions over HTTP: which messages belong together, and for how long that is remembered.
//!
//! ```text
//! Mcp-Session-Id        ─▶ the session its `initialize` opened, or one the server vouched for by answering
//! endpoint of a stream  ─▶ the session of that stream (2024-11-05)
//! neither               ─▶ a session of this exchange only
//! ```

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::Uri;
use hyper::header::HeaderValue;
use tokio::sync::mpsc;

use super::trails::Trails;
use crate::mcp::{Direction, RequestId};
use crate::policy::{Context, Principal};
use crate::proxy::gate::Party;
use crate::session::{OpenRequest, Place};

/// Answers remembered for a client that comes back for them.
const REPLAYED: usize = 64;
/// How often sessions that are over are looked for.
const SWEEP: Duration = Duration::from_secs(30);

/// A session and how it is reached.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) party: Party,
    /// `Mcp-Session-Id`, once the server gave one.
    id: OnceLock<HeaderValue>,
    /// Requests whose answer went out in an event with an id, so that it may be asked for again.
    answered: Mutex<VecDeque<(RequestId, OpenRequest)>>,
    trails: Mutex<Trails>,
    /// Milliseconds of the table's clock.
    used: AtomicU64,
    /// HTTP+SSE: where its messages are posted, and the way into its stream.
    pub(super) legacy: Option<Legacy>,
}

/// A session of HTTP+SSE.
#[derive(Debug)]
pub(super) struct Legacy {
    /// Path and query at the server.
    pub(super) target: Uri,
    /// Answers of the gateway's own.
    pub(super) inject: mpsc::Sender<Bytes>,
}

impl Session {
    pub(super) fn new(party: Party, legacy: Option<Legacy>) -> Arc<Self> {
        Arc::new(Self {
            party,
            id: OnceLock::new(),
            answered: Mutex::default(),
            trails: Mutex::default(),
            used: AtomicU64::new(0),
            legacy,
        })
    }

    /// It belongs to `principal`. Whoever comes back with other roles is another.
    fn is_of(&self, principal: &Principal) -> bool {
        self.party.context().principal.is_same(principal)
    }

    /// `Mcp-Session-Id`, where it has one.
    pub(super) fn id(&self) -> Option<&HeaderValue> {
        self.id.get()
    }

    /// Nothing answers any more: closes the client's open requests, and gives them.
    pub(super) fn give_up(&self) -> Vec<RequestId> {
        let mut session = self.party.session();
        let open: Vec<_> = session.unanswered(Direction::ToServer).map(|(id, _)| id.clone()).collect();
        open.iter().for_each(|id| session.closed(Direction::ToServer, id));
        self.party.abandon_calls(&session);
        open
    }

    /// Keeps in mind the request that `id` answers, for when the answer is sent again.
    pub(super) fn remember(&self, id: &RequestId) {
        let Some(open) = self.party.session().request(Direction::ToServer, id).cloned() else { return };
        let mut answered = self.answered();
        if answered.len() == REPLAYED {
            answered.pop_front();
        }
        answered.push_back((id.clone(), open));
    }

    /// The answer to `id` comes again: its request counts as open.
    pub(super) fn replay(&self, id: &RequestId) {
        let mut answered = self.answered();
        let Some(at) = answered.iter().position(|(known, _)| known == id) else { return };
        let found = answered.remove(at);
        drop(answered);
        let mut session = self.party.session();
        if let (Some((id, open)), None) = (found, session.request(Direction::ToServer, id)) {
            session.reopened(Direction::ToServer, id, open);
        }
    }

    /// An event called `id` goes to the client on the stream of `place`.
    pub(super) fn mark(&self, place: &Place, id: &[u8]) {
        let session = self.party.session();
        let is_open = |id: &RequestId| session.request(Direction::ToServer, id).is_some();
        let is_over = |place: &Place| place.requests().is_some_and(|ids| !ids.iter().any(is_open));
        self.trails.lock().unwrap_or_else(PoisonError::into_inner).mark(place, id, is_over);
    }

    /// The stream that a client takes up again which saw the event `id` last, and the open requests that wait there. Where the
    /// event was on several streams one waits, if it is the only one.
    pub(super) fn trail(&self, id: &[u8]) -> (Place, Vec<RequestId>) {
        let (place, mut requests) = self.trails.lock().unwrap_or_else(PoisonError::into_inner).find(id);
        let session = self.party.session();
        requests.retain(|id| session.request(Direction::ToServer, id).is_some());
        if requests.len() > 1 {
            requests.retain(|id| place.holds(id));
        }
        (place, requests)
    }

    fn answered(&self) -> MutexGuard<'_, VecDeque<(RequestId, OpenRequest)>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many sessions are remembered, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Sessions at once; the longest unused one makes room.
    pub count: usize,
    /// A session nobody used for this long is forgotten.
    pub idle: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self { count: 10_000, idle: Duration::from_secs(30 * 60) }
    }
}

/// All sessions with a name.
#[derive(Debug)]
pub(super) struct Sessions {
    limits: SessionLimits,
    born: Instant,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// Nobody finds another's.
    by_id: HashMap<HeaderValue, Arc<Session>>,
    /// By path and query of the endpoint as the client knows it.
    by_endpoint: HashMap<Box<str>, Arc<Session>>,
    swept: Duration,
}

impl Sessions {
    pub(super) fn new(limits: SessionLimits) -> Self {
        Self { limits, born: Instant::now(), table: Mutex::default() }
    }

    /// The session `id` is `principal`'s, with the roles it has now.
    pub(super) fn is_of(&self, principal: &Principal, id: &HeaderValue) -> bool {
        self.table().by_id.get(id).is_some_and(|session| session.is_of(principal))
    }

    /// The session `id` of `principal`.
    pub(super) fn find(&self, principal: &Principal, id: &HeaderValue) -> Option<Arc<Session>> {
        let found = self.table().by_id.get(id).filter(|session| session.is_of(principal)).cloned();
        if let Some(session) = &found {
            session.used.store(self.now_ms(), Ordering::Relaxed);
        }
        found
    }

    /// `session` is called `id` from now on; gives the sessions that made room. `None` where the id cannot be one, or is
    /// that of somebody else's.
    pub(super) fn open(&self, session: &Arc<Session>, id: &HeaderValue) -> Option<Vec<Arc<Session>>> {
        let principal = &session.party.context().principal;
        let mut table = self.table();
        if table.by_id.get(id).is_some_and(|known| !known.is_of(principal)) {
            return None;
        }
        session.id.set(id.clone()).ok()?;
        session.used.store(self.now_ms(), Ordering::Relaxed);
        let mut gone = self.sweep(&mut table);
        if table.by_id.len() >= self.limits.count {
            gone.extend(table.evict());
        }
        gone.extend(table.by_id.insert(id.clone(), Arc::clone(session)));
        Some(gone)
    }

    /// The session `id` is over.
    pub(super) fn close(&self, principal: &Principal, id: &HeaderValue) -> Option<Arc<Session>> {
        let mut table = self.table();
        table.by_id.get(id).filter(|session| session.is_of(principal))?;
        table.by_id.remove(id)
    }

    /// The session whose endpoint is `endpoint`.
    pub(super) fn at(&self, endpoint: &str) -> Option<Arc<Session>> {
        self.table().by_endpoint.get(endpoint).cloned()
    }

    /// Messages posted to `endpoint` belong to `session`. False where there is no room, or the endpoint is another's.
    pub(super) fn open_at(&self, endpoint: &str, session: &Arc<Session>) -> bool {
        let mut table = self.table();
        if table.by_endpoint.len() >= self.limits.count || table.by_endpoint.contains_key(endpoint) {
            return false;
        }
        table.by_endpoint.insert(endpoint.into(), Arc::clone(session));
        true
    }

    /// The stream of `endpoint` has ended.
    pub(super) fn close_at(&self, endpoint: &str) {
        self.table().by_endpoint.remove(endpoint);
    }

    /// How many there are, and those that are over by now.
    pub(super) fn count(&self) -> (usize, Vec<Arc<Session>>) {
        let mut table = self.table();
        let gone = self.sweep(&mut table);
        (table.by_id.len() + table.by_endpoint.len(), gone)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Takes out the sessions nobody has used for long.
    fn sweep(&self, table: &mut Table) -> Vec<Arc<Session>> {
        let now = self.born.elapsed();
        if now.saturating_sub(table.swept) < SWEEP {
            return Vec::new();
        }
        table.swept = now;
        let idle = u64::try_from(self.limits.idle.as_millis()).unwrap_or(u64::MAX);
        let oldest = self.now_ms().saturating_sub(idle);
        // Who holds one uses it, as a stream does for as long as it is open.
        let is_over = |session: &mut Arc<Session>| {
            Arc::strong_count(session) == 1 && session.used.load(Ordering::Relaxed) < oldest
        };
        table.by_id.extract_if(|_, session| is_over(session)).map(|(_, session)| session).collect()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Makes room: the longest unused session is forgotten, one in use only where all are.
    fn evict(&mut self) -> Option<Arc<Session>> {
        let age =
            |session: &Arc<Session>| (Arc::strong_count(session) > 1, session.used.load(Ordering::Relaxed));
        let oldest = self.by_id.iter().min_by_key(|(_, session)| age(session)).map(|(key, _)| key.clone());
        let session = oldest.and_then(|key| self.by_id.remove(&key))?;
        tracing::warn!(session = session.party.id(), "there is no room for more sessions: one is forgotten");
        Some(session)
    }
}

/// Circumstances of a session over HTTP.
pub(super) fn context(server: &str, upstream: &str, is_legacy: bool, principal: Principal) -> Context {
    use crate::policy::Transport::{Http, Sse};
    Context {
        server: server.into(),
        upstream: Some(upstream.into()),
        transport: if is_legacy { Sse } else { Http },
        principal,
        client: None,
        tapped: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(id: &str) -> Arc<Session> {
        Session::new(Party::new(id, context("server", "http://host/", false, Principal::default())), None)
    }

    #[test]
    fn the_longest_unused_session_makes_room_and_one_in_use_does_not() {
        let sessions = Sessions::new(SessionLimits { count: 2, idle: Duration::from_secs(60) });
        let id = HeaderValue::from_static;
        let used = session("a");
        assert_eq!(sessions.open(&used, &id("a")).map(|gone| gone.len()), Some(0));
        assert!(sessions.open(&session("b"), &id("b")).is_some_and(|gone| gone.is_empty()));
        let gone = sessions.open(&session("c"), &id("c")).unwrap();
        assert_eq!(gone.iter().map(|session| session.party.id()).collect::<Vec<_>>(), ["b"]);
        let found = |name| sessions.find(&Principal::default(), &id(name)).is_some();
        assert_eq!((found("a"), found("b"), found("c")), (true, false, true));
    }

    #[test]
    fn a_session_belongs_to_whom_opened_it() {
        let sessions = Sessions::new(SessionLimits::default());
        let id = HeaderValue::from_static("s");
        assert!(sessions.open(&session("a"), &id).is_some());
        let other = Principal { subject: Some("somebody".into()), ..Principal::default() };
        assert!(sessions.find(&other, &id).is_none() && sessions.close(&other, &id).is_none());
        assert!(!sessions.is_of(&other, &id) && sessions.is_of(&Principal::default(), &id));
        assert!(sessions.close(&Principal::default(), &id).is_some());
        assert!(sessions.find(&Principal::default(), &id).is_none());
    }

    #[test]
    fn an_endpoint_is_one_streams_for_as_long_as_it_is_open() {
        let sessions = Sessions::new(SessionLimits::default());
        let (first, second) = (session("a"), session("b"));
        assert!(sessions.open_at("/m?s=1", &first) && !sessions.open_at("/m?s=1", &second));
        assert_eq!(sessions.at("/m?s=1").map(|session| session.party.id().to_owned()).as_deref(), Some("a"));
        sessions.close_at("/m?s=1");
        assert!(sessions.at("/m?s=1").is_none());
    }
}
