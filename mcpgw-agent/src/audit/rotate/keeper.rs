//! The thread that compresses finished files and deletes those that are too many. Nobody waits for it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use super::compress::{Failure, compress};
use super::recover::{bytes_of, open_ours};
use super::retain::{Old, old, too_many};
use super::{Kept, Rotation};
use crate::audit::disk;
use crate::audit::files::{Finished, all_finished, is_still};
use crate::audit::lock::Locked;

/// From one look at what there is to the next, where no file was finished: files get too old, and what failed is tried again.
const BEAT: Duration = Duration::from_secs(60);

/// Records that a file is about to be deleted, for good: the record is on the disk when this returns.
pub(in crate::audit) type Record = Box<dyn Fn(&Old, &'static str) -> bool + Send + Sync>;

/// The thread. It ends when this is dropped, in the middle of a file if need be.
#[derive(Debug)]
pub(in crate::audit) struct Keeper {
    work: Arc<Work>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What there is to do, and for whom.
struct Work {
    log: PathBuf,
    rotation: Rotation,
    record: Record,
    kept: Arc<Mutex<Kept>>,
    /// The system's clock and the monotonic one at the start.
    started: (SystemTime, Instant),
    due: Mutex<bool>,
    wake: Condvar,
    over: AtomicBool,
    /// One at a time.
    turn: Mutex<()>,
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Work({})", self.log.display())
    }
}

impl Keeper {
    /// Keeps the files of `log`. Nothing runs before it is [`wake`](Self::wake)d.
    pub(in crate::audit) fn new(
        log: &Path,
        rotation: Rotation,
        kept: Arc<Mutex<Kept>>,
        record: Record,
    ) -> Self {
        let work = Work {
            log: log.to_owned(),
            rotation,
            record,
            kept,
            started: (SystemTime::now(), Instant::now()),
            due: Mutex::default(),
            wake: Condvar::new(),
            over: AtomicBool::new(false),
            turn: Mutex::default(),
        };
        Self { work: Arc::new(work), thread: Mutex::default() }
    }

    /// There is something to do. A log that has no finished files has no thread.
    pub(in crate::audit) fn wake(&self) {
        *lock(&self.work.due) = true;
        self.work.wake.notify_one();
        let mut thread = lock(&self.thread);
        if thread.is_none() {
            let work = Arc::clone(&self.work);
            let started = thread::Builder::new().name("audit-keep".to_owned()).spawn(move || work.run());
            match started {
                Ok(started) => *thread = Some(started),
                Err(error) => {
                    tracing::warn!(%error, "finished files of the audit log are not compressed now")
                }
            }
        }
    }

    /// Does once what there is to do, in this thread.
    #[cfg(test)]
    pub(in crate::audit) fn pass(&self) {
        self.work.pass();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.work.over.store(true, Ordering::Relaxed);
        *lock(&self.work.due) = true;
        self.work.wake.notify_one();
        let thread = lock(&self.thread).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that keeps the files of the audit log died");
        }
    }
}

impl Work {
    fn run(&self) {
        // Records come first. Where it cannot be made less urgent it is not.
        rustix::process::setpriority_process(None, 19).ok();
        loop {
            let mut due = lock(&self.due);
            let until = Instant::now() + BEAT;
            while !*due && !self.is_over() {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                due = self.wake.wait_timeout(due, left).unwrap_or_else(PoisonError::into_inner).0;
            }
            *due = false;
            drop(due);
            if self.is_over() {
                return;
            }
            self.pass();
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn pass(&self) {
        let _turn = lock(&self.turn);
        let done = self.compress_all().and_then(|()| self.delete());
        let counted = done.and_then(|()| self.count());
        if let Err(error) = counted {
            tracing::warn!(log = %self.log.display(), %error, "the files of the audit log cannot be listed");
        }
    }

    /// The finished files; never one that is the live one too, as between two steps of a turn.
    fn finished(&self) -> io::Result<Vec<(PathBuf, Finished)>> {
        let mut finished = all_finished(&self.log)?;
        let live = std::fs::File::open(&self.log).ok();
        finished.retain(|(path, _)| !live.as_ref().is_some_and(|live| is_still(path, live)));
        Ok(finished)
    }

    fn compress_all(&self) -> io::Result<()> {
        for (path, finished) in self.finished()? {
            if finished.compressed {
                continue;
            }
            match compress(&path, &|| self.is_over()) {
                Ok(()) => lock(&self.kept).compressed += 1,
                Err(Failure::Stopped) => return Ok(()),
                // Somebody deleted it.
                Err(Failure::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    lock(&self.kept).compression_failures += 1;
                    tracing::warn!(file = %path.display(), %error, "a file of the audit log is not compressed");
                }
            }
        }
        Ok(())
    }

    fn delete(&self) -> io::Result<()> {
        let files = old(&self.finished()?, self.now());
        for (file, limit) in too_many(&self.rotation, &files, bytes_of(&self.log)) {
            if self.is_over() {
                return Ok(());
            }
            // A younger one stays as long as an older one cannot go.
            if let Err(why) = self.delete_one(&file, limit.as_str()) {
                lock(&self.kept).deletion_failures += 1;
                let file = file.paths.first().map(|path| path.display().to_string());
                tracing::warn!(file, why, "a file of the audit log that should go is not deleted");
                return Ok(());
            }
            lock(&self.kept).deleted += 1;
        }
        Ok(())
    }

    fn delete_one(&self, file: &Old, limit: &'static str) -> Result<(), String> {
        for path in &file.paths {
            let file =
                open_ours(path).map_err(|error| error.to_string())?.map_err(|why| format!("it {why}"))?;
            // Whoever locked it writes it, or is about to.
            Locked::try_new(file).map_err(|error| error.to_string())?;
        }
        if !(self.record)(file, limit) {
            return Err("that it is cannot be recorded".to_owned());
        }
        for path in &file.paths {
            disk::remove(path).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn count(&self) -> io::Result<()> {
        let files = self.finished()?;
        let bytes = files.iter().map(|(path, _)| bytes_of(path)).fold(0, u64::saturating_add);
        let mut kept = lock(&self.kept);
        (kept.files, kept.bytes) = (u64::try_from(files.len()).unwrap_or(u64::MAX), bytes);
        Ok(())
    }

    /// The time, unless the clock was set forward since the start: that makes no file older.
    fn now(&self) -> SystemTime {
        let (then, since) = self.started;
        let by_monotonic = then.checked_add(since.elapsed()).unwrap_or(then);
        SystemTime::now().min(by_monotonic)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done while one is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
