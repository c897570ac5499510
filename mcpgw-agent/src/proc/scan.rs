//! One look at everything that runs: processes with their channel ends, and who listens where.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::time::{Duration, Instant};

use mcpgw_common::limit;

use super::diag::{Diag, TcpSocket, UnixSocket};
use super::fds::{RawEnd, RawKind, raw_ends};
use super::netns;
use super::process::ProcessDir;
use super::reader::{ARGV_BYTES, Facts, ProcReader};
use crate::inventory::{
    BootTime, Channel, ChannelEnd, ChannelKind, Exec, Listener, ProcessKey, ScannedProcess,
};

/// Command line bytes kept in all; after that each process keeps what a kernel record would.
const ARGV_BUDGET: usize = 16 * 1024 * 1024;
/// Descriptors still looked at in each process once [`ScanOptions::max_fds`] is used up.
const FDS_BEYOND_BUDGET: usize = 64;
/// Notes kept of one scan.
const MAX_NOTES: usize = 16;

/// Bounds of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanOptions {
    /// Processes taken at most, lowest pids first.
    pub max_processes: usize,
    /// Descriptors looked at in one process at most.
    pub max_fds_per_process: usize,
    /// Descriptors looked at in all; beyond that only a process' first 64.
    pub max_fds: usize,
    /// Network namespaces other than our own looked into at most.
    pub max_namespaces: usize,
}

impl Default for ScanOptions {
    fn default() -> Self {
        Self {
            max_processes: 32 * 1024,
            max_fds_per_process: 16 * 1024,
            max_fds: 256 * 1024,
            max_namespaces: 256,
        }
    }
}

/// What a scan found.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// Processes, kernel threads and zombies left out, by pid.
    pub processes: Vec<ScannedProcess>,
    /// Listening TCP sockets and who owns them. A socket that several processes hold belongs to the one that
    /// has run longest; a service manager counts only where nobody else holds it.
    pub listeners: Vec<(ProcessKey, Listener)>,
    /// What could not be seen.
    pub problems: Problems,
    /// How long it took.
    pub took: Duration,
    /// For each process, where its image's stack begins: tells one image from the next.
    pub(super) images: Vec<u64>,
    /// Network namespaces that could not be looked into.
    pub(super) unseen_namespaces: HashSet<u32>,
}

/// What a scan could not see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    /// Processes that were gone, or told nothing of themselves, when they were looked at.
    pub vanished: u32,
    /// Processes whose descriptors may not be read.
    pub denied: u32,
    /// Processes with more descriptors than were looked at.
    pub cut: u32,
    /// Processes beyond the bound.
    pub left_out: u32,
    /// Network namespaces that could not be looked into.
    pub namespaces: u32,
    /// Details, at most 16, a line each.
    pub notes: Vec<String>,
}

impl Problems {
    /// Everything was seen, but for processes that ended meanwhile.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let Self { vanished: _, denied, cut, left_out, namespaces, notes } = self;
        (*denied, *cut, *left_out, *namespaces) == (0, 0, 0, 0) && notes.is_empty()
    }

    fn note(&mut self, note: String) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(note);
        }
    }
}

/// A process and what is still to be looked up for it.
struct Found {
    process: ScannedProcess,
    raw: Vec<RawEnd>,
    service_manager: bool,
    start_stack: u64,
}

/// Sockets of all namespaces.
#[derive(Default)]
struct Sockets {
    unix: HashMap<u64, UnixSocket>,
    listening: HashMap<u64, Listener>,
}

impl ProcReader {
    /// Looks at every process and every listening socket.
    #[must_use]
    pub fn scan(&self, options: &ScanOptions) -> Scan {
        let started = Instant::now();
        let mut problems = Problems::default();
        let mut found = self.gather(options, &mut problems);
        let members: BTreeMap<u32, u32> = found
            .iter()
            .map(|found| (found.process.exec.namespaces[2], found.process.exec.process.pid))
            .collect();
        let (sockets, unseen_namespaces) = sockets(&members, options.max_namespaces, &mut problems);
        let listeners = listeners(&found, &sockets.listening);
        for found in &mut found {
            found.process.exec.stdio =
                found.raw.iter().filter_map(|end| channel_end(end, &sockets.unix)).collect();
        }
        let images = found.iter().map(|found| found.start_stack).collect();
        let processes = found.into_iter().map(|found| found.process).collect();
        Scan { processes, listeners, problems, took: started.elapsed(), images, unseen_namespaces }
    }

    /// Reads every process, its descriptors included, once.
    fn gather(&self, options: &ScanOptions, problems: &mut Problems) -> Vec<Found> {
        let mut starts: HashMap<u32, u64> = HashMap::new();
        let mut cgroup_ids = HashMap::new();
        let mut found: Vec<Found> = Vec::new();
        let (mut fds, mut argv_bytes) = (0, 0);
        let mut pids: Vec<u32> = pids().collect();
        pids.sort_unstable();
        for pid in pids {
            let Some(process) = ProcessDir::open(pid) else {
                problems.vanished = problems.vanished.saturating_add(1);
                continue;
            };
            starts.insert(pid, process.key().start_ticks);
            if process.stat().kernel_thread || process.stat().is_zombie() {
                continue;
            }
            if found.len() >= options.max_processes {
                problems.left_out = problems.left_out.saturating_add(1);
                continue;
            }
            let argv_limit = if argv_bytes < ARGV_BUDGET { ARGV_BYTES } else { limit::ARGV };
            let Some(facts) = self.facts(&process, argv_limit) else {
                problems.vanished = problems.vanished.saturating_add(1);
                continue;
            };
            argv_bytes += facts.enriched.argv.iter().map(String::len).sum::<usize>();
            let fd_limit =
                if fds < options.max_fds { options.max_fds_per_process } else { FDS_BEYOND_BUDGET };
            let ends = raw_ends(&process, fd_limit);
            fds += ends.seen;
            problems.denied = problems.denied.saturating_add(u32::from(ends.denied));
            problems.cut = problems.cut.saturating_add(u32::from(ends.cut));
            let cgroup_id = self.cgroup_id(facts.unified.as_deref(), &mut cgroup_ids);
            found.push(assemble(&process, facts, cgroup_id, ends.ends));
        }
        for found in &mut found {
            let parent = &mut found.process.exec.parent;
            parent.start_ticks = starts.get(&parent.pid).copied().unwrap_or(0);
        }
        found
    }
}

/// All process ids in `/proc`.
pub(super) fn pids() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn assemble(process: &ProcessDir, facts: Facts, cgroup_id: u64, raw: Vec<RawEnd>) -> Found {
    let Facts { enriched, exe, uid, unified: _, argv_cut } = facts;
    let stat = process.stat();
    let key = process.key();
    let (argv, argv_truncated) = short_argv(&enriched.argv);
    let exec = Exec {
        process: key,
        // When it began its life; when it began this image, nobody wrote down.
        at: BootTime(key.start_ticks.saturating_mul(ProcessKey::TICK_NS)),
        parent: ProcessKey { pid: stat.ppid, start_ticks: 0 },
        uid,
        cgroup_id,
        exe: exe.id,
        filename: enriched.exe.clone(),
        memfd: exe.unlinked && enriched.exe.starts_with("/memfd:"),
        deleted: exe.unlinked,
        argv,
        argv_truncated: argv_truncated || argv_cut,
        namespaces: [process.namespace("mnt"), process.namespace("pid"), process.namespace("net")],
        stdio: Vec::new(),
        observed: false,
    };
    let service_manager = key.pid == 1 || stat.comm == "systemd";
    Found {
        process: ScannedProcess { exec, facts: enriched },
        raw,
        service_manager,
        start_stack: stat.start_stack,
    }
}

/// As many whole arguments as a kernel record would carry, and whether some are missing.
fn short_argv(argv: &[String]) -> (Vec<String>, bool) {
    let mut bytes = 0;
    let fits = |arg: &&String| {
        bytes += arg.len() + 1;
        bytes <= limit::ARGV
    };
    let short: Vec<String> = argv.iter().take_while(fits).cloned().collect();
    let cut = short.len() < argv.len();
    (short, cut)
}

/// Asks every namespace for its sockets.
fn sockets(members: &BTreeMap<u32, u32>, limit: usize, problems: &mut Problems) -> (Sockets, HashSet<u32>) {
    let ask = |diag: &Diag| -> io::Result<(Vec<UnixSocket>, Vec<TcpSocket>)> {
        Ok((diag.unix_streams()?, diag.listeners()?))
    };
    let visited = netns::visit(members, limit, ask);
    let mut sockets = Sockets::default();
    for (net_ns, (unix, tcp)) in visited.answers {
        sockets.unix.extend(unix.into_iter().map(|socket| (socket.ino, socket)));
        let listener = |socket: TcpSocket| (socket.ino, Listener { addr: socket.addrs.local, net_ns });
        sockets.listening.extend(tcp.into_iter().map(listener));
    }
    let mut unseen = HashSet::new();
    for (namespace, error) in visited.skipped {
        unseen.insert(namespace);
        // A namespace whose last process has just ended is none that was missed.
        if error.kind() != io::ErrorKind::NotFound {
            problems.namespaces = problems.namespaces.saturating_add(1);
            problems.note(format!("sockets of network namespace {namespace}: {error}"));
        }
    }
    (sockets, unseen)
}

/// The channel end a descriptor is, if it is one.
fn channel_end(raw: &RawEnd, unix: &HashMap<u64, UnixSocket>) -> Option<ChannelEnd> {
    let &RawEnd { kind, ino, fd, readable, writable } = raw;
    let (kind, peer) = match kind {
        RawKind::Fifo => (ChannelKind::Fifo, None),
        RawKind::Socket => (ChannelKind::Unix, unix.get(&ino)?.peer),
    };
    // Who made a socketpair, `/proc` and `sock_diag` do not tell.
    Some(ChannelEnd { channel: Channel { kind, ino }, fd, readable, writable, peer, creator: None })
}

/// One owner for each listening socket that any process holds.
fn listeners(found: &[Found], listening: &HashMap<u64, Listener>) -> Vec<(ProcessKey, Listener)> {
    let mut owners: HashMap<u64, (bool, u64, u32)> = HashMap::new();
    for process in found {
        let key = process.process.exec.process;
        let rank = (process.service_manager, key.start_ticks, key.pid);
        for end in
            process.raw.iter().filter(|end| end.kind == RawKind::Socket && listening.contains_key(&end.ino))
        {
            owners.entry(end.ino).and_modify(|owner| *owner = rank.min(*owner)).or_insert(rank);
        }
    }
    let mut seen = HashSet::new();
    let mut pairs: Vec<(ProcessKey, Listener)> = owners
        .into_iter()
        .filter_map(|(ino, (_, start_ticks, pid))| {
            Some((ProcessKey { pid, start_ticks }, *listening.get(&ino)?))
        })
        // Several sockets of one process may share an address (`SO_REUSEPORT`).
        .filter(|pair| seen.insert(*pair))
        .collect();
    pairs.sort_unstable_by_key(|(key, listener)| (*key, listener.net_ns, listener.addr));
    pairs
}
