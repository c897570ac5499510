//! Connections to a guardrail: one host, HTTP/1.1, a few kept for the next question.
//!
//! No redirect is followed, no proxy of the environment is used, and an answer has an end. A connection is driven by
//! whoever asks over it, so there is no task beside; a kept one that has ended meanwhile is replaced.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Body;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;

use super::GuardrailError;
use super::metrics::Outcome;
use crate::config;
use crate::destination::{Destination, authority, target};
use crate::proxy::http::tls;
use crate::secret;

/// Connections kept.
const KEPT: usize = 8;
/// How long one is kept: common servers close theirs after five seconds.
const KEPT_FOR: Duration = Duration::from_secs(3);
/// Header block of an answer, in bytes.
const HEAD_MAX: usize = 64 << 10;
/// An answer, in bytes.
pub(super) const ANSWER_MAX: usize = 4 << 20;

/// Where a guardrail is, and what every request to it has.
pub(super) struct Client {
    to: Destination,
    target: Uri,
    headers: HeaderMap,
    kept: Mutex<VecDeque<(Link, Instant)>>,
}

/// Why there is no answer. Nothing of it comes from the guardrail.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// No connection, TLS included.
    #[error("it cannot be reached: {0}")]
    Connect(#[from] std::io::Error),
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Http(#[from] hyper::Error),
    /// It answers with something else than success.
    #[error("it answers with status {0}")]
    Status(StatusCode),
    /// The answer is longer than any.
    #[error("its answer is longer than {ANSWER_MAX} bytes")]
    TooLong,
    /// The answer is compressed, which was not asked for.
    #[error("its answer is compressed")]
    Compressed,
}

impl Failure {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Connect(_) | Self::Http(_) => Outcome::Unreachable,
            Self::Status(_) => Outcome::Status,
            Self::TooLong | Self::Compressed => Outcome::Garbage,
        }
    }
}

/// One connection, and what moves its bytes while somebody waits.
struct Link {
    sender: SendRequest<Full<Bytes>>,
    driver: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Client {
    /// Reads its secrets and the certificates to believe.
    pub(super) fn open(config: &config::Guardrail) -> Result<Self, GuardrailError> {
        let url = &config.url;
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, authority(url)?);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        for header in &config.headers {
            let (name, value) = secret::header(header)?;
            headers.insert(name, value);
        }
        let to = Destination::of(url, || Ok::<_, GuardrailError>(tls::connector(config.ca.as_deref())?))?;
        Ok(Self { to, target: target(url)?, headers, kept: Mutex::default() })
    }

    /// Posts `body` and reads the answer. Asking twice does no harm: where a kept connection fails, another is made.
    pub(super) async fn ask(&self, body: Bytes) -> Result<Bytes, Failure> {
        if let Some(link) = self.take() {
            match self.exchange(link, body.clone()).await {
                Err(Failure::Http(_)) => {}
                other => return other,
            }
        }
        let link = self.connect().await?;
        self.exchange(link, body).await
    }

    async fn exchange(&self, mut link: Link, body: Bytes) -> Result<Bytes, Failure> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = self.headers.clone();
        let answer = link.exchange(request).await?;
        if link.driver.is_some() && !link.sender.is_closed() {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= KEPT {
                kept.pop_front();
            }
            kept.push_back((link, Instant::now()));
        }
        Ok(answer)
    }

    fn take(&self) -> Option<Link> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(_, since)| since.elapsed() < KEPT_FOR);
        kept.pop_back().map(|(link, _)| link)
    }

    async fn connect(&self) -> Result<Link, Failure> {
        let io = TokioIo::new(self.to.connect().await?);
        let (sender, connection) = http1::Builder::new().max_header_size(HEAD_MAX).handshake(io).await?;
        // What goes wrong is told to whoever waits for an answer.
        let driver = Box::pin(async move { drop(connection.await) });
        Ok(Link { sender, driver: Some(driver) })
    }
}

impl Link {
    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Bytes, Failure> {
        let Self { sender, driver } = self;
        let work = async {
            sender.ready().await?;
            let response = sender.send_request(request).await?;
            let is_plain = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
            if response.status() != StatusCode::OK {
                return Err(Failure::Status(response.status()));
            }
            if !response.headers().get_all(header::CONTENT_ENCODING).iter().all(is_plain) {
                return Err(Failure::Compressed);
            }
            collect(response.into_body()).await
        };
        tokio::pin!(work);
        if let Some(running) = driver {
            tokio::select! {
                biased;
                result = &mut work => return result,
                () = running.as_mut() => {}
            }
        }
        // The connection has ended; what came of it before is there.
        *driver = None;
        work.await
    }
}

async fn collect<B>(mut body: B) -> Result<Bytes, Failure>
where
    B: Body<Data = Bytes, Error = hyper::Error> + Unpin,
{
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if all.len().saturating_add(data.len()) > ANSWER_MAX {
            return Err(Failure::TooLong);
        }
        all.extend_from_slice(&data);
    }
    Ok(all.freeze())
}
