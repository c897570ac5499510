//! Keeps an index fresh while its log is written: a thread that follows the log as any reader does. The writer knows nothing
//! of it, and it takes half of one processor at most, after everybody else.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::setpriority_process;

use super::{Index, IndexError};
use crate::audit::beat::Beat;
use crate::audit::follow::Follower;

/// How often the log is looked at.
const BEAT: Duration = Duration::from_secs(1);
/// How long after an error it is tried again.
const PAUSE: Duration = Duration::from_secs(60);
/// An index that is not needed is closed after so many looks.
const IDLE: u32 = 10;
/// And opened again after so many, for what retention has deleted meanwhile.
const NOW_AND_THEN: u32 = 600;
/// Batches of one step: some tens of milliseconds.
const FEW: usize = 1;
/// How far behind others it stands for the processor.
const NICE: i32 = 10;

/// The thread. It ends when this is dropped, in the middle of a step at most: what it did not do whoever asks next does.
#[derive(Debug)]
pub struct Indexer(#[expect(dead_code, reason = "it is there to be dropped")] Beat);

impl Indexer {
    /// Starts keeping the index of `log`.
    ///
    /// # Errors
    /// There is no thread to spare.
    pub fn start(log: &Path) -> io::Result<Self> {
        let mut keeping =
            Keeping { log: log.to_owned(), index: None, closed_at: None, idle: 0, is_nice: false };
        Ok(Self(Beat::start("audit-index", Duration::ZERO, move || keeping.step())?))
    }
}

/// The index while it is kept.
struct Keeping {
    log: PathBuf,
    index: Option<Index>,
    /// Where in the log the index was closed: until there is more, there is nothing to open it for.
    closed_at: Option<Follower>,
    /// Looks since it was last needed.
    idle: u32,
    is_nice: bool,
}

impl Keeping {
    /// Adds a little; says when to go on.
    fn step(&mut self) -> Duration {
        self.be_nice();
        let started = Instant::now();
        match self.look() {
            Ok(true) => {
                self.idle = 0;
                started.elapsed()
            }
            Ok(false) => {
                self.idle += 1;
                if self.idle > IDLE
                    && let Some(index) = self.index.take()
                {
                    self.closed_at = Some(index.follower);
                }
                BEAT
            }
            Err(error) => {
                (self.index, self.closed_at) = (None, None);
                if error.is_damage() {
                    tracing::warn!(%error, "the index of the audit log is made anew");
                    Index::discard(&self.log).map_or(PAUSE, |()| BEAT)
                } else {
                    tracing::warn!(%error, "the index of the audit log is not kept; a query brings it up to date");
                    PAUSE
                }
            }
        }
    }

    /// Linux has priorities for threads, by their ids.
    fn be_nice(&mut self) {
        if !std::mem::replace(&mut self.is_nice, true)
            && let Err(error) = setpriority_process(Some(rustix::thread::gettid()), NICE)
        {
            tracing::debug!(%error, "the index is kept with the priority of everything else");
        }
    }

    /// Adds a little; says whether there may be more.
    fn look(&mut self) -> Result<bool, IndexError> {
        let mut tell = |news| tracing::debug!(?news, "index of the audit log");
        let is_same = |at: &Follower| !at.has_grown() && !self.idle.is_multiple_of(NOW_AND_THEN);
        let index = match &mut self.index {
            Some(index) if !index.follower.has_grown() => return Ok(false),
            Some(index) => index,
            None if self.log.metadata().is_err() => return Ok(false),
            None if self.closed_at.as_ref().is_some_and(is_same) => return Ok(false),
            none => none.insert(Index::open(&self.log, &mut tell)?),
        };
        let more = index.step(FEW, &mut tell)?;
        if !more {
            index.prune()?;
        }
        Ok(more)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::audit::query::tests::line;

    #[test]
    fn what_does_not_grow_is_let_go_of_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("audit.jsonl");
        let record = |seq| format!("{}\n", line(seq, "2026-01-31T12:00:00Z", r#""action":"pass""#));
        fs::write(&log, record(1)).unwrap();
        let mut keeping = Keeping { log: log.clone(), index: None, closed_at: None, idle: 0, is_nice: true };
        let mut rest = |looks| (0..looks).for_each(|_| _ = keeping.step());
        rest(IDLE + 3);
        // To open it makes files beside it, and to close it deletes them: the directory changes.
        let directory = fs::File::open(dir.path()).unwrap();
        directory.set_times(fs::FileTimes::new().set_modified(UNIX_EPOCH)).unwrap();
        let is_untouched = || directory.metadata().unwrap().modified().unwrap() == UNIX_EPOCH;
        rest(NOW_AND_THEN / 2);
        assert!(is_untouched());
        rest(NOW_AND_THEN);
        assert!(!is_untouched(), "now and then it is looked after");
        fs::OpenOptions::new().append(true).open(&log).unwrap().write_all(record(2).as_bytes()).unwrap();
        rest(2);
        let index = rusqlite::Connection::open(dir.path().join("audit.index.sqlite")).unwrap();
        let count: i64 = index.query_row("SELECT count(*) FROM records", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 2);
    }
}
