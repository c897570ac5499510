//! One message body: where it ends, and what is in it.

use super::super::Hearing;
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
    /// All of it, for whoever wants it as it came; of an answer or a request.
    Whole {
        held: Vec<u8>,
        answer: bool,
        long: bool,
    },
    /// Compressed; somebody wants to know that there was something.
    Encoded {
        answer: bool,
    },
    Opaque,
}

impl Body {
    /// `heard` where somebody wants texts as they came: whether it is an answer's.
    pub(super) fn new(framing: Framing, content: Content, heard: Option<bool>) -> Self {
        let end = match framing {
            Framing::Empty => End::After(0),
            Framing::Length(length) => End::After(length),
            Framing::Chunked => End::Chunked(Chunked::default()),
            Framing::Close => End::Close,
        };
        let payload = match (content, heard) {
            (Content::Values, Some(answer)) => Payload::Whole { held: Vec::new(), answer, long: false },
            (Content::Opaque, Some(answer)) => Payload::Encoded { answer },
            (Content::Values, None) => Payload::Values(Values::default()),
            (Content::Events, _) => Payload::Events(Events::default()),
            (Content::Opaque, None) => Payload::Opaque,
        };
        Self { end, payload, untouched: true }
    }

    /// Bytes held.
    pub(super) fn buffered(&self) -> usize {
        match &self.payload {
            Payload::Values(values) => values.buffered(),
            Payload::Events(events) => events.buffered(),
            Payload::Whole { held, .. } => held.capacity(),
            Payload::Encoded { .. } | Payload::Opaque => 0,
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
            // Its end is still looked for, but it is no message any more.
            Payload::Whole { .. } => self.payload = Payload::Opaque,
            Payload::Encoded { .. } | Payload::Opaque => {}
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
            Self::Whole { long: true, .. } => {}
            Self::Whole { held, long, .. } if held.len().saturating_add(bytes.len()) > limit => {
                (*held, *long) = (Vec::new(), true);
                sink.oversized();
            }
            Self::Whole { held, .. } => held.extend_from_slice(bytes),
            Self::Encoded { .. } | Self::Opaque => {}
        }
    }

    fn finish(&mut self, evidence: &mut Evidence, sink: &mut Sink<'_>) {
        let limit = sink.limits.message_bytes;
        match self {
            Self::Events(events) => {
                events.finish(limit, &mut |name, found| evidence.event(name, found, sink));
            }
            Self::Whole { held, answer, long: false } => {
                let text = std::mem::take(held);
                evidence.whole(text, *answer, sink);
            }
            Self::Encoded { answer } if evidence.expects(*answer) => sink.hear(Hearing::Encoded),
            Self::Values(_) | Self::Whole { .. } | Self::Encoded { .. } | Self::Opaque => {}
        }
    }
}
