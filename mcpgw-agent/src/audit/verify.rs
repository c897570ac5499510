//! Whether a log is as it was written: read once, from its first byte to its last, in bounded memory.
//!
//! ```text
//! files ─▶ lines ─▶ walk (number, hash of the line before) ⇄ ring (which key signed it) ─▶ Report
//! ```

mod clock;
mod hint;
mod report;
mod ring;
mod walk;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use jiff::Timestamp;

pub use report::{Finding, Kind, Notice, NoticeKind, Outcome, Report};

use super::chain::Signer;
use super::files::{LogFile, LogFiles};
use super::key::{Key, KeyError};
use super::lines::each_line;
use super::seal::{Anchor, EpochKey, ROOT_NAME, SealKey, read_key_file, state_path};
use ring::Ring;
use walk::{End, Walk};

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 20;

/// Verifies logs, one after the other; a file may continue the chain of the one before.
#[derive(Debug)]
pub struct Verifier {
    ring: Ring,
    /// The end of the file before.
    end: End,
}

impl Verifier {
    /// Verifies what was signed with `key`, which stays the same.
    #[must_use]
    pub fn new(key: &Key) -> Self {
        Self::of(Ring::Static(Signer::new(key)))
    }

    /// Verifies what was signed with `key` and the keys that come of it.
    #[must_use]
    pub fn with(key: SealKey) -> Self {
        Self::of(Ring::new(key))
    }

    /// Verifies with what a key file or the environment gave: a key that stays the same, or one that evolves.
    ///
    /// # Errors
    /// [`KeyError::Miscopied`]
    pub fn given(key: &Key) -> Result<Self, KeyError> {
        if !SealKey::is_meant(key.bytes()) {
            return Ok(Self::new(key));
        }
        SealKey::parse(key.bytes()).map(Self::with).ok_or(KeyError::Miscopied)
    }

    /// What comes next continues nothing that was before.
    pub fn begin_anew(&mut self) {
        self.end = End::default();
    }

    /// The number in its directory of the log that was verified last, and the id of its root key, where its key evolves.
    #[must_use]
    pub fn number(&self) -> Option<(&str, u64)> {
        self.ring.key_now().map(|key| (&*key.root, key.log))
    }

    /// The key is one that every log of a directory comes of.
    #[must_use]
    pub fn is_for_directories(&self) -> bool {
        self.ring.is_root()
    }

    fn of(ring: Ring) -> Self {
        Self { ring, end: End::default() }
    }

    /// Verifies the files of one log, in order, and that its end is no older than what else knows of it. `read` is told of
    /// bytes that were read.
    ///
    /// # Errors
    /// A file cannot be read; which one comes with the error.
    pub fn log(
        &mut self,
        files: &LogFiles,
        read: &dyn Fn(u64),
    ) -> Result<Vec<Report>, (std::path::PathBuf, io::Error)> {
        // Before the records: what is written meanwhile is no older.
        let state = match read_key_file(&state_path(files.log())) {
            Ok(Some(SealKey::Log(key, anchor))) => Some((key, anchor)),
            // Without it, and without the right to read it, the log is verified all the same.
            Ok(Some(SealKey::Root(_) | SealKey::Public(..)) | None) | Err(_) => None,
        };
        let mut reports = Vec::new();
        for file in files.files() {
            if reports.is_empty() {
                self.ring.expect(state.as_ref().map(|(key, _)| key.log()));
            }
            let report = self.part(file, !reports.is_empty(), read);
            reports.push(report.map_err(|error| (file.path().to_owned(), error))?);
        }
        let deleted = self.end.deleted;
        if let Some(report) = reports.first_mut() {
            report.allow_beginning_after(deleted);
        }
        // A finished file by itself is no log's end; where there should be more, that there is none is an end cut off.
        if let Some(report) = reports.last_mut().filter(|_| !files.is_finished_alone()) {
            if self.end.finished {
                report.end_unknown(NoticeKind::GoesOn);
            }
            self.compare(report, state);
        }
        Ok(reports)
    }

    fn part(&mut self, file: &LogFile, is_part: bool, read: &dyn Fn(u64)) -> io::Result<Report> {
        let live = file.live().is_some_and(|file| is_written(file));
        let reader = BufReader::with_capacity(BUFFER_BYTES, Told { reader: file.open()?, read });
        let mut report = self.walk(reader, live, is_part)?;
        report.file = file.path().to_owned();
        Ok(report)
    }

    /// Verifies the file at `path`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn file(&mut self, path: &Path) -> io::Result<Report> {
        let file = File::open(path)?;
        let live = is_written(&file);
        let mut report = self.read(BufReader::with_capacity(BUFFER_BYTES, file), live)?;
        report.file = path.to_owned();
        Ok(report)
    }

    /// Verifies what `reader` has; `live` where somebody is writing it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&mut self, reader: impl BufRead, live: bool) -> io::Result<Report> {
        self.walk(reader, live, false)
    }

    fn walk(&mut self, reader: impl BufRead, live: bool, is_part: bool) -> io::Result<Report> {
        let now = live.then(|| u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default());
        let mut walk = Walk::new(&mut self.ring, std::mem::take(&mut self.end), is_part);
        let torn = each_line(reader, |line| walk.line(line))?;
        let (report, end) = walk.end(torn, now);
        self.end = end;
        Ok(report)
    }

    /// Compares the end of a log with what was known before it was read: its key's state, and the key given.
    fn compare(&mut self, report: &mut Report, state: Option<(EpochKey, Anchor)>) {
        if report.outcome == Outcome::OtherKey {
            return;
        }
        let (end, epoch) = (self.end.seq(), self.ring.key_now().map(EpochKey::epoch));
        let given = self.ring.anchor().filter(|anchor| anchor.seq > end);
        if let Some(anchor) = given {
            report.roll_back(anchor.seq);
        }
        if self.ring.key_now().is_none() {
            return;
        }
        let Some((key, anchor)) = state else { return report.end_unknown(NoticeKind::NoState) };
        match self.ring.key_of(&key) {
            Some(ours) if ours.is(&key) => {
                if anchor.seq > end || epoch.is_some_and(|epoch| epoch < key.epoch()) {
                    report.roll_back(anchor.seq.max(end.saturating_add(1)));
                }
            }
            // Of another root, or of an epoch before that of the key given.
            Some(_) | None => report.end_unknown(NoticeKind::ForeignState),
        }
    }

    /// How many logs were begun in `dir`, by its root key's file; `None` where that is not there, or not of the key given.
    #[must_use]
    pub fn logs_begun(&self, dir: &Path) -> Option<u64> {
        let Ok(Some(SealKey::Root(root))) = read_key_file(&dir.join(ROOT_NAME)) else { return None };
        self.ring.has_become(&root).then(|| root.log())
    }
}

/// Somebody writes `file` and holds the lock. It is not kept from whoever wants to now.
fn is_written(file: &File) -> bool {
    match file.try_lock_shared() {
        Ok(()) => file.unlock().is_err(),
        Err(std::fs::TryLockError::WouldBlock) => true,
        Err(std::fs::TryLockError::Error(_)) => false,
    }
}

/// A reader that tells how much was read.
struct Told<'a, R> {
    reader: R,
    read: &'a dyn Fn(u64),
}

impl<R: Read> Read for Told<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.reader.read(buffer)?;
        (self.read)(u64::try_from(length).unwrap_or_default());
        Ok(length)
    }
}
