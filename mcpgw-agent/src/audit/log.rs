//! The log: what is to be recorded comes in, permits go out.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::beat::Beat;
use super::event::{Event, Own};
use super::health::{Counts, Health};
use super::key::KeySource;
use super::line::Line;
use super::rotate::{Keeper, Kept, Rotation, Turns};
use super::seal::SealOptions;
use super::sync::{Shared, Syncer};
use super::writer::Writer;
use super::{AuditError, Entry, Permitted, Recorded, disk, files, place, record, rotate};
use crate::policy::Mode;

/// When a record counts as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Durability {
    /// The kernel has it: it survives our death.
    #[default]
    Written,
    /// The disk has it: it survives the machine's.
    Synced,
}

/// Where and how records are written.
#[derive(Debug, Clone)]
pub struct Options {
    /// The file.
    pub path: PathBuf,
    /// What it is signed with.
    pub key: KeySource,
    /// When a record counts as written.
    pub durability: Durability,
    /// When another file is begun, and what becomes of those before.
    pub rotation: Rotation,
    /// When it is sealed.
    pub seal: SealOptions,
}

impl Options {
    /// A log at `path`, signed with the key beside it, which is made with it.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let (key, durability) = (KeySource::default(), Durability::default());
        let (rotation, seal) = (Rotation::default(), SealOptions::default());
        Self { path: path.into(), key, durability, rotation, seal }
    }
}

/// The audit log. It ends with a record that says so, when it is [closed](Self::close) or dropped.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    writer: Arc<SharedWriter>,
    syncer: Option<Syncer>,
    counts: Arc<Counts>,
    /// What is known of its files.
    kept: Arc<Mutex<Kept>>,
    turns: Arc<Turns>,
    /// Looks after finished files as long as the log lives.
    keeper: Option<Keeper>,
    /// Seals the log as long as it lives.
    beat: Option<Beat>,
}

/// `None` where the log could not be opened.
type SharedWriter = Mutex<Option<Writer>>;

impl AuditLog {
    /// Opens the log, and makes it and its key where they are not there. One that is there is continued after its
    /// last whole record, which must be signed with the key.
    ///
    /// # Errors
    /// [`AuditError`]
    pub fn open(options: &Options) -> Result<Self, AuditError> {
        let syncer = match options.durability {
            Durability::Written => None,
            Durability::Synced => Some(Syncer::start().map_err(|source| AuditError::Io {
                action: "start syncing",
                path: options.path.clone(),
                source,
            })?),
        };
        let shared = syncer.as_ref().map(|syncer| Arc::clone(syncer.shared()));
        let writer = Writer::open(options, shared.clone())?;
        let turns = Arc::clone(writer.turns());
        let writer = Arc::new(Mutex::new(Some(writer)));
        let path = options.path.clone();
        let kept = Arc::<Mutex<Kept>>::default();
        let record = deletions(Arc::clone(&writer), shared.clone());
        let keeper = Keeper::new(&path, options.rotation, Arc::clone(&kept), record);
        if files::all_finished(&path).is_ok_and(|finished| !finished.is_empty()) {
            keeper.wake();
        }
        let counts = Arc::<Counts>::default();
        let every = options.seal.beat;
        let mut seal = seals(Arc::clone(&writer), Arc::clone(&counts), shared);
        let beat = Beat::start("audit-beat", every, move || {
            seal();
            every
        });
        let beat =
            beat.map_err(|source| AuditError::Io { action: "start sealing", path: path.clone(), source })?;
        Ok(Self { path, writer, syncer, counts, kept, turns, keeper: Some(keeper), beat: Some(beat) })
    }

    /// The log at `path` that could not be opened: each record is lost, and counted. That stops nothing in observe mode,
    /// and everything in enforce mode.
    #[must_use]
    pub fn absent(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            writer: Arc::default(),
            syncer: None,
            counts: Arc::default(),
            kept: Arc::default(),
            turns: Arc::default(),
            keeper: None,
            beat: None,
        }
    }

    /// [`open`](Self::open)s the log or, where another process writes it, one of this process' own beside it. For
    /// sessions that run at the same time and were told the same place.
    ///
    /// # Errors
    /// [`AuditError`]
    pub fn open_or_beside(options: &Options) -> Result<Self, AuditError> {
        match Self::open(options) {
            Err(AuditError::Locked { path }) => {
                Self::open(&Options { path: place::beside(&path), ..options.clone() })
            }
            opened => opened,
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        self.counts.health()
    }

    /// What there is of it on the disk. Of the files that are finished the keeper counts, once it has looked at them; the
    /// live one is counted as it is.
    #[must_use]
    pub fn kept(&self) -> Kept {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (rotations, rotation_failures) = self.turns.counts();
        let live = self.path.symlink_metadata().map_or(0, |metadata| metadata.len());
        let (files, bytes) = (kept.files.saturating_add(1), kept.bytes.saturating_add(live));
        Kept { files, bytes, rotations, rotation_failures, ..kept }
    }

    /// Records a decision. `outgoing` is what would go on, if the verdict lets it.
    ///
    /// # Errors
    /// The record is not written, and the message must not go on: the mode is enforce. In observe mode the loss is
    /// counted, recorded when that is possible again, and stops nothing.
    pub fn record(&self, entry: &Entry<'_>, outgoing: Bytes) -> Result<Recorded, AuditError> {
        let mut line = Line::new();
        record::write(&mut line, entry, &outgoing);
        let observes = entry.mode == Mode::Observe;
        let pending = match self.append(line) {
            Ok(Some(pending)) => Some(Pending { observes, ..pending }),
            Ok(None) => {
                self.counts.written();
                None
            }
            Err(error) if observes => {
                tracing::warn!(%error, "a record is lost");
                None
            }
            Err(error) => return Err(error),
        };
        let permitted = entry.verdict.forwards().then_some(Permitted { bytes: outgoing });
        Ok(Recorded { permitted, pending })
    }

    /// Does what the next record needs and no message waits for. To be called when a message has gone on; where it is not,
    /// the next record takes a little longer.
    pub fn rest(&self) {
        if let Ok(mut writer) = self.writer.try_lock()
            && let Some(writer) = writer.as_mut()
        {
            writer.rest();
        }
    }

    /// Records something that is no message. It is as durable as the next message's record.
    ///
    /// # Errors
    /// The record is not written; it is counted as lost.
    pub fn note(&self, event: &Event<'_>) -> Result<(), AuditError> {
        let mut line = Line::new();
        event.write(&mut line);
        self.append(line)?;
        self.counts.written();
        Ok(())
    }

    /// Whether records can be written, tried by writing the one about those that are missing, where some are.
    #[must_use]
    pub fn is_writing_again(&self) -> bool {
        if self.health().writing {
            return true;
        }
        let mut writer = self.writer();
        let settled = writer.as_mut().map(Writer::settle);
        drop(writer);
        match settled {
            Some(Ok(true)) => {
                self.counts.written();
                true
            }
            // Nothing is missing: it is the disk that failed, and only the next record can tell.
            Some(Ok(false)) | None => false,
            Some(Err(error)) => {
                tracing::debug!(%error, "the audit log still cannot be written");
                false
            }
        }
    }

    /// Ends the log: what is recorded later is lost. Does nothing the second time.
    ///
    /// # Errors
    /// The last record is not written, or not on the disk where it should be.
    pub fn close(&self) -> Result<(), AuditError> {
        let mut writer = self.writer();
        let Some(open) = writer.as_mut() else { return Ok(()) };
        open.close()?;
        let file = Arc::clone(open.file());
        drop(writer);
        if self.syncer.is_some() {
            let path = self.path.clone();
            file.sync_data().map_err(|source| AuditError::Io { action: "sync", path, source })?;
        }
        Ok(())
    }

    /// Adds a record; a loss is counted. What is left to wait for is only there where the log is synced.
    fn append(&self, line: Line) -> Result<Option<Pending>, AuditError> {
        let mut writer = self.writer();
        let before = self.turns.counts();
        let added = match writer.as_mut() {
            Some(open) => open.append(line).map(|seq| (seq, open.file())),
            None => Err(AuditError::Closed { path: self.path.clone() }),
        };
        let pending = added.map(|(seq, file)| {
            let shared = self.syncer.as_ref().map(|syncer| syncer.want(seq, file));
            let (path, counts) = (&self.path, &self.counts);
            shared.map(|shared| Pending {
                seq,
                shared,
                path: path.clone(),
                counts: Arc::clone(counts),
                observes: false,
            })
        });
        let is_finished = self.turns.counts() != before;
        drop(writer);
        if is_finished {
            self.keeper.as_ref().inspect(|keeper| keeper.wake());
        }
        pending.inspect_err(|error| self.counts.lost(error))
    }

    /// Does once what there is to do about finished files.
    #[cfg(test)]
    pub(super) fn keep(&self) {
        self.keeper.as_ref().unwrap().pass();
    }

    fn writer(&self) -> MutexGuard<'_, Option<Writer>> {
        lock(&self.writer)
    }
}
fn lock(writer: &SharedWriter) -> MutexGuard<'_, Option<Writer>> {
    // A writer knows what it has written, and checks the file before records.
    writer.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records that a file is about to be deleted. Whatever the durability, that is on the disk before it is.
fn deletions(writer: Arc<SharedWriter>, synced: Option<Arc<Shared>>) -> rotate::Record {
    Box::new(move |old, limit| {
        let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let names: Vec<_> = old.paths.iter().filter_map(name).collect();
        let mut line = Line::new();
        Own::Deleted { names: &names, first: old.first, last: old.last, bytes: old.bytes, limit }
            .write(&mut line);
        let mut open = lock(&writer);
        let added = open.as_mut().and_then(|open| Some((open.append(line).ok()?, Arc::clone(open.file()))));
        let Some((seq, file)) = added else { return false };
        match &synced {
            Some(synced) => {
                // While the writer is held, so that no later file is named before this one.
                synced.want(seq, &file);
                drop(open);
                synced.wait(seq).is_ok()
            }
            None => {
                drop(open);
                disk::sync(&file).is_ok()
            }
        }
    })
}

/// Seals the log each time it is called. A seal is as durable as the next record.
fn seals(
    writer: Arc<SharedWriter>,
    counts: Arc<Counts>,
    synced: Option<Arc<Shared>>,
) -> impl FnMut() + Send + 'static {
    move || {
        // What can be brought to the disk without holding up records is.
        let due =
            lock(&writer).as_ref().filter(|open| open.is_epoch_due()).map(|open| Arc::clone(open.file()));
        if let Some(file) = due {
            disk::sync(&file).ok();
        }
        let mut open = lock(&writer);
        let Some(open) = open.as_mut() else { return };
        match (open.beat(), &synced) {
            (Ok(Some(seq)), Some(synced)) => synced.want(seq, open.file()),
            (Ok(_), _) => {}
            (Err(error), _) => {
                counts.failing(&error);
                tracing::warn!(%error, "the audit log cannot be sealed");
            }
        }
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        // They hold the writer, and with it the lock.
        drop((self.keeper.take(), self.beat.take()));
        if let Err(error) = self.close() {
            tracing::error!(%error, "the audit log could not be closed");
        }
    }
}

/// A record that is written, but not on the disk yet.
#[derive(Debug)]
pub(super) struct Pending {
    seq: u64,
    shared: Arc<Shared>,
    path: PathBuf,
    counts: Arc<Counts>,
    /// It stops nothing if it never gets there.
    observes: bool,
}

impl Pending {
    pub(super) fn wait(self) -> Result<(), AuditError> {
        let synced = self.shared.wait(self.seq);
        self.outcome(synced)
    }

    pub(super) async fn ready(self) -> Result<(), AuditError> {
        let synced = self.shared.ready(self.seq).await;
        self.outcome(synced)
    }

    fn outcome(self, synced: std::io::Result<()>) -> Result<(), AuditError> {
        let Self { path, counts, observes, .. } = self;
        let Err(source) = synced else {
            counts.written();
            return Ok(());
        };
        let error = AuditError::Io { action: "sync", path, source };
        counts.lost(&error);
        if observes { Ok(()) } else { Err(error) }
    }
}
