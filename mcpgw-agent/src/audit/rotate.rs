//! When a log goes on in another file, and what becomes of the files before.
//!
//! ```text
//! live file due ─▶ log.finished ─▶ another made and locked ─▶ old one gets its second name ─▶ the other takes its place
//!              ─▶ log.rotated ─▶ the record that was due            (the writer, holding up that one record)
//! finished ─▶ compressed beside ─▶ compared ─▶ plain one removed   (the keeper, its own thread)
//! too many ─▶ log.deleted ─▶ synced ─▶ removed                     (the keeper)
//! ```
//!
//! At every moment the live file's name names a file that is locked, and every record is in a file that has its final name.

mod compress;
mod keeper;
mod recover;
mod retain;
mod turn;

#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(super) use keeper::{Keeper, Record};
pub(super) use recover::{end_before, open};
pub(super) use turn::{Turn, Turns};

/// When a file is finished, and how long finished files are kept. Whichever limit is reached first counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// Bytes after which another file is begun.
    pub bytes: u64,
    /// Time after its first record at which a file is finished, by the next record.
    pub age: Duration,
    /// The most finished files that are kept; `None` for any number.
    pub keep_files: Option<u64>,
    /// How long a file is kept after its last record; `None` for ever.
    pub keep_age: Option<Duration>,
    /// The most bytes all files take up together, the live one included; `None` for any number.
    pub keep_bytes: Option<u64>,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            age: Duration::from_secs(86_400),
            keep_files: Some(1000),
            keep_age: None,
            keep_bytes: Some(1 << 30),
        }
    }
}

/// What there is of a log on the disk, and what was done to keep it so since it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Files there are, the live one included.
    pub files: u64,
    /// Bytes they take up.
    pub bytes: u64,
    /// Times another file was begun.
    pub rotations: u64,
    /// Times that could not be done; the file there was is written on.
    pub rotation_failures: u64,
    /// Files that were compressed.
    pub compressed: u64,
    /// Times a file could not be; it stays as it is, and is tried again.
    pub compression_failures: u64,
    /// Files that were deleted because there were too many.
    pub deleted: u64,
    /// Times one could not be.
    pub deletion_failures: u64,
}
