//! One request over HTTP and its answer: a connection each, no redirects, nothing kept.

use std::future::Future;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use super::wire::Fault;
use crate::destination::{Destination, NoHost};
use crate::proxy::http::tls::{TlsError, connector};
use crate::tasks::Tasks;

/// Header block of an answer, in bytes.
const HEAD_MAX: usize = 64 << 10;

/// Asks servers of HTTP, one thing at a time.
pub(super) struct Client {
    runtime: Runtime,
    tasks: Tasks,
    tls: Option<TlsConnector>,
}

impl Client {
    /// `is_tls`: it will be asked for `https`.
    pub(super) fn new(is_tls: bool) -> Result<Self, TlsError> {
        let tls = is_tls.then(|| connector(None)).transpose()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| TlsError::Read { path: "/dev/epoll".into(), source })?;
        Ok(Self { runtime, tasks: Tasks::new(), tls })
    }

    /// Sends `request`, whose target is that of `url`, and gives the answer's head; its body is still to come.
    pub(super) fn send(
        &self,
        url: &Url,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Response<Incoming>, Fault> {
        self.within(deadline, self.exchange(url, request))
    }

    /// The next piece of an answer's body; nothing where it has ended.
    pub(super) fn piece(&self, body: &mut Incoming, deadline: Instant) -> Result<Option<Bytes>, Fault> {
        self.within(deadline, async {
            loop {
                let Some(frame) = body.frame().await else { return Ok(None) };
                if let Ok(data) = frame.map_err(broken)?.into_data() {
                    return Ok(Some(data));
                }
            }
        })
    }

    /// All of an answer's body, of at most `most` bytes.
    pub(super) fn whole(
        &self,
        body: &mut Incoming,
        most: usize,
        deadline: Instant,
    ) -> Result<Vec<u8>, Fault> {
        let mut whole = Vec::new();
        while let Some(piece) = self.piece(body, deadline)? {
            if whole.len() + piece.len() > most {
                return Err(Fault::Flood);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }

    fn within<T>(&self, deadline: Instant, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        self.runtime.block_on(async { timeout(left, work).await.unwrap_or(Err(Fault::Timeout)) })
    }

    async fn exchange(&self, url: &Url, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Fault> {
        // It never goes out in clear what was meant for TLS.
        let tls = || self.tls.clone().ok_or_else(|| Fault::Connection("there is no TLS".to_owned()));
        let stream = Destination::of(url, tls)?.connect().await.map_err(broken)?;
        let io = TokioIo::new(stream);
        let made = http1::Builder::new().max_header_size(HEAD_MAX).handshake(io).await;
        let (mut sender, connection) = made.map_err(broken)?;
        self.tasks.spawn("scan connection", async move {
            // What goes wrong is told to whoever waits for an answer.
            connection.await.ok();
        });
        sender.send_request(request).await.map_err(broken)
    }
}

fn broken(error: impl std::error::Error) -> Fault {
    Fault::Connection(error.to_string())
}

/// `Host` and target of a request to `url`.
pub(super) fn address(url: &Url) -> (String, String) {
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    (host, target)
}

impl From<NoHost> for Fault {
    fn from(error: NoHost) -> Self {
        broken(error)
    }
}
