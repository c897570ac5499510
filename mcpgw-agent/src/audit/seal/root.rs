//! The root key of a directory: made once, one step further with each log that begins.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::evolve::{Anchor, PublicKey, RootKey};
use super::file::{KeyFile, dir_of, read, state_path};
use super::text::SealKey;
use crate::audit::key::{Key, KeyError, random};
use crate::audit::place::sync_name;
use crate::private::open_private;

/// Name of its file, in the directory of the logs.
pub const ROOT_NAME: &str = "audit.seal";

/// What `audit init` made.
#[derive(Debug)]
pub struct Initialised {
    /// Verifies everything from the start. It is nowhere else.
    pub initial: SealKey,
    /// Checks the seals of the directory's first log.
    pub public: SealKey,
    /// Logs that were begun under the root key before, where there was one.
    pub replaced: Option<u64>,
}

/// Makes the root key of the logs in `dir`; where there is one, only if `replace` says so.
///
/// # Errors
/// [`KeyError::Exists`]: there is one. [`KeyError`]: it cannot be made.
pub fn initialise(dir: &Path, replace: bool) -> Result<Initialised, KeyError> {
    let path = dir.join(ROOT_NAME);
    let _lock = lock(&path)?;
    let file = KeyFile::at(path.clone())?;
    let replaced = match read(&path) {
        Ok(None) => None,
        Ok(Some(SealKey::Root(root))) => Some(root.log),
        Ok(Some(_)) => Some(0),
        // What cannot be used can be replaced.
        Err(KeyError::Unsafe { .. }) if replace => Some(0),
        Err(error) => return Err(error),
    };
    if let Some(logs) = replaced.filter(|_| !replace) {
        return Err(KeyError::Exists { path, logs });
    }
    let bytes =
        random::<32>().map_err(|source| KeyError::Io { action: "make", path: path.clone(), source })?;
    let root = RootKey::first(Box::new(bytes));
    let public = SealKey::Public(root.log_key().public(), Anchor::default());
    let initial = SealKey::Root(root);
    // Root sets up what another user's agent uses.
    let owner = fs::metadata(dir).map_err(|source| KeyError::Io {
        action: "look at the directory of",
        path,
        source,
    })?;
    let is_ours = owner.uid() == nix::unistd::geteuid().as_raw();
    file.prepare_for(&initial, (!is_ours).then(|| (owner.uid(), owner.gid())))?;
    file.replace()?;
    Ok(Initialised { initial, public, replaced })
}

/// Takes the key of a log that begins at `log`, and brings it to the disk; `None` where the directory has no root key. The
/// root is one step further before the log has its key: a crash between leaves a number without a log, never two logs with
/// one key.
pub(super) fn begin(log: &Path) -> Result<Option<(KeyFile, SealKey)>, KeyError> {
    let path = log.with_file_name(ROOT_NAME);
    let Some(_) = read(&path)? else { return Ok(None) };
    let _lock = lock(&path)?;
    let file = KeyFile::at(path.clone())?;
    let root = match read(&path)? {
        Some(SealKey::Root(root)) => root,
        Some(SealKey::Log(..) | SealKey::Public(..)) | None => {
            return Err(KeyError::Unsafe { path, why: "holds no root key" });
        }
    };
    let first = root.log_key();
    file.prepare(&SealKey::Root(root.next()))?;
    file.replace()?;
    drop(root);
    let state = KeyFile::at(state_path(log))?;
    let key = SealKey::Log(first, Anchor::default());
    state.prepare(&key)?;
    state.replace()?;
    Ok(Some((state, key)))
}

/// Only one process at a time changes the root key of a directory.
fn lock(path: &Path) -> Result<File, KeyError> {
    let dir = dir_of(path);
    let io = |source| KeyError::Io { action: "lock the directory of", path: path.to_owned(), source };
    let file = open_private(OpenOptions::new().read(true), dir).map_err(io)?;
    file.lock().map_err(io)?;
    Ok(file)
}

/// Puts the state of a log that is gone aside, under the log's number: it shows that there was one.
pub(super) fn set_aside(state: &Path, log: u64) -> Result<(), KeyError> {
    let mut name = state.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{log:06}.seal"));
    let aside = state.with_file_name(name);
    let moved = match aside.symlink_metadata() {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(state, &aside).and_then(|()| sync_name(state)),
    };
    moved.map_err(|source| KeyError::Io { action: "put aside", path: state.to_owned(), source })
}

/// The key of the epoch that the log at `log` is in, which verifies from there on; with `public` what its seals are checked
/// with. Where the log's key does not evolve, `fixed` is that key.
///
/// # Errors
/// [`KeyError`]: there is none.
pub fn export(
    log: &Path,
    public: bool,
    fixed: impl FnOnce() -> Result<Key, KeyError>,
) -> Result<SealKey, KeyError> {
    let path = state_path(log);
    match read(&path)? {
        Some(SealKey::Log(key, anchor)) if public => Ok(SealKey::Public(key.public(), anchor)),
        Some(key @ SealKey::Log(..)) => Ok(key),
        Some(SealKey::Root(_) | SealKey::Public(..)) => {
            Err(KeyError::Unsafe { path, why: "holds no log's key" })
        }
        None if public => Ok(SealKey::Public(PublicKey::fixed(fixed()?.bytes()), Anchor::default())),
        None => Err(KeyError::NotEvolving { log: log.to_owned() }),
    }
}
