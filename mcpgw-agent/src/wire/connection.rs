//! One TCP connection: both directions, and what each turned out to speak.

use super::evidence::Evidence;
use super::flow::LineFlow;
use super::http::HttpStream;
use super::lines::is_binary;
use super::order::{Run, Segments, Step};
use super::sink::Sink;
use super::sse::Events;
use super::start::{Opening, opening};
use super::{NotMcp, Seen};
use crate::inventory::{BootTime, StreamSource};

/// Bytes waited for to tell a stream's protocol.
const PROBE_BYTES: usize = 16;

/// A connection.
#[derive(Debug, Default)]
pub(super) struct Connection {
    up: Half,
    down: Half,
    evidence: Evidence,
    settled: bool,
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    segments: Segments,
    mode: Mode,
    ended: bool,
    /// Where its bytes came from, last time.
    source: Option<StreamSource>,
}

/// What a direction speaks.
#[derive(Debug)]
enum Mode {
    /// Not known yet; the bytes so far.
    Fresh(Vec<u8>),
    Http(HttpStream),
    /// Newline-delimited JSON.
    Lines(LineFlow),
    /// The middle of something: server-sent events are found in it, and the next HTTP head.
    Salvage(Events),
    /// Nothing is looked for.
    Done,
}

impl Default for Mode {
    fn default() -> Self {
        Self::Fresh(Vec::new())
    }
}

impl Connection {
    /// Bytes held.
    pub(super) fn buffered(&self) -> usize {
        self.up.buffered().saturating_add(self.down.buffered())
    }

    /// Nothing more is expected of it.
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// Both directions ended.
    pub(super) fn is_over(&self) -> bool {
        self.up.ended && self.down.ended
    }

    /// Gives up what is held.
    pub(super) fn shed(&mut self) {
        for half in [&mut self.up, &mut self.down] {
            half.segments.shed();
            half.mode.resync();
        }
    }

    /// Takes a segment that begins with `sequence`.
    pub(super) fn push(&mut self, sequence: u32, run: Run<'_>, end: bool, sink: &mut Sink<'_>) {
        let from_server = match sink.source {
            StreamSource::Tcp { from_server, .. } | StreamSource::Tls { from_server, .. } => from_server,
            StreamSource::Channel { .. } => false,
        };
        let Self { up, down, evidence, .. } = self;
        let half = if from_server { down } else { up };
        if half.ended && run.bytes.is_empty() && run.skipped == 0 {
            // A reset after the end is one number further: the end has one, too (RFC 9293, 3.4), and nothing is missing.
            return;
        }
        half.source = Some(sink.source);
        let limits = sink.limits;
        let mut why = None;
        half.segments.accept(sequence, run, limits, &mut |step| {
            why = why.or(half.mode.step(step, evidence, sink));
        });
        if end {
            half.segments.flush(&mut |step| why = why.or(half.mode.step(step, evidence, sink)));
            why = why.or(half.mode.finish(evidence, sink));
            half.ended = true;
        }
        self.settle(why, sink);
    }

    /// Gives up on segments that are overdue at `now`.
    pub(super) fn expire(&mut self, now: BootTime, sink: &mut Sink<'_>) {
        let Self { up, down, evidence, .. } = self;
        let mut why = None;
        for half in [up, down] {
            let overdue = half
                .segments
                .waiting_since()
                .is_some_and(|since| now.since(since) >= sink.limits.reorder_wait);
            if let Some(source) = half.source.filter(|_| overdue) {
                sink.source = source;
                half.segments.flush(&mut |step| why = why.or(half.mode.step(step, evidence, sink)));
            }
        }
        self.settle(why, sink);
    }

    /// Reports and remembers that this is no MCP, unless either direction showed it.
    fn settle(&mut self, why: Option<NotMcp>, sink: &mut Sink<'_>) {
        if self.settled || self.evidence.is_mcp() {
            return;
        }
        if let Some(why) = why.or_else(|| self.evidence.verdict(NotMcp::NotJson)) {
            self.settled = true;
            for half in [&mut self.up, &mut self.down] {
                half.segments.shed();
                half.mode = Mode::Done;
            }
            sink.report(Seen::NotMcp(why));
        }
    }
}

impl Half {
    fn buffered(&self) -> usize {
        let mode = match &self.mode {
            Mode::Fresh(held) => held.capacity(),
            Mode::Http(http) => http.buffered(),
            Mode::Lines(flow) => flow.buffered(),
            Mode::Salvage(events) => events.buffered(),
            Mode::Done => 0,
        };
        mode.saturating_add(self.segments.buffered())
    }
}

impl Mode {
    fn step(&mut self, step: Step<'_>, evidence: &mut Evidence, sink: &mut Sink<'_>) -> Option<NotMcp> {
        if matches!(self, Self::Done) {
            return None;
        }
        match step {
            Step::Gap(bytes) => {
                sink.gap(bytes);
                let framed = match self {
                    Self::Http(http) => http.gap(bytes, evidence).is_ok(),
                    Self::Fresh(_) | Self::Lines(_) | Self::Salvage(_) | Self::Done => false,
                };
                if !framed {
                    self.resync();
                }
                None
            }
            Step::Bytes(bytes, at) => {
                sink.at = at;
                evidence.count(bytes);
                self.feed(bytes, evidence, sink)
            }
        }
    }

    /// An unknown number of bytes is missing.
    fn resync(&mut self) {
        match self {
            Self::Lines(flow) => flow.resync(),
            Self::Salvage(events) => events.resync(),
            Self::Fresh(_) | Self::Http(_) => *self = Self::salvage(),
            Self::Done => {}
        }
    }

    fn salvage() -> Self {
        Self::Salvage(Events::default())
    }

    fn feed(&mut self, bytes: &[u8], evidence: &mut Evidence, sink: &mut Sink<'_>) -> Option<NotMcp> {
        match self {
            Self::Fresh(held) => {
                let held = std::mem::take(held);
                return self.begin(held, bytes, evidence, sink);
            }
            Self::Http(http) => {
                if http.feed(bytes, evidence, sink).is_err() {
                    *self = Self::salvage();
                }
            }
            Self::Lines(flow) => {
                // A body whose head was missed looked like lines.
                if !flow.is_mcp() && opening(bytes) == Opening::Http {
                    flow.finish(sink);
                    return self.begin(Vec::new(), bytes, evidence, sink);
                }
                let why = flow.feed(bytes, sink);
                if flow.is_mcp() {
                    evidence.prove(sink);
                }
                return why;
            }
            Self::Salvage(events) => {
                if opening(bytes) == Opening::Http {
                    return self.begin(Vec::new(), bytes, evidence, sink);
                }
                let limit = sink.limits.message_bytes;
                events.feed(bytes, limit, &mut |name, found| evidence.event(name, found, sink));
            }
            Self::Done => {}
        }
        None
    }

    /// Finds out what `held` and `bytes` open.
    fn begin(
        &mut self,
        mut held: Vec<u8>,
        bytes: &[u8],
        evidence: &mut Evidence,
        sink: &mut Sink<'_>,
    ) -> Option<NotMcp> {
        let first = if held.is_empty() {
            bytes
        } else {
            held.extend_from_slice(bytes);
            &held
        };
        *self = match opening(first) {
            Opening::Http => Self::Http(HttpStream::default()),
            Opening::Http2 => return Some(NotMcp::Http2),
            Opening::Tls => return Some(NotMcp::NotJson),
            Opening::Other if !evidence.is_http() && looks_binary(first) => return Some(NotMcp::NotJson),
            Opening::Json => Self::Lines(LineFlow::new()),
            Opening::Short if first.len() < PROBE_BYTES => {
                *self = Self::Fresh(first.to_vec());
                return None;
            }
            Opening::Short | Opening::Other => Self::salvage(),
        };
        self.feed(first, evidence, sink)
    }

    /// The direction ended.
    fn finish(&mut self, evidence: &mut Evidence, sink: &mut Sink<'_>) -> Option<NotMcp> {
        match self {
            Self::Http(http) => http.finish(evidence, sink),
            Self::Lines(flow) => {
                let why = flow.finish(sink);
                if flow.is_mcp() {
                    evidence.prove(sink);
                }
                return why;
            }
            Self::Salvage(events) => {
                let limit = sink.limits.message_bytes;
                events.finish(limit, &mut |name, found| evidence.event(name, found, sink));
            }
            Self::Fresh(_) | Self::Done => {}
        }
        None
    }
}

/// The first bytes are no text.
fn looks_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(64).any(|byte| is_binary(*byte))
}
