//! The certificate and key clients are shown, as they are now.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{TlsError, files, provider};

/// A certificate with its key, from two files, exchanged as one.
pub struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    is_root: bool,
    current: ArcSwap<CertifiedKey>,
}

impl Identity {
    /// Reads the chain in `certificate` and the key in `key`, both PEM. Root reads no key that others can.
    ///
    /// # Errors
    /// Either cannot be read or used, or they do not belong together.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        Self::load_as(certificate, key, nix::unistd::geteuid().is_root())
    }

    pub(super) fn load_as(certificate: &Path, key: &Path, is_root: bool) -> Result<Self, TlsError> {
        let current = ArcSwap::from_pointee(read(certificate, key, is_root)?);
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), is_root, current })
    }

    /// Reads both files again; handshakes from now on show what is in them.
    ///
    /// # Errors
    /// As [`load`](Self::load); what was shown before is shown on.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(read(&self.certificate, &self.key, self.is_root)?));
        Ok(())
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

fn read(certificate: &Path, key: &Path, is_root: bool) -> Result<CertifiedKey, TlsError> {
    let chain = files::certificates(certificate)?;
    let secret = files::key(key, is_root)?;
    let refused = |source| TlsError::Certificate { path: certificate.to_owned(), source };
    let identity = CertifiedKey::from_der(chain, secret, &provider()).map_err(refused)?;
    // `from_der` lets pairs pass that it cannot compare; with this provider there are none.
    identity.keys_match().map_err(refused)?;
    Ok(identity)
}
