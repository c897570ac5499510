//! The only place that spawns tasks. Every task has a name and an owner: this.
//!
//! A subsystem is `async fn run(self, ..)` that ends when [`Tasks::token`] is cancelled. One that must not end
//! before is [`supervise`](Tasks::supervise)d: its early end is what [`Tasks::ended`] waits for, so that the
//! daemon can stop with its error instead of living on without it.
//!
//! ```text
//! spawn, supervise ─▶ run … ─▶ shutdown(grace): token cancelled ─▶ all finish ─▶ Report
//!                                                └ grace over: the rest is aborted, and named
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod lanes;
#[cfg(test)]
mod tests;

pub use lanes::{Lane, Lanes, Seat};

/// Spawns, watches and stops tasks. A clone is the same set.
#[derive(Debug, Clone)]
pub struct Tasks {
    token: CancellationToken,
    tracker: TaskTracker,
    running: Arc<Running>,
    ended: watch::Sender<Option<Arc<Ended>>>,
}

#[derive(Debug, Default)]
struct Running {
    next: AtomicU64,
    tasks: Mutex<BTreeMap<u64, (&'static str, Option<AbortHandle>)>>,
}

/// A supervised task ended although nobody asked it to.
#[derive(Debug, thiserror::Error)]
#[error("`{name}` ended early")]
pub struct Ended {
    /// The task.
    pub name: &'static str,
    /// Its error, if it had one.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// How a shutdown went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use]
pub struct Report {
    /// Names of tasks that had to be aborted because the grace was over.
    pub aborted: Vec<&'static str>,
}

impl Default for Tasks {
    fn default() -> Self {
        Self::new()
    }
}

impl Tasks {
    /// No tasks yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            token: CancellationToken::new(),
            tracker: TaskTracker::new(),
            running: Arc::default(),
            ended: watch::Sender::new(None),
        }
    }

    /// Cancelled when the tasks should end.
    #[must_use]
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Runs `future` until it ends.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn spawn<F>(&self, name: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.spawn_on(None, name, future);
    }

    /// Runs `future` on `lane` until it ends; without one where this is called.
    ///
    /// # Panics
    /// Without a lane, outside a tokio runtime.
    pub fn spawn_on<F>(&self, lane: Option<&Lane>, name: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let id = self.running.next.fetch_add(1, Ordering::Relaxed);
        // Before the task can end and take itself out again.
        self.running.lock().insert(id, (name, None));
        let entry = Entry { id, running: Arc::clone(&self.running) };
        let future = async move {
            let _entry = entry;
            future.await;
        };
        let handle = match lane {
            None => self.tracker.spawn(future),
            Some(lane) => self.tracker.spawn_on(future, lane.handle()),
        };
        if let Some((_, abort)) = self.running.lock().get_mut(&id) {
            *abort = Some(handle.abort_handle());
        }
    }

    /// Runs a subsystem the process cannot be without: when it ends before shutdown, well or badly,
    /// [`ended`](Self::ended) says so.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn supervise<F, E>(&self, name: &'static str, future: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let (token, ended) = (self.token.clone(), self.ended.clone());
        self.spawn(name, async move {
            let source = future.await.err().map(Into::into);
            if token.is_cancelled() {
                if let Some(error) = source {
                    tracing::warn!(task = name, error, "failed while stopping");
                }
                return;
            }
            // The first to fall is the cause; the rest are its consequences.
            ended.send_if_modified(|first| {
                let is_first = first.is_none();
                first.get_or_insert_with(|| Arc::new(Ended { name, source }));
                is_first
            });
        });
    }

    /// Waits for the first supervised task that ends early.
    pub async fn ended(&self) -> Arc<Ended> {
        let mut receiver = self.ended.subscribe();
        match receiver.wait_for(Option::is_some).await.map(|ended| ended.clone()) {
            Ok(Some(ended)) => ended,
            // `self` holds the sender, so the channel cannot close under us.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Asks all tasks to end, waits `grace` for them, then aborts those left and names them.
    pub async fn shutdown(&self, grace: Duration) -> Report {
        self.token.cancel();
        self.tracker.close();
        if timeout(grace, self.tracker.wait()).await.is_ok() {
            return Report::default();
        }
        let left: Vec<_> = self.running.lock().values().cloned().collect();
        let mut aborted: Vec<_> = left.iter().map(|(name, _)| *name).collect();
        aborted.sort_unstable();
        for (_, abort) in left {
            if let Some(abort) = abort {
                abort.abort();
            }
        }
        // A task that never yields cannot be aborted: do not wait for it for ever.
        if timeout(Duration::from_millis(500), self.tracker.wait()).await.is_err() {
            tracing::error!("tasks are stuck and are left behind");
        }
        Report { aborted }
    }
}

impl Running {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, (&'static str, Option<AbortHandle>)>> {
        // Nothing is left half done while it is held.
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes its task out of the list when it ends, however it does.
struct Entry {
    id: u64,
    running: Arc<Running>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.running.lock().remove(&self.id);
    }
}
