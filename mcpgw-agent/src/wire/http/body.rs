//! One message body: where it ends, and what is in it.

use super::super::evidence::Evidence;
use super::super::sink::Sink;
use super::super::sse::Events;
use super::super::value::Values;
use super::Lost;
use super::chunked::Chunked;
use super::head::{Content, Framing};

/// A body in progress.
#[derive(Debug)]
pub(super) struct Body {
    end: End,
    payload: Payload,
    untouched: bool,
}

#[derive(Debug)]
enum End {
    After(u64),
    Chunked(Chunked),
    Close,
}

#[derive(Debug)]
enum Payload {
    Values(Values),
    Events(Events),
    Opaque,
}

impl Body {
    pub(super) fn new(framing: Framing, content: Content) -> Self {
        let end = match framing {
            Framing::Empty => End::After(0),
            Framing::Length(length) => End::After(length),
            Framing::Chunked => End::Chunked(Chunked::default()),
            Framing::Close => End::Close,
        };
        let payload = match content {
            Content::Values => Payload::Values(Values::default()),
            Content::Events => Payload::Events(Events::default()),
            Content::Opaque => Payload::Opaque,
        };
        Self { end, payload, untouched: true }
    }

    /// Bytes held.
    pub(super) fn buffered(&self) -> usize {
        match &self.payload {
            Payload::Values(values) => values.buffered(),
            Payload::Events(events) => events.buffered(),
            Payload::Opaque => 0,
        }
    }

    /// No byte of it came.
    pub(super) fn is_untouched(&self) -> bool {
        self.untouched
    }

    /// Takes bytes; answers what follows the body, once it has ended.
    pub(super) fn feed<'a>(
        &mut self,
        bytes: &'a [u8],
        evidence: &mut Evidence,
        sink: &mut Sink<'_>,
    ) -> Result<Option<&'a [u8]>, Lost> {
        self.untouched = false;
        let Self { end, payload, .. } = self;
        let after = match end {
            End::After(left) => {
                let take = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                let (part, after) = bytes.split_at_checked(take).unwrap_or((bytes, &[]));
                payload.feed(part, evidence, sink);
                *left = left.saturating_sub(u64::try_from(take).unwrap_or(u64::MAX));
                (*left == 0).then_some(after)
            }
            End::Chunked(chunked) => chunked.feed(bytes, &mut |data| payload.feed(data, evidence, sink))?,
            End::Close => {
                payload.feed(bytes, evidence, sink);
                None
            }
        };
        if after.is_some() {
            payload.finish(evidence, sink);
        }
        Ok(after)
    }

    /// Bytes are missing; true where the body ended with them.
    pub(super) fn gap(&mut self, bytes: u64) -> Result<bool, Lost> {
        self.untouched = false;
        match &mut self.payload {
            Payload::Values(values) => values.stop(),
            Payload::Events(events) => events.resync(),
            Payload::Opaque => {}
        }
        match &mut self.end {
            End::After(left) => {
                *left = left.checked_sub(bytes).ok_or(Lost)?;
                Ok(*left == 0)
            }
            End::Chunked(chunked) => chunked.gap(bytes).map(|()| false),
            End::Close => Ok(false),
        }
    }

    /// The connection ended.
    pub(super) fn finish(&mut self, evidence: &mut Evidence, sink: &mut Sink<'_>) {
        self.payload.finish(evidence, sink);
    }
}

impl Payload {
    fn feed(&mut self, bytes: &[u8], evidence: &mut Evidence, sink: &mut Sink<'_>) {
        let limit = sink.limits.message_bytes;
        match self {
            Self::Values(values) => values.feed(bytes, limit, &mut |found| evidence.text(found, sink)),
            Self::Events(events) => {
                events.feed(bytes, limit, &mut |name, found| evidence.event(name, found, sink));
            }
            Self::Opaque => {}
        }
    }

    fn finish(&mut self, evidence: &mut Evidence, sink: &mut Sink<'_>) {
        let limit = sink.limits.message_bytes;
        if let Self::Events(events) = self {
            events.finish(limit, &mut |name, found| evidence.event(name, found, sink));
        }
    }
}
