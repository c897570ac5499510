//! The one writer of a file: a whole line or none, and never two of the same number.
//!
//! A write that fails half way is taken back, so that the file can be verified at any time; what could not be written is
//! counted, and the next record that can be is preceded by one that says how many are missing.

mod seal;

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use nix::sys::resource::{Resource, getrlimit};
use rustix::fs::{AtFlags, StatxFlags, statx};

use super::AuditError;
use super::chain::Chain;
use super::event::Own;
use super::line::Line;
use super::log::{Durability, Options};
use super::place::sync_name;
use super::seal::Sealer;
use super::tail::{self, Tail};

/// Bytes that are written before the limit on files' lengths is asked for again: only somebody else could lower it.
const LIMIT_KEPT: u64 = 64 << 10;

/// Writes one file.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    file: Arc<File>,
    /// Bytes of whole records in the file.
    length: u64,
    /// Bytes it may have by the limit on files' lengths, as far as that has been asked.
    allowed: u64,
    chain: Chain,
    sealer: Sealer,
    /// Records that are missing, and since when.
    missing: Option<(u64, Timestamp)>,
    /// There may be a part of a record after the whole ones.
    torn: bool,
    durability: Durability,
    /// The file replaces one that was removed, and does not say so yet.
    unopened: bool,
    closed: bool,
}

impl Writer {
    /// Opens `path`, continues what is there, and says so in a record.
    pub(super) fn open(options: &Options) -> Result<Self, AuditError> {
        let Options { path, key, durability, seal } = options;
        let file = tail::open(path, false)?;
        let metadata = file.metadata();
        let metadata =
            metadata.map_err(|source| AuditError::Io { action: "look at", path: path.clone(), source })?;
        let mut sealer = Sealer::find(key, *seal, path, metadata.len() > 0)?;
        let Tail { length, last, torn } = tail::continue_at(&file, path, &mut sealer)?;
        let (seq, head) = last.unwrap_or_default();
        let mut writer = Self {
            path: path.clone(),
            file: Arc::new(file),
            length,
            allowed: 0,
            chain: Chain::new(sealer.signer().clone(), seq, head),
            sealer,
            missing: None,
            torn: false,
            durability: *durability,
            unopened: false,
            closed: false,
        };
        writer.catch_up()?;
        writer.opened(false, torn)?;
        Ok(writer)
    }

    /// The file.
    pub(super) fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Adds a record. Returns its number.
    pub(super) fn append(&mut self, line: Line) -> Result<u64, AuditError> {
        if self.closed {
            return Err(AuditError::Closed { path: self.path.clone() });
        }
        let added = self.try_append(line);
        if added.is_err() {
            let (lost, since) = self.missing.unwrap_or((0, Timestamp::now()));
            self.missing = Some((lost.saturating_add(1), since));
        }
        added
    }

    /// Ends the log with a record that says so. Does nothing the second time.
    pub(super) fn close(&mut self) -> Result<(), AuditError> {
        if self.closed {
            return Ok(());
        }
        let ended = self.settle().and_then(|_| self.end());
        self.closed = true;
        ended
    }

    /// Records how many records are missing; says whether any were.
    pub(super) fn settle(&mut self) -> Result<bool, AuditError> {
        if self.closed {
            return Err(AuditError::Closed { path: self.path.clone() });
        }
        self.check()?;
        let Some((lost, since)) = self.missing else { return Ok(false) };
        let mut gap = Line::new();
        Own::Gap { lost, since }.write(&mut gap);
        self.put(gap)?;
        self.missing = None;
        Ok(true)
    }

    fn try_append(&mut self, line: Line) -> Result<u64, AuditError> {
        self.settle()?;
        self.put(line)
    }

    /// The file is still there and as we left it; where it was removed there is another.
    fn check(&mut self) -> Result<(), AuditError> {
        let (links, length) = self.look().map_err(|source| self.io("look at", source))?;
        if links == 0 {
            self.file = Arc::new(tail::open(&self.path, true)?);
            (self.length, self.allowed, self.torn, self.unopened) = (0, 0, false, true);
        } else if self.torn {
            self.file.set_len(self.length).map_err(|source| self.io("repair", source))?;
            self.torn = false;
        } else if length != self.length {
            let path = self.path.clone();
            return Err(AuditError::Changed { path, found: length, expected: self.length });
        }
        if self.unopened {
            self.opened(true, None)?;
            self.unopened = false;
        }
        Ok(())
    }

    /// How many names the file has, and its length. Times are not asked for: a kernel that is asked for them between two
    /// writes keeps them exactly (6.13 and later), and has more to do at every write.
    fn look(&self) -> io::Result<(u64, u64)> {
        let asked = StatxFlags::NLINK | StatxFlags::SIZE;
        match statx(&*self.file, "", AtFlags::EMPTY_PATH, asked) {
            Ok(found) if StatxFlags::from_bits_retain(found.stx_mask).contains(asked) => {
                Ok((found.stx_nlink.into(), found.stx_size))
            }
            // A sandbox that does not know the call.
            Ok(_) | Err(_) => self.file.metadata().map(|metadata| (metadata.nlink(), metadata.len())),
        }
    }

    fn opened(&mut self, replaces: bool, torn: Option<(u64, [u8; 32])>) -> Result<(), AuditError> {
        match self.durability {
            Durability::Written => {}
            Durability::Synced => sync_name(&self.path).map_err(|source| self.io("sync", source))?,
        }
        let mut line = Line::new();
        let (continues, key, beat) = (self.chain.end(), self.sealer.key(), self.sealer.beat());
        Own::Opened { key_id: self.chain.key_id(), key, beat, continues, replaces, torn }.write(&mut line);
        self.put(line).map(drop)
    }

    fn put(&mut self, mut line: Line) -> Result<u64, AuditError> {
        line.stamp(Timestamp::now());
        let mut bytes = line.into_bytes();
        self.chain.seal(&mut bytes);
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let end = self.length.saturating_add(length);
        self.write(&bytes, end).map_err(|source| self.io("write", source))?;
        self.length = end;
        let seq = self.chain.added(&bytes);
        if self.sealer.count()
            && let Err(error) = self.next_epoch()
        {
            // The record is written; the epoch goes on, and the next record tries again.
            tracing::error!(%error, "an epoch of the audit log cannot be ended");
        }
        Ok(seq)
    }

    /// Writes all of `bytes`, which end at `end` of the file, or none.
    fn write(&mut self, bytes: &[u8], end: u64) -> io::Result<()> {
        // Beyond the limit the kernel would not refuse but end the process, with SIGXFSZ.
        if end > self.allowed {
            let limit = getrlimit(Resource::RLIMIT_FSIZE).map_or(u64::MAX, |(limit, _)| limit);
            if end > limit {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            self.allowed = limit.min(end.saturating_add(LIMIT_KEPT));
        }
        let written = (&*self.file).write_all(bytes);
        if written.is_err() {
            self.torn = self.file.set_len(self.length).is_err();
        }
        written
    }

    fn io(&self, action: &'static str, source: io::Error) -> AuditError {
        AuditError::Io { action, path: self.path.clone(), source }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Closing is not enough: a process that is starting a program shares the open file between `fork` and `exec`, and
        // the lock with it. If it cannot be given up, it goes with the last of them.
        self.file.unlock().ok();
    }
}
