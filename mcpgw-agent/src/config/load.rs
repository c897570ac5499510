//! Reading the file, and who else may write it.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::error::ConfigError;
use super::file;
use super::run::Config;
use super::validate;
use crate::yaml;

/// The file read where none is named. It need not exist.
pub const DEFAULT_PATH: &str = "/etc/mcpgw/agent.yaml";
/// Longest file read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

impl Config {
    /// Reads the file at `path`, which must exist then, or at [`DEFAULT_PATH`], which need not.
    ///
    /// # Errors
    /// [`ConfigError`] where the file cannot be read, is not for others to write but is, or has a problem.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        match path {
            Some(path) => Self::read(path),
            None => Self::read_if_there(Path::new(DEFAULT_PATH)),
        }
    }

    /// Takes `text` for the content of the file at `path`, which is only named in errors.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with everything that is wrong.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let invalid =
            |problems| ConfigError::Invalid { path: path.to_owned(), text: text.to_owned(), problems };
        let file = yaml::parse::<file::File>(text).map_err(|fault| invalid(vec![(*fault).into()]))?;
        let config = validate::validate(file.unwrap_or_default()).map_err(invalid)?;
        Ok(Self { source: Some(path.to_owned()), ..config })
    }

    pub(super) fn read_if_there(path: &Path) -> Result<Self, ConfigError> {
        match Self::read(path) {
            Err(ConfigError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
                Ok(Self::default())
            }
            other => other,
        }
    }

    fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(path, &read_text(path)?)
    }
}

/// Reads the file at `path`: text of at most 1 MiB that, for an agent run by root, nobody but its owner may write.
///
/// # Errors
/// [`ConfigError::Read`], [`ConfigError::Writable`], [`ConfigError::TooLong`] and [`ConfigError::NotText`].
pub(crate) fn read_text(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(unreadable)?;
    // Of the opened file: what is checked is what is read.
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_file() {
        check_owner(path, &metadata, nix::unistd::geteuid().as_raw())?;
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(ConfigError::TooLong { path: path.to_owned(), max_bytes: MAX_BYTES });
    }
    String::from_utf8(bytes).map_err(|_invalid| ConfigError::NotText { path: path.to_owned() })
}

/// For an agent run by root (`euid` 0): nobody but root may be able to write the file, as its owner always is.
pub(super) fn check_owner(path: &Path, file: &Metadata, euid: u32) -> Result<(), ConfigError> {
    if euid != 0 {
        return Ok(());
    }
    let mode = file.mode() & 0o7777;
    if mode & 0o022 != 0 || file.uid() != 0 {
        return Err(ConfigError::Writable { path: path.to_owned(), mode, owner: file.uid() });
    }
    Ok(())
}
