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
use crate::kernel::{Detached, Finder, Found, Kernel};

/// Processes at most.
const LIMIT: usize = 256;
/// What may wait for the task: for each process one look, and as many ends.
pub(super) const JOBS: usize = 4 * LIMIT;
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

    fn want(&self, exe: &str, command: &[String]) -> bool {
        if self.clients && is_known_client(exe, command) {
            return true;
        }
        let command = command.join(" ");
        let subject =
            AllowSubject { exe: Some(exe), command: Some(command.as_str()), ..AllowSubject::default() };
        self.rules.iter().any(|rule| rule.fits(&subject))
    }
}

/// What the task is to do.
#[derive(Debug)]
pub(super) enum Job {
    /// Look for libraries of the process, but for those known.
    Find(ProcessKey, HashSet<FileId>),
    /// Take probes out of the kernel.
    Drop(Detached),
}

/// What it found.
pub(super) type Answer = (ProcessKey, Found);

/// Does what comes over `jobs`, one at a time. Ends when the loop drops either channel.
pub(super) async fn run(mut jobs: mpsc::Receiver<Job>, answers: mpsc::Sender<Answer>) {
    let mut finder = Finder::default();
    while let Some(job) = jobs.recv().await {
        let done = tokio::task::spawn_blocking(move || match job {
            Job::Find(process, known) => {
                let found = finder.find(process, &known);
                (finder, Some((process, found)))
            }
            Job::Drop(probes) => {
                drop(probes);
                (finder, None)
            }
        });
        let Ok((again, answer)) = done.await else { return };
        finder = again;
        if let Some(answer) = answer
            && answers.send(answer).await.is_err()
        {
            return;
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
}

/// What an event means for whose TLS is read.
#[derive(Debug)]
pub(super) enum News {
    Started(ProcessKey, Vec<String>),
    Connected(ProcessKey),
    Ended(ProcessKey),
    Nothing,
}

impl News {
    pub(super) fn of(event: &HostEvent) -> Self {
        if let HostEvent::Exec(exec) = event {
            return Self::Started(exec.process, exec.argv.clone());
        }
        if let HostEvent::Scanned(scanned) = event {
            return Self::Started(scanned.exec.process, scanned.facts.argv.clone());
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
    jobs: mpsc::Sender<Job>,
    processes: HashMap<ProcessKey, Reading>,
}

impl Tls {
    /// Has `readers` read, up to `budget` bytes of each direction of a connection, by the task behind `jobs`.
    pub(super) fn new(readers: Readers, budget: u64, jobs: mpsc::Sender<Job>) -> Self {
        Self { readers, budget, jobs, processes: HashMap::new() }
    }

    /// Others are wanted from now on; who is read already stays.
    pub(super) fn reconfigure(&mut self, readers: Readers) {
        self.readers = readers;
    }

    /// This process started a program: is it one of whom TLS is wanted?
    pub(super) fn started(
        &mut self,
        kernel: Option<&mut Kernel>,
        process: ProcessKey,
        command: &[String],
        all: bool,
        now: BootTime,
    ) -> bool {
        let Some(kernel) = kernel else { return false };
        if self.processes.contains_key(&process) {
            // Its program before is gone, and its libraries with it.
            self.ended(Some(&mut *kernel), process);
        }
        if !self.readers.clients && self.readers.rules.is_empty() {
            return false;
        }
        let exe = fs::read_link(format!("/proc/{}/exe", process.pid)).unwrap_or_default();
        self.readers.want(&exe.to_string_lossy(), command) && self.begin(kernel, process, all, now)
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
        new.into_iter().filter(|client| self.begin(kernel, *client, all, now)).collect()
    }

    fn begin(&mut self, kernel: &mut Kernel, process: ProcessKey, all: bool, now: BootTime) -> bool {
        if self.processes.len() >= LIMIT {
            tracing::warn!(pid = process.pid, "the TLS of too many processes is read already");
            return false;
        }
        let budget = if all { u64::MAX } else { self.budget };
        if let Err(error) = kernel.watch_tls(process, budget) {
            tracing::warn!(pid = process.pid, %error, "what a process says over TLS will not be read");
            return false;
        }
        let reading = Reading { known: HashSet::new(), next: now, pause: SOON, asked: false };
        self.processes.insert(process, reading);
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
        reading.asked = self.jobs.try_send(Job::Find(process, reading.known.clone())).is_ok();
    }

    /// What was found; answers what the inventory should know.
    pub(super) fn found(
        &mut self,
        kernel: Option<&mut Kernel>,
        (process, found): Answer,
    ) -> Option<HostEvent> {
        let reading = self.processes.get_mut(&process)?;
        reading.asked = false;
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
            Some(Ok(probes)) => drop(self.jobs.try_send(Job::Drop(probes))),
            Some(Err(error)) => tracing::warn!(pid = process.pid, %error, "probes on a TLS library stay"),
            None => {}
        }
        true
    }
}
