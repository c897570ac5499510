//! Certificates and keys in files.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::TlsError;

/// Bytes of a file.
const LENGTH_MAX: u64 = 1 << 20;

/// The certificates in a file, in order.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(&open(path)?, path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    certificates
        .ok()
        .filter(|found| !found.is_empty())
        .ok_or_else(|| TlsError::NoCertificate(path.to_owned()))
}

/// The first private key in a file. Root reads none that others could have read or put there.
pub(super) fn key(path: &Path, is_root: bool) -> Result<PrivateKeyDer<'static>, TlsError> {
    let file = open(path)?;
    let metadata = file.metadata().map_err(|source| TlsError::Read { path: path.to_owned(), source })?;
    if is_root && (metadata.mode() & 0o027 != 0 || metadata.uid() != 0) {
        return Err(TlsError::ExposedKey(path.to_owned()));
    }
    let text = read(&file, path)?;
    PrivateKeyDer::from_pem_slice(&text).ok().ok_or_else(|| TlsError::NoKey(path.to_owned()))
}

fn open(path: &Path) -> Result<File, TlsError> {
    File::open(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}

/// The whole file; what may be a key is wiped when it is dropped.
fn read(file: &File, path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    // One allocation: growing would leave copies behind.
    let room = usize::try_from(LENGTH_MAX.saturating_add(1)).unwrap_or(usize::MAX);
    let mut text = Zeroizing::new(Vec::with_capacity(room));
    let length = file
        .take(LENGTH_MAX.saturating_add(1))
        .read_to_end(&mut text)
        .map_err(|source| TlsError::Read { path: path.to_owned(), source })?;
    if length >= room { Err(TlsError::TooLong(path.to_owned())) } else { Ok(text) }
}
