//! Every process that matters, by identity. Bounded; exited ones stay a while for late events.
//!
//! A plain struct: no clock, no task. Exec before fork, exit before fork and questions about the dead are all
//! normal. Eviction takes the exited first, then the oldest no server refers to, and counts.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::process::{self, ANCESTORS, ENDS, Image, Lineage, Process};
use super::{BootTime, ChannelEnd, Enriched, Exec, ProcessKey, ScannedProcess};

/// What an exec or a scan told that was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// A new current image.
    Image,
    /// More of the image that was known.
    More,
    /// Nothing: an older image.
    Nothing,
}

/// An ancestor as far as known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ancestor {
    pub(super) key: ProcessKey,
    pub(super) exe: Arc<str>,
}

/// The table.
#[derive(Debug)]
pub(super) struct ProcessTable {
    processes: HashMap<ProcessKey, Process>,
    by_pid: HashMap<u32, ProcessKey>,
    exited: VecDeque<(BootTime, ProcessKey)>,
    /// In order of arrival; holds keys already gone until it is swept.
    order: VecDeque<ProcessKey>,
    limit: usize,
    evicted: u64,
}

impl ProcessTable {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            processes: HashMap::new(),
            by_pid: HashMap::new(),
            exited: VecDeque::new(),
            order: VecDeque::new(),
            limit: limit.max(1),
            evicted: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.processes.len()
    }

    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = limit.max(1);
    }

    pub(super) fn get(&self, key: ProcessKey) -> Option<&Process> {
        self.processes.get(&key)
    }

    /// The process `pid` names now, if it is alive.
    pub(super) fn alive_by_pid(&self, pid: u32) -> Option<ProcessKey> {
        self.by_pid.get(&pid).copied().filter(|&key| self.exited_at(key).is_none())
    }

    /// When it ended, as far as known; `None` while it runs and where nothing was heard.
    pub(super) fn exited_at(&self, key: ProcessKey) -> Option<BootTime> {
        self.processes.get(&key).and_then(|process| process.exited)
    }

    pub(super) fn is_alive(&self, key: ProcessKey) -> bool {
        self.exited_at(key).is_none()
    }

    pub(super) fn exec(&mut self, exec: &Exec) -> Told {
        let parent = self.lineage(exec.parent);
        let process = self.entry(exec.process);
        process.born_of(parent, exec.at);
        let known = process.image.as_ref().filter(|_| process.execed).map(|image| image.at);
        if known.is_some_and(|at| at >= exec.at) {
            return Told::Nothing;
        }
        process.image = Some(Arc::new(Image::new(exec)));
        process.execed = true;
        process.facts = None;
        process.asked = false;
        process.ends = cut_ends(&exec.stdio);
        Told::Image
    }

    /// A scan knows an image's facts and all descriptors, but not when the image started.
    pub(super) fn scanned(&mut self, scanned: &ScannedProcess) -> Told {
        let exec = &scanned.exec;
        let parent = self.lineage(exec.parent);
        let process = self.entry(exec.process);
        process.born_of(parent, exec.at);
        let same = process.image.as_ref().is_some_and(|image| process.execed && image.exe == exec.exe);
        let told = match &process.image {
            // What it may have executed since its birth is younger than what a scan calls its time.
            Some(_) if same => Told::More,
            Some(image) if process.execed && image.at > exec.at => Told::Nothing,
            Some(_) | None => Told::Image,
        };
        if told == Told::Image {
            process.image = Some(Arc::new(Image::new(exec)));
            process.execed = true;
        }
        if told != Told::Nothing {
            process.facts = Some(Arc::new(process::bounded(&scanned.facts)));
            process.asked = true;
            process.ends = cut_ends(&exec.stdio);
        }
        told
    }

    /// Returns whether the child is known as a mere copy of its parent.
    pub(super) fn fork(&mut self, parent: ProcessKey, child: ProcessKey, at: BootTime) -> bool {
        let lineage = self.lineage(parent);
        let inherited =
            self.get(parent).map(|parent| (parent.image.clone(), parent.facts.clone(), parent.ends.clone()));
        let process = self.entry(child);
        process.born_of(lineage, at);
        if process.execed {
            return false;
        }
        if let Some((image, facts, ends)) = inherited {
            process.asked = facts.is_some();
            process.image = image;
            process.facts = facts;
            process.ends = ends;
        }
        true
    }

    pub(super) fn exit(&mut self, key: ProcessKey, at: BootTime) {
        let process = self.entry(key);
        if process.exited.is_none() {
            process.exited = Some(at);
            if !process.pinned {
                process.shrink();
            }
            self.exited.push_back((at, key));
        }
    }

    /// Returns whether the process is known.
    pub(super) fn enriched(&mut self, key: ProcessKey, facts: &Enriched) -> bool {
        let Some(process) = self.processes.get_mut(&key) else { return false };
        process.facts = Some(Arc::new(process::bounded(facts)));
        process.asked = true;
        true
    }

    /// Marks that facts are being asked for; false where that is done or pointless.
    pub(super) fn ask(&mut self, key: ProcessKey) -> bool {
        let process = self.entry(key);
        let ask = !process.asked && process.exited.is_none();
        process.asked |= ask;
        ask
    }

    pub(super) fn pin(&mut self, key: ProcessKey) {
        self.entry(key).pinned = true;
    }

    /// From now on exactly these are pinned.
    pub(super) fn repin(&mut self, keys: &HashSet<ProcessKey>) {
        for (key, process) in &mut self.processes {
            process.pinned = keys.contains(key);
        }
    }

    /// Forgets what exited longer than `keep` ago, unless a server refers to it.
    pub(super) fn expire(&mut self, now: BootTime, keep: Duration) {
        let mut again = Vec::new();
        while let Some(&(at, key)) = self.exited.front() {
            if at.after(keep) > now {
                break;
            }
            self.exited.pop_front();
            if self.processes.get(&key).is_some_and(|process| process.pinned) {
                again.push((at, key));
            } else {
                self.remove(key);
            }
        }
        for entry in again.into_iter().rev() {
            self.exited.push_front(entry);
        }
    }

    /// Nearest first, at most `max`. Prefers what the table holds, and goes on with what was noted at birth
    /// where the table has forgotten.
    pub(super) fn ancestors(&self, key: ProcessKey, max: usize) -> Vec<Ancestor> {
        let mut found: Vec<Ancestor> = Vec::new();
        let mut next = self.get(key).and_then(|process| process.parent.clone());
        while let Some(line) = next {
            let seen = line.key == key || found.iter().any(|ancestor| ancestor.key == line.key);
            if seen || found.len() >= max.min(ANCESTORS) {
                break;
            }
            let known = self.get(line.key);
            let exe = known.map(Process::exe).filter(|exe| !exe.is_empty());
            found.push(Ancestor { key: line.key, exe: exe.unwrap_or_else(|| Arc::clone(&line.exe)) });
            next = known.and_then(|process| process.parent.clone()).or_else(|| line.up.clone());
        }
        found
    }

    pub(super) fn descends(&self, key: ProcessKey, from: ProcessKey) -> bool {
        self.ancestors(key, ANCESTORS).iter().any(|ancestor| ancestor.key == from)
    }

    /// A live process forked (not execed since) below `from`: what goes on serving when `from` exits.
    pub(super) fn worker_of(&self, from: ProcessKey) -> Option<ProcessKey> {
        let image = self.get(from)?.image.as_ref()?;
        let mut workers: Vec<ProcessKey> = self
            .processes
            .values()
            .filter(|process| process.exited.is_none())
            .filter(|process| process.image.as_ref().is_some_and(|own| Arc::ptr_eq(own, image)))
            .map(|process| process.key)
            .filter(|&key| key != from && self.descends(key, from))
            .collect();
        workers.sort_unstable_by_key(|key| (key.start_ticks, key.pid));
        workers.first().copied()
    }

    fn lineage(&self, key: ProcessKey) -> Arc<Lineage> {
        let known = self.get(key);
        let exe = known.map_or_else(|| Arc::from(""), Process::exe);
        Lineage::new(key, exe, known.and_then(|process| process.parent.clone()))
    }

    fn entry(&mut self, key: ProcessKey) -> &mut Process {
        if !self.processes.contains_key(&key) {
            while self.processes.len() >= self.limit && self.evict() {}
            self.order.push_back(key);
            self.sweep();
            // Of two processes with one pid the later started is the one alive.
            let current = self.by_pid.entry(key.pid).or_insert(key);
            *current = (*current).max(key);
        }
        self.processes.entry(key).or_insert_with(|| Process::new(key))
    }

    /// Takes one process out. Where every process is pinned (there are fewer servers than that, by far) the
    /// oldest goes all the same: the bound holds.
    fn evict(&mut self) -> bool {
        let idle = |table: &Self, key: &ProcessKey| table.get(*key).is_some_and(|process| !process.pinned);
        for _ in 0..self.exited.len().min(64) {
            let Some((at, key)) = self.exited.pop_front() else { break };
            if idle(self, &key) {
                return self.evict_this(key);
            }
            if self.processes.contains_key(&key) {
                self.exited.push_back((at, key));
            }
        }
        for _ in 0..self.order.len() {
            let Some(key) = self.order.pop_front() else { break };
            if idle(self, &key) {
                return self.evict_this(key);
            }
            if self.processes.contains_key(&key) {
                self.order.push_back(key);
            }
        }
        match self.order.front().copied() {
            Some(key) => self.evict_this(key),
            None => false,
        }
    }

    fn evict_this(&mut self, key: ProcessKey) -> bool {
        self.evicted += 1;
        self.remove(key);
        true
    }

    fn remove(&mut self, key: ProcessKey) {
        self.processes.remove(&key);
        if self.by_pid.get(&key.pid) == Some(&key) {
            self.by_pid.remove(&key.pid);
        }
    }

    fn sweep(&mut self) {
        if self.order.len() > 2 * self.processes.len() + 1024 {
            let processes = &self.processes;
            self.order.retain(|key| processes.contains_key(key));
        }
        if self.exited.len() > 2 * self.processes.len() + 1024 {
            let processes = &self.processes;
            self.exited.retain(|(_, key)| processes.contains_key(key));
        }
    }
}

fn cut_ends(ends: &[ChannelEnd]) -> Vec<ChannelEnd> {
    ends.iter().take(ENDS).copied().collect()
}
