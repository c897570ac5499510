//! The agent's state and the one place that changes it: events go in, the inventory says what should follow, and
//! it is done here, in the order it was said.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Notify, mpsc};

use super::callers::Callers;
use super::confine::Confining;
use super::dozing::Dozing;
use super::effects::{Following, off};
use super::gateway;
use super::guard::{Raised, Servers};
use super::losses::Losses;
use super::report::{Change, Reporter};
use super::restrain::Restraining;
use super::tap::{Switch, TapSwitch};
use super::tapped::Tapped;
use super::tls::{Answer, News, Readers, Tls};
use crate::admin::metrics::Counters;
use crate::admin::protocol::{Code, FollowRequest};
use crate::admin::{Dropped, Peer, Refusal, RegisterRequest};
use crate::inventory::{
    BootTime, Effect, HostEvent, Inventory, InventoryConfig, ProcessKey, ProxyRegistration, RemoteView,
    ServerView, StreamSource, Transport, ViewFilter,
};
use crate::kernel::{EFFECTS, Kernel, KernelEvent};
use crate::proc::{ProcReader, boot_now, boot_timestamp, holds, io_bytes, key_of};
use crate::proxy::effects::{Followed, Relayed};
use crate::wire::{Chunk, Seen, Sighting, StreamTable};

/// The state of the running agent.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) inventory: Inventory,
    streams: StreamTable,
    pub(super) kernel: Option<Kernel>,
    tap: TapSwitch,
    pub(super) following: Following,
    pub(super) confining: Confining,
    pub(super) restraining: Restraining,
    tapped: Tapped,
    tls: Tls,
    dozing: Dozing,
    registrations: HashMap<u64, ProcessKey>,
    pub(super) reporter: Reporter,
    pub(super) guard: Servers,
    /// This process is registered as the gateway of steered servers.
    is_gateway: bool,
    reader: Arc<ProcReader>,
    counters: Arc<Counters>,
    resync: Arc<Notify>,
    hashes: mpsc::Sender<ProcessKey>,
    callers: Callers,
    hash_executables: bool,
    changed: BTreeSet<u64>,
    boot: Timestamp,
    losses: Losses,
}

/// What a [`Host`] is made of.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) kernel: Option<Kernel>,
    pub(super) following: Following,
    pub(super) confining: Confining,
    pub(super) restraining: Restraining,
    pub(super) tapped: Tapped,
    pub(super) tls: Tls,
    pub(super) reader: Arc<ProcReader>,
    pub(super) counters: Arc<Counters>,
    pub(super) resync: Arc<Notify>,
    pub(super) hashes: mpsc::Sender<ProcessKey>,
    pub(super) callers: Callers,
    pub(super) reporter: Reporter,
    pub(super) guard: Servers,
}

impl Host {
    pub(super) fn new(config: InventoryConfig, parts: Parts) -> Self {
        let Parts {
            kernel,
            following,
            confining,
            restraining,
            tapped,
            tls,
            reader,
            counters,
            resync,
            hashes,
            callers,
            reporter,
            guard,
        } = parts;
        tapped.rules(&config.follow);
        Self {
            hash_executables: config.hash_executables,
            inventory: Inventory::new(config),
            streams: StreamTable::new(crate::wire::Limits::default()),
            kernel,
            tap: TapSwitch::default(),
            following,
            confining,
            restraining,
            tapped,
            tls,
            dozing: Dozing::default(),
            registrations: HashMap::new(),
            reporter,
            guard,
            is_gateway: false,
            reader,
            counters,
            resync,
            hashes,
            callers,
            changed: BTreeSet::new(),
            boot: boot_timestamp(),
            losses: Losses::default(),
        }
    }

    /// A configuration took the place of the one before: every server is judged anew.
    pub(super) fn reconfigure(&mut self, config: InventoryConfig, readers: Readers) {
        self.tapped.rules(&config.follow);
        self.tls.reconfigure(readers);
        self.hash_executables = config.hash_executables;
        let effects = self.inventory.reconfigure(boot_now(), config);
        self.carry_out(effects);
    }

    /// Takes in what a ring brought.
    pub(super) fn on_kernel(&mut self, events: &mut Vec<KernelEvent>) {
        for event in events.drain(..) {
            match event {
                KernelEvent::Host(event) => self.on_event(event),
                KernelEvent::Chunk(chunk) => self.on_chunk(chunk),
                // They have a ring of their own, which is read elsewhere.
                KernelEvent::SideEffect(_) | KernelEvent::Untold { .. } => {}
                KernelEvent::Lost { ring, count, .. } => self.on_loss(ring, count),
            }
        }
    }

    /// What of the kernel's records was lost since this was asked last, by ring.
    pub(super) fn take_lost(&mut self) -> Vec<(&'static str, u64)> {
        self.losses.take(boot_now())
    }

    /// What full tables and buffers have cost so far.
    pub(super) fn dropped(&self) -> Dropped {
        let (hosts, streams) = (self.inventory.stats(), self.streams.counters());
        Dropped {
            processes: hosts.evicted_processes,
            servers: hosts.evicted_servers,
            listeners: hosts.refused_listeners,
            sightings: hosts.orphaned_sightings,
            streams: streams.evicted,
            buffers: streams.shed,
            messages: streams.oversized,
            gaps: streams.gaps,
            gap_bytes: streams.gap_bytes,
        }
    }

    fn on_chunk(&mut self, chunk: Chunk) {
        let transport = match chunk.source {
            StreamSource::Channel { .. } => Transport::Stdio,
            StreamSource::Tcp { .. } | StreamSource::Tls { .. } => Transport::Http,
        };
        self.counters.tapped(transport, u64::try_from(chunk.bytes.len()).unwrap_or(u64::MAX));
        let Some(chunk) = self.to_judge(chunk) else { return };
        for sighting in self.streams.push(chunk) {
            self.on_event(HostEvent::Sighted(sighting));
        }
    }

    /// Has `chunk` judged, where messages are wanted; gives it back where the inventory may learn something from it.
    fn to_judge(&self, chunk: Chunk) -> Option<Chunk> {
        if self.inventory.config().follow.is_empty() {
            return Some(chunk);
        }
        match chunk.source {
            StreamSource::Channel { channel, .. } => self.tapped.channel(chunk, channel),
            StreamSource::Tcp { addrs, cgroup_id, .. } => {
                if let Some((listener, client, false)) = self.inventory.connection(addrs, cgroup_id) {
                    self.tapped.connection(&chunk, listener, client);
                }
                Some(chunk)
            }
            StreamSource::Tls { .. } => {
                self.tapped.tls(chunk.clone());
                Some(chunk)
            }
        }
    }

    /// Records of the life cycle were lost: only `/proc` can tell what is missing now.
    fn on_loss(&mut self, ring: &'static str, count: u64) {
        self.losses.add(ring, count, boot_now());
        self.resync.notify_one();
    }

    /// Takes in one event and does what follows from it.
    pub(super) fn on_event(&mut self, event: HostEvent) {
        if let HostEvent::Exec(exec) = &event
            && exec.observed
        {
            // Before anything else: the server may be reading its first message already.
            self.switch_tap(true, exec.at.max(boot_now()));
        }
        if let HostEvent::Exec(exec) = &event {
            self.guard.started(exec.process);
        }
        self.note_callers(&event);
        let news = self.tls.news(&event);
        let effects = self.inventory.apply(boot_now(), event);
        self.carry_out(effects);
        self.tell_tls(news);
    }

    /// What follows from `news` for whose TLS is read.
    fn tell_tls(&mut self, news: News) {
        let (now, all) = (boot_now(), !self.inventory.config().follow.is_empty());
        match news {
            News::Started(process, since, command) => {
                let started = (process, since);
                if self.tls.started(self.kernel.as_mut(), started, &command, all, now) {
                    self.tell_client(process);
                }
            }
            News::Ended(process) => {
                if self.tls.ended(self.kernel.as_mut(), process) {
                    self.streams.forget_process(process);
                    self.tapped.client_gone(process);
                }
            }
            News::Connected(process) => self.tls.connected(process, now),
            News::Nothing => {}
        }
    }

    /// A process whose TLS is read from now on: those who judge need to know it when it is gone, too.
    fn tell_client(&mut self, process: ProcessKey) {
        let effects = self.enrich(process);
        self.carry_out(effects);
        if let Some(peer) = self.inventory.peer(process) {
            self.tapped.client(peer);
        }
    }

    /// Libraries were found in a process whose TLS is to be read.
    pub(super) fn libraries(&mut self, answer: Answer) {
        if let Some(event) = self.tls.found(self.kernel.as_mut(), answer, boot_now()) {
            self.on_event(event);
        }
    }

    fn note_callers(&mut self, event: &HostEvent) {
        if let HostEvent::Connect { addrs, .. } = event {
            self.callers.note(*addrs);
        } else if let HostEvent::Sighted(Sighting { source: StreamSource::Tcp { addrs, .. }, seen, .. }) =
            event
            && matches!(seen, Seen::Message(_) | Seen::Http(_))
        {
            self.callers.want(*addrs);
        }
    }

    /// Looks at the time-outs, the dozing and the tap.
    pub(super) fn tick(&mut self) {
        let now = boot_now();
        let missed = self.kernel.as_ref().map(|kernel| self.losses.missed(kernel, now)).unwrap_or_default();
        for (ring, count) in missed {
            self.on_loss(ring, count);
            if let (EFFECTS, Some(all)) = (ring, self.following.all()) {
                all.missed(count);
            }
        }
        let effects = self.inventory.tick(now);
        self.carry_out(effects);
        for process in self.dozing.stirred(now, io_bytes) {
            self.on_event(HostEvent::Stirred { process, at: now });
        }
        for sighting in self.streams.expire(now) {
            self.on_event(HostEvent::Sighted(sighting));
        }
        // Where every message counts, the first may not be missed while the tap is being attached.
        let config = self.inventory.config();
        let follows = config.wire && !config.follow.is_empty();
        self.switch_tap(follows || self.inventory.stats().observed_channels > 0, now);
        if let Some(kernel) = &mut self.kernel {
            self.following.tend(kernel, &self.inventory);
        }
        self.following.tick(self.kernel.as_mut(), now);
        self.tend_fences();
        self.guard.look(&self.inventory, self.kernel.as_mut(), &mut self.following);
        self.restraining.look(&self.inventory);
        let all = !self.inventory.config().follow.is_empty();
        for client in self.tls.clients(self.kernel.as_mut(), &self.inventory, all, now) {
            self.tell_client(client);
        }
        self.tls.tick(now);
        // The wall clock may have been set since.
        self.boot = boot_timestamp();
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut queue = VecDeque::from(effects);
        while let Some(effect) = queue.pop_front() {
            match effect {
                Effect::Observe { .. }
                | Effect::Release { .. }
                | Effect::WatchPort(_)
                | Effect::IgnorePort(_)
                | Effect::Follow(_)
                | Effect::Unfollow(_) => {
                    self.in_kernel(&effect);
                }
                Effect::Enrich(process) => queue.extend(self.enrich(process)),
                Effect::Doze(process) => {
                    // One that is gone has no counters; its end is told elsewhere.
                    if let Some(bytes) = io_bytes(process)
                        && !self.dozing.add(process, bytes)
                    {
                        let at = boot_now();
                        queue.extend(self.inventory.apply(at, HostEvent::Stirred { process, at }));
                    }
                }
                Effect::Wake(process) => self.dozing.remove(process),
                Effect::Changed(seq) => {
                    self.changed.insert(seq);
                }
            }
        }
    }

    fn in_kernel(&mut self, effect: &Effect) {
        if !self.inventory.config().follow.is_empty() || matches!(effect, Effect::Unfollow(_)) {
            let watched = self.watch(effect);
            self.tapped.apply(effect, watched);
        }
        tracing::trace!(?effect, "to the probes");
        if let Effect::Observe { .. } = effect {
            self.switch_tap(true, boot_now());
        }
        if let Effect::Release { channels, .. } = effect {
            channels.iter().for_each(|&channel| self.streams.forget(channel));
        }
        if let &Effect::IgnorePort(port) = effect {
            self.streams.forget_port(port);
        }
        if let Some(kernel) = &mut self.kernel
            && let Err(error) = kernel.apply(effect)
        {
            tracing::warn!(%error, "the probes did not take a change");
        }
    }

    /// What the server does whose messages `effect` asks for is told from now on, where that is wanted and not done yet.
    fn watch(&mut self, effect: &Effect) -> Option<Followed> {
        let Effect::Follow(about) = effect else { return None };
        let server = about.server.as_ref()?;
        let (process, uid) = (server.process, server.uid?);
        self.following.join(self.kernel.as_mut()?, (process, uid), boot_now())
    }

    fn enrich(&mut self, process: ProcessKey) -> Vec<Effect> {
        let Some(facts) = self.reader.enrich(process) else { return Vec::new() };
        if self.hash_executables && self.hashes.try_send(process).is_err() {
            tracing::warn!(pid = process.pid, "too many executables wait to be hashed");
        }
        self.inventory.apply(boot_now(), HostEvent::Enriched { process, facts: Box::new(facts) })
    }

    fn switch_tap(&mut self, observing: bool, now: BootTime) {
        let Some(kernel) = &mut self.kernel else { return };
        match self.tap.decide(observing, now) {
            Switch::Keep => return,
            Switch::Attach => {
                if let Err(error) = kernel.attach_tap() {
                    tracing::warn!(%error, "the stream tap cannot be attached");
                }
            }
            Switch::Detach => {
                if let Err(error) = kernel.detach_tap() {
                    tracing::warn!(%error, "the stream tap cannot be detached");
                }
            }
        }
        self.tap.set(kernel.tap_attached());
        self.counters.tap_attached(self.tap.is_attached());
    }

    /// A wrap asks to be known as a proxy.
    ///
    /// # Errors
    /// It does not run our own program, is gone, or names a channel it does not hold.
    pub(super) fn register(&mut self, peer: &Peer, id: u64, request: RegisterRequest) -> Result<(), Refusal> {
        let started = gateway::started_by(peer, "register as a proxy")?;
        let proxy = ProcessKey { pid: peer.pid, start_ticks: started };
        let channels: Vec<_> = request.channels.into_iter().map(Into::into).collect();
        if !holds(proxy, &channels) {
            let message = "a proxy registers only channels it holds itself".to_owned();
            return Err(Refusal { code: Code::Forbidden, message });
        }
        self.registrations.insert(id, proxy);
        if let Some(kernel) = &mut self.kernel
            && let Err(error) = kernel.trust(peer.pid)
        {
            tracing::warn!(pid = peer.pid, %error, "this gateway's own connections may be steered");
        }
        let registration = ProxyRegistration { proxy, child: None, channels, name: request.name };
        self.on_event(HostEvent::ProxyRegistered(registration));
        Ok(())
    }

    /// What the server that process `wrap` is about to start does to the host is told from now on, where that is wanted.
    pub(super) fn follow(&mut self, wrap: u32) -> Option<Followed> {
        self.following.begin(self.kernel.as_mut()?, wrap, boot_now())
    }

    /// What the server does to the host that is behind the gateway `peer` is told to that from now on.
    ///
    /// # Errors
    /// It is not to know, or cannot.
    pub(super) fn relay(&mut self, peer: &Peer, request: FollowRequest) -> Result<Relayed, Refusal> {
        gateway::started_by(peer, "ask what a server does")?;
        let kernel = self.kernel.as_mut().ok_or_else(off)?;
        let asked = (peer, request.addrs);
        let (relayed, server) = self.following.relay(kernel, &self.inventory, asked, boot_now())?;
        let uid = self.inventory.peer(server).and_then(|server| server.uid).unwrap_or(peer.uid);
        Ok(relayed.in_surroundings(self.around(server.pid, uid)))
    }

    /// A wrap's connection ended.
    pub(super) fn unregister(&mut self, id: u64) {
        if let Some(proxy) = self.registrations.remove(&id) {
            self.on_event(HostEvent::ProxyGone { proxy });
        }
    }

    /// A gateway before a steered server listens, or cannot: from now on it has this process as its client.
    pub(super) fn raised(&mut self, raised: &Raised) {
        if !std::mem::replace(&mut self.is_gateway, true)
            && let Some(proxy) = key_of(std::process::id())
        {
            let name = Some("steer".to_owned());
            let registration = ProxyRegistration { proxy, child: None, channels: Vec::new(), name };
            self.on_event(HostEvent::ProxyRegistered(registration));
        }
        self.guard.raised(raised, self.kernel.as_mut());
    }

    /// Tells the observer what changed since the last time.
    pub(super) fn report(&mut self) {
        if self.changed.is_empty() {
            return;
        }
        self.guard.look(&self.inventory, self.kernel.as_mut(), &mut self.following);
        self.restraining.look(&self.inventory);
        for seq in std::mem::take(&mut self.changed) {
            let server = self.inventory.server(self.boot, seq);
            if let Some(Change::Appeared) = self.reporter.report(seq, server.as_ref())
                && let Some(server) = server
            {
                self.counters.first_seen(server.transport);
            }
        }
    }

    /// Every server for the status document, those that ended and are still remembered included.
    pub(super) fn servers(&self) -> Vec<ServerView> {
        let mut servers = self.inventory.view(self.boot, ViewFilter::default());
        servers.extend(self.inventory.history(self.boot, ViewFilter::default()));
        servers
    }

    /// Servers elsewhere.
    pub(super) fn remotes(&self) -> Vec<RemoteView> {
        self.inventory.remotes(self.boot)
    }
}
