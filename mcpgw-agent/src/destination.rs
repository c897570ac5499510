//! Where a connection over TCP goes, and whether it is wrapped in TLS.

use std::io;

use hyper::Uri;
use hyper::header::HeaderValue;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

/// A host and a port.
pub(crate) struct Destination {
    host: Box<str>,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// No host, or none that anything can be certified for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the URL names no host")]
pub struct NoHost;

/// A connection, wrapped or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Sync + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> Stream for S {}

impl Destination {
    /// `port` of `host`, an IPv6 address without brackets; wrapped where there is `tls`.
    ///
    /// # Errors
    /// [`NoHost`]
    pub(crate) fn new(host: &str, port: u16, tls: Option<TlsConnector>) -> Result<Self, NoHost> {
        let name = || ServerName::try_from(host.to_owned()).map_err(|_invalid| NoHost);
        let tls = tls.map(|connector| Ok((connector, name()?))).transpose()?;
        Ok(Self { host: host.into(), port, tls })
    }

    /// The host and port of `url`; `tls` is asked where it is `https`, so that nothing goes out in clear what was meant
    /// for TLS.
    ///
    /// # Errors
    /// [`NoHost`], and what `tls` gives.
    pub(crate) fn of<E: From<NoHost>>(
        url: &Url,
        tls: impl FnOnce() -> Result<TlsConnector, E>,
    ) -> Result<Self, E> {
        let host = url.host_str().ok_or(NoHost)?.trim_start_matches('[').trim_end_matches(']');
        let port = url.port_or_known_default().ok_or(NoHost)?;
        let tls = (url.scheme() == "https").then(tls).transpose()?;
        Ok(Self::new(host, port, tls)?)
    }

    /// Connects.
    ///
    /// # Errors
    /// There is no connection, or no TLS over it.
    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect((&*self.host, self.port)).await?;
        stream.set_nodelay(true)?;
        Ok(match &self.tls {
            None => Box::new(stream),
            Some((connector, name)) => Box::new(connector.connect(name.clone(), stream).await?),
        })
    }

    /// The host, an IPv6 address without brackets.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

/// `Host` of a request to `url`.
pub(crate) fn authority(url: &Url) -> Result<HeaderValue, NoHost> {
    let host = url.host_str().ok_or(NoHost)?;
    let text = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    HeaderValue::try_from(text).map_err(|_invalid| NoHost)
}

/// Path and query of `url`, as they go into a request.
pub(crate) fn target(url: &Url) -> Result<Uri, NoHost> {
    let text = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    Uri::try_from(text).map_err(|_invalid| NoHost)
}
