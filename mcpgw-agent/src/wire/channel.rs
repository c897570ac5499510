//! What one process reads from, or writes to, one channel end.

use super::Seen;
use super::flow::LineFlow;
use super::order::{Position, Run, Step};
use super::sink::Sink;

/// The bytes of one process in one direction.
#[derive(Debug)]
pub(super) struct ChannelStream {
    position: Position,
    flow: LineFlow,
}

impl ChannelStream {
    pub(super) fn new() -> Self {
        Self { position: Position::default(), flow: LineFlow::new() }
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
        let Self { position, flow } = self;
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
    }
}
