//! A host made of events: short words for processes, channels and messages.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::super::*;
use crate::mcp::{Id, Likeness, Peek, PeekKind};
use crate::wire::{NotMcp, Seen, Sighting};

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// An inventory, a clock, and a shell that answers `Enrich`.
pub(super) struct Host {
    pub(super) inventory: Inventory,
    pub(super) now: BootTime,
    /// Effects of the last event or of the time that passed.
    pub(super) effects: Vec<Effect>,
    pub(super) facts: HashMap<ProcessKey, Enriched>,
}

impl Host {
    pub(super) fn new() -> Self {
        Self::with(InventoryConfig::default())
    }

    pub(super) fn with(config: InventoryConfig) -> Self {
        Self {
            inventory: Inventory::new(config),
            now: BootTime(1_000_000_000_000),
            effects: Vec::new(),
            facts: HashMap::new(),
        }
    }

    /// A millisecond later, `event`.
    pub(super) fn send(&mut self, event: HostEvent) -> &mut Self {
        self.now = self.now.after(Duration::from_millis(1));
        self.effects = self.inventory.apply(self.now, event);
        self.answer();
        self
    }

    pub(super) fn sends(&mut self, events: impl IntoIterator<Item = HostEvent>) -> &mut Self {
        let mut effects = Vec::new();
        for event in events {
            self.send(event);
            effects.append(&mut self.effects);
        }
        self.effects = effects;
        self
    }

    /// `time` passes, two ticks a second.
    pub(super) fn pass(&mut self, time: Duration) -> &mut Self {
        let mut effects = Vec::new();
        let end = self.now.after(time);
        while self.now < end {
            self.now = self.now.after(SECOND / 2);
            effects.extend(self.inventory.tick(self.now));
        }
        self.effects = effects;
        self.answer();
        self
    }

    fn answer(&mut self) {
        let asked: Vec<ProcessKey> = self
            .effects
            .iter()
            .filter_map(|effect| if let Effect::Enrich(key) = effect { Some(*key) } else { None })
            .collect();
        for process in asked {
            if let Some(facts) = self.facts.get(&process) {
                let event = HostEvent::Enriched { process, facts: Box::new(facts.clone()) };
                self.effects.extend(self.inventory.apply(self.now, event));
            }
        }
    }

    pub(super) fn view(&self) -> Vec<ServerView> {
        self.inventory.view(Timestamp::UNIX_EPOCH, ViewFilter::default())
    }

    /// The one server there is.
    pub(super) fn only(&self) -> ServerView {
        let view = self.view();
        assert_eq!(view.len(), 1, "{view:#?}");
        view.into_iter().next().unwrap()
    }

    pub(super) fn by_pid(&self, pid: u32) -> ServerView {
        let view: Vec<ServerView> = self.view().into_iter().filter(|server| server.pid == pid).collect();
        assert_eq!(view.len(), 1, "pid {pid}: {view:#?}");
        view.into_iter().next().unwrap()
    }

    pub(super) fn exec(&mut self, pid: u32, parent: u32, line: &str, stdio: Vec<ChannelEnd>) -> &mut Self {
        let event = exec(pid, parent, line, stdio, self.now);
        self.send(event)
    }

    /// As the kernel reports a process it observes already.
    pub(super) fn exec_observed(
        &mut self,
        pid: u32,
        parent: u32,
        line: &str,
        stdio: Vec<ChannelEnd>,
    ) -> &mut Self {
        let event = observed(exec(pid, parent, line, stdio, self.now));
        self.send(event)
    }

    pub(super) fn fork(&mut self, parent: u32, child: u32) -> &mut Self {
        let at = self.now;
        self.send(HostEvent::Fork { parent: key(parent), child: key(child), at })
    }

    pub(super) fn exit(&mut self, pid: u32) -> &mut Self {
        let at = self.now;
        self.send(HostEvent::Exit { process: key(pid), at, status: 0 })
    }

    pub(super) fn read(&mut self, pid: u32, channel: Channel, peek: Peek) -> &mut Self {
        let event = moved(pid, channel, false, Seen::Message(Box::new(peek)), self.now);
        self.send(event)
    }

    pub(super) fn wrote(&mut self, pid: u32, channel: Channel, peek: Peek) -> &mut Self {
        let event = moved(pid, channel, true, Seen::Message(Box::new(peek)), self.now);
        self.send(event)
    }

    pub(super) fn sees(&mut self, pid: u32, channel: Channel, wrote: bool, seen: Seen) -> &mut Self {
        let event = moved(pid, channel, wrote, seen, self.now);
        self.send(event)
    }

    pub(super) fn not_mcp(&mut self, pid: u32, channel: Channel, wrote: bool, why: NotMcp) -> &mut Self {
        self.sees(pid, channel, wrote, Seen::NotMcp(why))
    }

    /// A whole handshake over pipes, read by `server` and answered by it.
    pub(super) fn talk(&mut self, server: u32, input: Channel, output: Channel) -> &mut Self {
        self.read(server, input, initialize(0));
        self.wrote(server, output, named(0, "srv"));
        self.read(server, input, request(1, "tools/list"));
        self.wrote(server, output, tools(1, 3))
    }

    pub(super) fn register(&mut self, proxy: u32, channels: Vec<Channel>) -> &mut Self {
        self.send(registration(proxy, channels))
    }
}

/// Process identity in tests: the pid says it all.
pub(super) fn key(pid: u32) -> ProcessKey {
    ProcessKey { pid, start_ticks: 1000 + u64::from(pid) }
}

pub(super) fn exec(pid: u32, parent: u32, line: &str, stdio: Vec<ChannelEnd>, at: BootTime) -> HostEvent {
    HostEvent::Exec(Box::new(image(pid, parent, line, stdio, at)))
}

pub(super) fn image(pid: u32, parent: u32, line: &str, stdio: Vec<ChannelEnd>, at: BootTime) -> Exec {
    let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
    Exec {
        process: key(pid),
        at,
        parent: key(parent),
        uid: 1000,
        cgroup_id: 1,
        exe: FileId { dev: 1, ino: line.len() as u64 },
        filename: format!("/bin/{}", argv[0]),
        memfd: false,
        deleted: false,
        argv,
        argv_truncated: false,
        namespaces: [1, 2, 3],
        stdio,
        observed: false,
    }
}

pub(super) fn observed(event: HostEvent) -> HostEvent {
    let HostEvent::Exec(mut exec) = event else { panic!("not an exec") };
    exec.observed = true;
    HostEvent::Exec(exec)
}

pub(super) fn scanned(pid: u32, parent: u32, line: &str, ends: Vec<ChannelEnd>, at: BootTime) -> HostEvent {
    let exec = image(pid, parent, line, ends, at);
    let facts = Enriched { exe: exec.filename.clone(), argv: exec.argv.clone(), ..Enriched::default() };
    HostEvent::Scanned(Box::new(ScannedProcess { exec, facts }))
}

pub(super) fn registration(proxy: u32, channels: Vec<Channel>) -> HostEvent {
    let name = Some("box".to_owned());
    HostEvent::ProxyRegistered(ProxyRegistration { proxy: key(proxy), child: None, channels, name })
}

pub(super) fn pipe(ino: u64) -> Channel {
    Channel { kind: ChannelKind::Fifo, ino }
}

pub(super) fn socket(ino: u64) -> Channel {
    Channel { kind: ChannelKind::Unix, ino }
}

pub(super) fn reads(fd: u32, ino: u64) -> ChannelEnd {
    ChannelEnd { channel: pipe(ino), fd, readable: true, writable: false, peer: None, creator: None }
}

pub(super) fn writes(fd: u32, ino: u64) -> ChannelEnd {
    ChannelEnd { channel: pipe(ino), fd, readable: false, writable: true, peer: None, creator: None }
}

/// stdin and stdout of a server between two pipes.
pub(super) fn pipes(input: u64, output: u64) -> Vec<ChannelEnd> {
    vec![reads(0, input), writes(1, output)]
}

pub(super) fn sock(fd: u32, ino: u64, peer: u64, creator: u32) -> ChannelEnd {
    ChannelEnd {
        channel: socket(ino),
        fd,
        readable: true,
        writable: true,
        peer: (peer != 0).then_some(peer),
        creator: (creator != 0).then_some(creator),
    }
}

/// stdin and stdout of a server with socket pairs made by `creator`; the client's ends are `ino + 1`.
pub(super) fn sockets(input: u64, output: u64, creator: u32) -> Vec<ChannelEnd> {
    vec![sock(0, input, input + 1, creator), sock(1, output, output + 1, creator)]
}

pub(super) fn moved(pid: u32, channel: Channel, wrote: bool, seen: Seen, at: BootTime) -> HostEvent {
    let source = StreamSource::Channel { channel, process: key(pid), wrote };
    HostEvent::Sighted(Sighting { source, at, seen })
}

fn peek(kind: PeekKind, mcp: Likeness) -> Peek {
    Peek { kind, mcp, protocol_version: None, server_info: None, client_info: None, tools: None }
}

pub(super) fn id(number: u32) -> Id {
    Id::Number(number.to_string())
}

pub(super) fn request(number: u32, method: &str) -> Peek {
    peek(PeekKind::Request { id: id(number), method: method.to_owned() }, Likeness::Strong)
}

pub(super) fn initialize(number: u32) -> Peek {
    Peek {
        protocol_version: Some("2025-06-18".to_owned()),
        client_info: Some(("cli".to_owned(), "1".to_owned())),
        ..request(number, "initialize")
    }
}

pub(super) fn ping(number: u32) -> Peek {
    peek(PeekKind::Request { id: id(number), method: "ping".to_owned() }, Likeness::Neutral)
}

pub(super) fn foreign(number: u32, method: &str) -> Peek {
    peek(PeekKind::Request { id: id(number), method: method.to_owned() }, Likeness::Foreign)
}

/// An answer nothing tells apart from another protocol's.
pub(super) fn plain(number: u32) -> Peek {
    peek(PeekKind::Response { id: id(number), error: false }, Likeness::Neutral)
}

pub(super) fn failed(number: u32) -> Peek {
    peek(PeekKind::Response { id: id(number), error: true }, Likeness::Neutral)
}

pub(super) fn named(number: u32, name: &str) -> Peek {
    Peek {
        protocol_version: Some("2025-06-18".to_owned()),
        server_info: Some((name.to_owned(), "2.0".to_owned())),
        ..peek(PeekKind::Response { id: id(number), error: false }, Likeness::Strong)
    }
}

pub(super) fn tools(number: u32, count: u32) -> Peek {
    Peek { tools: Some(count), ..peek(PeekKind::Response { id: id(number), error: false }, Likeness::Strong) }
}
