//! Processes whose TLS is read: who they are, what of them is looked for, and when their probes go.
//!
//! Whether a process has loaded a TLS library shows in `/proc`, which a task looks at: at once, soon after, ever more rarely,
//! and when the process opens a TLS connection.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::inventory::{
    AllowError, AllowRule, AllowSpec, AllowSubject, BootTime, FileId, FollowSpec, HostEvent, Inventory,
    ProcessKey, is_known_client,
};
use crate::kernel::{Detached, Finder, Found, Kernel, TLS_PROCESSES};

/// What may wait for each task: as much as there are processes, twice.
pub(super) const JOBS: usize = 2 * TLS_PROCESSES;
/// Between two probes that are taken out of the kernel.
const PAUSE: Duration = Duration::from_millis(50);
/// Time to the second look, and the longest between two.
const SOON: Duration = Duration::from_millis(250);
const LATER: Duration = Duration::from_secs(30);
/// Why nothing can be read.
const GO: &str = "a Go program";
const NAMELESS: &str = "no OpenSSL with names in it";
const NO_PROBES: &str = "the probes do not work here";
const REFUSED: &str = "its library cannot be probed";

/// Whose TLS is wanted.
#[derive(Debug, Default)]
pub(super) struct Readers {
    /// That of known clients.
    clients: bool,
    rules: Vec<AllowRule>,
}

impl Readers {
    /// Those of known clients where `clients`, and those that `specs` name.
    ///
    /// # Errors
    /// [`AllowError`] where one names nothing or a glob does not compile.
    pub(super) fn compile(clients: bool, specs: &[FollowSpec]) -> Result<Self, AllowError> {
        let rule = |spec: &FollowSpec| {
            let (exe, command) = (spec.exe.clone(), spec.command.clone());
            AllowRule::new(&AllowSpec { name: "tls-of".to_owned(), exe, command, ..AllowSpec::default() })
        };
        Ok(Self { clients, rules: specs.iter().map(rule).collect::<Result<_, _>>()? })
    }

    /// Nobody's is wanted.
    fn are_none(&self) -> bool {
        !self.clients && self.rules.is_empty()
    }

    fn want(&self, process: ProcessKey, command: &[String]) -> bool {
        if self.are_none() {
            return false;
        }
        let exe = fs::read_link(format!("/proc/{}/exe", process.pid)).unwrap_or_default();
        let exe = exe.to_string_lossy();
        if self.clients && is_known_client(&exe, command) {
            return true;
        }
        let command = command.join(" ");
        let subject =
            AllowSubject { exe: Some(&*exe), command: Some(command.as_str()), ..AllowSubject::default() };
        self.rules.iter().any(|rule| rule.fits(&subject))
    }
}

/// A process whose libraries are to be looked for, but for those known.
pub(super) type Look = (ProcessKey, HashSet<FileId>);

/// What was found.
pub(super) type Answer = (ProcessKey, Found);

/// Looks for libraries, in one process at a time. Ends when the loop drops either channel.
pub(super) async fn find(mut looks: mpsc::Receiver<Look>, answers: mpsc::Sender<Answer>) {
    let mut finder = Finder::default();
    while let Some((process, known)) = looks.recv().await {
        let done = tokio::task::spawn_blocking(move || {
            let found = finder.find(process, &known);
            (finder, found)
        });
        let Ok((again, found)) = done.await else { return };
        finder = again;
        if answers.send((process, found)).await.is_err() {
            return;
        }
    }
}

/// Takes probes out of the kernel. The kernel attaches none meanwhile, so that there are pauses in which it can. Ends when the
/// loop drops the channel and nothing is left.
pub(super) async fn release(mut probes: mpsc::Receiver<Detached>) {
    while let Some(mut detached) = probes.recv().await {
        loop {
            let dropped = tokio::task::spawn_blocking(move || (detached.drop_one(), detached));
            let Ok((more, left)) = dropped.await else { break };
            detached = left;
            if !more {
                break;
            }
            if !probes.is_closed() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// A process that is read.
#[derive(Debug)]
struct Reading {
    known: HashSet<FileId>,
    next: BootTime,
    pause: Duration,
    /// The task is looking.
    asked: bool,
    /// The process has become another program since it was asked to.
    stale: bool,
}

/// What an event means for whose TLS is read.
#[derive(Debug)]
pub(super) enum News {
    /// It runs another program, since then, with these arguments.
    Started(ProcessKey, BootTime, Vec<String>),
    Connected(ProcessKey),
    Ended(ProcessKey),
    Nothing,
}

impl News {
    fn of(event: &HostEvent) -> Self {
        if let HostEvent::Exec(exec) = event {
            return Self::Started(exec.process, exec.at, exec.argv.clone());
        }
        if let HostEvent::Scanned(scanned) = event {
            return Self::Started(scanned.exec.process, scanned.exec.at, scanned.facts.argv.clone());
        }
        match event {
            HostEvent::TlsHello { process, .. } => Self::Connected(*process),
            HostEvent::Exit { process, .. } => Self::Ended(*process),
            HostEvent::Exec(_)
            | HostEvent::Scanned(_)
            | HostEvent::Fork { .. }
            | HostEvent::Enriched { .. }
            | HostEvent::Listen { .. }
            | HostEvent::ListenClosed { .. }
            | HostEvent::Connect { .. }
            | HostEvent::TlsNamed { .. }
            | HostEvent::TlsReadable { .. }
            | HostEvent::Sighted(_)
            | HostEvent::Stirred { .. }
            | HostEvent::ProxyRegistered(_)
            | HostEvent::ProxyGone { .. } => Self::Nothing,
        }
    }
}

/// The main loop's end of it.
#[derive(Debug)]
pub(super) struct Tls {
    readers: Readers,
    budget: u64,
    looks: mpsc::Sender<Look>,
    probes: mpsc::Sender<Detached>,
    processes: HashMap<ProcessKey, Reading>,
}

impl Tls {
    /// Has `readers` read, up to `budget` bytes of each direction of a connection. [`find`] has the other end of `looks`, and
    /// [`release`] that of `probes`.
    pub(super) fn new(
        readers: Readers,
        budget: u64,
        looks: mpsc::Sender<Look>,
        probes: mpsc::Sender<Detached>,
    ) -> Self {
        Self { readers, budget, looks, probes, processes: HashMap::new() }
    }

    /// What `event` means for whose TLS is read: nothing where nobody's is.
    pub(super) fn news(&self, event: &HostEvent) -> News {
        let is_idle = self.readers.are_none() && self.processes.is_empty();
        if is_idle { News::Nothing } else { News::of(event) }
    }

    /// Others are wanted from now on; who is read already stays.
    pub(super) fn reconfigure(&mut self, readers: Readers) {
        self.readers = readers;
    }

    /// This process runs another program `since` then: is it one of whom TLS is wanted?
    pub(super) fn started(
        &mut self,
        kernel: Option<&mut Kernel>,
        (process, since): (ProcessKey, BootTime),
        command: &[String],
        all: bool,
        now: BootTime,
    ) -> bool {
        let Some(kernel) = kernel else { return false };
        if !self.readers.want(process, command) {
            self.ended(Some(kernel), process);
            return false;
        }
        // What is probed stays so, as long as there is something to read: one program starts another (`env`, `sh -c`), and to
        // take probes out and put them back takes longer than that.
        self.begin(kernel, process, all, since, now)
    }

    /// Those of `inventory` who have shown to be clients. Says who is new.
    pub(super) fn clients(
        &mut self,
        kernel: Option<&mut Kernel>,
        inventory: &Inventory,
        all: bool,
        now: BootTime,
    ) -> Vec<ProcessKey> {
        let Some(kernel) = kernel.filter(|_| self.readers.clients) else { return Vec::new() };
        let own = std::process::id();
        let clients = inventory.clients().into_iter().filter(|client| client.pid != own);
        let new: Vec<ProcessKey> = clients.filter(|client| !self.processes.contains_key(client)).collect();
        new.into_iter().filter(|client| self.begin(kernel, *client, all, now, now)).collect()
    }

    fn begin(
        &mut self,
        kernel: &mut Kernel,
        process: ProcessKey,
        all: bool,
        since: BootTime,
        now: BootTime,
    ) -> bool {
        let budget = if all { u64::MAX } else { self.budget };
        if let Err(error) = kernel.watch_tls(process, budget, since) {
            tracing::warn!(pid = process.pid, %error, "what a process says over TLS will not be read");
            return false;
        }
        let begun = Reading { known: HashSet::new(), next: now, pause: SOON, asked: false, stale: false };
        let reading = self.processes.entry(process).or_insert(begun);
        (reading.pause, reading.stale) = (SOON, reading.asked);
        self.look(process, now);
        true
    }

    /// The process opened a connection: by now it has its library.
    pub(super) fn connected(&mut self, process: ProcessKey, now: BootTime) {
        if let Some(reading) = self.processes.get_mut(&process) {
            // Where the task is looking at this moment, it may be too early.
            (reading.pause, reading.next) = (SOON, now.after(SOON));
            self.look(process, now);
        }
    }

    /// Looks again at whoever's time has come.
    pub(super) fn tick(&mut self, now: BootTime) {
        let due = |reading: &Reading| !reading.asked && reading.next <= now;
        let due: Vec<ProcessKey> =
            self.processes.iter().filter(|(_, reading)| due(reading)).map(|(key, _)| *key).collect();
        due.into_iter().for_each(|process| self.look(process, now));
    }

    fn look(&mut self, process: ProcessKey, now: BootTime) {
        let Some(reading) = self.processes.get_mut(&process).filter(|reading| !reading.asked) else { return };
        reading.next = now.after(reading.pause);
        reading.pause = (reading.pause * 2).min(LATER);
        reading.asked = self.looks.try_send((process, reading.known.clone())).is_ok();
    }

    /// What was found; answers what the inventory should know.
    pub(super) fn found(
        &mut self,
        kernel: Option<&mut Kernel>,
        (process, found): Answer,
        now: BootTime,
    ) -> Option<HostEvent> {
        let reading = self.processes.get_mut(&process)?;
        reading.asked = false;
        if std::mem::take(&mut reading.stale) {
            self.look(process, now);
            return None;
        }
        let kernel = kernel?;
        let mut obstacle = match (found.is_go, found.has_loaded) {
            _ if !kernel.reads_tls() => Some(NO_PROBES),
            (true, _) => Some(GO),
            (false, false) => Some(NAMELESS),
            (false, true) => None,
        };
        let libraries = if kernel.reads_tls() { found.libraries } else { Vec::new() };
        for library in &libraries {
            reading.known.insert(library.id);
            match kernel.read_tls(process, library) {
                Ok(()) => tracing::info!(pid = process.pid, "what a process says over TLS is read"),
                Err(error) => {
                    tracing::warn!(pid = process.pid, %error, "a TLS library cannot be probed");
                    obstacle = obstacle.or(Some(REFUSED));
                }
            }
        }
        Some(HostEvent::TlsReadable { process, obstacle })
    }

    /// The process ended.
    pub(super) fn ended(&mut self, kernel: Option<&mut Kernel>, process: ProcessKey) -> bool {
        if self.processes.remove(&process).is_none() {
            return false;
        }
        match kernel.map(|kernel| kernel.unwatch_tls(process)) {
            // What the task has no room for is taken out here.
            Some(Ok(probes)) => drop(self.probes.try_send(probes)),
            Some(Err(error)) => tracing::warn!(pid = process.pid, %error, "probes on a TLS library stay"),
            None => {}
        }
        true
    }
}
