//! The fallback where no probe can be loaded: scan again and again, and tell what changed.
//!
//! What begins and ends between two scans is never seen, and what is seen is late. Whoever uses this must say
//! so.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::clock::boot_now;
use super::process::ProcessDir;
use super::reader::ProcReader;
use super::scan::{Problems, Scan, ScanOptions};
use crate::inventory::{BootTime, ChannelEnd, FileId, HostEvent, Listener, ProcessKey, ScannedProcess};

/// A scan may take at most this share of the time: one part in twenty.
const IDLE_FACTOR: u32 = 20;

/// Turns scans into events.
#[derive(Debug)]
pub struct Poller {
    reader: Arc<ProcReader>,
    options: ScanOptions,
    processes: HashMap<ProcessKey, Known>,
    listeners: HashSet<(ProcessKey, Listener)>,
    took: Duration,
    problems: Problems,
}

/// What is remembered of a process, to see it change.
#[derive(Debug, PartialEq, Eq)]
struct Known {
    exe: FileId,
    stack: u64,
    ends: Vec<ChannelEnd>,
}

impl Poller {
    /// A poller that knows of nothing yet: its first poll reports everything.
    #[must_use]
    pub fn new(reader: Arc<ProcReader>, options: ScanOptions) -> Self {
        Self {
            reader,
            options,
            processes: HashMap::new(),
            listeners: HashSet::new(),
            took: Duration::ZERO,
            problems: Problems::default(),
        }
    }

    /// Scans, and tells what changed since the last time: processes that ended (their status is not known and
    /// given as 0), that are new or opened or closed channels, that run another image; listeners.
    pub fn poll(&mut self) -> Vec<HostEvent> {
        let scan = self.reader.scan(&self.options);
        self.took = scan.took;
        self.problems = scan.problems.clone();
        self.apply(scan, boot_now(), |process| ProcessDir::open_key(process).is_some())
    }

    /// How long to wait before the next poll, if it should be `interval`: longer where scans are so slow that
    /// they would take more than a twentieth of a processor.
    #[must_use]
    pub fn pause(&self, interval: Duration) -> Duration {
        interval.max(self.took.saturating_mul(IDLE_FACTOR))
    }

    /// What the last poll could not see.
    #[must_use]
    pub fn problems(&self) -> &Problems {
        &self.problems
    }

    /// The difference between what is known and `scan`. `alive` is asked about processes the scan lacks.
    fn apply(&mut self, scan: Scan, at: BootTime, alive: impl Fn(ProcessKey) -> bool) -> Vec<HostEvent> {
        let Scan { processes, listeners, images, unseen_namespaces, .. } = scan;
        let present: HashSet<ProcessKey> = processes.iter().map(|process| process.exec.process).collect();
        let mut events = Vec::new();
        self.processes.retain(|&process, _| {
            let stays = present.contains(&process) || alive(process);
            if !stays {
                events.push(HostEvent::Exit { process, at, status: 0 });
            }
            stays
        });
        self.close_listeners(&listeners, &unseen_namespaces, at, &mut events);
        for (process, stack) in processes.into_iter().zip(images) {
            self.apply_process(process, stack, at, &mut events);
        }
        for (process, listener) in listeners {
            if self.listeners.insert((process, listener)) {
                events.push(HostEvent::Listen { process, listener, at });
            }
        }
        events
    }

    fn apply_process(
        &mut self,
        process: ScannedProcess,
        stack: u64,
        at: BootTime,
        events: &mut Vec<HostEvent>,
    ) {
        let mut ends = process.exec.stdio.clone();
        ends.sort_unstable_by_key(|end| end.fd);
        let now = Known { exe: process.exec.exe, stack, ends };
        let known = self.processes.get(&process.exec.process);
        if known == Some(&now) {
            return;
        }
        let other_image = known.is_some_and(|known| (known.exe, known.stack) != (now.exe, now.stack));
        self.processes.insert(process.exec.process, now);
        if other_image {
            let mut exec = process.exec.clone();
            exec.at = at;
            events.push(HostEvent::Exec(Box::new(exec)));
        }
        events.push(HostEvent::Scanned(Box::new(process)));
    }

    fn close_listeners(
        &mut self,
        now: &[(ProcessKey, Listener)],
        unseen: &HashSet<u32>,
        at: BootTime,
        events: &mut Vec<HostEvent>,
    ) {
        let open: HashSet<Listener> = now.iter().map(|(_, listener)| *listener).collect();
        let owned: HashSet<(ProcessKey, Listener)> = now.iter().copied().collect();
        let processes = &self.processes;
        self.listeners.retain(|pair| {
            let hidden = unseen.contains(&pair.1.net_ns) && processes.contains_key(&pair.0);
            let stays = hidden || owned.contains(pair);
            // Where another process took the address over, its `Listen` says so.
            if !stays && !open.contains(&pair.1) {
                events.push(HostEvent::ListenClosed { listener: pair.1, at });
            }
            stays
        });
    }
}

#[cfg(test)]
mod tests;
