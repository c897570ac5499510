//! Programs wait at their `execve` until it is decided whether they run.
//!
//! One thread takes the kernel's questions and never waits for anything but the next one: what cannot be refused by its path
//! goes on at once, and whoever has waited for 50 ms goes on undecided. Three more find out the rest. These four come before
//! other programs where the system lets them ([`prefer`]): somebody waits for them, and they never wait for a disk. What nobody
//! waits for, records and second looks, another thread does. All of it is a matter of this process' memory and descriptors: when
//! it ends, however it does, the kernel lets everybody go on.
//!
//! What ran undecided, or was something else by the time it ran, is looked at once more when the kernel tells of its start;
//! then it is killed.

mod keeper;
mod later;

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::facts::Known;
use super::marks::Place;
use super::{Warden, lock, marks};
use crate::admin::metrics::Outcome;
use crate::daemon::readers::{Patience, Unread};
use crate::guard::untouchable::{Who, is_listed, untouchable};
use crate::guard::{Action, AtExec, Program};
use crate::inventory::{FileId, ProcessKey};
use crate::kernel::{Asked, ExecGate};
use crate::proc::{Called, Image, called, file_of, is_roots_at, is_roots_for, system_exe_of};

use later::{Later, Owned, Refused};

pub(crate) use keeper::{Beats, keep};

/// Threads that find out.
const DECIDERS: usize = 3;
/// Programs that may wait for one of them.
const QUEUE: usize = 64;
/// What may wait of that for which nobody waits.
const LATER: usize = 256;
/// What comes before everything else, as `nice` counts.
const FIRST: i32 = -20;
/// How often the places are looked at anew: directories and file systems come and go.
const RENEW: Duration = Duration::from_secs(10);
/// How often the thread looks whether it is to end.
const BEAT: Duration = Duration::from_millis(200);

/// The threads; they end with the token they were started with.
#[derive(Debug)]
pub(crate) struct Hold {
    later: SyncSender<Later>,
    warden: Warden,
}

#[derive(Debug)]
struct Starting {
    ticket: u64,
    thread: u32,
    path: String,
    file: File,
    id: FileId,
    since: Instant,
}

/// Where the guard's thread leaves what others do.
#[derive(Debug, Clone)]
struct Desks {
    /// Somebody waits.
    starting: SyncSender<Starting>,
    later: SyncSender<Later>,
}

/// Those who wait.
#[derive(Debug, Default)]
struct Waiting {
    next: u64,
    all: HashMap<u64, (Asked, Instant)>,
}

/// What the threads share.
#[derive(Debug, Clone)]
struct Hall {
    warden: Warden,
    gate: Arc<Mutex<Option<Arc<ExecGate>>>>,
    waiting: Arc<Mutex<Waiting>>,
}

impl Hold {
    /// Starts the threads; nothing is held before the guard says so.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(crate) fn start(warden: Warden, ending: CancellationToken) -> std::io::Result<Self> {
        let ((starting, asked), (later, told)) = (sync_channel(QUEUE), sync_channel(LATER));
        let hall = Hall { warden: warden.clone(), gate: Arc::default(), waiting: Arc::default() };
        let asked = Arc::new(Mutex::new(asked));
        for _ in 0..DECIDERS {
            let (hall, asked, later) = (hall.clone(), Arc::clone(&asked), later.clone());
            let ending = ending.clone();
            spawn("guard decider", move || hall.decide(&asked, &later, &ending))?;
        }
        let (looker, end) = (hall.clone(), ending.clone());
        spawn("guard looker", move || looker.look(&told, &end))?;
        let desks = Desks { starting, later: later.clone() };
        spawn("guard", move || hall.run(&desks, &ending))?;
        Ok(Self { later, warden })
    }

    /// A process has begun to run another program: looks whether it may.
    pub(crate) fn look(&self, process: ProcessKey) {
        let guard = self.warden.guard();
        if guard.holds() && self.later.try_send(Later::Running(process)).is_err() {
            tracing::debug!(pid = process.pid, "too many programs start to look at each twice");
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.warden.nudge();
    }
}

pub(in crate::daemon) fn spawn(
    name: &str,
    run: impl FnOnce() + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(run)
}

/// The calling thread comes before those of other programs, as far as the system lets it.
pub(in crate::daemon) fn prefer() {
    // On Linux this is a thread's own.
    if let Err(error) = rustix::process::setpriority_process(None, FIRST) {
        tracing::debug!(%error, "held programs wait for a thread like all others");
    }
}

impl Hall {
    /// Takes questions until `ending`.
    fn run(&self, desks: &Desks, ending: &CancellationToken) {
        prefer();
        let mut marked = (u64::MAX, Instant::now());
        let mut beats = None;
        let mut places = BTreeSet::new();
        while !ending.is_cancelled() {
            if marked.0 != self.warden.generation() || marked.1.elapsed() >= RENEW {
                marked = (self.warden.generation(), Instant::now());
                places = self.renew(&mut beats, &places);
            }
            let Some(gate) = lock(&self.gate).clone() else {
                self.warden.wait(RENEW);
                continue;
            };
            if let Some(beats) = &mut beats {
                Beats::beat(beats);
            }
            match gate.wait(self.patience()) {
                Ok(asked) => asked.into_iter().for_each(|asked| self.take(&gate, asked, desks)),
                Err(error) => {
                    // The kernel refuses programs it cannot ask us about: then nobody is to be asked about.
                    tracing::error!(%error, "programs are not held any more");
                    self.warden.problem(Some(format!("programs are not held: {error}")));
                    self.open_all();
                    beats = None;
                }
            }
            self.let_go(desks);
        }
        self.open_all();
    }

    /// Opens, marks or drops the gate, as the guard says now. `before` is what was marked.
    fn renew(&self, beats: &mut Option<Beats>, before: &BTreeSet<Place>) -> BTreeSet<Place> {
        let guard = self.warden.guard();
        let places = if guard.holds() { marks::places(&guard) } else { BTreeSet::new() };
        if places.is_empty() || beats.as_mut().is_some_and(Beats::are_alone) {
            self.open_all();
            *beats = None;
        }
        if places.is_empty() {
            return places;
        }
        let current = lock(&self.gate).clone();
        let gate = match current {
            Some(gate) => gate,
            None => match self.open(beats) {
                Ok(gate) => gate,
                Err(error) => {
                    self.warden.problem(Some(format!("this kernel does not let programs wait: {error}")));
                    return BTreeSet::new();
                }
            },
        };
        let mut problems = Vec::new();
        // What is not named any more must not wait any more.
        if !before.is_subset(&places) {
            problems
                .extend(gate.watch_nothing().err().map(|error| format!("places cannot be let be: {error}")));
        }
        let unmarked = marks::mark(&gate, &places);
        self.warden.0.held_places.store(places.len().saturating_sub(unmarked.len()), Ordering::Relaxed);
        problems.extend(unmarked);
        self.warden.problem((!problems.is_empty()).then(|| problems.join("; ")));
        places
    }

    /// A gate before nothing, and its keeper: started now, while no program waits for this very thread.
    fn open(&self, beats: &mut Option<Beats>) -> std::io::Result<Arc<ExecGate>> {
        let gate = Arc::new(ExecGate::open()?);
        *beats = Beats::start(&gate)
            .inspect_err(
                |error| tracing::warn!(%error, "nobody looks after held programs if the agent hangs"),
            )
            .ok();
        *lock(&self.gate) = Some(Arc::clone(&gate));
        Ok(gate)
    }

    /// Drops the gate: the kernel lets everybody go on.
    fn open_all(&self) {
        self.warden.0.held_places.store(0, Ordering::Relaxed);
        let gate = lock(&self.gate).take();
        let waiting = std::mem::take(&mut lock(&self.waiting).all);
        if let Some(gate) = gate {
            for (asked, _) in waiting.values() {
                gate.answer(asked, true).ok();
            }
        }
    }

    /// Until somebody has waited long enough.
    fn patience(&self) -> Duration {
        let within = self.warden.0.decide_within;
        let oldest = lock(&self.waiting).all.values().map(|(_, since)| since.elapsed()).max();
        oldest.map_or(BEAT, |waited| within.saturating_sub(waited).max(Duration::from_millis(1)))
    }

    fn take(&self, gate: &ExecGate, asked: Asked, desks: &Desks) {
        let file = asked.file().ok();
        let id = file.as_ref().and_then(file_of).filter(|id| !self.warden.own().is_file(*id));
        let guard = self.warden.guard();
        let path = self.warden.path_of(&guard, asked.path().unwrap_or_default(), id);
        let file = file.filter(|_| guard.holds() && guard.may_hold(&path));
        let (Some(file), Some(id)) = (file, id) else {
            gate.answer(&asked, true).ok();
            return;
        };
        let since = Instant::now();
        let thread = asked.thread();
        let mut waiting = lock(&self.waiting);
        let ticket = waiting.next;
        waiting.next += 1;
        waiting.all.insert(ticket, (asked, since));
        drop(waiting);
        if desks.starting.try_send(Starting { ticket, thread, path, file, id, since }).is_err() {
            self.answer(ticket, true);
            self.undecided(desks, thread, "too many wait");
        }
    }

    /// Lets those go on that have waited long enough.
    fn let_go(&self, desks: &Desks) {
        let within = self.warden.0.decide_within;
        let late: Vec<(u64, u32)> = {
            let waiting = lock(&self.waiting);
            let is_late = |(_, (_, since)): &(&u64, &(Asked, Instant))| since.elapsed() >= within;
            waiting.all.iter().filter(is_late).map(|(ticket, (asked, _))| (*ticket, asked.thread())).collect()
        };
        for (ticket, thread) in late {
            if self.answer(ticket, true).is_some() {
                self.undecided(desks, thread, "no decision in time");
            }
        }
    }

    /// To be recorded by who may wait for a disk.
    fn undecided(&self, desks: &Desks, thread: u32, why: &'static str) {
        if desks.later.try_send(Later::Undecided(thread, why)).is_err() {
            self.warden.counts().act(Action::Hold, Outcome::Undecided, 1);
        }
    }

    /// Answers whoever has this ticket; how long they waited, unless somebody else has answered.
    fn answer(&self, ticket: u64, may_run: bool) -> Option<Duration> {
        let (asked, since) = lock(&self.waiting).all.remove(&ticket)?;
        let gate = lock(&self.gate).clone();
        if let Some(gate) = gate
            && let Err(error) = gate.answer(&asked, may_run)
        {
            tracing::debug!(%error, "somebody who waited is gone");
        }
        let waited = since.elapsed();
        self.warden.counts().held(waited);
        Some(waited)
    }

    /// Finds out, until `ending`.
    fn decide(
        &self,
        asked: &Mutex<Receiver<Starting>>,
        later: &SyncSender<Later>,
        ending: &CancellationToken,
    ) {
        prefer();
        while !ending.is_cancelled() {
            let starting = lock(asked).recv();
            match starting {
                Ok(starting) => self.starting(&starting, later),
                Err(_nobody_asks_any_more) => return,
            }
        }
    }

    fn starting(&self, starting: &Starting, later: &SyncSender<Later>) {
        let refused = match self.refused(starting) {
            Ok(Some(refused)) => refused,
            Ok(None) => {
                self.answer(starting.ticket, true);
                return;
            }
            // Nor has whoever waits: they go on undecided.
            Err(_had_no_time) => return,
        };
        let is_real = refused.decision.is_real;
        let program = Program::of(&refused.known.subject()).map(|program| program.id());
        let has_room = !is_real || self.has_room(program.as_deref().unwrap_or_default());
        let waited = self.answer(starting.ticket, !is_real || !has_room);
        let (outcome, waited) = match waited {
            // Its time was over: it runs, and is killed when the kernel tells of its start.
            None => return,
            Some(waited) if !is_real => (Outcome::Would, waited),
            Some(waited) if !has_room => (Outcome::Limited, waited),
            Some(waited) => (Outcome::Done, waited),
        };
        if outcome == Outcome::Done {
            self.warden.was_refused(&starting.path);
        }
        let refused = Arc::new(refused);
        if later.try_send(Later::Refused(Arc::clone(&refused), outcome, waited)).is_err() {
            self.record(&refused, outcome, waited);
        }
    }

    /// A program that is refused again and again is one.
    fn has_room(&self, program: &str) -> bool {
        let what = format!("refused {program}");
        let is_known = lock(&self.warden.0.told).has(&what);
        is_known || (self.warden.limit().take(crate::proc::boot_now()) && self.warden.is_new(what))
    }

    /// What is said against it.
    fn refused(&self, starting: &Starting) -> Result<Option<Refused>, Unread> {
        let Some(image) = self.warden.0.reader.image(starting.thread) else { return Ok(None) };
        if self.is_spared(starting, &image, None) {
            return Ok(None);
        }
        let guard = self.warden.guard();
        let line = Known::line(&image);
        let decide = |argv, is_read| -> Result<Option<Refused>, Unread> {
            let mut known = Known::next(&image, &starting.path, argv, &line);
            let at = |known: &Known| {
                let (subject, now) = (known.subject(), Timestamp::now());
                if is_read { guard.at_exec(&subject, now) } else { guard.at_unread_exec(&subject, now) }
            };
            if at(&known) == AtExec::NeedsHash {
                known.sha256 = self.sha256(starting, image.uid)?;
            }
            let AtExec::Refuse(decision) = at(&known) else { return Ok(None) };
            let (decision, why) =
                (Owned::of(&decision), (!is_read).then_some("its arguments cannot be read"));
            let (pid, uid, path) = (image.process.pid, image.uid, starting.path.clone());
            Ok(Some(Refused { pid, uid, path, known, decision, why }))
        };
        // Where nothing could be said against it, whatever its arguments are, nobody has to read them.
        let blind = Known::next(&image, &starting.path, Vec::new(), &line);
        if guard.at_unread_exec(&blind.subject(), Timestamp::now()) == AtExec::Run {
            return Ok(None);
        }
        let next = match self.called(starting, image.uid) {
            Ok(Called::Next(next)) => Some(next),
            Ok(Called::Nothing) => None,
            Ok(Called::Unreadable) | Err(Unread::Stuck) => {
                self.warden.counts().unread();
                return decide(Vec::new(), false);
            }
            Err(Unread::Late) => return Err(Unread::Late),
        };
        let asked = next.as_ref().map(|next| next.path.as_str());
        // The program itself was decided on a moment ago.
        let is_loaded = is_loader(&starting.path) && !asked.is_some_and(is_loader);
        if is_loaded || self.is_spared(starting, &image, asked) {
            return Ok(None);
        }
        let argv = next.map(|next| next.argv).unwrap_or_default();
        // What runs a script is given the script before its arguments.
        let interpreted = std::iter::once(starting.path.clone()).chain(argv.iter().cloned()).collect();
        Ok(match decide(argv, true)? {
            None => decide(interpreted, true)?,
            refused => refused,
        })
    }

    /// It is never touched. `asked` is the program it was called by: what that is loaded by, or its script is run by, is not
    /// touched where the program is not.
    fn is_spared(&self, starting: &Starting, image: &Image, asked: Option<&str>) -> bool {
        let Starting { thread, path, id, .. } = starting;
        let is_there = |path: &&str| is_listed(path) && is_roots_at(path, *id);
        let is_asked = |path: &&str| is_listed(path) && is_roots_for(*thread, path);
        let before = system_exe_of(*thread, is_listed);
        let who = Who {
            pid: image.process.pid,
            exe: asked
                .map_or_else(|| Some(path.as_str()).filter(is_there), |path| Some(path).filter(is_asked)),
            before: before.as_deref(),
            has_terminal: image.has_terminal,
            is_ours: self.warden.own().is_process(image.process.pid),
        };
        untouchable(&who).is_some()
    }

    /// What it has asked to run, in a part of the time there is.
    fn called(&self, starting: &Starting, uid: u32) -> Result<Called, Unread> {
        let left = self.left(starting);
        let patience = Patience { asleep: (self.warden.0.decide_within / 5).min(left), at_most: left };
        let thread = starting.thread;
        self.warden.0.readers.read(uid, patience, move || called(thread))
    }

    /// The hash of its file, in the time that is left: in that no hash is not known to be another one.
    fn sha256(&self, starting: &Starting, uid: u32) -> Result<Option<String>, Unread> {
        let Ok(file) = starting.file.try_clone() else { return Err(Unread::Late) };
        let (reader, patience) = (Arc::clone(&self.warden.0.reader), Patience::of(self.left(starting)));
        let thread = starting.thread;
        self.warden.0.hashers.read(uid, patience, move || reader.sha256_of(file, thread))
    }

    /// What is left of the time for what may have to be waited for.
    fn left(&self, starting: &Starting) -> Duration {
        (self.warden.0.decide_within / 5 * 4).saturating_sub(starting.since.elapsed())
    }
}

/// What the kernel runs to load a program: `ld-linux-x86-64.so.2`, `ld-musl-x86_64.so.1`.
fn is_loader(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    ["/lib", "/usr/lib"].iter().any(|place| path.starts_with(place))
        && name.starts_with("ld-")
        && name.contains(".so")
}
