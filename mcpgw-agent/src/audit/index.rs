//! An index of a log: what has which server, tool, rule or word, and when, found without reading the log.
//!
//! ```text
//! log ─▶ Follower ─▶ StoredRecord ─▶ Ingest ─▶ NAME.index.sqlite ─▶ search ─▶ Filter::matches ─▶ records
//! ```
//!
//! It is a copy, and made from the log at any time; nothing is in it that is not in the log. It is no evidence: that is the
//! log, which [`Verifier`](super::Verifier) reads. `docs/audit-search.md` says what it holds and when it is made anew.

mod catch_up;
mod error;
mod indexer;
mod ingest;
mod lines;
mod open;
mod prune;
mod search;
mod sets;

#[cfg(test)]
mod tests;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

pub use error::IndexError;
pub use indexer::Indexer;
pub use open::index_path;
pub use search::Order;

use super::follow::Follower;
use ingest::Ingest;

/// What happened to an index, for whoever waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It is made anew.
    Rebuilt(Why),
    /// Records were added; so many since it was opened.
    Added(u64),
}

/// Why an index is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It was damaged.
    Damaged,
    /// It was made by another version.
    Version(i32),
    /// The log is not the one it was made from: its last record is another, or there are fewer.
    Replaced,
    /// None of the records it has are in the log any more.
    Gone,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Damaged => f.write_str("it was damaged"),
            Self::Version(version) => write!(f, "it was of version {version}"),
            Self::Replaced => f.write_str("the log is another than the one it was made from"),
            Self::Gone => f.write_str("none of its records are in the log any more"),
        }
    }
}

/// The index of one log.
pub struct Index {
    log: PathBuf,
    path: PathBuf,
    connection: Connection,
    ingest: Ingest,
    follower: Follower,
    /// Where the follower stands, as far as the database has it; `None` where that is to be looked up.
    cursor: Option<Cursor>,
    added: u64,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("path", &self.path).field("cursor", &self.cursor).finish()
    }
}

/// Up to where the log is in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    /// The last record; 0 before the first.
    seq: u64,
    /// Its line's SHA-256.
    hash: Vec<u8>,
    /// Where its line ends in the live file, if it is there.
    offset: u64,
    /// Lines that were no records.
    unreadable: u64,
    /// Changes when anything else does than that records were added.
    epoch: i64,
}

impl Index {
    /// Opens the index of `log`, or begins one, and adds what the log has more. `tell` hears what takes its time. What is read
    /// of it is of one moment, also where another process adds to it or makes it anew.
    ///
    /// # Errors
    /// [`IndexError`]. A damaged index is made anew, once.
    pub fn fresh(log: &Path, tell: &mut dyn FnMut(News)) -> Result<Self, IndexError> {
        match Self::open(log, tell).and_then(|index| index.caught_up(tell)) {
            Err(error) if error.is_damage() => {
                Self::discard(log)?;
                tell(News::Rebuilt(Why::Damaged));
                Self::open(log, tell)?.caught_up(tell)
            }
            fresh => fresh,
        }
    }

    /// Makes the index of `log` anew.
    ///
    /// # Errors
    /// [`IndexError`]
    pub fn rebuild(log: &Path, tell: &mut dyn FnMut(News)) -> Result<Self, IndexError> {
        match Self::open(log, tell).and_then(|mut index| index.empty().map(|()| index)) {
            Err(error) if error.is_damage() => {
                Self::discard(log)?;
                tell(News::Rebuilt(Why::Damaged));
                Self::open(log, tell)?
            }
            index => index?,
        }
        .caught_up(tell)
    }

    /// Opens the index of `log`, or begins one.
    fn open(log: &Path, tell: &mut dyn FnMut(News)) -> Result<Self, IndexError> {
        let path = index_path(log);
        let owner = log.metadata().ok().map(|metadata| (metadata.uid(), metadata.gid()));
        let (connection, other) = open::open(&path, owner)?;
        if let Some(version) = other {
            tell(News::Rebuilt(Why::Version(version)));
        }
        let ingest = Ingest::new().map_err(IndexError::io("compress for", &path))?;
        let follower = Follower::new(log, 0);
        Ok(Self { log: log.to_owned(), path, connection, ingest, follower, cursor: None, added: 0 })
    }

    /// Throws the index of `log` away, because it is damaged.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn discard(log: &Path) -> Result<(), IndexError> {
        let path = index_path(log);
        open::discard(&path, open::inode(&path))
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many records it has, and how many lines of the log were none.
    ///
    /// # Errors
    /// [`IndexError`]
    pub fn counts(&self) -> Result<(u64, u64), IndexError> {
        let failed = IndexError::database(&self.path);
        let count = |sql| self.connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(&failed);
        let (records, unreadable) =
            (count("SELECT count(*) FROM records")?, count("SELECT unreadable FROM cursor")?);
        Ok((records.unsigned_abs(), unreadable.unsigned_abs()))
    }

    /// Brings it up to date, and keeps what is read of it from then on at that state, whatever others do to it.
    fn caught_up(mut self, tell: &mut dyn FnMut(News)) -> Result<Self, IndexError> {
        loop {
            while self.step(catch_up::MANY, tell)? {}
            self.prune()?;
            if self.hold()? {
                return Ok(self);
            }
        }
    }

    /// Begins to read, unless what is known of it is not true any more: somebody else may be making it anew.
    fn hold(&self) -> Result<bool, IndexError> {
        let failed = IndexError::database(&self.path);
        self.connection.execute_batch("BEGIN").map_err(&failed)?;
        let now = self.saved()?;
        let is_known =
            self.cursor.as_ref().is_some_and(|known| now.epoch == known.epoch && now.seq >= known.seq);
        if !is_known {
            self.connection.execute_batch("ROLLBACK").map_err(&failed)?;
        }
        Ok(is_known)
    }

    fn empty(&mut self) -> Result<(), IndexError> {
        open::reset(&mut self.connection).map_err(IndexError::database(&self.path))?;
        self.cursor = None;
        Ok(())
    }

    fn damaged(&self, what: &'static str) -> IndexError {
        IndexError::Damaged { path: self.path.clone(), what }
    }
}
