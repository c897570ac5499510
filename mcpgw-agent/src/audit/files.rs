//! The files of one log, in the order of their records.
//!
//! ```text
//! audit.000000000001-000000004711.jsonl.zst   finished and compressed
//! audit.000000004712-000000009001.jsonl       finished
//! audit.jsonl                                 live: records are added to it
//! ```
//!
//! What a directory holds may be anybody's. Names that are not exactly of this form are passed over, and so is what is no
//! regular file; symbolic links are not followed.

mod name;
mod reader;

#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::private::open_private;
pub(super) use name::{Finished, compressed, finished_name};
pub use reader::LogReader;

/// How often the directory is read again because a file was finished meanwhile.
const TRIES: usize = 16;
/// The first bytes of a compressed file.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// One file of a log.
#[derive(Debug, Clone)]
pub struct LogFile {
    path: PathBuf,
    finished: Option<Finished>,
    /// Held from the moment the directory was read: by then another file may have its name.
    live: Option<Arc<File>>,
}

impl LogFile {
    /// The finished file at `path`.
    pub(super) fn finished(path: PathBuf, finished: Finished) -> Self {
        Self { path, finished: Some(finished), live: None }
    }

    /// Where it is. A finished one may be compressed, and then has another name, by the time it is opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The numbers of its first and last record by its name; `None` for the live one.
    #[must_use]
    pub fn range(&self) -> Option<(u64, u64)> {
        self.finished.map(|finished| (finished.first, finished.last))
    }

    /// The open live file.
    pub(super) fn live(&self) -> Option<&Arc<File>> {
        self.live.as_ref()
    }

    /// It is compressed.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.finished.is_some_and(|finished| finished.compressed)
    }

    /// Bytes on the disk.
    ///
    /// # Errors
    /// It cannot be looked at, or is gone.
    pub fn bytes(&self) -> io::Result<u64> {
        match &self.live {
            Some(file) => file.metadata().map(|metadata| metadata.len()),
            None => self.path.symlink_metadata().map(|metadata| metadata.len()),
        }
    }

    /// Reads it from its beginning, decompressed where it is compressed, in bounded memory.
    ///
    /// # Errors
    /// It cannot be opened, is no regular file, or is gone: retention deleted it.
    pub fn open(&self) -> io::Result<LogReader> {
        match (&self.live, self.finished) {
            (Some(file), _) if is_compressed(file)? => LogReader::compressed(Arc::clone(file)),
            (Some(file), _) => Ok(LogReader::plain(Arc::clone(file))),
            (None, Some(finished)) if finished.compressed => LogReader::compressed(open(&self.path)?),
            (None, _) => match open(&self.path) {
                // It was compressed since the directory was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    LogReader::compressed(open(&compressed(&self.path))?)
                }
                opened => opened.map(LogReader::plain),
            },
        }
    }
}

/// The files of one log.
#[derive(Debug, Clone)]
pub struct LogFiles {
    log: PathBuf,
    files: Vec<LogFile>,
}

impl LogFiles {
    /// The files of the log at `log`, its finished ones in the order of their numbers, then the live one where there is
    /// one. Where a file is there both plain and compressed it is the plain one: it is there until the other is known to
    /// be whole. The path of a finished file is a log of that file alone.
    ///
    /// # Errors
    /// The directory cannot be read; `NotFound` where there is no file of that log; `InvalidInput` where `log` is no
    /// regular file.
    pub fn of(log: &Path) -> io::Result<Self> {
        for _ in 0..TRIES {
            let live = match open_following(log) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                opened => Some(opened?),
            };
            let mut finished = finished(log)?;
            // Between two steps of a turn the live file has a second name.
            finished.retain(|(path, _)| !live.as_ref().is_some_and(|live| is_still(path, live)));
            // Where a file was finished in between, it is both in the list and in our hands.
            if live.as_ref().is_some_and(|file| !is_still(log, file)) {
                continue;
            }
            if live.is_none() && finished.is_empty() {
                return Err(io::Error::new(io::ErrorKind::NotFound, "there is no such log"));
            }
            let live = live.map(|file| LogFile { path: log.to_owned(), finished: None, live: Some(file) });
            let files = finished.into_iter().map(|(path, finished)| LogFile::finished(path, finished));
            return Ok(Self { log: log.to_owned(), files: files.chain(live).collect() });
        }
        Err(io::Error::new(io::ErrorKind::ResourceBusy, "its files change faster than they can be listed"))
    }

    /// The logs whose files are in `dir`, by their names.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn in_dir(dir: &Path) -> io::Result<Vec<Self>> {
        let mut logs = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if !entry.file_type()?.is_file() {
                continue;
            }
            let path = entry.path();
            match Finished::of(&path) {
                Some((log, _)) => logs.push(log),
                None if path.extension().is_some_and(|extension| extension == "jsonl") => logs.push(path),
                None => {}
            }
        }
        logs.sort();
        logs.dedup();
        let of = |log: &PathBuf| match Self::of(log) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            files => Some(files),
        };
        logs.iter().filter_map(of).collect()
    }

    /// The live file's path, by which the log is named; the file need not be there.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// It is one finished file, named by itself.
    #[must_use]
    pub fn is_finished_alone(&self) -> bool {
        Finished::of(&self.log).is_some()
    }

    /// The files, in the order of their records.
    #[must_use]
    pub fn files(&self) -> &[LogFile] {
        &self.files
    }
}

/// The finished files of `log`, in order; of two of the same numbers the one that is not compressed.
pub(super) fn finished(log: &Path) -> io::Result<Vec<(PathBuf, Finished)>> {
    let mut found: Vec<_> = all_finished(log)?;
    found.dedup_by_key(|(_, finished)| (finished.first, finished.last));
    Ok(found)
}

/// The finished files of `log`, in order; a plain one stands before its compressed form.
pub(super) fn all_finished(log: &Path) -> io::Result<Vec<(PathBuf, Finished)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(super::place::dir_of(log))? {
        let entry = entry?;
        let path = log.with_file_name(entry.file_name());
        let Some((_, finished)) = Finished::of(&path).filter(|(of, _)| of == log) else { continue };
        if entry.file_type()?.is_file() {
            found.push((path, finished));
        }
    }
    found.sort_by_key(|(_, finished)| *finished);
    Ok(found)
}

/// Opens a regular file; never a symbolic link.
fn open(path: &Path) -> io::Result<Arc<File>> {
    regular(open_private(OpenOptions::new().read(true), path)?)
}

/// Opens a regular file somebody named, wherever the name leads. Never waits, as a FIFO would.
fn open_following(path: &Path) -> io::Result<Arc<File>> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = nix::fcntl::OFlag::O_NONBLOCK;
    regular(OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?)
}

fn regular(file: File) -> io::Result<Arc<File>> {
    let is_file = file.metadata()?.is_file();
    let no_file = || io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
    is_file.then(|| Arc::new(file)).ok_or_else(no_file)
}

/// `path` still names `file`.
pub(super) fn is_still(path: &Path, file: &File) -> bool {
    let (Ok(there), Ok(ours)) = (fs::metadata(path), file.metadata()) else { return false };
    (there.dev(), there.ino()) == (ours.dev(), ours.ino())
}

/// It begins as a compressed file does, and no record.
fn is_compressed(file: &File) -> io::Result<bool> {
    let mut start = [0; MAGIC.len()];
    Ok(file.read_at(&mut start, 0)? == start.len() && start == MAGIC)
}
