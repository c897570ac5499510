//! What retention deleted from the log leaves the index as well.

use std::io;

use rusqlite::{Connection, TransactionBehavior};

use super::Index;
use super::error::IndexError;
use super::lines::Unpacker;
use super::sets::place;
use crate::audit::chain::Seal;
use crate::audit::files::LogFiles;
use crate::audit::lines::{Lines, Piece};
use crate::audit::query::StoredRecord;

/// Records that are taken out in one transaction.
const STEP: usize = 5000;

impl Index {
    /// Takes out the records that are not in the log any more.
    ///
    /// # Errors
    /// [`IndexError`]
    pub(super) fn prune(&mut self) -> Result<(), IndexError> {
        let first = match first(&self.log).map_err(IndexError::io("read", &self.log))? {
            Some(first) => i64::try_from(first).unwrap_or(i64::MAX),
            None => return Ok(()),
        };
        let failed = IndexError::database(&self.path);
        let mut unpacker = Unpacker::new().map_err(IndexError::io("decompress from", &self.path))?;
        loop {
            let lowest = "SELECT coalesce(min(seq), ?1) < ?1 FROM records";
            if !self.connection.query_row(lowest, [first], |row| row.get::<_, bool>(0)).map_err(&failed)? {
                return Ok(());
            }
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
            let transaction = transaction.map_err(&failed)?;
            take_out(&transaction, first, &mut unpacker).map_err(&failed)?;
            transaction.commit().map_err(&failed)?;
            self.cursor = None;
        }
    }
}

fn take_out(connection: &Connection, first: i64, unpacker: &mut Unpacker) -> rusqlite::Result<()> {
    let mut rows =
        connection.prepare_cached("SELECT seq, line FROM records WHERE seq < ?1 ORDER BY seq LIMIT ?2")?;
    let mut id = connection.prepare_cached("DELETE FROM ids WHERE id = ?1 AND seq = ?2")?;
    let mut words = connection.prepare_cached("DELETE FROM words WHERE rowid = ?1")?;
    let mut rows = rows.query((first, i64::try_from(STEP).unwrap_or(i64::MAX)))?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let (seq, packed): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
        // A line that cannot be read is damage, which a search says; here it is on its way out.
        let mut ids = Vec::new();
        if let Some(record) = unpacker.unpack(&packed).ok().and_then(|line| StoredRecord::read(&line)) {
            record.decisions(|id| ids.push(id.to_owned()));
        }
        for gone in ids {
            id.execute((gone, seq))?;
        }
        words.execute([seq])?;
        last = Some(seq);
    }
    let Some(last) = last else { return Ok(()) };
    connection.execute("DELETE FROM records WHERE seq <= ?1", [last])?;
    // The block `last` is in may have others.
    let block = i64::try_from(place(last.unsigned_abs()).0).unwrap_or(i64::MAX);
    if connection.execute("DELETE FROM spans WHERE block < ?1", [block])? > 0 {
        connection.execute("DELETE FROM facets WHERE block < ?1", [block])?;
        connection.execute("DELETE FROM names WHERE id NOT IN (SELECT name FROM facets)", [])?;
    }
    connection.execute("UPDATE cursor SET epoch = random()", []).map(drop)
}

/// The number of the first record of `log` that is there.
fn first(log: &std::path::Path) -> io::Result<Option<u64>> {
    let files = LogFiles::of(log)?;
    let Some(file) = files.files().first() else { return Ok(None) };
    if let Some((first, _)) = file.range() {
        return Ok(Some(first));
    }
    let mut lines = Lines::new(file.open()?);
    while let Some(piece) = lines.next_piece()? {
        match piece {
            Piece::Line(line) => {
                if let Some(seal) = Seal::of(line) {
                    return Ok(Some(seal.seq));
                }
            }
            Piece::TooLong(_) => {}
            Piece::Torn(_) => return Ok(None),
        }
    }
    Ok(None)
}
