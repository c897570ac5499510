//! A request over HTTP now and then, on a connection of its own: no redirect is followed, no proxy of the environment is
//! used, and an answer has an end.

use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT_ENCODING, HOST, HeaderMap, HeaderValue, InvalidHeaderValue};
use hyper::http::uri::InvalidUri;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::proxy::http::tls::{self, TlsError};

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where it is.
pub(crate) struct Fetch {
    host: Box<str>,
    port: u16,
    authority: Box<str>,
    target: Box<str>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Why it cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL names no host.
    #[error("the URL names no host")]
    Host,
    /// TLS cannot be had.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Why there is no answer. Nothing of it comes from whoever was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("it cannot be reached: {0}")]
    Connect(#[from] std::io::Error),
    #[error("the connection failed: {0}")]
    Http(#[from] hyper::Error),
    #[error("the request cannot be written: {0}")]
    Target(#[from] InvalidUri),
    #[error("the request cannot be written: {0}")]
    Header(#[from] InvalidHeaderValue),
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("there is no answer in time")]
    Slow,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Fetch {
    /// # Errors
    /// [`FetchError`]
    pub(crate) fn open(url: &Url, ca: Option<&Path>) -> Result<Self, FetchError> {
        let host = url.host_str().ok_or(FetchError::Host)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let tls = match url.scheme() {
            "https" => {
                let name = ServerName::try_from(bare.to_owned()).map_err(|_invalid| FetchError::Host)?;
                Some((tls::connector(ca)?, name))
            }
            _ => None,
        };
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        Ok(Self {
            host: bare.into(),
            port: url.port_or_known_default().ok_or(FetchError::Host)?,
            authority: url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")).into(),
            target: format!("{}{query}", url.path()).into(),
            tls,
        })
    }

    /// Asks with `method`, `headers` and `body`; the answer has at most `most` bytes.
    ///
    /// # Errors
    /// [`Failure`]
    pub(crate) async fn ask(
        &self,
        method: Method,
        headers: &HeaderMap,
        body: Bytes,
        most: usize,
    ) -> Result<Answer, Failure> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.target.parse()?;
        *request.headers_mut() = headers.clone();
        request.headers_mut().insert(HOST, HeaderValue::try_from(&*self.authority)?);
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        timeout(PATIENCE, self.send(request, most)).await.map_err(|_elapsed| Failure::Slow)?
    }

    async fn send(&self, request: Request<Full<Bytes>>, most: usize) -> Result<Answer, Failure> {
        let stream = TcpStream::connect((&*self.host, self.port)).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            None => over(TokioIo::new(stream), request, most).await,
            Some((connector, name)) => {
                over(TokioIo::new(connector.connect(name.clone(), stream).await?), request, most).await
            }
        }
    }
}

async fn over<I>(io: I, request: Request<Full<Bytes>>, most: usize) -> Result<Answer, Failure>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(io).await?;
    let work = async {
        let response = sender.send_request(request).await?;
        let (head, mut body) = response.into_parts();
        let mut all = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            if all.len().saturating_add(data.len()) > most {
                return Err(Failure::TooLong(most));
            }
            all.extend_from_slice(&data);
        }
        Ok(Answer { status: head.status, headers: head.headers, body: all.freeze() })
    };
    tokio::pin!(work);
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        biased;
        result = &mut work => return result,
        // What goes wrong is told to whoever waits for the answer.
        _ended = connection.as_mut() => {}
    }
    work.await
}
