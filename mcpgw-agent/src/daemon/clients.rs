//! The configuration files of MCP clients, in every user's home: a server that is added, changed or removed there is told
//! the moment it is, with who did it where the kernel can say.
//!
//! Directories are watched, not files: a file that is not there yet is seen when it comes. What is in a file is read once
//! nothing has moved for a moment, and compared with what was there before, which is kept over restarts.

mod entries;
mod homes;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio_util::sync::CancellationToken;

use crate::admin::metrics::GuardCounts;
use crate::audit::{AuditLog, ClientFile, Event as Record, Operator};
use crate::daemon::state_file::StateFile;
use crate::kernel::{Writers, Wrote};
use crate::proc::exe_of;
use entries::{Entries, Entry};
use homes::{Wanted, wanted};

/// Files are read when nothing has happened for this long,
const QUIET: Duration = Duration::from_millis(250);
/// or this long after the first thing that happened.
const LONGEST: Duration = Duration::from_secs(2);
/// How often the thread looks whether it is to end; it does not outlive the process.
const BEAT: Duration = Duration::from_secs(30);
/// Users come and go.
const RENEW: Duration = Duration::from_secs(300);
/// Directories watched at most.
const DIRECTORIES: usize = 4096;
/// Writers remembered at most, and for how long.
const WRITERS: usize = 1024;
const REMEMBERED: Duration = Duration::from_secs(60);

/// What the watch works with.
#[derive(Debug)]
pub(super) struct Tools {
    pub(super) audit: Arc<AuditLog>,
    pub(super) counts: Arc<GuardCounts>,
    /// Files that are watched, those that are not there yet included.
    pub(super) files: Arc<AtomicUsize>,
}

/// Watches in a thread of its own until `ending`.
///
/// # Errors
/// The system gives no watch or no thread.
pub(super) fn start(
    homes: Vec<PathBuf>,
    state: &Path,
    tools: Tools,
    ending: CancellationToken,
) -> io::Result<()> {
    let (wake, woken) = UnixStream::pair()?;
    wake.set_nonblocking(true)?;
    woken.set_nonblocking(true)?;
    let interesting: Arc<Mutex<BTreeSet<PathBuf>>> = Arc::default();
    let concerned = Arc::clone(&interesting);
    let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if concerns(event, &concerned) {
            // One that waits is enough.
            (&wake).write_all(b".").ok();
        }
    });
    let store = entries::kept_in(state);
    let (known, is_first) = match store.load() {
        Ok(Some(known)) => (known, false),
        Ok(None) => (Entries::default(), true),
        Err(error) => {
            tracing::warn!(%error, "what clients' files held is not known; what they hold now is taken as it is");
            (Entries::default(), true)
        }
    };
    let watch = Watch {
        watcher: watcher.map_err(io::Error::other)?,
        writers: Writers::open()
            .inspect_err(|error| tracing::info!(%error, "who changes clients' files is not told"))
            .ok(),
        wrote: HashMap::new(),
        watched: BTreeSet::new(),
        interesting,
        woken,
        homes,
        known,
        store,
        tools,
    };
    thread::Builder::new().name("client files".into()).spawn(move || watch.run(is_first, &ending)).map(drop)
}

fn concerns(event: notify::Result<Event>, interesting: &Mutex<BTreeSet<PathBuf>>) -> bool {
    let Ok(event) = event else { return true };
    // Reading them is nothing that happens to them.
    if event.kind.is_access()
        && !matches!(
            event.kind,
            notify::EventKind::Access(notify::event::AccessKind::Close(notify::event::AccessMode::Write))
        )
    {
        return false;
    }
    let interesting = interesting.lock().unwrap_or_else(PoisonError::into_inner);
    event.need_rescan() || event.paths.iter().any(|path| interesting.contains(path))
}

struct Watch {
    watcher: RecommendedWatcher,
    writers: Option<Writers>,
    wrote: HashMap<(u64, u64), (Instant, Operator)>,
    watched: BTreeSet<PathBuf>,
    interesting: Arc<Mutex<BTreeSet<PathBuf>>>,
    woken: UnixStream,
    homes: Vec<PathBuf>,
    known: Entries,
    store: StateFile<Entries>,
    tools: Tools,
}

impl Watch {
    fn run(mut self, is_first: bool, ending: &CancellationToken) {
        self.look(is_first);
        let mut renewed = Instant::now();
        let mut moved: Option<(Instant, Instant)> = None;
        while !ending.is_cancelled() {
            let patience = if moved.is_some() { QUIET } else { BEAT };
            let is_moving = self.wait(patience);
            let now = Instant::now();
            if is_moving {
                moved = Some((moved.map_or(now, |(first, _)| first), now));
            }
            let is_quiet = |(first, last): (Instant, Instant)| now - last >= QUIET || now - first >= LONGEST;
            if moved.is_some_and(is_quiet) || renewed.elapsed() >= RENEW {
                moved = None;
                renewed = now;
                self.look(false);
            }
        }
    }

    /// Waits until something happens; true where it is of interest.
    fn wait(&mut self, patience: Duration) -> bool {
        let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        let mut ready = vec![PollFd::new(self.woken.as_fd(), PollFlags::POLLIN)];
        ready.extend(self.writers.iter().map(|writers| PollFd::new(writers.as_fd(), PollFlags::POLLIN)));
        poll(&mut ready, patience).ok();
        drop(ready);
        let wrote = self.writers.as_ref().map(Writers::take).unwrap_or_default();
        wrote.into_iter().for_each(|wrote| self.note(wrote));
        let mut buffer = [0; 64];
        let mut is_moving = false;
        while matches!(self.woken.read(&mut buffer), Ok(read) if read > 0) {
            is_moving = true;
        }
        is_moving
    }

    /// Finds out who it is now: it may be gone in a moment.
    fn note(&mut self, wrote: Wrote) {
        let Wrote { file, pid } = wrote;
        let Ok(process) = std::fs::metadata(format!("/proc/{pid}")) else { return };
        if self.wrote.len() >= WRITERS {
            self.wrote.retain(|_, (at, _)| at.elapsed() < REMEMBERED);
        }
        if self.wrote.len() < WRITERS {
            let by = Operator { uid: process.uid(), pid, exe: exe_of(pid) };
            self.wrote.insert(file, (Instant::now(), by));
        }
    }

    /// Reads every file that is another, and tells what changed. First the watches, so that what changes after a file was
    /// read is seen.
    fn look(&mut self, is_first: bool) {
        let files = wanted(&self.homes);
        self.renew(&files);
        let mut is_changed = false;
        for Wanted { path, member, owner } in &files {
            let Some(now) = entries::read(path, member) else { continue };
            let before = self.known.files.get(path).cloned().unwrap_or_default();
            if now == before {
                continue;
            }
            is_changed = true;
            if !is_first {
                self.tell(path, *owner, &before, &now);
            }
            if now.is_empty() {
                self.known.files.remove(path);
            } else {
                self.known.files.insert(path.clone(), now);
            }
        }
        // Whoever is told of them may change them now.
        self.tools.files.store(files.len(), Ordering::Relaxed);
        if (is_changed || is_first)
            && let Err(error) = self.store.save(&self.known)
        {
            tracing::warn!(%error, "what clients' files hold cannot be kept");
        }
    }

    fn renew(&mut self, files: &[Wanted]) {
        let (mut directories, interesting) = homes::directories(files);
        while directories.len() > DIRECTORIES {
            directories.pop_last();
        }
        *self.interesting.lock().unwrap_or_else(PoisonError::into_inner) = interesting;
        for gone in self.watched.difference(&directories) {
            // Fails for a directory that was removed.
            self.watcher.unwatch(gone).ok();
        }
        for directory in &directories {
            // One that was replaced by another of its name is another one: to be watched anew.
            if let Err(error) = self.watcher.watch(directory, RecursiveMode::NonRecursive) {
                tracing::debug!(%error, path = ?directory, "not watched");
            }
            if let Some(writers) = &self.writers {
                writers.watch(directory).ok();
            }
        }
        self.watched = directories;
    }

    fn tell(&self, path: &Path, owner: u32, before: &BTreeMap<String, Entry>, now: &BTreeMap<String, Entry>) {
        let by = std::fs::metadata(path).ok().and_then(|file| self.wrote.get(&(file.dev(), file.ino())));
        let by = by.filter(|(at, _)| at.elapsed() < REMEMBERED).map(|(_, by)| by);
        let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        for name in names {
            let (change, entry) = match (before.get(name), now.get(name)) {
                (None, Some(entry)) => ("added", Some(entry)),
                (Some(old), Some(entry)) if old != entry => ("changed", Some(entry)),
                (Some(_), None) => ("removed", None),
                (Some(_), Some(_)) | (None, None) => continue,
            };
            let runs = entry.map(|entry| entry.runs.as_str());
            self.tools.counts.changed(change);
            tracing::warn!(
                file = ?path, server = ?name, change, runs = ?runs, by = by.map(|by| by.pid), "a client's configuration file"
            );
            let event = Record::ClientFile(ClientFile { file: path, owner, server: name, change, runs, by });
            // A record that is lost is counted by the log.
            self.tools.audit.note(&event).ok();
        }
    }
}
