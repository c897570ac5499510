//! Secrets that are configured: read from a file or a variable, wiped when they are no longer needed, shown by nothing.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use hyper::header::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::config::{SecretHeader, SecretSource};

/// Longest secret of a header, in bytes.
const HEADER_MAX: usize = 8192;

/// Why there is no secret. Nothing of it is in here.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read the secret in `{path}`")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others than root and the file's group can read it, or change it.
    #[error("`{0}` can be read or changed by others: make it root's, mode 0600 or 0640")]
    Exposed(PathBuf),
    /// The variable is not set, or empty.
    #[error("the variable `{0}` is not set, or empty")]
    Variable(String),
    /// Empty, or longer than any.
    #[error("the secret is empty, or longer than {0} bytes")]
    Length(usize),
    /// It is no text a header can hold, or there is no such header.
    #[error("the header `{0}` cannot hold its secret")]
    Header(String),
}

/// The secret, of at most `most` bytes, without the end of its line.
///
/// # Errors
/// [`SecretError`]
pub fn read(source: &SecretSource, most: usize) -> Result<Zeroizing<String>, SecretError> {
    let text = match source {
        SecretSource::File(path) => of_file(path, most, nix::unistd::geteuid().is_root())?,
        SecretSource::Environment(variable) => {
            let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
            Zeroizing::new(value.ok_or_else(|| SecretError::Variable(variable.clone()))?)
        }
    };
    if text.is_empty() || text.len() > most {
        return Err(SecretError::Length(most));
    }
    Ok(text)
}

/// A header with its secret, which no log shows.
///
/// # Errors
/// [`SecretError`]
pub fn header(header: &SecretHeader) -> Result<(HeaderName, HeaderValue), SecretError> {
    let refused = || SecretError::Header(header.name.clone());
    let name = HeaderName::try_from(&*header.name).map_err(|_invalid| refused())?;
    let text = read(&header.source, HEADER_MAX)?;
    let mut value = HeaderValue::try_from(&**text).map_err(|_invalid| refused())?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// The file's text. Root takes none that others could have read or put there.
fn of_file(path: &Path, most: usize, is_root: bool) -> Result<Zeroizing<String>, SecretError> {
    let unreadable = |source| SecretError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if is_root && (metadata.mode() & 0o027 != 0 || metadata.uid() != 0) {
        return Err(SecretError::Exposed(path.to_owned()));
    }
    // One allocation: growing would leave copies behind. One byte more tells that it is too long.
    let mut text = Zeroizing::new(String::with_capacity(most.saturating_add(4)));
    let limit = u64::try_from(most.saturating_add(3)).unwrap_or(u64::MAX);
    file.take(limit).read_to_string(&mut text).map_err(unreadable)?;
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(text)
}
