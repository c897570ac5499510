//! TLS on both sides: the certificate clients are shown, and whom the gateway believes to be its server.
//!
//! TLS 1.2 and 1.3 with the provider's own choice of ciphers, HTTP/1.1 and nothing else by ALPN, no early data (which
//! could be replayed), and no client certificate on either side. A changed certificate is taken up without a restart:
//! [`Identity::reload`].

mod files;
mod identity;
#[cfg(test)]
mod tests;

pub use identity::Identity;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// What both sides speak.
const ALPN: &[u8] = b"http/1.1";

/// Why TLS cannot be had. No error holds anything of a key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is longer than any of its kind.
    #[error("`{0}` is longer than 1 MiB")]
    TooLong(PathBuf),
    /// A file has no certificate in PEM.
    #[error("`{0}` has no certificate in PEM")]
    NoCertificate(PathBuf),
    /// A file has no private key in PEM that is not encrypted.
    #[error("`{0}` has no unencrypted private key in PEM")]
    NoKey(PathBuf),
    /// Others than root and the file's group can read the key, or change it.
    #[error("the key `{0}` can be read or changed by others: make it root's, mode 0600 or 0640")]
    ExposedKey(PathBuf),
    /// There is no certificate to believe in.
    #[error("the system has no trusted certificates")]
    NoRoots,
    /// The certificate cannot be used, or does not belong to the key.
    #[error("the certificate in `{path}` cannot be used")]
    Certificate {
        /// The certificate's file.
        path: PathBuf,
        /// Why.
        source: rustls::Error,
    },
    /// The library refuses the settings.
    #[error("TLS cannot be set up")]
    Setup(#[from] rustls::Error),
}

/// Accepts TLS from clients, who are shown `identity`: at each handshake as it is by then.
///
/// # Errors
/// [`TlsError::Setup`]
pub fn acceptor(identity: Arc<Identity>) -> Result<TlsAcceptor, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(identity);
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Connects to servers whose certificates the system trusts, or one of those in `extra`.
///
/// # Errors
/// `extra` cannot be read or has no certificate; or there is nothing to trust.
pub fn connector(extra: Option<&Path>) -> Result<TlsConnector, TlsError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::warn!(%error, "some of the system's trusted certificates cannot be read");
    }
    let (_added, ignored) = roots.add_parsable_certificates(native.certs);
    if ignored > 0 {
        tracing::debug!(ignored, "trusted certificates of the system that cannot be used");
    }
    if let Some(path) = extra {
        for certificate in files::certificates(path)? {
            let refused = |source| TlsError::Certificate { path: path.to_owned(), source };
            roots.add(certificate).map_err(refused)?;
        }
    }
    trusting(roots)
}

/// [`connector`] for what is not HTTP.
///
/// # Errors
/// The same.
pub fn stream_connector(extra: Option<&Path>) -> Result<TlsConnector, TlsError> {
    let mut config = ClientConfig::clone(connector(extra)?.config());
    config.alpn_protocols = Vec::new();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn trusting(roots: RootCertStore) -> Result<TlsConnector, TlsError> {
    if roots.is_empty() {
        return Err(TlsError::NoRoots);
    }
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Named here and not taken from the process, so that no other user of the library chooses.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
