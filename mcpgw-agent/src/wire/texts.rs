//! A conversation over channels as whole texts, each told once: both directions, each seen from both sides.
//!
//! ```text
//! reads of the receiver ─▶ lines ─┐
//!                                 ├─▶ told once, by whichever side has it first
//! writes of the sender  ─▶ lines ─┘
//! ```
//!
//! Who writes 5 MB at once shows only the beginning of it; who reads them shows all, piece by piece. Who was looked at too
//! late may have missed a message that the other side has. So a text counts from either side, and bytes are missing only
//! where both sides miss them, or there is but one.

mod cut;
mod way;

use bytes::Bytes;

use super::Chunk;
use crate::inventory::{BootTime, Channel, Lane, ProcessKey, StreamSource};
use way::Way;

/// Something that passed in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// It went to the server.
    pub to_server: bool,
    /// When its last byte passed.
    pub at: BootTime,
    /// Whose reads or writes, at which end.
    pub stream: (Channel, ProcessKey),
    /// What.
    pub what: Passing,
}

/// What passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passing {
    /// A line, without its end.
    Text {
        /// It.
        text: Bytes,
        /// It is the first of its stream and may be the rest of one that began before.
        first: bool,
    },
    /// A line over the limit: as much of it as was held.
    Long(Bytes),
    /// Bytes that passed are missing here.
    Gap {
        /// How many.
        bytes: u64,
    },
}

/// One server's conversation.
#[derive(Debug)]
pub struct Conversation {
    limit: usize,
    to_server: Way,
    to_client: Way,
}

impl Conversation {
    /// One of which nothing is known; `limit` is the longest line in bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, to_server: Way::new(true), to_client: Way::new(false) }
    }

    /// Takes what passed at `lane`, and appends what that completes to `out`. Chunks that are not of a channel are nobody's.
    pub fn push(&mut self, lane: Lane, chunk: &Chunk, out: &mut Vec<Told>) {
        let StreamSource::Channel { channel, process, .. } = chunk.source else { return };
        let limit = self.limit;
        self.way(lane.to_server).push(lane.wrote, (channel, process), chunk, limit, out);
    }

    /// Tells of gaps nobody can fill any more at `now`. To be called about once a second.
    pub fn expire(&mut self, now: BootTime, out: &mut Vec<Told>) {
        self.to_server.expire(now, out);
        self.to_client.expire(now, out);
    }

    /// It is over: what is held will not be completed.
    pub fn finish(&mut self, now: BootTime, out: &mut Vec<Told>) {
        self.to_server.finish(now, out);
        self.to_client.finish(now, out);
    }

    /// Bytes held of lines that have not ended.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.to_server.buffered().saturating_add(self.to_client.buffered())
    }

    /// Gives up what is held; it will show as a gap.
    pub fn shed(&mut self) {
        self.to_server.shed();
        self.to_client.shed();
    }

    fn way(&mut self, to_server: bool) -> &mut Way {
        if to_server { &mut self.to_server } else { &mut self.to_client }
    }
}

#[cfg(test)]
mod tests;
