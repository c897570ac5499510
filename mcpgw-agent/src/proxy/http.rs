//! The gateway over HTTP: Streamable HTTP of every revision, and HTTP+SSE of 2024-11-05.
//!
//! ```text
//! client ─▶ server ─▶ route ─▶ post ─▶ gate ─▶ upstream ─▶ the server
//!                       └───▶ get, delete ──────▲   │
//! client ◀─ body ◀─ stream or one text ◀─ gate ◀─ answer
//! ```
//!
//! One proxy stands before one server. What a client sends is decided on before the server gets a byte of it; what the
//! server answers is decided on message by message, as it comes. Bytes that are let through are the bytes that came.
//!
//! When a client leaves, the request to the server is dropped at once: from 2026-07-28 on that cancels it, before that
//! it is what the server would have seen without a gateway.

mod answer;
mod asked;
mod body;
mod collect;
pub mod encoding;
mod exchange;
mod framing;
mod get;
pub mod headers;
mod held;
mod judging;
mod legacy;
pub mod origin;
mod post;
mod reply;
mod route;
mod server;
mod session;
pub mod sse;
mod stream;
#[cfg(test)]
mod tests;
pub mod tls;
mod trails;
mod upstream;
mod values;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::effects::Followed;
use super::gate::Gate;
use crate::audit::AuditLog;
use crate::identity::Authenticator;
use crate::tasks::{Lane, Tasks};
use exchange::{Front, Parts};
use server::Server;
use session::Sessions;
use upstream::Upstream;

pub use session::SessionLimits;
pub use upstream::UrlError;

/// How long connections may take to end at the end, before they are cut off.
const GRACE: Duration = Duration::from_secs(8);
/// When those that wait for the server then are told that nothing comes: early enough to be read, on a busy host, too.
const LATE: Duration = Duration::from_secs(4);

/// How often it is recorded what the server did during no call.
const STRAYS: Duration = Duration::from_secs(1);

/// How long clients may take to say what they want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a request's header block, and for the next request.
    pub head: Duration,
    /// For a request's body, however long it is.
    pub body: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(30), body: Duration::from_secs(120) }
    }
}

/// What a proxy is made of.
pub struct HttpOptions {
    /// The server's endpoint.
    pub upstream: Url,
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Listen on more than loopback although nobody authenticates clients.
    pub expose: bool,
    /// Names it answers to beside its address.
    pub hosts: Vec<String>,
    /// Origins whose pages may ask, beside its own.
    pub origins: Vec<String>,
    /// The server's name in policies and records.
    pub server: Box<str>,
    /// Decides on messages.
    pub gate: Arc<Gate>,
    /// Records what is no message.
    pub audit: Arc<AuditLog>,
    /// How sessions are remembered.
    pub sessions: SessionLimits,
    /// How long clients may take.
    pub patience: Patience,
    /// Says who clients are; `None` where nobody is asked.
    pub auth: Option<Arc<Authenticator>>,
    /// Clients speak TLS.
    pub tls: Option<TlsAcceptor>,
    /// Speaks TLS to a server whose URL says so.
    pub upstream_tls: Option<TlsConnector>,
    /// What the server does to the host is followed.
    pub followed: Option<Followed>,
    /// Threads to serve clients on, each on one of them; where there are none they are served where the proxy runs.
    pub lanes: Vec<Lane>,
}

impl std::fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpOptions").field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// Why there is no proxy.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The server's URL.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// A host or origin that cannot be read.
    #[error(transparent)]
    Name(#[from] origin::BadName),
    /// Anybody could use it.
    #[error("{0} is not on loopback, and clients are not authenticated")]
    Exposed(SocketAddr),
    /// Whoever listens on the way has the clients' credentials.
    #[error("{0} is not on loopback, and clients' credentials would come without TLS")]
    Plain(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// A proxy, bound and not yet running.
pub struct HttpProxy {
    server: Server,
    /// One of the server's.
    front: Arc<Front>,
    address: SocketAddr,
}

impl HttpProxy {
    /// Binds the address. `tasks` runs the connections; their token ends it.
    ///
    /// # Errors
    /// [`HttpError`]
    pub async fn bind(options: HttpOptions, tasks: &Tasks) -> Result<Self, HttpError> {
        let HttpOptions {
            upstream,
            listen,
            expose,
            hosts,
            origins,
            server,
            gate,
            audit,
            sessions,
            patience,
            auth,
            tls,
            upstream_tls,
            followed,
            lanes,
        } = options;
        if !expose && !listen.ip().is_loopback() {
            if auth.is_none() {
                return Err(HttpError::Exposed(listen));
            }
            if tls.is_none() {
                return Err(HttpError::Plain(listen));
            }
        }
        let upstream = Upstream::new(upstream, upstream_tls, tasks.clone(), lanes.len().max(1))?;
        let refused = |source| HttpError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let guard = origin::Guard::new(address, &hosts, &origins)?;
        let sessions = Sessions::new(sessions);
        let ending = tasks.token().clone();
        if let Some(auth) = &auth {
            auth.start(&audit, tasks);
        }
        let is_secured = tls.is_some();
        let parts =
            Parts { gate, audit, sessions, guard, server, patience, auth, is_secured, followed, ending };
        let mut lanes = lanes.into_iter();
        let front = Arc::new(Front::new(parts, upstream, lanes.next()));
        let others = lanes.map(|lane| Arc::new(front.beside(lane)));
        let fronts = std::iter::once(Arc::clone(&front)).chain(others).collect();
        let server = Server { listener, fronts, tls, tasks: tasks.clone() };
        if front.follows() {
            tasks.spawn("effects of the server", strays(Arc::clone(&front), tasks.token().clone()));
        }
        Ok(Self { server, front, address })
    }

    /// Where it listens, the port as chosen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Counts its sessions.
    #[must_use]
    pub fn sessions(&self) -> OpenSessions {
        OpenSessions(Arc::clone(&self.front))
    }

    /// Serves until the tasks' token is cancelled.
    ///
    /// # Errors
    /// Connections cannot be accepted any more.
    pub async fn run(self) -> std::io::Result<()> {
        let fronts = self.server.fronts.clone();
        let served = self.server.run().await;
        fronts.iter().for_each(|front| front.upstream.close());
        self.front.note_last_effects();
        served
    }
}

/// Records what the server did during no call, until `ending`.
async fn strays(front: Arc<Front>, ending: CancellationToken) {
    let mut looks = interval(STRAYS);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while ending.run_until_cancelled(looks.tick()).await.is_some() {
        front.note_strays();
    }
}

/// Counts the sessions of a proxy.
#[derive(Clone)]
pub struct OpenSessions(Arc<Front>);

impl OpenSessions {
    /// How many are remembered now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.count()
    }
}

impl std::fmt::Debug for OpenSessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OpenSessions").field(&self.count()).finish()
    }
}

impl std::fmt::Debug for HttpProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpProxy").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Runs `proxy`, and whatever else `tasks` runs, until `stop`, then lets what is under way finish for five seconds.
///
/// # Errors
/// [`HttpError::Listen`]: it ended although nobody asked it to.
pub async fn run(proxy: HttpProxy, tasks: &Tasks, stop: impl Future<Output = ()>) -> Result<(), HttpError> {
    let address = proxy.address();
    tasks.supervise("HTTP proxy", proxy.run());
    let ended = tokio::select! {
        () = stop => None,
        ended = tasks.ended() => Some(ended),
    };
    let report = tasks.shutdown(GRACE).await;
    if !report.aborted.is_empty() {
        tracing::warn!(connections = report.aborted.len(), "exchanges were cut off");
    }
    match ended {
        None => Ok(()),
        Some(ended) => {
            let source = std::io::Error::other(ended.to_string());
            Err(HttpError::Listen { address, source })
        }
    }
}
