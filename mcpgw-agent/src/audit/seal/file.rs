//! A file with one key, replaced whole: before it has its name the next key is on the disk, and after it has it the old one
//! is overwritten and removed.
//!
//! ```text
//! F.new written, synced ─▶ F.old = F (a second name) ─▶ F.new renamed to F ─▶ directory synced ─▶ F.old overwritten, removed
//! ```
//!
//! A crash at any byte of this leaves F whole, old or new, and at most `F.new` and `F.old` beside it, which the next to open
//! F wipes. Overwriting reaches the blocks of a file system that writes in place; one that copies on write, a snapshot, a
//! backup or a flash disk's spare blocks keep what they have.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::text::{LONGEST, SealKey};
use crate::audit::key::KeyError;
use crate::audit::place::sync_name;
use crate::private::{check_private, open_private};

/// A key file and the names it passes through.
#[derive(Debug, Clone)]
pub(in crate::audit) struct KeyFile {
    path: PathBuf,
}

/// The file with the state of the key of the log at `log`.
pub(in crate::audit) fn state_path(log: &Path) -> PathBuf {
    with_suffix(log, ".seal")
}

/// Reads the key in `path`; `None` where there is no such file.
///
/// # Errors
/// It cannot be read, is no key, or others can read it.
pub(in crate::audit) fn read(path: &Path) -> Result<Option<SealKey>, KeyError> {
    let io = |action, source| KeyError::Io { action, path: path.to_owned(), source };
    let file = match open_private(OpenOptions::new().read(true), path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| io("open", error))?,
    };
    let metadata = file.metadata().map_err(|error| io("look at", error))?;
    let unsafe_because = |why| KeyError::Unsafe { path: path.to_owned(), why };
    check_private(&metadata, 0o077).map_err(unsafe_because)?;
    let mut text = Zeroizing::new(Vec::with_capacity(LONGEST + 2));
    let most = u64::try_from(LONGEST + 2).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut text).map_err(|error| io("read", error))?;
    SealKey::parse(&text).map(Some).ok_or_else(|| unsafe_because("holds no whole key: it was changed"))
}

impl KeyFile {
    /// The file at `path`. What a crash left beside it is wiped.
    ///
    /// # Errors
    /// It cannot be wiped.
    pub(in crate::audit) fn at(path: PathBuf) -> Result<Self, KeyError> {
        let file = Self { path };
        let left = [file.draft(), file.old()];
        left.iter().try_for_each(|path| file.wipe(path)).map_err(|error| file.io("wipe", error))?;
        Ok(file)
    }

    pub(in crate::audit) fn path(&self) -> &Path {
        &self.path
    }

    /// Brings `key` to the disk, beside the file.
    ///
    /// # Errors
    /// It cannot be written. The file is as it was.
    pub(in crate::audit) fn prepare(&self, key: &SealKey) -> Result<(), KeyError> {
        self.prepare_for(key, None)
    }

    /// [`prepare`](Self::prepare), for the user and group `owner`.
    pub(super) fn prepare_for(&self, key: &SealKey, owner: Option<(u32, u32)>) -> Result<(), KeyError> {
        let draft = self.draft();
        let written = self.wipe(&draft).and_then(|()| {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o600).open(&draft)?;
            // By the open file: its name may be somebody else's by now.
            if let Some((user, group)) = owner {
                std::os::unix::fs::fchown(&file, Some(user), Some(group))?;
            }
            file.write_all(key.text().as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        });
        written.map_err(|error| self.io("write", error))
    }

    /// Puts the prepared key in place, and wipes the one before.
    ///
    /// # Errors
    /// The system refused. The file has one of the two keys; to try again is right.
    pub(in crate::audit) fn replace(&self) -> Result<(), KeyError> {
        let (draft, old) = (self.draft(), self.old());
        let replaced = self.wipe(&old).and_then(|()| {
            let before = match open_private(OpenOptions::new().write(true), &self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                opened => Some(opened?),
            };
            // A second name, by which the old key is found if we die before it is overwritten. Not every file system has
            // such; it is overwritten below all the same.
            let named = before.is_some() && fs::hard_link(&self.path, &old).is_ok();
            match fs::rename(&draft, &self.path) {
                // It was renamed before, and then something else failed.
                Err(error) if error.kind() == io::ErrorKind::NotFound && before.is_some() => {
                    return if named { fs::remove_file(&old) } else { Ok(()) };
                }
                renamed => renamed?,
            }
            sync_name(&self.path)?;
            if let Some(before) = before {
                overwrite(&before)?;
            }
            if named { fs::remove_file(&old) } else { Ok(()) }
        });
        replaced.map_err(|error| self.io("replace", error))
    }

    /// Forgets the prepared key.
    pub(in crate::audit) fn forget(&self) {
        // Where it cannot be, the next to open the file does it.
        self.wipe(&self.draft()).ok();
    }

    /// Overwrites what is at `path` and removes it; where it is another name of the file itself, removes the name alone.
    fn wipe(&self, path: &Path) -> io::Result<()> {
        let there = match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            there => there?,
        };
        let ours = self.path.symlink_metadata().ok();
        let same = ours.is_some_and(|ours| (ours.dev(), ours.ino()) == (there.dev(), there.ino()));
        if there.is_file() && !same {
            overwrite(&open_private(OpenOptions::new().write(true), path)?)?;
        }
        fs::remove_file(path)
    }

    fn draft(&self) -> PathBuf {
        with_suffix(&self.path, ".new")
    }

    fn old(&self) -> PathBuf {
        with_suffix(&self.path, ".old")
    }

    fn io(&self, action: &'static str, source: io::Error) -> KeyError {
        KeyError::Io { action, path: self.path.clone(), source }
    }
}

fn overwrite(file: &File) -> io::Result<()> {
    let length = usize::try_from(file.metadata()?.len()).unwrap_or_default().min(LONGEST + 2);
    file.write_all_at(&vec![0; length], 0)?;
    file.sync_all()
}

fn with_suffix(path: &Path, suffix: impl AsRef<OsStr>) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

/// The directory a file is in.
pub(super) fn dir_of(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
