//! All server records, their indices, and the memory of those that ended. Bounded.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use super::channel::Flow;
use super::server::{Http, Link, McpServer};
use super::{BootTime, Listener, ProcessKey};

/// The table.
#[derive(Debug, Default)]
pub(super) struct ServerTable {
    servers: BTreeMap<u64, McpServer>,
    next: u64,
    by_input: HashMap<Flow, u64>,
    by_output: HashMap<Flow, BTreeSet<u64>>,
    by_listener: HashMap<Listener, u64>,
    by_process: HashMap<ProcessKey, BTreeSet<u64>>,
    ended: VecDeque<McpServer>,
    /// Of running and remembered records.
    ids: HashSet<String>,
}

impl ServerTable {
    pub(super) fn len(&self) -> usize {
        self.servers.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &McpServer> {
        self.servers.values()
    }

    /// Oldest end first.
    pub(super) fn history(&self) -> impl Iterator<Item = &McpServer> {
        self.ended.iter()
    }

    pub(super) fn keys(&self) -> Vec<u64> {
        self.servers.keys().copied().collect()
    }

    pub(super) fn get(&self, seq: u64) -> Option<&McpServer> {
        self.servers.get(&seq)
    }

    pub(super) fn get_mut(&mut self, seq: u64) -> Option<&mut McpServer> {
        self.servers.get_mut(&seq)
    }

    /// Takes a record out to work on it; its indices stay. [`Self::put`] it back.
    pub(super) fn take(&mut self, seq: u64) -> Option<McpServer> {
        self.servers.remove(&seq)
    }

    pub(super) fn put(&mut self, server: McpServer) {
        for process in &server.involved {
            self.by_process.entry(*process).or_default().insert(server.seq);
        }
        self.servers.insert(server.seq, server);
    }

    pub(super) fn by_input(&self, flow: Flow) -> Option<u64> {
        self.by_input.get(&flow).copied()
    }

    pub(super) fn by_output(&self, flow: Flow) -> Vec<u64> {
        self.by_output.get(&flow).map_or_else(Vec::new, |seqs| seqs.iter().copied().collect())
    }

    pub(super) fn by_listener(&self, listener: Listener) -> Option<u64> {
        self.by_listener.get(&listener).copied()
    }

    /// Records that refer to `process` in any role.
    pub(super) fn involving(&self, process: ProcessKey) -> impl Iterator<Item = &McpServer> {
        self.by_process.get(&process).into_iter().flatten().filter_map(|seq| self.servers.get(seq))
    }

    pub(super) fn seqs_involving(&self, process: ProcessKey) -> Vec<u64> {
        self.by_process.get(&process).map_or_else(Vec::new, |seqs| seqs.iter().copied().collect())
    }

    pub(super) fn new_stdio(&mut self, input: Flow, first: Option<ProcessKey>, at: BootTime) -> u64 {
        let link = Link::Stdio { input, outputs: Vec::new() };
        let (Flow::Fifo(ino) | Flow::Into(ino) | Flow::OutOf(ino)) = input;
        let seq = self.insert(link, [u64::from(input != Flow::Fifo(ino)), ino, 0], first, at);
        self.by_input.insert(input, seq);
        seq
    }

    pub(super) fn new_http(&mut self, listener: Listener, first: Option<ProcessKey>, at: BootTime) -> u64 {
        let link = Link::Http(Box::new(Http::new(listener)));
        let place = [2, u64::from(listener.addr.port()), u64::from(listener.net_ns)];
        let seq = self.insert(link, place, first, at);
        self.by_listener.insert(listener, seq);
        seq
    }

    fn insert(&mut self, link: Link, place: [u64; 3], first: Option<ProcessKey>, at: BootTime) -> u64 {
        self.next += 1;
        let first = first.map_or([0, at.0], |key| [u64::from(key.pid), key.start_ticks]);
        let words = [place.as_slice(), first.as_slice()].concat();
        // The same process may serve anew in the same place: that is another server.
        let again = (0_u64..).map(|round| identifier(&[words.as_slice(), &[round]].concat()));
        let id = again.into_iter().find(|id| !self.ids.contains(id)).unwrap_or_default();
        self.ids.insert(id.clone());
        self.servers.insert(self.next, McpServer::new(self.next, id, at, link));
        self.next
    }

    /// Adds an output to record `seq`; returns whether that was new.
    pub(super) fn add_output(&mut self, seq: u64, flow: Flow) -> bool {
        let added = self.servers.get_mut(&seq).is_some_and(|server| server.add_output(flow));
        if added {
            self.by_output.entry(flow).or_default().insert(seq);
        }
        added
    }

    /// The flow `from` turned out to be `to`.
    pub(super) fn rename(&mut self, from: Flow, to: Flow) -> bool {
        let Some(seqs) = self.by_output.remove(&from) else { return false };
        for seq in &seqs {
            if let Some(server) = self.servers.get_mut(seq) {
                server.rename_output(from, to);
            }
        }
        self.by_output.entry(to).or_default().extend(seqs);
        true
    }

    /// The server of record `seq` listens there, too.
    pub(super) fn add_listener(&mut self, seq: u64, listener: Listener) {
        if let Some(http) = self.servers.get_mut(&seq).and_then(McpServer::http_mut) {
            http.listeners.push(listener);
            self.by_listener.insert(listener, seq);
        }
    }

    /// `listener` closed: whoever listens there next is another server. Returns whose it was.
    pub(super) fn retire_listener(&mut self, listener: Listener, at: BootTime) -> Option<u64> {
        let seq = self.by_listener.remove(&listener)?;
        let http = self.servers.get_mut(&seq).and_then(McpServer::http_mut)?;
        http.listeners.retain(|known| *known != listener || http.closed.is_some());
        if http.listeners.is_empty() {
            // The last address is still worth showing.
            http.listeners.push(listener);
            http.closed = Some(at);
        }
        Some(seq)
    }

    pub(super) fn involve(&mut self, seq: u64, process: ProcessKey) {
        if let Some(server) = self.servers.get_mut(&seq) {
            server.involved.insert(process);
            self.by_process.entry(process).or_default().insert(seq);
        }
    }

    /// Forgets record `seq`, or moves it into the history, of which `keep` are remembered.
    pub(super) fn remove(&mut self, seq: u64, keep: Option<usize>) {
        let Some(server) = self.servers.remove(&seq) else { return };
        match &server.link {
            Link::Stdio { input, outputs } => {
                self.by_input.remove(input);
                for output in outputs {
                    drop_from(&mut self.by_output, output, seq);
                }
            }
            Link::Http(http) => {
                for listener in &http.listeners {
                    if self.by_listener.get(listener) == Some(&seq) {
                        self.by_listener.remove(listener);
                    }
                }
            }
        }
        for process in &server.involved {
            drop_from(&mut self.by_process, process, seq);
        }
        match keep {
            Some(_) => self.ended.push_back(server),
            None => {
                self.ids.remove(&server.id);
            }
        }
        while keep.is_some_and(|keep| self.ended.len() > keep) {
            if let Some(oldest) = self.ended.pop_front() {
                self.ids.remove(&oldest.id);
            }
        }
    }

    /// The record to give up when there is no room: set aside or ended before merely shaped, oldest first.
    pub(super) fn expendable(&self) -> Option<u64> {
        let idle = |server: &&McpServer| {
            server.aside.is_some() || (server.ended.is_some() && !server.evidence.tells())
        };
        let shaped = |server: &&McpServer| !server.evidence.tells();
        self.servers
            .values()
            .find(idle)
            .or_else(|| self.servers.values().find(shaped))
            .map(|server| server.seq)
    }
}

fn drop_from<K: std::hash::Hash + Eq>(index: &mut HashMap<K, BTreeSet<u64>>, key: &K, seq: u64) {
    if let Some(seqs) = index.get_mut(key) {
        seqs.remove(&seq);
        if seqs.is_empty() {
            index.remove(key);
        }
    }
}

/// 64 bits of FNV-1a in lower-case base 32.
fn identifier(words: &[u64]) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in words.iter().flat_map(|word| word.to_le_bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    (0..13)
        .map(|i| usize::try_from((hash >> (5 * i)) & 31).unwrap_or(0))
        .map(|digit| DIGITS.get(digit).map_or('a', |&c| char::from(c)))
        .collect()
}
