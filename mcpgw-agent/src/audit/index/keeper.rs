//! Keeps an index fresh while its log is written: a thread that follows the log as any reader does. The writer knows nothing
//! of it, and it takes half of one processor at most, after everybody else.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::setpriority_process;

use super::{Index, IndexError};

/// How often the log is looked at.
const BEAT: Duration = Duration::from_secs(1);
/// How long after an error it is tried again.
const PAUSE: Duration = Duration::from_secs(60);
/// An index that is not needed is closed after so many looks.
const IDLE: u32 = 10;
/// Batches of one step: some tens of milliseconds.
const FEW: usize = 1;
/// How far behind others it stands for the processor.
const NICE: i32 = 10;

/// The thread. It ends when this is dropped.
#[derive(Debug)]
pub struct Keeper {
    end: Arc<End>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct End {
    ended: Mutex<bool>,
    told: Condvar,
}

impl End {
    /// Waits; says whether it is the end.
    fn wait(&self, time: Duration) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(ended, time, |ended| !*ended);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Keeper {
    /// Starts keeping the index of `log`.
    ///
    /// # Errors
    /// There is no thread to spare.
    pub fn start(log: &Path) -> io::Result<Self> {
        let end = Arc::new(End::default());
        let (log, told) = (log.to_owned(), Arc::clone(&end));
        let thread =
            thread::Builder::new().name("audit index".to_owned()).spawn(move || keep(&log, &told))?;
        Ok(Self { end, thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        *self.end.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.end.told.notify_all();
        if let Some(thread) = self.thread.take() {
            // It is in the middle of a step at most; what it did not do whoever asks next does.
            thread.join().ok();
        }
    }
}

fn keep(log: &Path, end: &End) {
    // Linux has priorities for threads, by their ids.
    if let Err(error) = setpriority_process(Some(rustix::thread::gettid()), NICE) {
        tracing::debug!(%error, "the index is kept with the priority of everything else");
    }
    let mut index = None;
    let mut idle = 0;
    let mut pause = Duration::ZERO;
    while !end.wait(pause) {
        let started = Instant::now();
        pause = match look(log, &mut index) {
            Ok(true) => {
                idle = 0;
                started.elapsed()
            }
            Ok(false) => {
                idle += 1;
                if idle > IDLE {
                    index = None;
                }
                BEAT
            }
            Err(error) => {
                index = None;
                if error.is_damage() {
                    tracing::warn!(%error, "the index of the audit log is made anew");
                    Index::discard(log).map_or(PAUSE, |()| BEAT)
                } else {
                    tracing::warn!(%error, "the index of the audit log is not kept; a query brings it up to date");
                    PAUSE
                }
            }
        };
    }
}

/// Adds a little; says whether there may be more.
fn look(log: &Path, index: &mut Option<Index>) -> Result<bool, IndexError> {
    let mut tell = |news| tracing::debug!(?news, "index of the audit log");
    let index = match index {
        Some(index) if !index.follower.has_grown() => return Ok(false),
        Some(index) => index,
        None if log.metadata().is_err() => return Ok(false),
        None => index.insert(Index::open(log, &mut tell)?),
    };
    let more = index.step(FEW, &mut tell)?;
    if !more {
        index.prune()?;
    }
    Ok(more)
}
