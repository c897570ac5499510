//! Seals: checkpoints at a steady beat, the end of an epoch, the end of the log.
//!
//! ```text
//! next key prepared on the disk ─▶ record, under the old key ─▶ log synced ─▶ next key in place, old one wiped
//! ```
//!
//! So the key file is never ahead of the log on the disk. It may be behind, by a crash after the record: whoever opens the
//! log next sees by its last record which key is due.

use jiff::Timestamp;

use super::Writer;
use crate::audit::AuditError;
use crate::audit::chain::hash;
use crate::audit::disk;
use crate::audit::event::{Next, Own};
use crate::audit::line::Line;
use crate::audit::seal::{Anchor, EpochKey};

impl Writer {
    /// The epoch is over by its age: then syncing the log before [`beat`](Self::beat) leaves little to sync within.
    pub(in crate::audit) fn is_epoch_due(&self) -> bool {
        self.sealer.is_epoch_due()
    }

    /// Seals what there is, and begins another epoch where that is due. Returns the number of the seal.
    pub(in crate::audit) fn beat(&mut self) -> Result<Option<u64>, AuditError> {
        if self.closed {
            return Ok(None);
        }
        self.settle()?;
        self.catch_up()?;
        if self.sealer.is_epoch_due() {
            self.next_epoch()?;
            return Ok(self.chain.end().map(|(seq, _)| seq));
        }
        let (beat, records) = (self.sealer.beat(), self.sealer.sealed());
        let key = self.sealer.key().cloned();
        self.put_seal(&Own::Checkpoint { key: key.as_ref(), beat, records }, None)
            .map(|anchor| Some(anchor.seq))
    }

    /// Ends the epoch.
    pub(super) fn next_epoch(&mut self) -> Result<(), AuditError> {
        let records = self.sealer.sealed();
        self.end_epoch(|next| Own::Epoch { records, next })
    }

    /// Ends the epoch with the log.
    pub(super) fn end(&mut self) -> Result<(), AuditError> {
        self.end_epoch(|next| Own::Closed { next })
    }

    /// Ends the epoch with the file.
    pub(super) fn finish_file(&mut self) -> Result<(), AuditError> {
        self.end_epoch(|next| Own::Finished { next })
    }

    fn end_epoch(&mut self, own: impl FnOnce(Option<Next>) -> Own<'static>) -> Result<(), AuditError> {
        self.catch_up()?;
        let Some(next) = self.sealer.key().map(EpochKey::next) else {
            return self.put_seal(&own(None), None).map(drop);
        };
        let is_open = self.sealer.open().is_some();
        let named = Next {
            epoch: next.epoch,
            key_id: next.signer().key_id().into(),
            public_key: is_open.then(|| next.public()),
        };
        let anchor = self.put_seal(&own(Some(named)), Some(&next))?;
        let synced = self.bring_to_disk(anchor.seq);
        if let Err(error) = &synced {
            tracing::error!(%error, "the audit log cannot be brought to the disk");
        }
        self.sealer.evolve(next, anchor, synced.is_ok());
        self.chain.evolve(self.sealer.signer().clone());
        Ok(())
    }

    /// Brings the key to its file where that failed before.
    pub(super) fn catch_up(&mut self) -> Result<(), AuditError> {
        if self.sealer.is_behind() {
            self.bring_to_disk(self.chain.end().unwrap_or_default().0)?;
            self.sealer.catch_up()?;
        }
        Ok(())
    }

    /// Adds a seal, after which `next` is to sign. Returns where that begins.
    fn put_seal(&mut self, own: &Own<'_>, next: Option<&EpochKey>) -> Result<Anchor, AuditError> {
        let mut line = Line::new();
        own.write(&mut line);
        line.stamp(Timestamp::now());
        let mut bytes = line.into_bytes();
        match self.sealer.open() {
            Some(key) => self.chain.seal_openly(&mut bytes, key),
            None => self.chain.seal(&mut bytes),
        }
        let seq = self.chain.last().saturating_add(1);
        let anchor = Anchor { seq, head: hash(&bytes) };
        if let Some(next) = next {
            self.sealer.prepare(next, anchor)?;
        }
        let end = self.length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if let Err(source) = self.write(&bytes, end) {
            if next.is_some() {
                self.sealer.forget();
            }
            return Err(self.io("write", source));
        }
        self.length = end;
        self.chain.added(bytes);
        Ok(anchor)
    }

    /// The log is on the disk up to its last record, `seq`, whatever the durability.
    fn bring_to_disk(&self, seq: u64) -> Result<(), AuditError> {
        let synced = match &self.synced {
            Some(synced) => {
                synced.want(seq, &self.file);
                synced.wait(seq)
            }
            // Its name may be that of a file before, until the directory is there too.
            None => disk::sync(&self.file).and_then(|()| disk::sync_names(&self.path)),
        };
        synced.map_err(|source| self.io("sync", source))
    }
}
