//! A directory with one file for each server, and changing one of them as a whole.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;
use rustix::fs::{FlockOperation, flock};

use super::{PinsError, ServerId, is_hash};
use crate::audit::user_state_dir;
use crate::config::Dirs;
use crate::private::{check_directory, check_private, open_private, write_private};

/// Servers pins are kept of.
const SERVERS_MAX: usize = 1024;
/// Taken by whoever changes a file.
const LOCK: &str = "lock";

/// What a file of a directory holds: all that is known of one server in some respect.
pub trait Stored: Sized {
    /// What that is, for people.
    const WHAT: &'static str;
    /// Bytes of a file at most.
    const BYTES_MAX: usize;

    /// Whose it is.
    fn server(&self) -> &ServerId;

    /// As a file has it.
    fn write(&self) -> String;

    /// What a file holds.
    ///
    /// # Errors
    /// What is wrong with it: it is not what [`write`](Self::write) writes.
    fn read(bytes: Vec<u8>) -> Result<Self, &'static str>;
}

/// A directory of them. Its files are for their owner alone; what others could have written is refused.
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
}

/// What tells a file from the one that was read: its inode, which every change replaces, length and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp(u64, u64, i64, i64);

impl Directory {
    /// The directory at `path`, made with mode 0700 where it is not there.
    ///
    /// # Errors
    /// [`PinsError::Io`], or [`PinsError::Unsafe`] where others may write to it.
    pub fn open(path: &Path) -> Result<Self, PinsError> {
        let io = |action, source| PinsError::Io { action, path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| io("make", error))?;
        let metadata = fs::metadata(path).map_err(|error| io("look at", error))?;
        let refuse = |why| PinsError::Unsafe { path: path.to_owned(), why };
        check_directory(&metadata).map_err(refuse)?;
        Ok(Self { path: path.to_owned() })
    }

    /// Where pins are looked for that nobody says the place of: `pins` in the [agent's](Self::of_agent) state directory;
    /// else [`of_user`](Self::of_user).
    #[must_use]
    pub fn default_path() -> Option<PathBuf> {
        Self::of_agent("pins").or_else(Self::of_user)
    }

    /// `name` in the agent's state directory, where `MCPGW_STATE_DIR` is set, and for root where an agent keeps some.
    #[must_use]
    pub fn of_agent(name: &str) -> Option<PathBuf> {
        let is_told = std::env::var_os("MCPGW_STATE_DIR").is_some_and(|path| !path.is_empty());
        let of_agent = Dirs::from_env().ok().map(|dirs| dirs.state.join(name));
        of_agent.filter(|path| is_told || geteuid().is_root() && path.is_dir())
    }

    /// Where `wrap` keeps pins by itself: `$XDG_STATE_HOME/mcpgw/pins`. Nothing where there is no such directory.
    #[must_use]
    pub fn of_user() -> Option<PathBuf> {
        Some(user_state_dir()?.join("mcpgw").join("pins"))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The hashes there are files of, in order.
    ///
    /// # Errors
    /// [`PinsError::Io`], [`PinsError::Full`].
    pub fn hashes(&self) -> Result<Vec<String>, PinsError> {
        let io = |source| PinsError::Io { action: "list", path: self.path.clone(), source };
        let mut hashes = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            let hash = name.to_str().and_then(|name| name.strip_suffix(".json")).filter(|hash| is_hash(hash));
            hashes.extend(hash.map(str::to_owned));
            if hashes.len() > SERVERS_MAX {
                return Err(PinsError::Full { path: self.path.clone(), most: SERVERS_MAX });
            }
        }
        hashes.sort();
        Ok(hashes)
    }

    /// What is kept of the server with `hash`; nothing where there is no file.
    ///
    /// # Errors
    /// [`PinsError::Io`], [`PinsError::Unsafe`], [`PinsError::Malformed`].
    pub fn read<T: Stored>(&self, hash: &str) -> Result<Option<T>, PinsError> {
        Ok(self.read_stamped(hash)?.map(|(stored, _)| stored))
    }

    /// [`read`](Self::read), and what tells the file from others.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn read_stamped<T: Stored>(&self, hash: &str) -> Result<Option<(T, Stamp)>, PinsError> {
        let path = self.file(hash);
        let io = |action, source| PinsError::Io { action, path: path.clone(), source };
        let file = match open_private(OpenOptions::new().read(true), &path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io("open", error)),
        };
        let metadata = file.metadata().map_err(|error| io("look at", error))?;
        check_private(&metadata, 0o022).map_err(|why| PinsError::Unsafe { path: path.clone(), why })?;
        let mut bytes = Vec::new();
        let most = u64::try_from(T::BYTES_MAX).unwrap_or(u64::MAX);
        (&file).take(most + 1).read_to_end(&mut bytes).map_err(|error| io("read", error))?;
        let malformed = |why| PinsError::Malformed { path: path.clone(), what: T::WHAT, why };
        let stored = T::read(bytes).map_err(malformed)?;
        if stored.server().hash() != hash {
            return Err(malformed("it is of another server"));
        }
        Ok(Some((stored, Stamp::of(&metadata))))
    }

    /// The stamp of the file, without reading it.
    pub(crate) fn stamp(&self, hash: &str) -> Option<Stamp> {
        fs::symlink_metadata(self.file(hash)).ok().map(|metadata| Stamp::of(&metadata))
    }

    /// Changes the file of the server of `empty`, which stands for it where there is none, as a whole: others see what
    /// was there before or what is there after.
    ///
    /// # Errors
    /// [`PinsError`]; what `with` gives: then nothing is changed.
    pub(crate) fn change<S: Stored, T>(
        &self,
        empty: S,
        with: impl FnOnce(&mut S) -> Result<T, PinsError>,
    ) -> Result<(S, Stamp, T), PinsError> {
        let path = self.file(empty.server().hash());
        let io = |action: &'static str| {
            let path = path.clone();
            move |source| PinsError::Io { action, path, source }
        };
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        // Given back when it is closed, however that comes about.
        let lock = open_private(&mut options, &self.path.join(LOCK)).map_err(io("lock"))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| io("lock")(error.into()))?;
        let there = self.read::<S>(empty.server().hash())?;
        if there.is_none() && self.hashes()?.len() >= SERVERS_MAX {
            return Err(PinsError::Full { path: self.path.clone(), most: SERVERS_MAX });
        }
        let mut stored = there.unwrap_or(empty);
        let given = with(&mut stored)?;
        let draft = path.with_extension("new");
        let written =
            write_private(&draft, stored.write().as_bytes()).and_then(|()| fs::rename(&draft, &path));
        written.map_err(io("write"))?;
        File::open(&self.path).and_then(|directory| directory.sync_all()).map_err(io("write"))?;
        let stamp = self.stamp(stored.server().hash()).unwrap_or_default();
        Ok((stored, stamp, given))
    }

    fn file(&self, hash: &str) -> PathBuf {
        self.path.join(format!("{hash}.json"))
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self(metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec())
    }
}
