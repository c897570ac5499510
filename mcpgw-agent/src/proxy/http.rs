//! The gateway over HTTP: Streamable HTTP of every revision, and HTTP+SSE.

pub mod encoding;
pub mod headers;
pub mod origin;
pub mod sse;
pub mod tls;
