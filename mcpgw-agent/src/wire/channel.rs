//! One direction of a channel end.

use super::Seen;
use super::flow::LineFlow;
use super::order::{Position, Run, Step};
use super::sink::Sink;
use crate::inventory::{ProcessKey, StreamSource};

/// Bytes read from, or written to, one channel end.
#[derive(Debug)]
pub(super) struct ChannelStream {
    position: Position,
    flow: LineFlow,
    /// Whose bytes were judged to be no MCP.
    settled_by: Option<ProcessKey>,
}

impl ChannelStream {
    pub(super) fn new() -> Self {
        Self { position: Position::default(), flow: LineFlow::new(), settled_by: None }
    }

    /// Bytes held.
    pub(super) fn buffered(&self) -> usize {
        self.flow.buffered()
    }

    /// Nothing more is expected of it.
    pub(super) fn is_settled(&self) -> bool {
        self.flow.is_settled()
    }

    /// Gives up what is held.
    pub(super) fn shed(&mut self) {
        self.flow.resync();
    }

    pub(super) fn push(&mut self, run: Run<'_>, sink: &mut Sink<'_>) {
        let process = match sink.source {
            StreamSource::Channel { process, .. } => Some(process),
            StreamSource::Tcp { .. } => None,
        };
        if self.flow.is_settled() && self.settled_by != process {
            // A shell that read a script may hand its stdin to a server.
            self.flow = LineFlow::new();
        }
        let Self { position, flow, .. } = self;
        let settled = flow.is_settled();
        position.advance(&run, &mut |step| match step {
            Step::Gap(_) if settled => {}
            Step::Gap(bytes) => {
                flow.resync();
                sink.gap(bytes);
            }
            Step::Bytes(bytes, _) => {
                if let Some(why) = flow.feed(bytes, sink) {
                    sink.report(Seen::NotMcp(why));
                }
            }
        });
        if self.flow.is_settled() {
            self.settled_by = process;
        }
    }
}
