//! What the log has more than the index, added in large steps.

use rusqlite::{Connection, TransactionBehavior};
use sha2::{Digest, Sha256};

use super::error::IndexError;
use super::ingest::{IngestError, Statements};
use super::{Cursor, Index, News, Why};
use crate::audit::follow::{Batch, Follower};
use crate::audit::query::StoredRecord;

/// Bytes of the log that are read at once.
const BATCH_BYTES: usize = 1 << 20;
/// The largest number of a record the database can hold.
const SEQ_MAX: u64 = i64::MAX.unsigned_abs();
/// Batches of one transaction where somebody waits for the index.
pub(super) const MANY: usize = 32;

impl Index {
    /// Adds `most` batches of what the log has more, and says whether there may be more than that. Two processes may do so at once:
    /// one waits for the other, and goes on from where that one left it.
    ///
    /// # Errors
    /// [`IndexError`]
    pub(super) fn step(&mut self, most: usize, tell: &mut dyn FnMut(News)) -> Result<bool, IndexError> {
        let known = self.saved()?;
        if self.cursor.as_ref() != Some(&known) {
            self.ingest.forget();
            self.cursor = None;
            if let Err(why) = self.find(&known)? {
                tell(News::Rebuilt(why));
                self.empty()?;
                return Ok(true);
            }
            self.cursor = Some(known);
        }
        let mut batches = Vec::new();
        let mut more = true;
        while more && batches.len() < most {
            let batch = self.follower.batch(BATCH_BYTES).map_err(IndexError::io("read", &self.log))?;
            if batch.rewound.is_some() {
                tell(News::Rebuilt(Why::Replaced));
                self.empty()?;
                return Ok(true);
            }
            more = batch.more;
            if !batch.is_empty() || batch.unreadable > 0 {
                batches.push(batch);
            }
        }
        if batches.is_empty() {
            return Ok(more);
        }
        self.write(&batches)?;
        tell(News::Added(self.added));
        Ok(more)
    }

    /// The cursor in the database.
    pub(super) fn saved(&self) -> Result<Cursor, IndexError> {
        cursor(&self.connection).map_err(IndexError::database(&self.path))
    }

    /// Sets the follower behind `cursor`, if the record there is the one the index knows.
    fn find(&mut self, cursor: &Cursor) -> Result<Result<(), Why>, IndexError> {
        let is_known = |line: &[u8]| *Sha256::digest(line) == *cursor.hash;
        self.follower = Follower::new(&self.log, cursor.seq);
        let failed = IndexError::io("read", &self.log);
        if cursor.seq == 0 || self.follower.resume(cursor.offset, is_known) {
            return Ok(Ok(()));
        }
        // It was rotated away, or the file is another.
        self.follower.restart(cursor.seq.saturating_sub(1));
        loop {
            let batch = match self.follower.batch(1) {
                Ok(batch) => batch,
                Err(error) => return Err(failed(error)),
            };
            match batch.lines().next() {
                Some((seq, line)) if seq == cursor.seq => {
                    return Ok(if is_known(line) { Ok(()) } else { Err(Why::Replaced) });
                }
                Some(_) => return Ok(Err(Why::Gone)),
                None if batch.more => {}
                None => return Ok(Err(Why::Replaced)),
            }
        }
    }

    /// Adds the records of `batches` in one transaction, unless somebody else did meanwhile.
    fn write(&mut self, batches: &[Batch]) -> Result<(), IndexError> {
        let failed = IndexError::database(&self.path);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = transaction.map_err(&failed)?;
        let mut at = cursor(&transaction).map_err(&failed)?;
        if self.cursor.as_ref() != Some(&at) {
            // The next step looks again.
            self.cursor = None;
            return Ok(());
        }
        let mut added = 0;
        let written = (|| -> Result<(), IngestError> {
            let mut statements = Statements::new(&transaction)?;
            let mut last = None;
            for batch in batches {
                at.unreadable = at.unreadable.saturating_add(batch.unreadable);
                for (seq, line) in batch.lines() {
                    last = Some((seq, line));
                    match StoredRecord::read(line) {
                        Some(record) => {
                            self.ingest.add(&mut statements, &record)?;
                            added += 1;
                        }
                        None => at.unreadable = at.unreadable.saturating_add(1),
                    }
                }
            }
            self.ingest.save(&mut statements)?;
            if let Some((seq, line)) = last {
                (at.seq, at.hash) = (seq.min(SEQ_MAX), Sha256::digest(line).to_vec());
            }
            at.offset = self.follower.offset().unwrap_or_default();
            transaction
                .prepare_cached("UPDATE cursor SET seq = ?1, hash = ?2, offset = ?3, unreadable = ?4")?
                .execute((signed(at.seq), &at.hash, signed(at.offset), signed(at.unreadable)))?;
            Ok(())
        })();
        // Until this is committed nothing that is remembered is true.
        self.cursor = None;
        match written {
            Err(IngestError::Database(error)) => return Err(failed(error)),
            Err(IngestError::Compression(error)) => {
                return Err(IndexError::io("compress for", &self.path)(error));
            }
            Err(IngestError::Members) => {
                drop(transaction);
                return Err(self.damaged("a set of records is none"));
            }
            Ok(()) => transaction.commit().map_err(&failed)?,
        }
        (self.cursor, self.added) = (Some(at), self.added.saturating_add(added));
        Ok(())
    }
}

fn cursor(connection: &Connection) -> rusqlite::Result<Cursor> {
    let number = |number: i64| u64::try_from(number).unwrap_or_default();
    connection.prepare_cached("SELECT seq, hash, offset, unreadable, epoch FROM cursor")?.query_row(
        [],
        |row| {
            Ok(Cursor {
                seq: number(row.get(0)?),
                hash: row.get(1)?,
                offset: number(row.get(2)?),
                unreadable: number(row.get(3)?),
                epoch: row.get(4)?,
            })
        },
    )
}

/// As the database has numbers. What is larger is no number of a record.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
