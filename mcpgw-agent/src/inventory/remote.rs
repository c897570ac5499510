//! Servers elsewhere that processes of this host talk to over TLS, as far as their libraries let it be read; and where those go
//! whose libraries do not.
//!
//! They are no records: nothing of them runs here, so that nothing can be attributed, guarded or judged to be proxied. A
//! server is a client's process, a host and a path.

mod key;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use super::dialogue::{Counted, Dialogue};
use super::evidence::EvidenceList;
use super::room::quietest;
use super::server::Portrait;
use super::state::Inventory;
use super::text;
use super::{BootTime, Effect, ProcessKey};
use crate::wire::{HttpSign, NotMcp, Seen, Sighting};

pub(crate) use key::{RemoteKey, host_of};

/// Servers, destinations and connections kept of all processes together; the one quiet longest gives way.
const REMOTES: usize = 512;
const DESTINATIONS: usize = 1024;
const CONNECTIONS: usize = 2048;
/// Why what is said over HTTP/2 is not read.
const HTTP2: &str = "HTTP/2";

/// Everything known of them.
#[derive(Debug, Default)]
pub(super) struct Remotes {
    pub(super) clients: BTreeMap<ProcessKey, Client>,
    pub(super) servers: BTreeMap<RemoteKey, Remote>,
    pub(super) destinations: BTreeMap<(ProcessKey, String), Destination>,
    connections: HashMap<(ProcessKey, u64), Connection>,
    /// Paths that belong to another: the HTTP+SSE transport has two.
    endpoints: HashMap<RemoteKey, RemoteKey>,
}

/// A process that talks to servers elsewhere.
#[derive(Debug, Default)]
pub(super) struct Client {
    pub(super) portrait: Option<Portrait>,
    /// Why nothing it says over TLS can be read.
    pub(super) obstacle: Option<&'static str>,
    pub(super) ended: Option<BootTime>,
}

/// What it says.
#[derive(Debug, Default)]
pub(super) struct Remote {
    pub(super) dialogue: Dialogue,
    evidence: EvidenceList,
    pub(super) sse: bool,
    pub(super) first: BootTime,
    pub(super) last: BootTime,
}

/// A host somebody connected to.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) address: Option<SocketAddr>,
    /// Why this one cannot be read, though others can.
    pub(super) obstacle: Option<&'static str>,
    pub(super) first: BootTime,
    pub(super) last: BootTime,
}

#[derive(Debug, Default)]
struct Connection {
    /// The host that was named to the library.
    named: Option<String>,
    server: Option<RemoteKey>,
    used: BootTime,
}

impl Remotes {
    /// Processes that are referred to.
    pub(super) fn processes(&self) -> impl Iterator<Item = ProcessKey> {
        self.clients.keys().copied()
    }

    /// Process `client`, of which something is to be kept.
    fn client(&mut self, client: ProcessKey) -> &mut Client {
        self.clients.entry(client).or_default()
    }

    fn connection(&mut self, process: ProcessKey, object: u64, at: BootTime) -> &mut Connection {
        let key = (process, object);
        if !self.connections.contains_key(&key) {
            let uses = self.connections.iter().map(|(key, known)| (key, known.used));
            quietest(uses, CONNECTIONS).and_then(|key| self.connections.remove(&key));
        }
        let connection = self.connections.entry(key).or_default();
        connection.used = at;
        connection
    }

    fn server(&mut self, key: &RemoteKey, at: BootTime) -> &mut Remote {
        if !self.servers.contains_key(key) {
            let uses = self.servers.iter().map(|(key, known)| (key, known.last));
            quietest(uses, REMOTES).and_then(|key| self.servers.remove(&key));
        }
        let new = || Remote { first: at, ..Remote::default() };
        let remote = self.servers.entry(key.clone()).or_insert_with(new);
        remote.last = remote.last.max(at);
        remote
    }

    fn destination(&mut self, process: ProcessKey, host: String, at: BootTime) -> &mut Destination {
        let key = (process, host);
        if !self.destinations.contains_key(&key) {
            let uses = self.destinations.iter().map(|(key, known)| (key, known.last));
            quietest(uses, DESTINATIONS).and_then(|key| self.destinations.remove(&key));
        }
        let new = || Destination { address: None, obstacle: None, first: at, last: at };
        let known = self.destinations.entry(key).or_insert_with(new);
        known.last = known.last.max(at);
        known
    }
}

impl Inventory {
    pub(super) fn on_tls_named(&mut self, process: ProcessKey, object: u64, host: &str, at: BootTime) {
        let connection = self.remotes.connection(process, object, at);
        // It is a new one, whatever was at that address before.
        *connection = Connection { named: Some(host_of(host)), server: None, used: at };
    }

    pub(super) fn on_tls_hello(
        &mut self,
        process: ProcessKey,
        remote: SocketAddr,
        host: Option<&str>,
        at: BootTime,
    ) {
        let host = host.map_or_else(|| remote.ip().to_canonical().to_string(), host_of);
        self.remotes.destination(process, host, at).address = Some(remote);
        self.meet(process);
    }

    pub(super) fn on_tls_readable(&mut self, process: ProcessKey, obstacle: Option<&'static str>) {
        self.remotes.client(process).obstacle = obstacle;
        self.meet(process);
    }

    pub(super) fn sight_tls(
        &mut self,
        process: ProcessKey,
        object: u64,
        from_server: bool,
        sighting: &Sighting,
    ) {
        let at = sighting.at;
        let connection = self.remotes.connection(process, object, at);
        match &sighting.seen {
            // Whoever is asked is the server's end: that is nobody elsewhere.
            Seen::Http(HttpSign::Request { .. }) if from_server => connection.server = None,
            Seen::Http(HttpSign::Request { path, host, .. }) => {
                let named = host.as_deref().map(host_of).or_else(|| connection.named.clone());
                let Some(host) = named else { return };
                let key = RemoteKey { client: process, host, path: text::escape(path, text::NAME) };
                let key = self.remotes.endpoints.get(&key).cloned().unwrap_or(key);
                let connection = self.remotes.connection(process, object, at);
                connection.server = Some(key.clone());
                let remote = self.remotes.server(&key, at);
                remote.dialogue.header(at, false);
                self.meet(process);
            }
            Seen::NotMcp(NotMcp::Http2) => {
                let host = connection.named.clone();
                if let Some(host) = host {
                    self.remotes.destination(process, host, at).obstacle = Some(HTTP2);
                    self.meet(process);
                }
            }
            Seen::NotMcp(NotMcp::ContentLength | NotMcp::NotJson | NotMcp::OtherJson | NotMcp::OtherHttp) => {
            }
            Seen::Http(HttpSign::SseEndpoint { path }) => {
                let Some(key) = connection.server.clone() else { return };
                let announced = RemoteKey { path: text::escape(path, text::NAME), ..key.clone() };
                if self.remotes.endpoints.len() < REMOTES && announced != key {
                    self.remotes.endpoints.insert(announced, key.clone());
                }
                let remote = self.remotes.server(&key, at);
                remote.sse = true;
                remote.dialogue.header(at, true);
            }
            seen @ (Seen::Message(_) | Seen::Gap { .. } | Seen::Http(_)) => {
                let Some(key) = connection.server.clone() else { return };
                self.remotes.server(&key, at).take(at, from_server, seen);
            }
        }
    }

    /// A process that something is known of.
    fn meet(&mut self, process: ProcessKey) {
        self.processes.pin(process);
        self.remotes.client(process);
        if self.processes.ask(process) {
            self.effects.push(Effect::Enrich(process));
        }
    }

    /// Portraits follow what becomes known, and what ended a while ago is forgotten.
    pub(super) fn tick_remotes(&mut self, now: BootTime) {
        let mut clients = std::mem::take(&mut self.remotes.clients);
        for (process, client) in &mut clients {
            self.portray(*process, &mut client.portrait);
            let gone = self.processes.get(*process).is_none().then_some(now);
            client.ended = client.ended.or(self.processes.exited_at(*process)).or(gone);
        }
        let keep = self.config.timeouts.ended;
        clients.retain(|_, client| client.ended.is_none_or(|ended| ended.after(keep) > now));
        self.remotes.clients = clients;
        let Remotes { clients, servers, destinations, connections, endpoints } = &mut self.remotes;
        endpoints.retain(|key, _| clients.contains_key(&key.client));
        servers.retain(|key, _| clients.contains_key(&key.client));
        destinations.retain(|(process, _), _| clients.contains_key(process));
        connections.retain(|(process, _), _| clients.get(process).is_none_or(|known| known.ended.is_none()));
    }

    /// Processes at the client's end of a running server, but gateways.
    #[must_use]
    pub fn clients(&self) -> Vec<ProcessKey> {
        let running = self.servers.iter().filter(|server| server.is_listed() && server.ended.is_none());
        let known = running.filter(|server| server.evidence.tells()).flat_map(|server| {
            let one = server.client.as_ref().map(|client| client.key);
            one.into_iter().chain(server.clients.latest_first())
        });
        let mut clients: Vec<ProcessKey> =
            known.filter(|key| self.processes.is_alive(*key) && !self.proxies.contains(*key)).collect();
        clients.sort_unstable();
        clients.dedup();
        clients
    }
}

impl Remote {
    fn take(&mut self, at: BootTime, from_server: bool, seen: &Seen) {
        let Self { dialogue, evidence, .. } = self;
        match seen {
            Seen::Message(peek) if from_server => dialogue.outbound(Counted::Tcp, at, peek, evidence),
            Seen::Message(peek) => dialogue.inbound(Counted::Tcp, at, peek, evidence),
            Seen::Gap { bytes } => dialogue.gap(at, *bytes),
            Seen::Http(HttpSign::Response { .. }) => dialogue.header(at, true),
            Seen::Http(HttpSign::Request { .. } | HttpSign::SseEndpoint { .. }) | Seen::NotMcp(_) => {}
        }
    }
}
