//! What a server is spoken to over.

use std::time::Instant;

use bytes::Bytes;

/// Bytes of one message.
pub(super) const MESSAGE_MAX: usize = 16 << 20;
/// Bytes a server may send altogether.
pub(super) const TOTAL_MAX: usize = 64 << 20;

/// Why a server cannot be spoken to, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It did not answer in time.
    #[error("it does not answer in time")]
    Timeout,
    /// It went away.
    #[error("it ended before it had answered ({0})")]
    Ended(String),
    /// It sent more than anybody reads.
    #[error("it sends more than can be read (64 MiB, 16 MiB a message)")]
    Flood,
    /// It does not read what it is sent.
    #[error("it does not read what it is sent")]
    Deaf,
    /// What it sends is hardly ever a message.
    #[error("what it sends are no messages")]
    Rubbish,
    /// An answer of it is no message that the gateway lets pass.
    #[error("its answer is one the gateway refuses ({0})")]
    Garbled(&'static str),
    /// It wants to know who asks.
    #[error("it wants to know who asks (HTTP status {0})")]
    Unauthorized(u16),
    /// It refuses in HTTP.
    #[error("it answers with HTTP status {0}")]
    Status(u16),
    /// The connection failed.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// It answers neither to the handshake of older revisions nor to that of the newest.
    #[error("it takes no handshake: {0}")]
    Handshake(String),
}

/// What HTTP says of a message beside the message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    /// The method of a request or notification.
    pub(super) method: Option<&'a str>,
    /// The revision it belongs to, once that is known.
    pub(super) revision: Option<&'a str>,
}

/// The way to a server and back.
pub(super) trait Wire {
    /// Sends one message.
    fn send(&mut self, message: &[u8], head: Head<'_>, deadline: Instant) -> Result<(), Fault>;

    /// The next message, or what stands in its place.
    fn next(&mut self, deadline: Instant) -> Result<Bytes, Fault>;
}
