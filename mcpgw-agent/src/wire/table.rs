//! All streams under observation, within bounds.

use std::collections::HashMap;

use super::channel::ChannelStream;
use super::connection::Connection;
use super::order::Run;
use super::sink::Sink;
use super::{Chunk, Counters, Heard, Limits, Sighting};
use crate::inventory::{BootTime, Channel, ProcessKey, SocketAddrs, StreamSource};

/// Turns chunks into sightings, stream by stream.
#[derive(Debug)]
pub struct StreamTable {
    limits: Limits,
    streams: HashMap<Key, Stream>,
    counters: Counters,
    buffered: usize,
    /// Chunks so far: orders streams by use.
    clock: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    /// One process' reads or writes: the tap counts offsets for each process on its own.
    Channel {
        channel: Channel,
        process: ProcessKey,
        wrote: bool,
    },
    Tcp {
        addrs: SocketAddrs,
        cgroup_id: u64,
        connection: u64,
    },
    Tls {
        process: ProcessKey,
        object: u64,
        connection: u64,
    },
}

impl Key {
    fn of(chunk: &Chunk) -> Self {
        match chunk.source {
            StreamSource::Channel { channel, process, wrote } => Self::Channel { channel, process, wrote },
            StreamSource::Tcp { addrs, cgroup_id, .. } => {
                Self::Tcp { addrs, cgroup_id, connection: chunk.connection }
            }
            StreamSource::Tls { process, object, .. } => {
                Self::Tls { process, object, connection: chunk.connection }
            }
        }
    }
}

impl Key {
    fn connection(&self) -> u64 {
        match self {
            Self::Channel { .. } => 0,
            Self::Tcp { connection, .. } | Self::Tls { connection, .. } => *connection,
        }
    }
}

#[derive(Debug)]
struct Stream {
    kind: Kind,
    source: StreamSource,
    used: u64,
    at: BootTime,
}

#[derive(Debug)]
enum Kind {
    Channel(Box<ChannelStream>),
    Tcp(Box<Connection>),
}

impl Stream {
    fn new(chunk: &Chunk) -> Self {
        let kind = match chunk.source {
            StreamSource::Channel { .. } => Kind::Channel(Box::new(ChannelStream::new())),
            StreamSource::Tcp { .. } | StreamSource::Tls { .. } => Kind::Tcp(Box::default()),
        };
        Self { kind, source: chunk.source, used: 0, at: chunk.at }
    }

    fn buffered(&self) -> usize {
        match &self.kind {
            Kind::Channel(stream) => stream.buffered(),
            Kind::Tcp(connection) => connection.buffered(),
        }
    }

    fn shed(&mut self) {
        match &mut self.kind {
            Kind::Channel(stream) => stream.shed(),
            Kind::Tcp(connection) => connection.shed(),
        }
    }

    /// What is least missed comes first: the settled, then connections (a new one comes with the next request),
    /// then whatever was quiet longest.
    fn worth(&self) -> (bool, bool, u64) {
        match &self.kind {
            Kind::Channel(stream) => (!stream.is_settled(), true, self.used),
            Kind::Tcp(connection) => (!connection.is_settled(), false, self.used),
        }
    }
}

impl StreamTable {
    /// An empty table.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, streams: HashMap::new(), counters: Counters::default(), buffered: 0, clock: 0 }
    }

    /// Takes a chunk; answers what it completed, in order. Never fails, whatever the bytes.
    #[must_use]
    pub fn push(&mut self, chunk: Chunk) -> Vec<Sighting> {
        self.take(&chunk, None)
    }

    /// As [`push`](Self::push), and appends what passed over a TCP connection, as it came, to `heard`.
    pub fn hear(&mut self, chunk: &Chunk, heard: &mut Vec<Heard>) {
        // What was recognised is another table's to tell.
        drop(self.take(chunk, Some(heard)));
    }

    fn take(&mut self, chunk: &Chunk, heard: Option<&mut Vec<Heard>>) -> Vec<Sighting> {
        let key = Key::of(chunk);
        if !self.streams.contains_key(&key) {
            if chunk.bytes.is_empty() && chunk.skipped == 0 {
                return Vec::new();
            }
            self.make_room();
        }
        self.clock = self.clock.saturating_add(1);
        let mut out = Vec::new();
        let (before, after, over) = {
            let stream = self.streams.entry(key).or_insert_with(|| Stream::new(chunk));
            let before = stream.buffered();
            let mut sink = Sink {
                source: chunk.source,
                at: chunk.at,
                limits: &self.limits,
                counters: &mut self.counters,
                out: &mut out,
                connection: chunk.connection,
                heard,
            };
            stream.used = self.clock;
            stream.at = stream.at.max(chunk.at);
            let run = Run { start: chunk.offset, bytes: &chunk.bytes, skipped: chunk.skipped, at: chunk.at };
            let over = match &mut stream.kind {
                Kind::Channel(channel) => {
                    channel.push(run, &mut sink);
                    false
                }
                Kind::Tcp(connection) => {
                    connection.push(sequence(chunk.offset), run, chunk.end, &mut sink);
                    connection.is_over()
                }
            };
            (before, stream.buffered(), over)
        };
        self.recount(before, after);
        if over {
            self.remove(&key);
        }
        self.shed();
        out
    }

    /// Forgets all streams of a channel end. To be called whenever its observation ends: should it begin again,
    /// offsets count from 0 again, and would be taken for bytes seen before.
    pub fn forget(&mut self, channel: Channel) {
        self.retain(|key, _| !matches!(key, Key::Channel { channel: known, .. } if *known == channel));
    }

    /// Forgets all that `process` says over TLS.
    pub fn forget_process(&mut self, process: ProcessKey) {
        self.retain(|key, _| !matches!(key, Key::Tls { process: known, .. } if *known == process));
    }

    /// Forgets all connections to a server port.
    pub fn forget_port(&mut self, port: u16) {
        self.retain(|key, _| !matches!(key, Key::Tcp { addrs, .. } if addrs.local.port() == port));
    }

    /// Forgets streams that were idle too long at `now`, and gives up on TCP segments that wait for an earlier one
    /// too long: answers what follows them. To be called about once a second.
    #[must_use]
    pub fn expire(&mut self, now: BootTime) -> Vec<Sighting> {
        self.pass(now, None)
    }

    /// As [`expire`](Self::expire), for whoever hears.
    pub fn expire_heard(&mut self, now: BootTime, heard: &mut Vec<Heard>) {
        drop(self.pass(now, Some(heard)));
    }

    fn pass(&mut self, now: BootTime, mut heard: Option<&mut Vec<Heard>>) -> Vec<Sighting> {
        let mut out = Vec::new();
        let idle = self.limits.idle;
        for (key, stream) in &mut self.streams {
            if let Kind::Tcp(connection) = &mut stream.kind {
                let mut sink = Sink {
                    source: stream.source,
                    at: stream.at,
                    limits: &self.limits,
                    counters: &mut self.counters,
                    out: &mut out,
                    connection: key.connection(),
                    heard: heard.as_deref_mut(),
                };
                connection.expire(now, &mut sink);
            }
        }
        self.retain(|_, stream| now.since(stream.at) < idle);
        out
    }

    /// Streams held: channel ends by direction, and connections.
    #[must_use]
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// None is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Bytes of incomplete messages and waiting segments held by all streams together.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.buffered
    }

    /// What was lost or given up so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn recount(&mut self, before: usize, after: usize) {
        self.buffered = self.buffered.saturating_sub(before).saturating_add(after);
    }

    fn remove(&mut self, key: &Key) {
        if let Some(stream) = self.streams.remove(key) {
            self.recount(stream.buffered(), 0);
        }
    }

    fn retain(&mut self, keep: impl Fn(&Key, &Stream) -> bool) {
        self.streams.retain(|key, stream| keep(key, stream));
        self.buffered = self.streams.values().map(Stream::buffered).sum();
    }

    /// Makes room for one more stream.
    fn make_room(&mut self) {
        while self.streams.len() >= self.limits.streams.max(1) {
            let Some(key) = self.streams.iter().min_by_key(|(_, stream)| stream.worth()).map(|(key, _)| *key)
            else {
                return;
            };
            self.remove(&key);
            self.counters.evicted = self.counters.evicted.saturating_add(1);
        }
    }

    /// Gives up the largest buffers while there is too much.
    fn shed(&mut self) {
        while self.buffered > self.limits.total_bytes {
            let Some((key, before)) = self
                .streams
                .iter()
                .map(|(key, stream)| (*key, stream.buffered()))
                .max_by_key(|(_, bytes)| *bytes)
            else {
                return;
            };
            let Some(stream) = self.streams.get_mut(&key) else { return };
            stream.shed();
            let after = stream.buffered();
            self.recount(before, after);
            self.counters.shed = self.counters.shed.saturating_add(1);
            if after >= before {
                return;
            }
        }
    }
}

/// A TCP chunk's offset is its 32-bit sequence number; longer ones count on in the same way.
fn sequence(offset: u64) -> u32 {
    u32::try_from(offset & u64::from(u32::MAX)).expect("masked to 32 bits")
}
