//! The inventory itself: its parts, its front door, and the loop that settles what an event touched.
//!
//! Handlers (`lifecycle`, `sight`, `http`, `tick`) gather facts and mark records dirty; `refresh` alone derives
//! attribution, verdict and effects from the facts. That split is what makes the order of events irrelevant.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::channel::Channels;
use super::listener::{Connections, Listeners};
use super::orphans::Orphans;
use super::process_table::ProcessTable;
use super::proxies::Proxies;
use super::remote::Remotes;
use super::server_table::ServerTable;
use super::tap::{TapState, Taps};
use super::{
    BootTime, Effect, HostEvent, InventoryConfig, InventoryStats, ProcessKey, ServerState, Transport,
};

/// Records settled in answer to one event at most; the rest waits for the next. Cycles do not exist by
/// construction, so this is a seat belt.
const SETTLE: usize = 65_536;

/// Totals that only grow.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) first_seen: BTreeMap<(ServerState, Transport), u64>,
    pub(super) ended: u64,
    pub(super) evicted_servers: u64,
    pub(super) refused_listeners: u64,
    pub(super) lost_bytes: u64,
}

/// Every process that matters and every MCP server of the host.
#[derive(Debug)]
pub struct Inventory {
    pub(super) config: InventoryConfig,
    pub(super) processes: ProcessTable,
    pub(super) channels: Channels,
    pub(super) servers: ServerTable,
    pub(super) listeners: Listeners,
    pub(super) connections: Connections,
    pub(super) proxies: Proxies,
    pub(super) remotes: Remotes,
    pub(super) taps: Taps,
    pub(super) orphans: Orphans,
    pub(super) counters: Counters,
    /// Ports the shell has been told to tap.
    pub(super) watched: BTreeSet<u16>,
    /// Scanned processes whose channels are to be paired with an ancestor's, and how often that was tried.
    pub(super) unpaired: VecDeque<(ProcessKey, u8)>,
    pub(super) effects: Vec<Effect>,
    pub(super) dirty: BTreeSet<u64>,
    /// Flows became known: waiting sightings may fit now.
    pub(super) replay: bool,
}

impl Inventory {
    /// An empty inventory.
    #[must_use]
    pub fn new(config: InventoryConfig) -> Self {
        let limits = config.limits;
        Self {
            processes: ProcessTable::new(limits.processes),
            channels: Channels::new(limits.channels),
            servers: ServerTable::default(),
            listeners: Listeners::new(limits.listeners),
            connections: Connections::new(limits.connections),
            proxies: Proxies::default(),
            remotes: Remotes::default(),
            taps: Taps::default(),
            orphans: Orphans::new(limits.orphans),
            counters: Counters::default(),
            watched: BTreeSet::new(),
            unpaired: VecDeque::new(),
            effects: Vec::new(),
            dirty: BTreeSet::new(),
            replay: false,
            config,
        }
    }

    /// Takes in one event; returns what should be done about it.
    #[must_use]
    pub fn apply(&mut self, now: BootTime, event: HostEvent) -> Vec<Effect> {
        match event {
            HostEvent::Exec(exec) => self.on_exec(&exec),
            HostEvent::Fork { parent, child, at } => self.on_fork(parent, child, at),
            HostEvent::Exit { process, at, status: _ } => self.on_exit(process, at),
            HostEvent::Scanned(scanned) => self.on_scanned(&scanned),
            HostEvent::Enriched { process, facts } => self.on_enriched(process, &facts),
            HostEvent::Listen { process, listener, at } => self.on_listen(process, listener, at),
            HostEvent::ListenClosed { listener, at } => self.on_listen_closed(listener, at),
            HostEvent::Connect { process, addrs, net_ns, at } => self.on_connect(process, addrs, net_ns, at),
            HostEvent::TlsNamed { process, object, host, at } => {
                self.on_tls_named(process, object, &host, at)
            }
            HostEvent::TlsHello { process, remote, host, at } => {
                self.on_tls_hello(process, remote, host.as_deref(), at);
            }
            HostEvent::TlsReadable { process, obstacle } => self.on_tls_readable(process, obstacle),
            HostEvent::Sighted(sighting) => self.on_sighted(now, sighting),
            HostEvent::Stirred { process, at } => self.on_stirred(process, at),
            HostEvent::ProxyRegistered(registration) => self.on_registered(registration),
            HostEvent::ProxyGone { proxy } => self.on_proxy_gone(proxy, now),
        }
        self.settle(now)
    }

    /// Time passes: call about twice a second.
    #[must_use]
    pub fn tick(&mut self, now: BootTime) -> Vec<Effect> {
        self.on_tick(now);
        self.settle(now)
    }

    /// Takes a new configuration; every server is assessed again. Returns what that changed.
    ///
    /// Limits that shrink take effect as things come and go; `wire` may change while running.
    #[must_use]
    pub fn reconfigure(&mut self, now: BootTime, config: InventoryConfig) -> Vec<Effect> {
        self.processes.set_limit(config.limits.processes);
        self.config = config;
        self.rewatch();
        self.dirty.extend(self.servers.keys());
        self.settle(now)
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &InventoryConfig {
        &self.config
    }

    /// Numbers.
    #[must_use]
    pub fn stats(&self) -> InventoryStats {
        let mut stats = InventoryStats {
            processes: self.processes.len(),
            records: self.servers.len(),
            observed_channels: self.taps.channels(),
            observed_processes: self.taps.processes(),
            listeners: self.listeners.len(),
            watched_ports: self.watched.len(),
            first_seen: self.counters.first_seen.clone(),
            ended: self.counters.ended,
            evicted_processes: self.processes.evicted(),
            evicted_servers: self.counters.evicted_servers,
            refused_listeners: self.counters.refused_listeners,
            orphaned_sightings: self.orphans.dropped(),
            lost_bytes: self.counters.lost_bytes,
            ..InventoryStats::default()
        };
        for server in self.servers.iter() {
            stats.dozing += usize::from(matches!(server.tap.state, TapState::Dozing(_)));
            if !server.is_listed() || server.ended.is_some() {
                continue;
            }
            if server.evidence.tells() {
                *stats.servers.entry((server.verdict.state, server.transport())).or_default() += 1;
            } else {
                stats.shape_only += 1;
            }
        }
        stats
    }

    fn settle(&mut self, now: BootTime) -> Vec<Effect> {
        for _ in 0..SETTLE {
            if std::mem::take(&mut self.replay) {
                self.replay_orphans();
            }
            let Some(seq) = self.dirty.pop_first() else { break };
            self.refresh(seq, now);
        }
        std::mem::take(&mut self.effects)
    }

    /// Marks every record that refers to `process`.
    pub(super) fn touch(&mut self, process: ProcessKey) {
        self.dirty.extend(self.servers.seqs_involving(process));
    }

    /// Makes room for one more record; false where nothing can be given up.
    pub(super) fn make_room(&mut self) -> bool {
        while self.servers.len() >= self.config.limits.servers.max(1) {
            self.counters.evicted_servers += 1;
            let Some(seq) = self.servers.expendable() else { return false };
            self.forget(seq, false);
        }
        true
    }

    /// Removes a record and whatever is still observed for it.
    pub(super) fn forget(&mut self, seq: u64, remember: bool) {
        if let Some(mut server) = self.servers.take(seq) {
            self.untap(&mut server);
            if server.followed.take().is_some() {
                self.effects.push(Effect::Unfollow(seq));
            }
            if server.shown.is_some() && !remember {
                self.effects.push(Effect::Changed(seq));
            }
            self.servers.put(server);
        }
        let keep = remember.then_some(self.config.limits.history);
        self.servers.remove(seq, keep);
        self.dirty.remove(&seq);
    }
}
