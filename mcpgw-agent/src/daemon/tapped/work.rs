//! The thread that judges: streams of followed servers put together, and their texts through the gate.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::Watched;
use super::http::Web;
use super::judge::{Judge, Missing};
use super::queue::{Dropped, Item, Queue};
use super::remote::Remotes;
use super::session::{Session, Sessions};
use super::waiting::{Place, Waiting, Waits};
use crate::admin::metrics::Counters;
use crate::audit::Event;
use crate::inventory::{
    BootTime, Channel, ChannelKind, Followed, Lane, Listener, ProcessKey, StreamSource, Transport,
};
use crate::mcp::Direction;
use crate::proc::{ProcReader, boot_now};
use crate::proxy::gate::{Framing, Gate, Party};
use crate::wire::{Chunk, Conversation, Heard, Limits, Passing, StreamTable, Told};

/// How long nothing is done about time-outs.
const BEAT: Duration = Duration::from_millis(500);
/// How long what is still on its way may take after a server has ended.
const LATE: Duration = Duration::from_secs(2);
/// Bytes of lines that have not ended, of all conversations together.
const HELD_BYTES: usize = 64 << 20;

/// One server.
#[derive(Debug)]
struct Server {
    about: Followed,
    conversation: Conversation,
    session: Option<Session>,
    /// What it does to the host is told.
    watched: Option<Watched>,
    /// Whose that is which it does during no call, where many share it.
    own: Option<Party>,
    web: Web,
    /// When what is late is late enough.
    until: Option<BootTime>,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Work {
    queue: Arc<Queue>,
    judge: Judge,
    servers: HashMap<u64, Server>,
    lanes: HashMap<(Channel, bool), Vec<(u64, Lane)>>,
    listeners: HashMap<Listener, u64>,
    connections: StreamTable,
    remotes: Remotes,
    waiting: Waiting,
    beaten: BootTime,
    limit: usize,
}

impl Work {
    pub(super) fn new(
        gate: Arc<Gate>,
        counters: Arc<Counters>,
        reader: Arc<ProcReader>,
        queue: Arc<Queue>,
    ) -> Self {
        let limit = gate.limits().bytes;
        let limits = Limits {
            message_bytes: limit,
            total_bytes: HELD_BYTES,
            reorder_bytes: 1 << 20,
            ..Limits::default()
        };
        Self {
            queue,
            judge: Judge::new(Sessions::new(gate, counters, reader)),
            servers: HashMap::new(),
            lanes: HashMap::new(),
            listeners: HashMap::new(),
            connections: StreamTable::new(limits),
            remotes: Remotes::default(),
            waiting: Waiting::default(),
            beaten: BootTime::default(),
            limit,
        }
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let mut items = VecDeque::new();
        while self.queue.take(&mut items, BEAT) {
            let taken = boot_now();
            for item in items.drain(..) {
                self.item(item);
            }
            self.beat(boot_now(), taken);
            self.judge.settle();
        }
        let all: Vec<u64> = self.servers.keys().copied().collect();
        all.into_iter().for_each(|seq| self.remove(seq, boot_now()));
        self.remotes.close(&mut self.judge);
        self.judge.settle();
    }

    fn item(&mut self, item: Item) {
        match item {
            Item::Channel(chunk) => self.channel(chunk),
            Item::Tcp { chunk, listener, client } => self.tcp(chunk, listener, client),
            Item::Tls(chunk) => self.tls(&chunk),
            Item::Client(peer) => self.remotes.meet(*peer),
            Item::ClientGone(client) => self.remotes.leave(client, &mut self.judge),
            Item::Rules(list) => self.remotes.follow(*list),
            Item::Follow(about, watched) => self.follow(*about, watched),
            Item::Unfollow(seq) => {
                if let Some(server) = self.servers.get_mut(&seq) {
                    server.until = Some(boot_now().after(LATE));
                }
            }
            Item::Forget(channel) => self.waiting.forget(Place::Channel(channel)),
            Item::ForgetPort(port) => self.waiting.forget_port(port),
        }
    }

    fn channel(&mut self, chunk: Chunk) {
        let StreamSource::Channel { channel, wrote, .. } = chunk.source else { return };
        match self.lanes.get(&(channel, wrote)) {
            Some(lanes) => {
                for (seq, lane) in lanes.clone() {
                    self.pass(seq, lane, &chunk);
                }
            }
            None => {
                if let Some(place) = Place::of(&chunk) {
                    self.waiting.add(place, chunk, None);
                }
            }
        }
    }

    fn pass(&mut self, seq: u64, lane: Lane, chunk: &Chunk) {
        let Some(server) = self.servers.get_mut(&seq) else { return };
        let mut told = Vec::new();
        server.conversation.push(lane, chunk, &mut told);
        told.into_iter().for_each(|told| server.tell(told, &mut self.judge));
    }

    fn tcp(&mut self, chunk: Chunk, listener: Listener, client: Option<ProcessKey>) {
        let Some(seq) = self.listeners.get(&listener).copied() else {
            return self.waiting.add(Place::Listener(listener), chunk, client);
        };
        let mut heard = Vec::new();
        self.connections.hear(&chunk, &mut heard);
        self.hear(seq, client, heard);
    }

    fn tls(&mut self, chunk: &Chunk) {
        let mut heard = Vec::new();
        self.connections.hear(chunk, &mut heard);
        heard.into_iter().for_each(|heard| self.remotes.hear(heard, &mut self.judge));
    }

    fn hear(&mut self, seq: u64, client: Option<ProcessKey>, heard: Vec<Heard>) {
        let Some(server) = self.servers.get_mut(&seq) else { return };
        for heard in heard {
            let Server { about, watched, web, .. } = &mut *server;
            web.hear((about, watched.as_ref()), client, heard, &mut self.judge);
        }
    }

    /// A server's messages are wanted, or something of it is new: what has passed there so far comes first.
    fn follow(&mut self, about: Followed, watched: Option<Watched>) {
        let seq = about.seq;
        let mut places: Vec<Place> = Vec::new();
        for lane in &about.lanes {
            let lanes = self.lanes.entry((lane.channel, lane.wrote)).or_default();
            if !lanes.contains(&(seq, *lane)) {
                lanes.push((seq, *lane));
                places.push(Place::Channel(lane.channel));
            }
        }
        for listener in &about.listeners {
            if self.listeners.insert(*listener, seq) != Some(seq) {
                places.push(Place::Listener(*listener));
            }
        }
        match self.servers.get_mut(&seq) {
            Some(server) => {
                server.until = None;
                server.about = about;
                if let Some(watched) = watched.filter(|_| server.session.is_none()) {
                    server.watched = Some(watched);
                    server.end_own(&self.judge);
                }
            }
            None => {
                let conversation = Conversation::new(self.limit);
                let (session, own, web) = (None, None, Web::default());
                let server = Server { about, conversation, session, watched, own, web, until: None };
                self.servers.insert(seq, server);
            }
        }
        if let Some(server) = self.servers.get_mut(&seq) {
            server.share(&self.judge);
        }
        places.dedup();
        for (place, Waits { chunk, client, .. }) in self.waiting.take(places) {
            match place {
                Place::Channel(_) => self.channel(chunk),
                Place::Listener(listener) => self.tcp(chunk, listener, client),
            }
        }
    }

    /// About twice a second. All that was there at `taken` is judged.
    fn beat(&mut self, now: BootTime, taken: BootTime) {
        if now.since(self.beaten) < BEAT {
            return;
        }
        self.beaten = now;
        let over = |server: &Server| server.until.is_some_and(|until| until <= now);
        let gone: Vec<u64> =
            self.servers.iter().filter(|(_, server)| over(server)).map(|(seq, _)| *seq).collect();
        gone.into_iter().for_each(|seq| self.remove(seq, now));
        for server in self.servers.values_mut() {
            let mut told = Vec::new();
            server.conversation.expire(now, &mut told);
            told.into_iter().for_each(|told| server.tell(told, &mut self.judge));
        }
        self.shed();
        let mut heard = Vec::new();
        self.connections.expire_heard(now, &mut heard);
        for heard in heard {
            let StreamSource::Tcp { addrs, .. } = heard.source else {
                self.remotes.hear(heard, &mut self.judge);
                continue;
            };
            let at = |listener: &Listener| listener.addr.port() == addrs.local.port();
            let seq = self.listeners.iter().find(|(listener, _)| at(listener)).map(|(_, seq)| *seq);
            if let Some(seq) = seq {
                self.hear(seq, None, vec![heard]);
            }
        }
        self.waiting.expire(now);
        self.tell_strays(taken);
        let Dropped { pieces, bytes } = self.queue.dropped();
        if pieces > 0 {
            self.judge.sessions.note(&Event::TapDropped { pieces, bytes });
        }
    }

    /// Records what servers did while no call was open. What passed up to `taken` may still be on its way here.
    fn tell_strays(&self, taken: BootTime) {
        let late = u64::try_from(LATE.as_nanos()).unwrap_or(u64::MAX);
        for server in self.servers.values() {
            let alone = server.session.as_ref().map(|session| &*session.party);
            if let Some(party) = alone.or(server.own.as_ref()) {
                party.heard(BootTime(taken.0.saturating_sub(late)));
                self.judge.sessions.gate.note_strays(party);
            }
            server.web.give_up(taken, &self.judge);
        }
    }

    /// Gives up the longest unfinished lines while there is too much.
    fn shed(&mut self) {
        let mut held: usize = self.servers.values().map(|server| server.conversation.buffered()).sum();
        while held > HELD_BYTES {
            let most = self.servers.values_mut().max_by_key(|server| server.conversation.buffered());
            let Some(server) = most else { return };
            held = held.saturating_sub(server.conversation.buffered());
            server.conversation.shed();
        }
    }

    fn remove(&mut self, seq: u64, now: BootTime) {
        self.lanes.retain(|_, lanes| {
            lanes.retain(|(of, _)| *of != seq);
            !lanes.is_empty()
        });
        self.listeners.retain(|_, of| *of != seq);
        let Some(mut server) = self.servers.remove(&seq) else { return };
        let mut told = Vec::new();
        server.conversation.finish(now, &mut told);
        told.into_iter().for_each(|told| server.tell(told, &mut self.judge));
        self.judge.settle();
        if let Some(session) = &server.session {
            // Nothing more will be heard.
            session.party.heard(BootTime(u64::MAX));
            self.judge.sessions.close(session);
        }
        server.web.close(&self.judge);
        server.end_own(&self.judge);
    }
}

impl Server {
    /// What it does is told for all its sessions, where it may have many.
    fn share(&mut self, judge: &Judge) {
        let is_shared = matches!(self.about.transport, Transport::Http | Transport::Sse);
        if let (Some(watched), true, None) = (&self.watched, is_shared, &self.own) {
            self.own = Some(judge.sessions.own(&self.about, watched));
        }
    }

    /// Nothing more will be heard of it.
    fn end_own(&mut self, judge: &Judge) {
        if let Some(own) = self.own.take() {
            own.heard(BootTime(u64::MAX));
            judge.sessions.gate.note_last_effects(&own);
        }
    }

    fn tell(&mut self, told: Told, judge: &mut Judge) {
        let Self { about, session, watched, .. } = self;
        let mut open = || judge.sessions.open(about, None, watched.as_ref());
        let session = session.get_or_insert_with(&mut open).clone();
        session.party.heard(told.at);
        let direction = if told.to_server { Direction::ToServer } else { Direction::ToClient };
        let (channel, process) = told.stream;
        let stream = format!("{} of pid {}", describe(channel), process.pid);
        match told.what {
            Passing::Text { text, first } => {
                let first = first.then_some(stream.as_str());
                judge.text(&session, direction, &text, Framing::Line, first);
            }
            Passing::Long(start) => judge.long(&session, direction, &start),
            Passing::Gap { bytes } => {
                let missing = Missing { direction, bytes: Some(bytes), stream: &stream, why: "lost" };
                judge.missing(&session, &missing);
            }
        }
    }
}

fn describe(channel: Channel) -> String {
    match channel.kind {
        ChannelKind::Fifo => format!("pipe:[{}]", channel.ino),
        ChannelKind::Unix => format!("socket:[{}]", channel.ino),
    }
}
