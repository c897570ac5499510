//! The whole path, from chunks to sightings, on what real peers send.

use std::net::SocketAddr;

use super::*;
use crate::inventory::{Channel, ChannelKind, ProcessKey, SocketAddrs};
use crate::mcp::{Likeness, PeekKind};

mod bounds;
mod heard;
mod http;
mod lines;
mod property;
mod tcp;

const REQUEST: &str = r#"{"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}},"jsonrpc":"2.0","id":0}"#;
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"2"}}}"#;
const LIST: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
const TOOLS: &str =
    r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","inputSchema":{"type":"object"}}]}}"#;
const PING: &str = r#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#;

fn process(pid: u32) -> ProcessKey {
    ProcessKey { pid, start_ticks: 7 }
}

fn pipe(ino: u64) -> Channel {
    Channel { kind: ChannelKind::Fifo, ino }
}

fn read_by(pid: u32, ino: u64) -> StreamSource {
    StreamSource::Channel { channel: pipe(ino), process: process(pid), wrote: false }
}

fn tcp(from_server: bool) -> StreamSource {
    let addr = |text: &str| text.parse::<SocketAddr>().unwrap();
    let addrs = SocketAddrs { local: addr("127.0.0.1:8000"), remote: addr("127.0.0.1:40000") };
    StreamSource::Tcp { addrs, cgroup_id: 3, from_server }
}

fn chunk(source: StreamSource, offset: u64, bytes: &[u8]) -> Chunk {
    Chunk {
        source,
        at: BootTime(offset),
        connection: 1,
        offset,
        bytes: bytes.to_vec(),
        skipped: 0,
        end: false,
    }
}

/// Feeds one table, counting offsets as the kernel does.
struct Tap {
    table: StreamTable,
    offsets: std::collections::HashMap<(u64, u32, bool), u64>,
    seen: Vec<Sighting>,
}

impl Tap {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        Self { table: StreamTable::new(limits), offsets: std::collections::HashMap::new(), seen: Vec::new() }
    }

    fn send(&mut self, source: StreamSource, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.send_on(1, source, bytes)
    }

    fn send_on(&mut self, connection: u64, source: StreamSource, bytes: impl AsRef<[u8]>) -> &mut Self {
        let bytes = bytes.as_ref();
        let key = match source {
            StreamSource::Channel { channel, process, wrote } => (channel.ino, process.pid, wrote),
            StreamSource::Tcp { from_server, .. } => (connection << 32, 0, from_server),
            StreamSource::Tls { process, object, from_server } => (object, process.pid, from_server),
        };
        let offset = self.offsets.entry(key).or_insert(0);
        let chunk = Chunk { connection, ..chunk(source, *offset, bytes) };
        *offset += bytes.len() as u64;
        self.seen.extend(self.table.push(chunk));
        self
    }

    fn skip(&mut self, source: StreamSource, bytes: u32) -> &mut Self {
        let StreamSource::Channel { channel, process, wrote } = source else { panic!("for channels") };
        let offset = self.offsets.entry((channel.ino, process.pid, wrote)).or_insert(0);
        let chunk = Chunk { skipped: bytes, ..chunk(source, *offset, b"") };
        *offset += u64::from(bytes);
        self.seen.extend(self.table.push(chunk));
        self
    }

    /// What was seen, in a short form.
    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.seen).iter().map(tell).collect()
    }
}

fn tell(sighting: &Sighting) -> String {
    match &sighting.seen {
        Seen::Message(peek) => {
            let mark = match peek.mcp {
                Likeness::Strong => "+",
                Likeness::Neutral => "=",
                Likeness::Foreign => "-",
            };
            match &peek.kind {
                PeekKind::Request { method, .. } | PeekKind::Notification { method } => {
                    format!("{mark}{method}")
                }
                PeekKind::Response { .. } => match (&peek.server_info, peek.tools) {
                    (Some((name, _)), _) => format!("{mark}answer of {name}"),
                    (None, Some(tools)) => format!("{mark}answer with {tools} tools"),
                    (None, None) => format!("{mark}answer"),
                },
            }
        }
        Seen::Http(HttpSign::Request { method, path, mcp_header, .. }) => {
            format!("{method} {path} {}", mcp_header.unwrap_or("unmarked"))
        }
        Seen::Http(HttpSign::Response { mcp_header }) => format!("answered with {mcp_header}"),
        Seen::Http(HttpSign::SseEndpoint { path }) => format!("endpoint {path}"),
        Seen::NotMcp(why) => format!("{why:?}"),
        Seen::Gap { bytes } => format!("gap {bytes}"),
    }
}
