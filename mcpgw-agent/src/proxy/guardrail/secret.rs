//! What a guardrail is told so that it answers. It goes into a header and nowhere else.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use hyper::header::HeaderValue;
use zeroize::Zeroizing;

use super::GuardrailError;
use crate::config::{GuardrailHeader, SecretSource};

/// Longest secret, in bytes.
const MAX_BYTES: usize = 8192;

/// The value of `header`, which no log shows.
pub(super) fn read(header: &GuardrailHeader) -> Result<HeaderValue, GuardrailError> {
    let text = match &header.source {
        SecretSource::File(path) => of_file(path, nix::unistd::geteuid().is_root())?,
        SecretSource::Environment(variable) => {
            let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
            Zeroizing::new(value.ok_or_else(|| GuardrailError::Variable(variable.clone()))?)
        }
    };
    let refused = || GuardrailError::Header(header.name.clone());
    if text.len() > MAX_BYTES || text.is_empty() {
        return Err(refused());
    }
    let mut value = HeaderValue::try_from(&**text).map_err(|_invalid| refused())?;
    value.set_sensitive(true);
    Ok(value)
}

/// The file's text without the end of its line. Root takes none that others could have read or put there.
fn of_file(path: &Path, is_root: bool) -> Result<Zeroizing<String>, GuardrailError> {
    let unreadable = |source| GuardrailError::Secret { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if is_root && (metadata.mode() & 0o027 != 0 || metadata.uid() != 0) {
        return Err(GuardrailError::ExposedSecret(path.to_owned()));
    }
    // One allocation: growing would leave copies behind. One byte more tells that it is too long.
    let mut text = Zeroizing::new(String::with_capacity(MAX_BYTES + 4));
    let most = u64::try_from(MAX_BYTES + 3).unwrap_or(u64::MAX);
    file.take(most).read_to_string(&mut text).map_err(unreadable)?;
    let end = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(end);
    Ok(text)
}
