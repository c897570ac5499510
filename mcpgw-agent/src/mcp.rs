//! What one JSON text is, in MCP's terms. Pure: bytes in, facts out. Read in two ways:
//!
//! - [`peek`], the lenient look of an observer: what real peers accept must be recognised. Nothing of a message is kept
//!   but the few bounded strings of [`Peek`], and no input makes it panic, recurse or allocate beyond a small multiple
//!   of those.
//! - [`decode`], the strict reading of the gateway: what two peers could read differently is refused, with the
//!   [`Reason`]; what is accepted is a [`Message`] that keeps its bytes as they came.
//!
//! ```text
//! text ─▶ text (values of one text) ─▶ facts (the members that matter) ─▶ likeness (against method) ─▶ Peek
//! bytes ─▶ json (strict) ─▶ strict (envelope, keys, types) ─▶ Message or Malformed
//! Message ─▶ fields (against the table of methods) ─▶ every text, with its role and path
//! ```

mod facts;
mod fields;
mod keys;
mod lenient;
mod likeness;
mod line;
mod malformed;
mod message;
mod method;
mod request_id;
mod revision;
mod shape;
mod strict;
mod table;
mod text;
mod unpacked;
mod within;

#[cfg(test)]
mod tests;

pub use fields::{Field, Path, fields};
pub use line::hides_a_line;
pub use malformed::{Malformed, Reason};
pub use message::{Decoded, Direction, Message, MessageKind};
pub use method::{Call, Method, Names, Sender, sender};
pub use request_id::{ID_MAX_BYTES, RequestId};
pub use revision::Revision;
pub use shape::Role;
pub use strict::{BATCH_MAX, METHOD_MAX_BYTES, decode, hiding};
pub use text::{MAX_TEXT_BYTES, Reading, peek, read};
pub use within::Asked;

/// A JSON-RPC request id, its type kept: `1` and `"1"` differ.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Id {
    /// A number in its plain decimal form; `null` for an answer that bears no id (its request was unreadable).
    Number(String),
    /// A string, cut to 128 bytes.
    String(String),
}

/// One message, as far as an inventory needs to know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Peek {
    /// Request, notification or response.
    pub kind: PeekKind,
    /// It can only be MCP, or fits MCP, or cannot be.
    pub mcp: Likeness,
    /// `protocolVersion` asked for or answered, where it has the form of an MCP revision.
    pub protocol_version: Option<String>,
    /// `serverInfo` name and version (empty where it has none), each cut to 256 bytes.
    pub server_info: Option<(String, String)>,
    /// `clientInfo` name and version, likewise.
    pub client_info: Option<(String, String)>,
    /// Length of `result.tools`.
    pub tools: Option<u32>,
}

/// JSON-RPC's three kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeekKind {
    /// A call that wants an answer.
    Request {
        /// Its id.
        id: Id,
        /// Its method, cut to 64 bytes.
        method: String,
    },
    /// A call that wants none.
    Notification {
        /// Its method, cut to 64 bytes.
        method: String,
    },
    /// An answer.
    Response {
        /// The id it answers.
        id: Id,
        /// It carries `error`.
        error: bool,
    },
}

/// How much a message speaks for MCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// Some other JSON-RPC: a method MCP has not, or parameters MCP does not allow.
    Foreign,
    /// Fits MCP and other protocols alike (`ping`, an answer without tell-tale members).
    Neutral,
    /// MCP's own: `initialize` with an MCP revision, `tools/list`, `_meta["io.modelcontextprotocol/..."]`, ...
    Strong,
}
