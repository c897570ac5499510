//! Server-sent events as a gateway needs them: each event read as the standard says, and written anew from what was read.
//!
//! ```text
//! chunks ─▶ Reader::push ─▶ Event ─▶ data() to the gate ─▶ written(), or with_data() where it was changed
//! ```
//!
//! What clients make of the bytes that came differs: some end lines elsewhere, pass over marks or take blanks for nothing.
//! So nothing goes on that was not read here, and what could still be taken for another event is refused
//! ([`Fault::Ambiguous`]). Comments and blank lines outside an event come at once: a keep-alive is never kept waiting for
//! an event.
//!
//! `wire::sse` is the other reader: it watches streams from their middle and keeps nothing.

mod event;
mod line;
mod reader;
#[cfg(test)]
mod tests;

pub use event::Event;
pub use reader::{Events, Reader};

use bytes::{BufMut, Bytes, BytesMut};

/// Why a stream is not read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An event, or a line outside one, is longer than the limit.
    #[error("an event is longer than the limit")]
    TooLong,
    /// Some readers would see other events: a line that is not judged holds a character that some end lines at (vertical
    /// tab, form feed, U+001C to U+001E, U+0085, U+2028, U+2029), or starts with a byte order mark; or an event's name
    /// stands between blanks.
    #[error("some readers would see other events in it")]
    Ambiguous,
}

/// An event of the gateway's own with one JSON text: no `id`, which would move the client's place in the stream.
#[must_use]
pub fn message(data: &[u8]) -> Bytes {
    let mut event = BytesMut::with_capacity(data.len().saturating_add(32));
    line::put(&mut event, b"event", b"message");
    line::put_data(&mut event, data);
    event.put_slice(b"\n");
    event.freeze()
}
