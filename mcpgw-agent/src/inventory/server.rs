//! One MCP server, or what may be one: everything gathered about it, and nothing decided.
//!
//! A stdio server is the conversation behind one input flow, whoever holds it: wrappers and the program that
//! really reads are one record. An HTTP server is one port of one program, whoever accepts.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use super::assess::Verdict;
use super::channel::Flow;
use super::dialogue::Dialogue;
use super::evidence::EvidenceList;
use super::follow::Followed;
use super::process::Image;
use super::tap::Tap;
use super::{BootTime, Enriched, Listener, ProcessKey, ServerState, SocketAddrs, StreamSource, Transport};

/// Processes kept as holders of a server's channels.
const HOLDERS: usize = 64;
/// Processes kept as readers, writers or clients.
const ACTORS: usize = 8;
/// Outputs of one server.
const OUTPUTS: usize = 4;
/// Connections whose client is not known yet.
const REMOTES: usize = 32;

/// How one reaches it; also its identity.
#[derive(Debug)]
pub(super) enum Link {
    Stdio { input: Flow, outputs: Vec<Flow> },
    Http(Box<Http>),
}

/// What is particular to a network server.
#[derive(Debug)]
pub(super) struct Http {
    /// Where it listens; one program may do so at several addresses of one port.
    pub(super) listeners: Vec<Listener>,
    /// Where a client really reached it, and by which path.
    pub(super) endpoint: Option<(SocketAddr, String)>,
    /// It is of the HTTP+SSE transport.
    pub(super) sse: bool,
    /// Connections whose client process is not known yet, as the client sees them.
    pub(super) unknown: VecDeque<SocketAddrs>,
    pub(super) closed: Option<BootTime>,
}

impl Http {
    pub(super) fn new(listener: Listener) -> Self {
        Self { listeners: vec![listener], endpoint: None, sse: false, unknown: VecDeque::new(), closed: None }
    }

    pub(super) fn note_unknown(&mut self, connection: SocketAddrs) {
        if !self.unknown.contains(&connection) {
            if self.unknown.len() >= REMOTES {
                self.unknown.pop_front();
            }
            self.unknown.push_back(connection);
        }
    }
}

/// A process with the server's channels as its own stdin and stdout.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holder {
    /// It has them from an exec or a scan; otherwise only from its fork.
    pub(super) execed: bool,
    pub(super) at: BootTime,
}

/// Processes seen doing something, and when last.
#[derive(Debug, Default)]
pub(super) struct Actors(BTreeMap<ProcessKey, BootTime>);

impl Actors {
    /// Returns whether the process is new.
    pub(super) fn note(&mut self, process: ProcessKey, at: BootTime) -> bool {
        if let Some(known) = self.0.get_mut(&process) {
            *known = (*known).max(at);
            return false;
        }
        if self.0.len() >= ACTORS
            && let Some(oldest) = self.0.iter().min_by_key(|(key, at)| (**at, **key)).map(|(key, _)| *key)
        {
            self.0.remove(&oldest);
        }
        self.0.insert(process, at);
        true
    }

    pub(super) fn contains(&self, process: ProcessKey) -> bool {
        self.0.contains_key(&process)
    }

    /// Latest first.
    pub(super) fn latest_first(&self) -> Vec<ProcessKey> {
        let mut keys: Vec<_> = self.0.iter().map(|(key, at)| (*at, *key)).collect();
        keys.sort_unstable_by(|a, b| b.cmp(a));
        keys.into_iter().map(|(_, key)| key).collect()
    }
}

/// Why a record is kept but is no server of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aside {
    /// Another protocol, or none.
    NotMcp,
    /// The client's side of a conversation, or a copier.
    Reversed,
    /// Words pass on to the real server.
    Relay,
    /// The outer side of a registered wrap.
    Gateway,
    /// The process serves over HTTP; its stdio is not the way in.
    ServesHttp,
    /// The process has a candidate stdio; its port has not shown to be the way in.
    ServesStdio,
}

/// A process as the view will show it, kept beyond its end.
#[derive(Debug, Clone)]
pub(super) struct Portrait {
    pub(super) key: ProcessKey,
    pub(super) image: Option<Arc<Image>>,
    pub(super) facts: Option<Arc<Enriched>>,
}

/// What was last announced of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) state: ServerState,
    pub(super) reason: String,
    pub(super) transport: Transport,
    pub(super) confirmed: bool,
    pub(super) process: ProcessKey,
    pub(super) client: Option<ProcessKey>,
    pub(super) server_info: Option<(String, String)>,
    pub(super) ended: bool,
}

/// What other records' roles depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Standing {
    pub(super) aside: Option<Aside>,
    pub(super) client: Option<ProcessKey>,
    pub(super) ended: bool,
    pub(super) mcp: bool,
    pub(super) confirmed: bool,
}

impl Standing {
    pub(super) fn of(server: &McpServer) -> Self {
        Self {
            aside: server.aside,
            client: server.client.as_ref().map(|client| client.key),
            ended: server.ended.is_some(),
            mcp: server.dialogue.is_mcp(),
            confirmed: server.is_confirmed(),
        }
    }
}

/// One record.
#[derive(Debug)]
pub(super) struct McpServer {
    pub(super) seq: u64,
    pub(super) id: String,
    pub(super) since: BootTime,
    pub(super) link: Link,
    pub(super) holders: BTreeMap<ProcessKey, Holder>,
    /// Read a client's messages, or own the listener.
    pub(super) readers: Actors,
    /// Wrote a server's messages.
    pub(super) writers: Actors,
    /// Wrote a client's messages or read a server's.
    pub(super) clients: Actors,
    /// Pids that made the socket pairs.
    pub(super) creators: BTreeSet<u32>,
    pub(super) dialogue: Dialogue,
    pub(super) evidence: EvidenceList,
    pub(super) tap: Tap,
    /// Every process this record refers to.
    pub(super) involved: BTreeSet<ProcessKey>,
    pub(super) process: Option<Portrait>,
    pub(super) client: Option<Portrait>,
    pub(super) ancestors: Vec<(ProcessKey, Arc<str>)>,
    pub(super) aside: Option<Aside>,
    pub(super) standing: Standing,
    /// Observation gave up: traffic, and nothing of MCP in it.
    pub(super) gave_up: bool,
    /// A registered wrap has been its outer side; stays true when the wrap's connection ends.
    pub(super) gateway: bool,
    pub(super) verdict: Verdict,
    pub(super) ended: Option<BootTime>,
    pub(super) shown: Option<Shown>,
    pub(super) counted: Vec<ServerState>,
    /// Its messages are wanted, and this is what was said of it last.
    pub(super) followed: Option<Box<Followed>>,
}

impl McpServer {
    pub(super) fn new(seq: u64, id: String, since: BootTime, link: Link) -> Self {
        Self {
            seq,
            id,
            since,
            link,
            holders: BTreeMap::new(),
            readers: Actors::default(),
            writers: Actors::default(),
            clients: Actors::default(),
            creators: BTreeSet::new(),
            dialogue: Dialogue::default(),
            evidence: EvidenceList::default(),
            tap: Tap::default(),
            involved: BTreeSet::new(),
            process: None,
            client: None,
            ancestors: Vec::new(),
            aside: None,
            standing: Standing::default(),
            gave_up: false,
            gateway: false,
            verdict: Verdict::default(),
            ended: None,
            shown: None,
            counted: Vec::new(),
            followed: None,
        }
    }

    pub(super) fn input(&self) -> Option<Flow> {
        match &self.link {
            Link::Stdio { input, .. } => Some(*input),
            Link::Http(_) => None,
        }
    }

    pub(super) fn outputs(&self) -> &[Flow] {
        match &self.link {
            Link::Stdio { outputs, .. } => outputs,
            Link::Http(_) => &[],
        }
    }

    pub(super) fn http(&self) -> Option<&Http> {
        match &self.link {
            Link::Http(http) => Some(http),
            Link::Stdio { .. } => None,
        }
    }

    pub(super) fn http_mut(&mut self) -> Option<&mut Http> {
        match &mut self.link {
            Link::Http(http) => Some(http),
            Link::Stdio { .. } => None,
        }
    }

    /// Returns whether it is new and there was room.
    pub(super) fn add_output(&mut self, flow: Flow) -> bool {
        let Link::Stdio { outputs, .. } = &mut self.link else { return false };
        let add = !outputs.contains(&flow) && outputs.len() < OUTPUTS;
        if add {
            outputs.push(flow);
        }
        add
    }

    pub(super) fn rename_output(&mut self, from: Flow, to: Flow) {
        let Link::Stdio { outputs, .. } = &mut self.link else { return };
        let known = outputs.contains(&to);
        outputs.retain(|flow| *flow != from || !known);
        for flow in outputs.iter_mut().filter(|flow| **flow == from) {
            *flow = to;
        }
    }

    /// Adds or upgrades a holder. Where there are too many, the newest mere fork gives way.
    pub(super) fn hold(&mut self, process: ProcessKey, holder: Holder) {
        if let Some(known) = self.holders.get_mut(&process) {
            if holder.execed {
                *known = holder;
            }
            return;
        }
        if self.holders.len() >= HOLDERS {
            let forked =
                self.holders.iter().filter(|(_, holder)| !holder.execed).map(|(key, _)| *key).next_back();
            match forked {
                Some(key) => self.holders.remove(&key),
                None => return,
            };
        }
        self.holders.insert(process, holder);
    }

    pub(super) fn is_holder(&self, process: ProcessKey) -> bool {
        self.holders.contains_key(&process)
    }

    pub(super) fn is_confirmed(&self) -> bool {
        self.dialogue.confirmed_at().is_some()
    }

    pub(super) fn transport(&self) -> Transport {
        match &self.link {
            Link::Stdio { .. } => Transport::Stdio,
            Link::Http(http) if http.sse => Transport::Sse,
            Link::Http(_) => Transport::Http,
        }
    }

    /// It has a row in the view.
    pub(super) fn is_listed(&self) -> bool {
        self.process.is_some() && self.aside.is_none() && (self.ended.is_none() || self.evidence.tells())
    }

    /// Notes who moved a message's bytes. `told` where the message itself says which way it went.
    pub(super) fn note_actor(&mut self, source: &StreamSource, inbound: bool, at: BootTime) {
        let StreamSource::Channel { process, wrote, .. } = source else { return };
        match (inbound, wrote) {
            (true, false) => self.readers.note(*process, at),
            (false, true) => self.writers.note(*process, at),
            (true, true) | (false, false) => self.clients.note(*process, at),
        };
        self.involved.insert(*process);
    }
}
