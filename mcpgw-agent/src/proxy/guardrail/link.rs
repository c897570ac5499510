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
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::metrics::Outcome;
use super::{GuardrailError, secret};
use crate::config;
use crate::proxy::http::tls;

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
    host: Box<str>,
    port: u16,
    target: Uri,
    headers: HeaderMap,
    tls: Option<(TlsConnector, ServerName<'static>)>,
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
        let no_host = || GuardrailError::Host(config.name.clone());
        let host = url.host_str().ok_or_else(no_host)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let target =
            url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut headers = HeaderMap::new();
        let authority = HeaderValue::try_from(authority).map_err(|_invalid| no_host())?;
        headers.insert(header::HOST, authority);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        for header in &config.headers {
            let name = HeaderName::try_from(&*header.name)
                .map_err(|_invalid| GuardrailError::Header(header.name.clone()))?;
            headers.insert(name, secret::read(header)?);
        }
        let tls = (url.scheme() == "https").then(|| {
            let name = ServerName::try_from(bare.to_owned()).map_err(|_invalid| no_host())?;
            Ok::<_, GuardrailError>((tls::connector(config.ca.as_deref())?, name))
        });
        Ok(Self {
            host: bare.into(),
            port: url.port_or_known_default().ok_or_else(no_host)?,
            target: Uri::try_from(target).map_err(|_invalid| no_host())?,
            headers,
            tls: tls.transpose()?,
            kept: Mutex::default(),
        })
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
        let stream = TcpStream::connect((&*self.host, self.port)).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Link::over(TokioIo::new(stream)).await,
            Some((connector, name)) => {
                Link::over(TokioIo::new(connector.connect(name.clone(), stream).await?)).await
            }
        }
    }
}

impl Link {
    async fn over<I>(io: I) -> Result<Self, Failure>
    where
        I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::Builder::new().max_header_size(HEAD_MAX).handshake(io).await?;
        // What goes wrong is told to whoever waits for an answer.
        let driver = Box::pin(async move { drop(connection.await) });
        Ok(Self { sender, driver: Some(driver) })
    }

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
