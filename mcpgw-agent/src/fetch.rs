//! A request over HTTP now and then, on a connection of its own: no redirect is followed, no proxy of the environment is
//! used, and an answer has an end.

use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT_ENCODING, HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use url::Url;

use crate::destination::{Destination, NoHost, authority, target};
use crate::proxy::http::tls::{self, TlsError};

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where it is.
pub(crate) struct Fetch {
    to: Destination,
    authority: HeaderValue,
    target: Uri,
}

/// Why it cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL.
    #[error(transparent)]
    Host(#[from] NoHost),
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
        let to = Destination::of(url, || Ok::<_, FetchError>(tls::connector(ca)?))?;
        Ok(Self { to, authority: authority(url)?, target: target(url)? })
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
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = headers.clone();
        request.headers_mut().insert(HOST, self.authority.clone());
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        timeout(PATIENCE, self.send(request, most)).await.map_err(|_elapsed| Failure::Slow)?
    }

    async fn send(&self, request: Request<Full<Bytes>>, most: usize) -> Result<Answer, Failure> {
        let io = TokioIo::new(self.to.connect().await?);
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
}
