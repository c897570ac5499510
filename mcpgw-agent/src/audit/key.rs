//! The key records are signed with: read, made, wiped; never shown.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::chain::Signer;
use super::place::sync_name;
use super::seal::SealKey;
use crate::hex;
use crate::private::{check_private, open_private};

/// The environment variable a key may be given in. Take it out of the environment of whatever is started.
pub const KEY_VARIABLE: &str = "MCPGW_AUDIT_SIGNING_KEY";
/// Name of the key's file, beside the log.
const FILE_NAME: &str = "audit.key";
/// Fewer bytes could be guessed.
const SHORTEST: usize = 16;
/// More are no key.
const LONGEST: usize = 4096;

/// Bytes that sign records. Wiped when dropped.
#[derive(Clone)]
pub struct Key(Zeroizing<Vec<u8>>);

/// Where the key comes from.
#[derive(Debug, Clone, Default)]
pub enum KeySource {
    /// The file `audit.key` beside the log, made with the log.
    #[default]
    Beside,
    /// This file, made with the log.
    File(PathBuf),
    /// The configuration or the environment.
    Given(Key),
}

/// There is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is too short or too long.
    #[error("{origin} has {length} bytes; a key has {SHORTEST} to {LONGEST}")]
    Length {
        /// Where it is.
        origin: String,
        /// Its length.
        length: usize,
    },
    /// It is there, but not for us alone, or no file.
    #[error("the key file {} {why}", path.display())]
    Unsafe {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There are records, and no key to go on with.
    #[error("{} has records, but their key {} is not there", log.display(), path.display())]
    Missing {
        /// The log.
        log: PathBuf,
        /// The key file.
        path: PathBuf,
    },
    /// There is a root key already.
    #[error("{} is there already", path.display())]
    Exists {
        /// The root key's file.
        path: PathBuf,
        /// Logs that were begun under it.
        logs: u64,
    },
    /// It is one that verifies, and is not to be on the host.
    #[error("this key verifies logs: it is not to sign them, nor to be on this host")]
    Verifies,
    /// It was meant to be a key that evolves.
    #[error("the key is not whole: its check does not match what stands before it")]
    Miscopied,
    /// There are records, and they are not signed with a key that evolves.
    #[error("{} has records signed with a key that does not evolve", log.display())]
    NotEvolving {
        /// The log.
        log: PathBuf,
    },
    /// There is to be a key that evolves.
    #[error("there is no root key {}, and the configuration asks for one", path.display())]
    NoRoot {
        /// Where it should be.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {action} the key file {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl KeySource {
    /// The key file that is named; where none is, the key in [`KEY_VARIABLE`]; and where that is not set either, the file
    /// beside the log. The environment is not looked at where a file is named.
    ///
    /// # Errors
    /// [`KeyError::Length`]: the key in the environment is too short or too long.
    pub fn find(file: Option<&Path>) -> Result<Self, KeyError> {
        Ok(match file {
            Some(path) => Self::File(path.to_owned()),
            None => Key::from_env()?.map_or(Self::Beside, Self::Given),
        })
    }
}

impl Key {
    /// A key of these bytes; `origin` says in an error where they are from. A line feed at the end is no part of it.
    ///
    /// # Errors
    /// [`KeyError::Length`]
    pub fn new(bytes: impl Into<Vec<u8>>, origin: &str) -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new(bytes.into());
        let length = bytes.strip_suffix(b"\n").unwrap_or(&bytes).len();
        bytes.truncate(length);
        if !(SHORTEST..=LONGEST).contains(&length) {
            return Err(KeyError::Length { origin: origin.to_owned(), length });
        }
        Ok(Self(bytes))
    }

    /// The key in [`KEY_VARIABLE`]; `None` where it is not set or empty.
    ///
    /// # Errors
    /// [`KeyError::Length`]
    pub fn from_env() -> Result<Option<Self>, KeyError> {
        let value = std::env::var_os(KEY_VARIABLE).filter(|value| !value.is_empty());
        value.map(|value| Self::new(value.into_vec(), KEY_VARIABLE)).transpose()
    }

    /// The key in `path`.
    ///
    /// # Errors
    /// [`KeyError`]: it is not there, too short, or others can read it.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let io = |action, source| KeyError::Io { action, path: path.to_owned(), source };
        let file = open_private(OpenOptions::new().read(true), path).map_err(|error| io("open", error))?;
        let metadata = file.metadata().map_err(|error| io("look at", error))?;
        check_private(&metadata, 0o077).map_err(|why| KeyError::Unsafe { path: path.to_owned(), why })?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 2));
        let most = u64::try_from(LONGEST + 2).unwrap_or(u64::MAX);
        (&file).take(most).read_to_end(&mut bytes).map_err(|error| io("read", error))?;
        Self::new(bytes.to_vec(), &format!("the key file {}", path.display()))
    }

    /// The key file beside `log`.
    #[must_use]
    pub fn beside(log: &Path) -> PathBuf {
        log.with_file_name(FILE_NAME)
    }

    /// The key `source` names for `log`, made where the log has no records yet. A key that verifies is none to sign with.
    pub(super) fn find(source: &KeySource, log: &Path, has_records: bool) -> Result<Self, KeyError> {
        let key = Self::sought(source, log, has_records)?;
        if SealKey::is_meant(key.bytes()) {
            return Err(KeyError::Verifies);
        }
        Ok(key)
    }

    fn sought(source: &KeySource, log: &Path, has_records: bool) -> Result<Self, KeyError> {
        let path = match source {
            KeySource::Given(key) => return Ok(key.clone()),
            KeySource::File(path) => path.clone(),
            KeySource::Beside => Self::beside(log),
        };
        match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if has_records {
                    return Err(KeyError::Missing { log: log.to_owned(), path });
                }
                make(&path).map_err(|source| KeyError::Io { action: "make", path: path.clone(), source })?;
            }
            Ok(_) | Err(_) => {}
        }
        Self::read(&path)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", Signer::new(self).key_id())
    }
}

/// Makes a key file, whole or not at all: it has its name only when it is written. Of several who try one wins.
fn make(path: &Path) -> io::Result<()> {
    let mut text = random_text::<32>()?;
    text.push('\n');
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(&*random_text::<8>()?);
    let draft = path.with_file_name(name);
    let made = write_new(&draft, text.as_bytes()).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    // Where it could not be made there may be nothing to remove; what counts is why it could not.
    let removed = fs::remove_file(&draft);
    made.and(removed)?;
    sync_name(path)
}

/// `N` random bytes, in hexadecimal.
fn random_text<const N: usize>() -> io::Result<Zeroizing<String>> {
    Ok(Zeroizing::new(hex::encode(&*random::<N>()?)))
}

/// `N` random bytes.
pub(super) fn random<const N: usize>() -> io::Result<Zeroizing<[u8; N]>> {
    let mut random = Zeroizing::new([0_u8; N]);
    let mut filled = 0;
    while let Some(rest) = random.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(random)
}

fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_us_alone() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("audit.jsonl");
        let keys: Vec<_> = std::thread::scope(|scope| {
            let find = || Key::find(&KeySource::Beside, &log, false).unwrap();
            let threads: Vec<_> = (0..2).map(|_| scope.spawn(find)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap().bytes().to_vec()).collect()
        });
        assert_eq!(keys[0], keys[1]);
        assert_eq!(keys[0].len(), 64);
        let path = Key::beside(&log);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left");
        let said = format!("{:?} {:?}", Key::read(&path).unwrap(), KeySource::Beside);
        assert!(!said.contains(std::str::from_utf8(&keys[0]).unwrap()), "{said}");
    }

    #[test]
    fn a_key_others_can_read_or_that_is_no_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k");
        fs::write(&path, "0123456789abcdef\n").unwrap();
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(Key::read(&path), Err(KeyError::Unsafe { .. })), "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert_eq!(Key::read(&path).unwrap().bytes(), b"0123456789abcdef");
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(Key::read(&link), Err(KeyError::Io { .. })));
        assert!(matches!(Key::read(dir.path()), Err(KeyError::Unsafe { .. })));
        assert!(matches!(Key::new(*b"too short", "it"), Err(KeyError::Length { length: 9, .. })));
    }
}
