//! The headers of MCP over HTTP: what a request may have, whether they say what the body says, and which go on.
//!
//! ```text
//! client ─▶ check (alone) ─▶ body decoded ─▶ agree (with the message) ─▶ upstream ─▶ server
//! client ◀─ downstream ◀─ answer (its media type) ◀─ server
//! ```
//!
//! Decisions are made on the body. Headers only have to agree with it, so that whoever decides on headers behind the
//! gateway decides about the same message. Both ways only known headers go on: a client's credentials and cookies are
//! for the gateway, a server's cookies and redirects are for nobody.

mod agree;
mod alone;
mod forward;
mod media;
mod params;
#[cfg(test)]
mod tests;
mod value;

pub use agree::{agree, agree_batch};
pub use alone::{BYTES_MAX, COUNT_MAX, Fault, SESSION_ID_MAX_BYTES, check, session_id};
pub use forward::{downstream, upstream};
pub use media::{Answer, answer, check_json, must_be_ascii};
pub use params::{ParamSchemas, TOOLS_MAX};

/// The session of Streamable HTTP up to 2025-11-25.
pub const SESSION_ID: &str = "mcp-session-id";
/// The revision a message is of.
pub const PROTOCOL_VERSION: &str = "mcp-protocol-version";
/// The method of the body, from 2026-07-28 on.
pub const METHOD: &str = "mcp-method";
/// What the body names, from 2026-07-28 on: a tool, a prompt, a resource or a task.
pub const NAME: &str = "mcp-name";
/// What headers of a tool's parameters start with, from 2026-07-28 on.
pub const PARAM_PREFIX: &str = "mcp-param-";
