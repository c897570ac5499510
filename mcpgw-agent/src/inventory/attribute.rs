//! Which process a server is, and which its client: told from who does what, not from names.
//!
//! Wrappers (`npx`, `sh -c`, `uv`, an init) hold the same channels as the program they run, but only that
//! reads them. Until a reader shows, the deepest holder is the best guess.

use std::cmp::Reverse;

use super::channel::Channels;
use super::process_table::ProcessTable;
use super::server::{Link, McpServer};
use super::{BootTime, ProcessKey};

/// Generations looked at for a client.
const GENERATIONS: usize = 16;

/// Who serves, and since when nobody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Attribution {
    pub(super) process: Option<ProcessKey>,
    pub(super) ended: Option<BootTime>,
}

/// The process behind a record.
pub(super) fn server(server: &McpServer, processes: &ProcessTable) -> Attribution {
    match &server.link {
        Link::Stdio { .. } => stdio(server, processes),
        Link::Http(http) => {
            let owners = server.readers.latest_first();
            let first = |alive: bool| {
                let matching = owners.iter().filter(|key| processes.is_alive(**key) == alive);
                matching.min_by_key(|key| (key.start_ticks, key.pid)).copied()
            };
            match first(true) {
                Some(process) => Attribution { process: Some(process), ended: http.closed },
                None => {
                    let ended = http.closed.or_else(|| last_exit(&owners, processes));
                    Attribution { process: first(false), ended }
                }
            }
        }
    }
}

fn stdio(server: &McpServer, processes: &ProcessTable) -> Attribution {
    let alive = |key: &ProcessKey| processes.is_alive(*key);
    let readers = server.readers.latest_first();
    if let Some(reader) = readers.iter().find(|key| alive(key)) {
        return Attribution { process: Some(*reader), ended: None };
    }
    let mut holders: Vec<ProcessKey> = server.holders.keys().copied().filter(alive).collect();
    if !readers.is_empty() {
        // The server is gone. Wrappers that outlive it are not the server; its own children, and whoever was
        // started on the same channels since, may be.
        let death = last_exit(&readers, processes);
        let heir = |key: &ProcessKey| {
            let started_since =
                server.holders.get(key).is_some_and(|holder| holder.execed && Some(holder.at) > death);
            started_since || readers.iter().any(|reader| processes.descends(*key, *reader))
        };
        holders.retain(heir);
        return match deepest(server, &holders, processes) {
            Some(process) => Attribution { process: Some(process), ended: None },
            None => Attribution { process: readers.first().copied(), ended: death },
        };
    }
    // Who reads the answers as well as writing them copies them on.
    let mut writers = server.writers.latest_first();
    writers.retain(|key| !server.clients.contains(*key));
    if let Some(writer) = writers.iter().find(|key| alive(key)) {
        return Attribution { process: Some(*writer), ended: None };
    }
    if let Some(process) = deepest(server, &holders, processes) {
        return Attribution { process: Some(process), ended: None };
    }
    let all: Vec<ProcessKey> = server.holders.keys().copied().chain(writers.iter().copied()).collect();
    let last = writers.first().copied().or_else(|| deepest(server, &all, processes));
    Attribution { process: last, ended: last_exit(&all, processes) }
}

/// Of `among`, the one furthest down the line of holders; what has been executed before what has only forked.
fn deepest(server: &McpServer, among: &[ProcessKey], processes: &ProcessTable) -> Option<ProcessKey> {
    let depth = |key: &ProcessKey| {
        let above = processes.ancestors(*key, GENERATIONS);
        let execed = server.holders.get(key).is_some_and(|holder| holder.execed);
        let depth = above.iter().filter(|ancestor| server.is_holder(ancestor.key)).count();
        (execed, depth, key.start_ticks, key.pid)
    };
    among.iter().max_by_key(|key| depth(key)).copied()
}

fn last_exit(keys: &[ProcessKey], processes: &ProcessTable) -> Option<BootTime> {
    keys.iter().filter_map(|key| processes.exited_at(*key)).max()
}

/// The process on the other side of a record served by `process`.
///
/// In order: who was seen to talk to it; who made its socket pair; who holds the other ends; the nearest
/// ancestor that is no wrapper of it. `None` where nothing says who: then whoever was known before stays.
pub(super) fn client(
    server: &McpServer,
    process: ProcessKey,
    processes: &ProcessTable,
    channels: &Channels,
) -> Option<ProcessKey> {
    let other = |key: &ProcessKey| {
        let serves = *key == process || server.is_holder(*key) || server.readers.contains(*key);
        !serves && !server.writers.contains(*key)
    };
    let alive = |key: &ProcessKey| processes.is_alive(*key);
    let seen: Vec<ProcessKey> = server.clients.latest_first().into_iter().filter(other).collect();
    if let Some(client) = seen.iter().find(|key| alive(key)) {
        return Some(*client);
    }
    let Link::Stdio { input, .. } = &server.link else { return seen.first().copied() };
    let ancestors = processes.ancestors(process, GENERATIONS);
    let creators = server.creators.iter().filter_map(|pid| processes.alive_by_pid(*pid)).filter(other);
    if let Some(client) = creators.min_by_key(|key| Reverse(key.start_ticks)) {
        return Some(client);
    }
    let writers: Vec<ProcessKey> = channels.writers(*input).filter(other).filter(alive).collect();
    let above = |key: &ProcessKey| ancestors.iter().any(|ancestor| ancestor.key == *key);
    if let Some(client) = writers.iter().find(|key| above(key)).or_else(|| writers.iter().min()) {
        return Some(*client);
    }
    if let Some(client) = seen.first() {
        return Some(*client);
    }
    parent(server, process, processes)
}

/// The nearest live ancestor of `process` that holds none of the server's channels; never init.
pub(super) fn parent(
    server: &McpServer,
    process: ProcessKey,
    processes: &ProcessTable,
) -> Option<ProcessKey> {
    let mut line = processes.ancestors(process, GENERATIONS).into_iter().map(|ancestor| ancestor.key);
    line.find(|key| key.pid > 1 && !server.is_holder(*key) && processes.is_alive(*key))
}

/// Processes the probe, too, would take for the other side: the parent, and who made the sockets.
pub(super) fn parent_or_maker(server: &McpServer, processes: &ProcessTable) -> Vec<ProcessKey> {
    let process = server.process.as_ref().map(|process| process.key);
    let parent = process.and_then(|process| parent(server, process, processes));
    let makers = server.creators.iter().filter_map(|pid| processes.alive_by_pid(*pid));
    parent.into_iter().chain(makers).filter(|key| !server.is_holder(*key)).collect()
}
