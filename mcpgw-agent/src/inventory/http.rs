//! Network servers: listeners, their ports' traffic, and the clients that connect.
//!
//! A listener becomes a record when its owner's command line names a server or its traffic is MCP's own. Most
//! listeners never do.

use std::time::Duration;

use super::candidate;
use super::dialogue::Counted;
use super::evidence::EvidenceKind;
use super::listener::{self, Caller, Place, Watch};
use super::server::Portrait;
use super::state::Inventory;
use super::text;
use super::{BootTime, Effect, Listener, Peer, ProcessKey, SocketAddrs};
use crate::mcp::{Likeness, PeekKind};
use crate::wire::{HttpSign, NotMcp, Seen, Sighting};

/// Connections that were something else, after which a port is let go.
const OTHERS: u32 = 32;
/// How long a port that was let go is watched when somebody connects to it past its gateway.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

impl Inventory {
    pub(super) fn on_listen(&mut self, process: ProcessKey, listener: Listener, at: BootTime) {
        let listener = Listener { addr: listener::canonical(listener.addr), ..listener };
        if !self.listeners.open(listener, process, at) {
            self.counters.refused_listeners += 1;
            return;
        }
        self.processes.pin(process);
        self.watch(listener.addr.port());
        if let Some(seq) = self.servers.by_listener(listener) {
            self.own(seq, process, at);
        }
        if self.processes.ask(process) {
            self.effects.push(Effect::Enrich(process));
        }
        self.consider_listeners(process);
    }

    pub(super) fn on_listen_closed(&mut self, listener: Listener, at: BootTime) {
        let listener = Listener { addr: listener::canonical(listener.addr), ..listener };
        if self.listeners.close(listener) {
            self.closed(listener, at);
        }
    }

    /// An owner ended. Another owner, or a worker it forked, may go on; otherwise the listener is gone too,
    /// whether or not its closing was heard of.
    pub(super) fn owner_exited(&mut self, listener: Listener, process: ProcessKey, at: BootTime) {
        let others = self.listeners.get(listener).is_some_and(|entry| {
            entry.owners.keys().any(|owner| *owner != process && self.processes.is_alive(*owner))
        });
        if others {
            return;
        }
        let worker = self.processes.worker_of(process);
        match worker {
            Some(worker) if self.listeners.open(listener, worker, at) => {
                // The worker shares the one socket: closing it once closes it for all.
                if let Some(entry) = self.listeners.get_mut(listener) {
                    entry.share();
                }
                self.processes.pin(worker);
                if let Some(seq) = self.servers.by_listener(listener) {
                    self.own(seq, worker, at);
                }
            }
            Some(_) | None => {
                self.listeners.remove(listener);
                self.closed(listener, at);
            }
        }
    }

    fn closed(&mut self, listener: Listener, at: BootTime) {
        self.unwatch(listener.addr.port());
        if let Some(seq) = self.servers.retire_listener(listener, at) {
            self.dirty.insert(seq);
        }
    }

    pub(super) fn on_connect(&mut self, process: ProcessKey, addrs: SocketAddrs, net_ns: u32, at: BootTime) {
        let addrs = listener::canonical_pair(addrs);
        self.connections.note(addrs, Caller { process, net_ns });
        let on_port: Vec<Listener> = self.listeners.on_port(addrs.remote.port()).collect();
        for listener in on_port {
            let Some(seq) = self.servers.by_listener(listener) else { continue };
            let Some(server) = self.servers.get_mut(seq) else { continue };
            let Some(http) = server.http_mut() else { continue };
            let before = http.unknown.len();
            http.unknown.retain(|known| *known != addrs);
            let asked = http.unknown.len() < before;
            let gateway = self.proxies.contains(process);
            let proxied = server.clients.latest_first().iter().any(|client| self.proxies.contains(*client));
            if proxied && !gateway && !server.clients.contains(process) {
                // It may talk past the gateway. What it says will tell.
                self.look_again(listener, at);
            }
            if asked || gateway {
                let Some(server) = self.servers.get_mut(seq) else { continue };
                server.clients.note(process, at);
                self.servers.involve(seq, process);
                self.processes.pin(process);
                self.dirty.insert(seq);
            }
        }
    }

    /// Watches a port that was let go, for a while.
    fn look_again(&mut self, listener: Listener, at: BootTime) {
        if let Some(entry) = self.listeners.get_mut(listener) {
            entry.watch = Watch::On;
            entry.least = Some(at.after(LOOK_AGAIN));
            self.watch(listener.addr.port());
        }
    }

    /// Makes records for the listeners of a process whose command line names a server.
    pub(super) fn consider_listeners(&mut self, process: ProcessKey) {
        for listener in self.listeners.owned_by(process) {
            let named =
                self.processes.get(process).is_some_and(|owner| candidate::command(owner.argv()).is_some());
            if named {
                self.http_server(listener);
            }
        }
    }

    /// The record of a listener, made where there is none.
    fn http_server(&mut self, listener: Listener) -> Option<u64> {
        if let Some(seq) = self.servers.by_listener(listener) {
            return Some(seq);
        }
        let owners: Vec<(ProcessKey, BootTime)> =
            self.listeners.get(listener)?.owners.iter().map(|(key, at)| (*key, *at)).collect();
        if let Some(seq) = self.sibling(listener) {
            self.servers.add_listener(seq, listener);
            return Some(seq);
        }
        if !self.make_room() {
            return None;
        }
        let first = owners.iter().map(|(key, _)| *key).min_by_key(|key| (key.start_ticks, key.pid));
        let since = owners.iter().map(|(_, at)| *at).min().unwrap_or_default();
        let seq = self.servers.new_http(listener, first, since);
        if let Some(server) = self.servers.get_mut(seq) {
            let addr = listener.addr;
            server.evidence.add(EvidenceKind::Listener, since, &format!("listens on {addr}"));
        }
        for (owner, at) in owners {
            self.own(seq, owner, at);
        }
        self.dirty.insert(seq);
        Some(seq)
    }

    /// The record of the same program on the same port at another address: `localhost` is often two.
    fn sibling(&self, listener: Listener) -> Option<u64> {
        let owners = &self.listeners.get(listener)?.owners;
        let near = |other: &Listener| *other != listener && other.net_ns == listener.net_ns;
        let shares = |other: &Listener| {
            let theirs = self.listeners.get(*other).map(|entry| &entry.owners);
            theirs.is_some_and(|theirs| theirs.keys().any(|owner| owners.contains_key(owner)))
        };
        let mut on_port = self.listeners.on_port(listener.addr.port()).filter(near).filter(shares);
        on_port.find_map(|other| self.servers.by_listener(other))
    }

    fn own(&mut self, seq: u64, process: ProcessKey, at: BootTime) {
        if let Some(server) = self.servers.get_mut(seq) {
            server.readers.note(process, at);
        }
        self.servers.involve(seq, process);
        self.dirty.insert(seq);
    }

    /// Whose a connection is, by its addresses as the server sees them: the listener, the client's process where that is
    /// known, and whether that is a gateway.
    #[must_use]
    pub fn connection(
        &self,
        addrs: SocketAddrs,
        cgroup_id: u64,
    ) -> Option<(Listener, Option<ProcessKey>, bool)> {
        let addrs = listener::canonical_pair(addrs);
        let caller = self.connections.get(SocketAddrs { local: addrs.remote, remote: addrs.local });
        let place = Place { cgroup_id, net_ns: caller.map_or(0, |caller| caller.net_ns) };
        let listener = self.listeners.find(addrs.local, place, &self.processes)?;
        let process = caller.map(|caller| caller.process);
        Some((listener, process, process.is_some_and(|process| self.proxies.contains(process))))
    }

    /// What is known of `process`, as one end of a conversation.
    #[must_use]
    pub fn peer(&self, process: ProcessKey) -> Option<Peer> {
        let known = self.processes.get(process)?;
        let (image, facts) = (known.image.clone(), known.facts.clone());
        Some(Peer::of(&Portrait { key: process, image, facts }))
    }

    pub(super) fn sight_tcp(
        &mut self,
        addrs: SocketAddrs,
        cgroup_id: u64,
        from_server: bool,
        sighting: &Sighting,
    ) {
        let addrs = listener::canonical_pair(addrs);
        let client = SocketAddrs { local: addrs.remote, remote: addrs.local };
        let caller = self.connections.get(client);
        let place = Place { cgroup_id, net_ns: caller.map_or(0, |caller| caller.net_ns) };
        let Some(listener) = self.listeners.find(addrs.local, place, &self.processes) else { return };
        if let Seen::NotMcp(_) = sighting.seen {
            self.note_other(listener);
        }
        let entry = self.listeners.get_mut(listener);
        if let (Some(entry), Seen::Http(HttpSign::Request { path, .. })) = (entry, &sighting.seen) {
            entry.note_path(addrs.remote, text::escape(path, text::NAME));
        }
        let path = self.listeners.get(listener).and_then(|entry| entry.path(addrs.remote)).cloned();
        let known = self.servers.by_listener(listener);
        let seq = if known.is_none() && founds(&sighting.seen) { self.http_server(listener) } else { known };
        let Some(seq) = seq else { return };
        let process = caller.map(|caller| caller.process);
        let Some(mut server) = self.servers.take(seq) else { return };
        let at = sighting.at;
        let mut telling = false;
        match &sighting.seen {
            Seen::Message(peek) if from_server => {
                server.dialogue.outbound(Counted::Tcp, at, peek, &mut server.evidence);
            }
            Seen::Message(peek) => {
                server.dialogue.inbound(Counted::Tcp, at, peek, &mut server.evidence);
                telling = peek.mcp == Likeness::Strong && !matches!(peek.kind, PeekKind::Response { .. });
            }
            Seen::Http(sign) => telling = note_sign(&mut server, addrs, at, sign, path.clone()),
            Seen::Gap { bytes } => server.dialogue.gap(at, *bytes),
            Seen::NotMcp(
                NotMcp::ContentLength
                | NotMcp::NotJson
                | NotMcp::OtherJson
                | NotMcp::OtherHttp
                | NotMcp::Http2,
            ) => {}
        }
        if telling {
            note_client(&mut server, client, process, at, path);
        }
        self.servers.put(server);
        if let Some(process) = process.filter(|_| telling) {
            self.processes.pin(process);
        }
        self.dirty.insert(seq);
    }

    fn note_other(&mut self, listener: Listener) {
        let mcp = self.servers.by_listener(listener).and_then(|seq| self.servers.get(seq));
        if mcp.is_some_and(|server| server.dialogue.is_mcp()) {
            return;
        }
        if let Some(entry) = self.listeners.get_mut(listener) {
            entry.others = entry.others.saturating_add(1);
            // The next tick knows the time and lets the port go.
        }
    }

    /// Lets ports go that carry something else, and takes them up again when their time has come.
    pub(super) fn tick_listeners(&mut self, now: BootTime) {
        for listener in self.listeners.keys() {
            let server = self.servers.by_listener(listener).and_then(|seq| self.servers.get(seq));
            let mcp = server.is_some_and(|server| server.dialogue.is_mcp());
            let followed = server.is_some_and(|server| server.followed.is_some());
            let done =
                server.is_some_and(|server| server.gave_up || self.is_classified(server, now)) && !followed;
            let again = now.after(self.config.timeouts.ignored_port);
            let Some(entry) = self.listeners.get_mut(listener) else { continue };
            match entry.watch {
                Watch::On if done && entry.least.is_none_or(|least| least <= now) => {
                    entry.watch = Watch::Settled;
                }
                Watch::On if entry.others >= OTHERS && !mcp => entry.watch = Watch::Until(again),
                Watch::Settled if followed => {
                    entry.watch = Watch::On;
                    self.watch(listener.addr.port());
                    continue;
                }
                Watch::Until(then) if then <= now => {
                    entry.watch = Watch::On;
                    entry.others = 0;
                    self.watch(listener.addr.port());
                    continue;
                }
                Watch::On | Watch::Until(_) | Watch::Settled => continue,
            }
            self.unwatch(listener.addr.port());
        }
    }

    /// Taps, or lets go of, every port anew: whether there is a tap may have changed.
    pub(super) fn rewatch(&mut self) {
        for listener in self.listeners.keys() {
            self.watch(listener.addr.port());
        }
        if !self.config.wire {
            let watched = std::mem::take(&mut self.watched);
            self.effects.extend(watched.into_iter().map(Effect::IgnorePort));
        }
    }

    fn watch(&mut self, port: u16) {
        if self.config.wire && self.listeners.wants(port) && self.watched.insert(port) {
            self.effects.push(Effect::WatchPort(port));
        }
    }

    fn unwatch(&mut self, port: u16) {
        if !self.listeners.wants(port) && self.watched.remove(&port) {
            self.effects.push(Effect::IgnorePort(port));
        }
    }
}

/// Whether this alone says that MCP is spoken here.
fn founds(seen: &Seen) -> bool {
    match seen {
        Seen::Message(peek) => peek.mcp == Likeness::Strong,
        Seen::Http(HttpSign::Request { mcp_header, .. }) => mcp_header.is_some(),
        Seen::Http(HttpSign::Response { .. } | HttpSign::SseEndpoint { .. }) => true,
        Seen::NotMcp(_) | Seen::Gap { .. } => false,
    }
}

/// Returns whether the sign came from an MCP client.
fn note_sign(
    server: &mut super::server::McpServer,
    addrs: SocketAddrs,
    at: BootTime,
    sign: &HttpSign,
    last_path: Option<String>,
) -> bool {
    match sign {
        HttpSign::Request { method, path, mcp_header, host: _, user_agent: _ } => {
            let path = text::escape(path, text::NAME);
            if let Some(header) = mcp_header {
                let method = text::escape(method, 16);
                server.evidence.add(EvidenceKind::Header, at, &format!("{method} {path} with {header}"));
                server.dialogue.header(at, false);
            }
            mcp_header.is_some()
        }
        HttpSign::Response { mcp_header } => {
            server.evidence.add(EvidenceKind::Response, at, &format!("answers with {mcp_header}"));
            server.dialogue.header(at, true);
            false
        }
        HttpSign::SseEndpoint { path } => {
            let announced = text::escape(path, text::NAME);
            server.evidence.add(EvidenceKind::Response, at, &format!("announces endpoint {announced}"));
            if let Some(http) = server.http_mut() {
                let stream = last_path.unwrap_or(announced);
                http.sse = true;
                http.endpoint = Some((addrs.local, stream));
            }
            true
        }
    }
}

/// An MCP client talks over the connection `client`, as it sees it; `path` is what it asked for last.
fn note_client(
    server: &mut super::server::McpServer,
    client: SocketAddrs,
    process: Option<ProcessKey>,
    at: BootTime,
    path: Option<String>,
) {
    match process {
        Some(process) => {
            server.clients.note(process, at);
            server.involved.insert(process);
        }
        None => {
            if let Some(http) = server.http_mut() {
                http.note_unknown(client);
            }
        }
    }
    if let Some(http) = server.http_mut().filter(|http| !http.sse)
        && (http.endpoint.is_none() || path.is_some())
    {
        http.endpoint = Some((client.remote, path.unwrap_or_default()));
    }
}
