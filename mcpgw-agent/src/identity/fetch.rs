//! One document over HTTP, asked for now and then: no redirect is followed, and an answer has an end.

use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use super::IdentityError;
use crate::proxy::http::tls;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where it is.
pub(super) struct Fetch {
    host: Box<str>,
    port: u16,
    authority: Box<str>,
    target: Box<str>,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Why there is no document. Nothing of it comes from whoever was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("it cannot be reached: {0}")]
    Connect(#[from] std::io::Error),
    #[error("the connection failed: {0}")]
    Http(#[from] hyper::Error),
    #[error("the request cannot be written: {0}")]
    Request(#[from] hyper::http::Error),
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("there is no answer in time")]
    Slow,
}

impl Fetch {
    pub(super) fn open(url: &Url, ca: Option<&Path>) -> Result<Self, IdentityError> {
        let host = url.host_str().ok_or(IdentityError::Host)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let tls = match url.scheme() {
            "https" => {
                let name = ServerName::try_from(bare.to_owned()).map_err(|_invalid| IdentityError::Host)?;
                Some((tls::connector(ca)?, name))
            }
            _ => None,
        };
        let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
        Ok(Self {
            host: bare.into(),
            port: url.port_or_known_default().ok_or(IdentityError::Host)?,
            authority: url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")).into(),
            target: format!("{}{query}", url.path()).into(),
            tls,
        })
    }

    /// The document, of at most `most` bytes.
    pub(super) async fn get(&self, most: usize) -> Result<Bytes, Failure> {
        timeout(PATIENCE, self.ask(most)).await.map_err(|_elapsed| Failure::Slow)?
    }

    async fn ask(&self, most: usize) -> Result<Bytes, Failure> {
        let stream = TcpStream::connect((&*self.host, self.port)).await?;
        match &self.tls {
            None => self.over(TokioIo::new(stream), most).await,
            Some((connector, name)) => {
                self.over(TokioIo::new(connector.connect(name.clone(), stream).await?), most).await
            }
        }
    }

    async fn over<I>(&self, io: I, most: usize) -> Result<Bytes, Failure>
    where
        I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    {
        let (mut sender, connection) = http1::handshake(io).await?;
        let request = Request::get(&*self.target)
            .header(HOST, &*self.authority)
            .header(ACCEPT, "application/json")
            .header(ACCEPT_ENCODING, "identity")
            .body(Empty::<Bytes>::new())?;
        let work = async {
            let response = sender.send_request(request).await?;
            if response.status() != StatusCode::OK {
                return Err(Failure::Status(response.status()));
            }
            let mut body = response.into_body();
            let mut all = BytesMut::new();
            while let Some(frame) = body.frame().await {
                let Ok(data) = frame?.into_data() else { continue };
                if all.len().saturating_add(data.len()) > most {
                    return Err(Failure::TooLong(most));
                }
                all.extend_from_slice(&data);
            }
            Ok(all.freeze())
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
