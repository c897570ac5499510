//! The records a filter wants, found by reading the log.

use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use super::{Filter, StoredRecord};
use crate::audit::chain::Seal;
use crate::audit::files::LogFiles;
use crate::audit::follow::Follower;
use crate::audit::lines::{Lines, Piece};

/// Bytes that are read at once.
const BATCH_BYTES: usize = 1 << 20;

/// Calls `each` with every record of `log` that `filter` wants, oldest first, until it has enough. Returns how many lines
/// were no records.
///
/// # Errors
/// The log cannot be read, or there is none.
pub fn scan(
    log: &Path,
    filter: &Filter,
    each: &mut dyn FnMut(StoredRecord) -> ControlFlow<()>,
) -> io::Result<u64> {
    LogFiles::of(log)?;
    let (mut follower, mut unreadable) = (Follower::new(log, 0), 0_u64);
    loop {
        let batch = follower.batch(BATCH_BYTES)?;
        unreadable = unreadable.saturating_add(batch.unreadable);
        for (_, line) in batch.lines() {
            match StoredRecord::read(line) {
                None => unreadable = unreadable.saturating_add(1),
                Some(record) if filter.matches(&record) => {
                    if each(record).is_break() {
                        return Ok(unreadable);
                    }
                }
                Some(_) => {}
            }
        }
        if !batch.more {
            return Ok(unreadable);
        }
    }
}

/// The last `count` records of `log` that `filter` wants, oldest first, and the number of the last record there is; its
/// newest files are read first, and no more than it takes.
///
/// # Errors
/// The log cannot be read, or there is none.
pub fn last(log: &Path, filter: &Filter, count: usize) -> io::Result<(Vec<StoredRecord>, u64)> {
    let (mut found, mut end) = (VecDeque::new(), 0);
    for file in LogFiles::of(log)?.files().iter().rev() {
        let reader = match file.open() {
            // Retention was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            reader => reader?,
        };
        let mut of_file = VecDeque::new();
        let mut lines = Lines::new(reader);
        let mut before = 0;
        while let Some(piece) = lines.next_piece()? {
            let Piece::Line(line) = piece else { continue };
            // A number that does not grow is no record of this chain.
            let Some(seal) = Seal::of(line).filter(|seal| seal.seq > before) else { continue };
            before = seal.seq;
            // What nobody asks about need not be taken apart before it is shown.
            let wanted =
                filter.is_empty() || StoredRecord::read(line).is_some_and(|record| filter.matches(&record));
            if wanted && count > 0 {
                if of_file.len() == count {
                    of_file.pop_front();
                }
                of_file.push_back(line.to_vec());
            }
        }
        end = end.max(before);
        while let Some(line) = of_file.pop_back() {
            if found.len() < count
                && let Some(record) = StoredRecord::read(&line)
            {
                found.push_front(record);
            }
        }
        if found.len() >= count {
            break;
        }
    }
    Ok((found.into(), end))
}
