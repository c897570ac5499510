//! From tapped bytes to sightings: reassembly, framing (lines, HTTP, SSE), recognition. Pure.
//!
//! ```text
//! Chunk{source, offset, bytes} ─▶ stream (gaps, order) ─▶ line | http | sse ─▶ mcp::peek ─▶ Sighting
//! ```
//!
//! [`StreamTable`] is the way in. One byte stream is what one process reads from, or writes to, one channel end,
//! as the kernel counts its offsets, or one direction of a TCP connection.
//!
//! - Channels carry newline-delimited JSON. Bytes up to the first newline may be the tail of a message that began
//!   before observation, and are never held against the stream.
//! - TCP carries HTTP/1.x, or newline-delimited JSON. HTTP/2 and TLS are out of reach: a connection that opens
//!   with HTTP/2's preface is [`NotMcp::Http2`], one that opens with a TLS record [`NotMcp::NotJson`].
//! - Judgement is slow to say no: a stream that ever showed MCP is never [`Seen::NotMcp`], and a server that logs to
//!   its stdout before it answers is not given up at once. After [`Seen::NotMcp`] a stream is silent until
//!   [`StreamTable::forget`].
//! - Everything is bounded by [`Limits`]; what the bounds cost is in [`Counters`].

mod channel;
mod client_hello;
mod connection;
mod evidence;
mod flow;
mod http;
mod judge;
mod limits;
mod lines;
mod order;
mod sink;
mod sse;
mod start;
mod table;
mod texts;
mod value;

#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::inventory::{BootTime, StreamSource};
use crate::mcp::Peek;

pub use client_hello::server_name;
pub use limits::{Counters, Limits};
pub use table::StreamTable;
pub use texts::{Conversation, Passing, Told};

/// Bytes the tap brought, in the order the kernel wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Who moved them over what.
    pub source: StreamSource,
    /// When.
    pub at: BootTime,
    /// Tells streams over the same source apart: a TCP connection's cookie; when a TLS connection was
    /// first seen; 0 for channels.
    pub connection: u64,
    /// Position of the first byte in the stream: for channels counted from when observation began, for TCP
    /// the 32-bit sequence number, for TLS counted from when the connection was first seen.
    pub offset: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Bytes that followed in the same call or segment and were not copied.
    pub skipped: u32,
    /// TCP and TLS only: the direction ended (FIN or RST; the library let go of the connection).
    pub end: bool,
}

/// Something recognised on a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// Who moved the bytes over what.
    pub source: StreamSource,
    /// When the last byte of it passed.
    pub at: BootTime,
    /// What.
    pub seen: Seen,
}

/// What was recognised.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// One JSON-RPC message (a batch gives one each).
    Message(Box<Peek>),
    /// HTTP told of MCP by itself: `MCP-Protocol-Version`, `Mcp-Method`, `Mcp-Session-Id`, or an SSE
    /// `endpoint` event. The path of the request, where known.
    Http(HttpSign),
    /// The stream is something else, and need not be looked at further.
    NotMcp(NotMcp),
    /// Bytes are missing from the stream.
    Gap {
        /// How many.
        bytes: u64,
    },
}

/// MCP's marks on HTTP itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpSign {
    /// A request was made to this path (`path`), by this user agent; `mcp_header` names the MCP header it bore.
    Request {
        /// Method, `POST`.
        method: String,
        /// Path without query.
        path: String,
        /// `Host` header.
        host: Option<String>,
        /// `User-Agent` header.
        user_agent: Option<String>,
        /// Name of the first MCP header present.
        mcp_header: Option<&'static str>,
    },
    /// The server answered with this MCP header.
    Response {
        /// Name of the header.
        mcp_header: &'static str,
    },
    /// A legacy SSE stream announced its `endpoint`.
    SseEndpoint {
        /// Announced path.
        path: String,
    },
}

/// What passed over a connection, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Which way.
    pub source: StreamSource,
    /// Over which connection: [`Chunk::connection`].
    pub connection: u64,
    /// When the last byte of it passed.
    pub at: BootTime,
    /// What.
    pub what: Hearing,
}

/// What passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hearing {
    /// A request's head.
    Request {
        /// Its `Mcp-Session-Id`.
        session: Option<String>,
        /// Its `MCP-Protocol-Version`.
        revision: Option<String>,
        /// Its `Host`.
        host: Option<String>,
        /// Its path, without query.
        path: String,
    },
    /// An answer's head.
    Answer {
        /// Its `Mcp-Session-Id`.
        session: Option<String>,
    },
    /// Messages to the server go to this path, without query: the HTTP+SSE transport says so.
    Endpoint(String),
    /// The body of a request or an answer, or an event's data: a message, or where one should be.
    Text(Bytes),
    /// A message over the limit.
    Long,
    /// A message in an encoding that is not read.
    Encoded,
    /// Bytes that passed are missing here.
    Gap {
        /// How many.
        bytes: u64,
    },
}

/// Why a stream is no MCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotMcp {
    /// `Content-Length:` framing: a language server or debug adapter.
    ContentLength,
    /// Not JSON, or not one object or array a line. On TCP also TLS.
    NotJson,
    /// JSON-RPC or other JSON, but nothing of MCP in the first messages.
    OtherJson,
    /// HTTP, but nothing of MCP in what was seen of this connection.
    OtherHttp,
    /// HTTP/2, which is not looked into.
    Http2,
}
