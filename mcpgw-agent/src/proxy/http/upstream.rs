//! Connections to the server: one host, one address, a few kept for the next request.
//!
//! A request is written once. Only one that was never written, because the kept connection had ended, goes on a second
//! connection; what the server may have read is never repeated, and no redirect is followed.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::HeaderValue;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::destination::{Destination, NoHost, authority, target};
use crate::tasks::Tasks;

/// Connections kept for the next request, by all threads together; each keeps a few.
const KEPT: usize = 128;
const KEPT_LEAST: usize = 8;
/// How long one is kept: common servers close theirs after five seconds, and a request must not cross that.
const KEPT_FOR: Duration = Duration::from_secs(3);
/// From name to connection, TLS included.
const CONNECT: Duration = Duration::from_secs(10);
/// Header block of an answer, in bytes.
const HEAD_MAX: usize = 64 << 10;

type Sender = SendRequest<Full<Bytes>>;

/// The server, as configured.
struct Server {
    to: Destination,
    /// `Host` of every request.
    authority: HeaderValue,
    /// Path and query of its endpoint.
    endpoint: Uri,
    url: Url,
}

/// The connections to it of one thread.
pub(super) struct Upstream {
    server: Arc<Server>,
    kept: Mutex<Kept>,
    /// How many may be kept.
    room: usize,
    tasks: Tasks,
}

#[derive(Default)]
struct Kept {
    senders: VecDeque<(Sender, Instant)>,
    is_closed: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum UpstreamError {
    /// No connection could be made.
    #[error("the server cannot be reached")]
    Connect(#[source] std::io::Error),
    /// It took too long.
    #[error("the server does not take the connection in time")]
    Timeout,
    /// The connection failed under the request.
    #[error("the connection to the server failed")]
    Http(#[from] hyper::Error),
}

/// A URL that cannot be a server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Another scheme.
    #[error("the upstream's URL must be http:// or https://")]
    Scheme,
    /// No host.
    #[error(transparent)]
    Host(#[from] NoHost),
    /// User name or password, which would end up in logs.
    #[error("the upstream's URL must not hold a user name or password")]
    Credentials,
    /// `https`, and nothing to speak it with.
    #[error("the upstream's URL needs TLS, which is not set up")]
    NoTls,
}

/// The connection an answer comes on.
pub(super) struct Lease(Sender);

impl Upstream {
    /// The server at `url`; `tls` where it is `https`; so many threads will have connections of their own.
    pub(super) fn new(
        url: Url,
        tls: Option<TlsConnector>,
        tasks: Tasks,
        threads: usize,
    ) -> Result<Self, UrlError> {
        check(&url)?;
        let to = Destination::of(&url, || tls.ok_or(UrlError::NoTls))?;
        let server = Server { to, authority: authority(&url)?, endpoint: target(&url)?, url };
        let room = KEPT.checked_div(threads).unwrap_or(KEPT).max(KEPT_LEAST);
        Ok(Self { server: Arc::new(server), kept: Mutex::default(), room, tasks })
    }

    /// The same server, for another thread.
    pub(super) fn beside(&self) -> Self {
        let (server, tasks) = (Arc::clone(&self.server), self.tasks.clone());
        Self { server, kept: Mutex::default(), room: self.room, tasks }
    }

    /// Its endpoint.
    pub(super) fn url(&self) -> &Url {
        &self.server.url
    }

    /// Path and query of its endpoint.
    pub(super) fn endpoint(&self) -> &Uri {
        &self.server.endpoint
    }

    /// `Host` of every request.
    pub(super) fn authority(&self) -> &HeaderValue {
        &self.server.authority
    }

    /// Sends a request; dropping the future, or the answer's body, ends it on the server's side too.
    pub(super) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Lease), UpstreamError> {
        if let Some(mut sender) = self.take() {
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, Lease(sender))),
                Err(mut error) => match error.take_message() {
                    // The connection had ended before a byte of it was written.
                    Some(unsent) => request = unsent,
                    None => return Err(error.into_error().into()),
                },
            }
        }
        let mut sender =
            timeout(CONNECT, self.connect()).await.map_err(|_elapsed| UpstreamError::Timeout)??;
        let response = sender.send_request(request).await?;
        Ok((response, Lease(sender)))
    }

    /// The answer's body has ended: its connection can take the next request.
    pub(super) fn give_back(&self, lease: Lease) {
        let mut kept = self.kept();
        if kept.is_closed || lease.0.is_closed() {
            return;
        }
        let now = Instant::now();
        while kept.senders.len() >= self.room
            || kept.senders.front().is_some_and(|(_, since)| is_old(*since, now))
        {
            kept.senders.pop_front();
        }
        kept.senders.push_back((lease.0, now));
    }

    /// Closes the kept connections and keeps no more.
    pub(super) fn close(&self) {
        let mut kept = self.kept();
        kept.is_closed = true;
        kept.senders.clear();
    }

    fn take(&self) -> Option<Sender> {
        let mut kept = self.kept();
        let now = Instant::now();
        let mut busy = Vec::new();
        let found = loop {
            let Some((sender, since)) = kept.senders.pop_back() else { break None };
            if sender.is_closed() || is_old(since, now) {
                continue;
            }
            if sender.is_ready() {
                break Some(sender);
            }
            // Its answer's end is not seen by its task yet.
            busy.push((sender, since));
        };
        kept.senders.extend(busy.into_iter().rev());
        found
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connect(&self) -> Result<Sender, UpstreamError> {
        let io = TokioIo::new(self.server.to.connect().await.map_err(UpstreamError::Connect)?);
        let (sender, connection) = http1::Builder::new().max_header_size(HEAD_MAX).handshake(io).await?;
        self.tasks.spawn("connection to the server", async move {
            // What goes wrong is told to whoever waits for an answer.
            connection.await.ok();
        });
        Ok(sender)
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("host", &self.server.to.host())
            .field("port", &self.server.to.port())
            .finish_non_exhaustive()
    }
}

fn check(url: &Url) -> Result<(), UrlError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(UrlError::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::Credentials);
    }
    Ok(())
}

fn is_old(since: Instant, now: Instant) -> bool {
    now.saturating_duration_since(since) > KEPT_FOR
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(url: &str) -> Result<Upstream, UrlError> {
        Upstream::new(Url::parse(url).unwrap(), None, Tasks::new(), 1)
    }

    #[test]
    fn a_url_becomes_host_and_target() {
        let found = upstream("http://[::1]:8080/a/mcp?key=1#x").unwrap();
        assert_eq!((found.server.to.host(), found.server.to.port()), ("::1", 8080));
        assert_eq!(found.authority(), "[::1]:8080");
        assert_eq!(found.endpoint(), "/a/mcp?key=1");
        let found = upstream("http://mcp.example").unwrap();
        assert_eq!((found.server.to.port(), found.endpoint().path()), (80, "/"));
        assert_eq!(found.authority(), "mcp.example");
    }

    #[test]
    fn urls_that_name_no_server_are_refused() {
        assert_eq!(upstream("file:///etc/passwd").unwrap_err(), UrlError::Scheme);
        assert_eq!(upstream("http://user:secret@host/").unwrap_err(), UrlError::Credentials);
        assert_eq!(
            upstream("https://mcp.example/").unwrap_err(),
            UrlError::NoTls,
            "it never goes out in clear"
        );
    }
}
