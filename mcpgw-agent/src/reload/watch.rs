//! Reloads the policy when its file changes.
//!
//! Directories are watched, not the file: editors and deployment tools rename a new file over the old one, or swap the
//! symbolic link that leads to it. What happened to these is not interpreted, it only is a reason to look: the file is
//! read anew once nothing has moved for a moment, and [`PolicyStore::reload`] replaces the policy if the text is another.
//! What else happens in the directories is none: the audit log may be there, and a reload is recorded in it.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio_util::sync::CancellationToken;

use super::places::{Places, places};
use super::store::PolicyStore;

/// The file is read when nothing has happened for this long,
const QUIET: Duration = Duration::from_millis(250);
/// or this long after the first thing that happened.
const LONGEST: Duration = Duration::from_secs(2);

/// Why the file is not watched.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The system gives no watch.
    #[error("cannot watch the policy file")]
    Notify(#[from] notify::Error),
    /// The system gives no thread.
    #[error("cannot start the thread that watches the policy file")]
    Thread(#[from] std::io::Error),
}

/// Watches until dropped, in a thread of its own.
#[derive(Debug)]
pub struct Watcher {
    wake: SyncSender<Wake>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wake {
    Changed,
    Stop,
}

impl Watcher {
    /// Starts watching the file of `store`; where it has none, there is nothing to do. `reload` is called, on a thread
    /// of its own, whenever the file may have changed.
    ///
    /// # Errors
    /// [`WatchError`]; other ways to reload work all the same.
    pub fn start(store: Arc<PolicyStore>, reload: impl Fn() + Send + 'static) -> Result<Self, WatchError> {
        // One is enough: a change that finds one waiting is covered by it.
        let (wake, woken) = sync_channel(1);
        let Some(path) = store.path().map(Path::to_owned) else { return Ok(Self { wake, thread: None }) };
        let changed = wake.clone();
        let wanted = Arc::new(Mutex::new(places(&path)));
        let concerned = Arc::clone(&wanted);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| is_reading(&event) || !concerns(&event, &concerned)) {
                return;
            }
            // Full: somebody is about to look anyway.
            changed.try_send(Wake::Changed).ok();
        })?;
        let mut watch = Watch { path, wanted, watcher, watched: Vec::new() };
        watch.renew()?;
        // What changed after the policy was loaded and before it was watched.
        wake.try_send(Wake::Changed).ok();
        let thread = thread::Builder::new()
            .name("policy-watch".into())
            .spawn(move || watch.run(&store, &reload, &woken))?;
        Ok(Self { wake, thread: Some(thread) })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // Fails when the thread is gone, and then there is nothing to wait for.
            self.wake.send(Wake::Stop).ok();
            thread.join().ok();
        }
    }
}

/// Watches until `shutdown`, calling `reload` as [`Watcher::start`] does: for [`Tasks::spawn`](crate::tasks::Tasks::spawn). Where that cannot be done it says so
/// in the log, and ends.
pub async fn watch(store: Arc<PolicyStore>, reload: impl Fn() + Send + 'static, shutdown: CancellationToken) {
    match Watcher::start(store, reload) {
        Ok(watcher) => {
            shutdown.cancelled().await;
            drop(watcher);
        }
        Err(error) => {
            let error = anyhow::Error::new(error);
            tracing::warn!("{error:#}; it is read anew on SIGHUP only");
        }
    }
}

/// We, or anybody, read something.
fn is_reading(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => true,
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => false,
    }
}

/// It happened to the file or to what leads to it, or nobody knows to what.
fn concerns(event: &Event, wanted: &Mutex<Places>) -> bool {
    let wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
    event.paths.is_empty() || event.paths.iter().any(|path| wanted.concern(path))
}

/// The thread's part.
struct Watch {
    path: PathBuf,
    wanted: Arc<Mutex<Places>>,
    watcher: RecommendedWatcher,
    watched: Vec<PathBuf>,
}

impl Watch {
    fn run(mut self, store: &PolicyStore, reload: &dyn Fn(), woken: &Receiver<Wake>) {
        store.set_watched(true);
        while woken.recv() == Ok(Wake::Changed) && settles(woken) {
            // First the watches, so that what changes after the file was read is seen.
            let renewed = self.renew();
            store.set_watched(renewed.is_ok());
            if let Err(error) = renewed {
                tracing::warn!(%error, path = %self.path.display(), "the policy file is not watched any more");
            }
            reload();
        }
        store.set_watched(false);
    }

    /// Watches what there is now: a directory may have been replaced by another of its name.
    fn renew(&mut self) -> Result<(), notify::Error> {
        for gone in self.watched.drain(..) {
            // Fails for a directory that was removed.
            self.watcher.unwatch(&gone).ok();
        }
        let found = places(&self.path);
        let directories = found.directories.clone();
        *self.wanted.lock().unwrap_or_else(PoisonError::into_inner) = found;
        for directory in directories {
            self.watcher.watch(&directory, RecursiveMode::NonRecursive)?;
            self.watched.push(directory);
        }
        Ok(())
    }
}

/// Waits until nothing has happened for [`QUIET`]; false to stop.
fn settles(woken: &Receiver<Wake>) -> bool {
    let latest = Instant::now() + LONGEST;
    loop {
        let patience = QUIET.min(latest.saturating_duration_since(Instant::now()));
        match woken.recv_timeout(patience) {
            Ok(Wake::Changed) if Instant::now() < latest => {}
            Ok(Wake::Changed) | Err(RecvTimeoutError::Timeout) => return true,
            Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, Flag, ModifyKind};

    use super::*;

    #[test]
    fn what_happens_beside_the_file_is_no_reason_to_look() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::write(root.join("policy.yaml"), "").unwrap();
        let wanted = Mutex::new(places(&root.join("policy.yaml")));
        let written = |name: &str| Event::new(EventKind::Modify(ModifyKind::Any)).add_path(root.join(name));
        assert!(concerns(&written("policy.yaml"), &wanted));
        assert!(!concerns(&written("audit.jsonl"), &wanted), "a reload is recorded there");
        let renamed = written("policy.yaml.new").add_path(root.join("policy.yaml"));
        assert!(concerns(&renamed, &wanted));
        assert!(concerns(&Event::new(EventKind::Create(CreateKind::Any)).add_path(root), &wanted));
        let missed = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(concerns(&missed, &wanted), "nobody knows what happened");
    }
}
