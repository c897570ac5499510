//! The one writer of a file: a whole line or none, and never two of the same number.
//!
//! A write that fails half way is taken back, so that the file can be verified at any time; what could not be written is
//! counted, and the next record that can be is preceded by one that says how many are missing.

mod seal;

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use nix::sys::resource::{Resource, getrlimit};
use rustix::fs::{AtFlags, StatxFlags, statx};

use super::AuditError;
use super::chain::Chain;
use super::disk;
use super::event::Own;
use super::line::Line;
use super::lock::Locked;
use super::log::Options;
use super::rotate::{self, Turn, Turns};
use super::seal::Sealer;
use super::sync::Shared;
use super::tail::{self, Tail};

/// Bytes that are written before the limit on files' lengths is asked for again: only somebody else could lower it.
const LIMIT_KEPT: u64 = 64 << 10;

/// How long it counts that the file was there and as we left it, where somebody looked while no message waited for that.
/// Whoever takes it away meanwhile takes what is written within, as with a record that was written just before.
const LOOK_KEPT: Duration = Duration::from_millis(1);

/// Writes one file.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    file: Locked,
    /// Bytes of whole records in the file.
    length: u64,
    /// When it was looked at last while no message waited, and was as we left it.
    looked: Option<Instant>,
    /// Bytes it may have by the limit on files' lengths, as far as that has been asked.
    allowed: u64,
    chain: Chain,
    sealer: Sealer,
    /// Records that are missing, and since when.
    missing: Option<(u64, Timestamp)>,
    /// There may be a part of a record after the whole ones.
    torn: bool,
    /// What brings records to the disk, where they have to be there.
    synced: Option<Arc<Shared>>,
    /// What the file's first record is to say, where it has none yet.
    unopened: Option<Begins>,
    turn: Turn,
    /// The file's last record says that it is finished, and it is not yet.
    finished: bool,
    /// Files that were finished, and turns that failed.
    turns: Arc<Turns>,
    closed: bool,
}

/// Why there is a new file.
#[derive(Debug, Clone, Copy)]
enum Begins {
    /// The one there was is gone.
    Replacing,
    /// The one before is finished.
    Rotated,
}

impl Writer {
    /// Opens `path`, continues what is there, and says so in a record. What has to be on the disk `synced` brings there.
    pub(super) fn open(options: &Options, synced: Option<Arc<Shared>>) -> Result<Self, AuditError> {
        let Options { path, key, rotation, seal, durability: _ } = options;
        let opened = rotate::open(path)?;
        let io = |source| AuditError::Io { action: "look at", path: path.clone(), source };
        let has_records = opened.last.is_some() || opened.file.metadata().map_err(io)?.len() > 0;
        let mut sealer = Sealer::find(key, *seal, path, has_records)?;
        let Tail { length, last, torn } = tail::continue_at(&opened.file, path, &mut sealer)?;
        let (seq, head) = match last {
            Some(last) => last,
            None => rotate::end_before(&opened, path, &mut sealer)?.unwrap_or_default(),
        };
        let (first, begun) = opened.first().unwrap_or((seq.saturating_add(1), None));
        let mut writer = Self {
            path: path.clone(),
            length,
            looked: None,
            allowed: 0,
            chain: Chain::new(sealer.signer().clone(), seq, head),
            sealer,
            missing: None,
            torn: false,
            synced,
            unopened: None,
            turn: Turn::new(*rotation, first, begun),
            finished: false,
            turns: Arc::default(),
            closed: false,
            file: opened.file,
        };
        writer.catch_up()?;
        writer.opened(false, torn.or(opened.torn))?;
        Ok(writer)
    }

    /// How many files it has finished, and how often that could not be done.
    pub(super) fn turns(&self) -> &Arc<Turns> {
        &self.turns
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

    /// Does what the next record needs and no message waits for.
    pub(super) fn rest(&mut self) {
        self.chain.rest().into_iter().for_each(Line::reuse);
        let now = Instant::now();
        if !self.is_looked_at(now) {
            let is_as_it_was = self.look().is_ok_and(|(links, length)| links > 0 && length == self.length);
            self.looked = is_as_it_was.then_some(now);
        }
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
        let last = self.chain.last();
        if last > 0 && self.turn.is_due(self.length, last) {
            self.rotate()?;
        }
        self.put(line)
    }

    /// Begins another file. Where that cannot be done the one there is is written on, and it is tried again later.
    fn rotate(&mut self) -> Result<(), AuditError> {
        match self.finish() {
            Ok(file) => {
                self.looked = None;
                let first = self.chain.last().saturating_add(1);
                // The lock goes with the name: whoever opened the file by that looks whether it still has it.
                (self.file, self.turn) = (file, self.turn.next(first));
                (self.length, self.allowed, self.finished) = (0, 0, false);
                self.unopened = Some(Begins::Rotated);
                self.turns.done.fetch_add(1, Ordering::Relaxed);
                self.begin()
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, "the audit log is not rotated");
                self.turn.failed();
                // What is added now stands after that record; the next try has another.
                self.finished = false;
                self.turns.failed.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Gives the file the name of a finished one. Returns the one in its place.
    fn finish(&mut self) -> Result<Locked, AuditError> {
        if !self.finished {
            self.finish_file()?;
            self.finished = true;
        }
        let last = self.chain.last();
        if let Some(synced) = &self.synced {
            // What is claimed to be on the disk of the next file includes all of this.
            synced.want(last, &self.file);
            synced.wait(last).map_err(|source| self.io("sync", source))?;
        }
        self.turn.take(&self.path, &self.file, last)
    }

    /// Writes the first record of a file that has none.
    fn begin(&mut self) -> Result<(), AuditError> {
        match self.unopened {
            None => return Ok(()),
            Some(Begins::Replacing) => self.opened(true, None)?,
            Some(Begins::Rotated) => {
                self.sync_names()?;
                let mut line = Line::new();
                let (continues, key, beat) = (self.chain.end(), self.sealer.key(), self.sealer.beat());
                Own::Rotated { key_id: self.chain.key_id(), key, beat, continues }.write(&mut line);
                self.put(line)?;
            }
        }
        self.unopened = None;
        Ok(())
    }

    /// Brings the file's name to the disk, where records have to be there.
    fn sync_names(&self) -> Result<(), AuditError> {
        let Some(synced) = &self.synced else { return Ok(()) };
        disk::sync_names(&self.path).map_err(|source| {
            // The kernel says so once.
            synced.fail(io::Error::from(source.kind()));
            self.io("sync", source)
        })
    }

    /// The file is still there and as we left it; where it was removed there is another.
    fn check(&mut self) -> Result<(), AuditError> {
        if self.unopened.is_none() && !self.torn && self.is_looked_at(Instant::now()) {
            return Ok(());
        }
        let (links, length) = self.look().map_err(|source| self.io("look at", source))?;
        if links == 0 {
            self.file = tail::open(&self.path, true)?;
            (self.length, self.allowed, self.torn, self.finished) = (0, 0, false, false);
            self.turn = self.turn.next(self.chain.last().saturating_add(1));
            self.unopened = Some(Begins::Replacing);
        } else if self.torn {
            disk::cut(&self.file, self.length).map_err(|source| self.io("repair", source))?;
            self.torn = false;
        } else if length != self.length {
            let path = self.path.clone();
            return Err(AuditError::Changed { path, found: length, expected: self.length });
        }
        self.begin()
    }

    /// Somebody has looked at the file, so short a time before `now` that it need not be done again.
    fn is_looked_at(&self, now: Instant) -> bool {
        self.looked.is_some_and(|looked| now.saturating_duration_since(looked) < LOOK_KEPT)
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
        self.sync_names()?;
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
        let (seq, before) = self.chain.added(bytes);
        before.into_iter().for_each(Line::reuse);
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
        let written = disk::append(&self.file, bytes);
        if written.is_err() {
            self.looked = None;
            self.torn = disk::cut(&self.file, self.length).is_err();
        }
        written
    }

    fn io(&self, action: &'static str, source: io::Error) -> AuditError {
        AuditError::Io { action, path: self.path.clone(), source }
    }
}
