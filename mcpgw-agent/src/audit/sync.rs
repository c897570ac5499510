//! Group commit: one thread brings to the disk what several wait for, at once.

use std::fs::File;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::sync::watch;

use super::disk;

/// The thread, and what it and those who wait tell one another.
#[derive(Debug)]
pub(super) struct Syncer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What waiting takes.
#[derive(Debug)]
pub(super) struct Shared {
    wanted: Mutex<Wanted>,
    wake: Condvar,
    progress: Mutex<Progress>,
    told: Condvar,
    published: watch::Sender<Progress>,
}

/// What is to be on the disk: this record, in this file.
#[derive(Debug, Default)]
struct Wanted {
    seq: u64,
    file: Option<Arc<File>>,
    closing: bool,
}

/// How far it got.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    durable: u64,
    /// The error number of the first failure. It stays: what the kernel could not write then it has forgotten, and a
    /// later success says nothing about it.
    failed: Option<i32>,
}

impl Progress {
    /// Whether record `seq` is on the disk; `None` where that is not known yet.
    fn of(self, seq: u64) -> Option<io::Result<()>> {
        if self.durable >= seq {
            return Some(Ok(()));
        }
        self.failed.map(|errno| Err(io::Error::from_raw_os_error(errno)))
    }
}

impl Syncer {
    /// Starts the thread.
    pub(super) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared {
            wanted: Mutex::default(),
            wake: Condvar::new(),
            progress: Mutex::default(),
            told: Condvar::new(),
            published: watch::Sender::new(Progress::default()),
        });
        let ours = Arc::clone(&shared);
        let thread = thread::Builder::new().name("audit-sync".to_owned()).spawn(move || ours.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// What waiting takes.
    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What waits for record `seq` of `file`, which is to be brought to the disk.
    pub(super) fn want(&self, seq: u64, file: &Arc<File>) -> Arc<Shared> {
        self.shared.want(seq, file);
        Arc::clone(&self.shared)
    }
}

impl Drop for Syncer {
    /// Brings to the disk what is wanted, then ends the thread.
    fn drop(&mut self) {
        lock(&self.shared.wanted).closing = true;
        self.shared.wake.notify_one();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that writes the audit log to the disk died");
        }
    }
}

impl Shared {
    /// Record `seq` of `file` is to be brought to the disk. Another file may only be named when all of the one before is
    /// there: the thread syncs the last that was named.
    pub(super) fn want(&self, seq: u64, file: &Arc<File>) {
        let mut wanted = lock(&self.wanted);
        wanted.seq = wanted.seq.max(seq);
        wanted.file = Some(Arc::clone(file));
        drop(wanted);
        self.wake.notify_one();
    }

    /// Nothing later counts as being on the disk.
    pub(super) fn fail(&self, error: io::Error) {
        self.tell(0, Err(error));
    }

    fn run(&self) {
        let mut done = 0;
        loop {
            let mut wanted = lock(&self.wanted);
            while wanted.seq <= done && !wanted.closing {
                wanted = self.wake.wait(wanted).unwrap_or_else(PoisonError::into_inner);
            }
            let (seq, file) = (wanted.seq, wanted.file.take());
            drop(wanted);
            let (true, Some(file)) = (seq > done, file) else { return };
            let synced = disk::sync(&file);
            done = seq;
            self.tell(seq, synced);
        }
    }

    fn tell(&self, seq: u64, synced: io::Result<()>) {
        let mut progress = lock(&self.progress);
        match synced {
            Ok(()) if progress.failed.is_none() => progress.durable = seq,
            Ok(()) => {}
            Err(error) => {
                tracing::error!(%error, "the audit log cannot be brought to the disk");
                progress.failed = progress.failed.or(Some(error.raw_os_error().unwrap_or_default()));
            }
        }
        self.published.send_replace(*progress);
        drop(progress);
        self.told.notify_all();
    }

    /// Blocks the thread until record `seq` is on the disk.
    pub(super) fn wait(&self, seq: u64) -> io::Result<()> {
        let mut progress = lock(&self.progress);
        loop {
            if let Some(known) = progress.of(seq) {
                return known;
            }
            progress = self.told.wait(progress).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// [`wait`](Self::wait) for tasks.
    pub(super) async fn ready(&self, seq: u64) -> io::Result<()> {
        let mut receiver = self.published.subscribe();
        match receiver.wait_for(|progress| progress.of(seq).is_some()).await {
            Ok(progress) => progress.of(seq).unwrap_or(Ok(())),
            // We hold the sender.
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done while either is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_wait_are_told_whether_tasks_or_threads() {
        let syncer = Syncer::start().unwrap();
        let file = Arc::new(tempfile::tempfile().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for seq in 1..50 {
            let shared = syncer.want(seq, &file);
            shared.wait(seq).unwrap();
            runtime.block_on(shared.ready(seq)).unwrap();
        }
    }

    #[test]
    fn what_is_wanted_when_it_ends_is_done() {
        let syncer = Syncer::start().unwrap();
        let shared = syncer.want(7, &Arc::new(tempfile::tempfile().unwrap()));
        drop(syncer);
        shared.wait(7).unwrap();
    }

    #[test]
    fn a_failure_stays() {
        let syncer = Syncer::start().unwrap();
        let (_reader, pipe) = nix::unistd::pipe().unwrap();
        let shared = syncer.want(1, &Arc::new(File::from(pipe)));
        assert_eq!(shared.wait(1).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        let shared = syncer.want(2, &Arc::new(tempfile::tempfile().unwrap()));
        shared.wait(2).unwrap_err();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(shared.ready(2)).unwrap_err();
    }
}
