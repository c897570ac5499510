//! Whether the live file is due, and the turn to the next.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Rotation;
use crate::audit::files::{finished_name, is_still};
use crate::audit::lock::Locked;
use crate::audit::{AuditError, disk, tail};

/// After a turn that failed, how long the file there is is written on before another is tried.
const RETRY: Duration = Duration::from_secs(10);

/// How often another file was begun, for those who do not wait for the writer.
#[derive(Debug, Default)]
pub(in crate::audit) struct Turns {
    pub(in crate::audit) done: AtomicU64,
    /// It could not be.
    pub(in crate::audit) failed: AtomicU64,
}

impl Turns {
    pub(in crate::audit) fn counts(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }
}

/// What the live file is measured by.
#[derive(Debug)]
pub(in crate::audit) struct Turn {
    rotation: Rotation,
    /// Number of the file's first record.
    first: u64,
    /// When it is old enough. By the monotonic clock, so that setting the clock finishes nothing and holds up nothing.
    due: Option<Instant>,
    /// Not before: the last try failed.
    retry: Option<Instant>,
}

impl Turn {
    /// A file whose first record is `first`, written at `begun`, where it is there already.
    pub(in crate::audit) fn new(rotation: Rotation, first: u64, begun: Option<Timestamp>) -> Self {
        // A time to come is a clock that was set back: then its age counts from now.
        let age = begun.and_then(|begun| Timestamp::now().duration_since(begun).try_into().ok());
        let left = rotation.age.saturating_sub(age.unwrap_or_default());
        Self { rotation, first, due: Instant::now().checked_add(left), retry: None }
    }

    /// Another file is to be begun before the next record, if this one has `length` bytes and its last record is `last`.
    pub(in crate::audit) fn is_due(&self, length: u64, last: u64) -> bool {
        let is_over = |at: Option<Instant>| at.is_some_and(|at| Instant::now() >= at);
        // A file that has nothing but its beginning stays, however little it is to have.
        last > self.first
            && (length >= self.rotation.bytes || is_over(self.due))
            && (self.retry.is_none() || is_over(self.retry))
    }

    /// It could not be done.
    pub(in crate::audit) fn failed(&mut self) {
        self.retry = Instant::now().checked_add(RETRY);
    }

    /// The next file, which begins with record `first`.
    pub(in crate::audit) fn next(&self, first: u64) -> Self {
        Self::new(self.rotation, first, None)
    }

    /// Gives the live file `file` at `log` the name of a finished one whose last record is `last`, and puts another in its
    /// place, which is returned, and is empty.
    pub(in crate::audit) fn take(&self, log: &Path, file: &File, last: u64) -> Result<Locked, AuditError> {
        let io = |action, source| AuditError::Io { action, path: log.to_owned(), source };
        let next = next_path(log);
        clear(&next).map_err(|source| io("make another file of", source))?;
        let other = tail::open(&next, true)?;
        let placed = place(log, file, &next, &finished_name(log, self.first, last));
        if let Err(source) = placed {
            // What is left of it is taken away at the next try, or the next start.
            clear(&next).ok();
            return Err(io("finish a file of", source));
        }
        Ok(other)
    }
}

fn place(log: &Path, file: &File, next: &Path, finished: &Path) -> io::Result<()> {
    if !is_still(log, file) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it was moved"));
    }
    disk::link(log, finished)?;
    disk::replace(next, log).inspect_err(|_| drop(disk::remove(finished)))
}

/// The path a file has before it takes the live one's place.
pub(super) fn next_path(log: &Path) -> PathBuf {
    let mut name = log.file_name().unwrap_or_default().to_owned();
    name.push(".next");
    log.with_file_name(name)
}

/// Takes away what a turn that did not come to its end left: an empty file of ours. Anything else stays.
pub(super) fn clear(next: &Path) -> io::Result<()> {
    match next.symlink_metadata() {
        Ok(left) if left.is_file() && left.len() == 0 => disk::remove(next),
        Ok(_) => {
            Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is in the way", next.display())))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
