//! A stream of newline-delimited JSON: its lines, read and judged.

use super::NotMcp;
use super::judge::Judge;
use super::lines::{Junk, Line, Lines};
use super::sink::Sink;
use crate::mcp;

/// Lines of one stream.
#[derive(Debug)]
pub(super) struct LineFlow {
    lines: Lines,
    judge: Judge,
    /// No line is complete yet: the one at hand may have begun before observation did.
    first: bool,
    settled: bool,
}

impl LineFlow {
    /// A stream looked at from anywhere.
    pub(super) fn new() -> Self {
        Self { lines: Lines::default(), judge: Judge::default(), first: true, settled: false }
    }

    /// Bytes held.
    pub(super) fn buffered(&self) -> usize {
        self.lines.buffered()
    }

    /// It was judged to be no MCP.
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// It showed MCP.
    pub(super) fn is_mcp(&self) -> bool {
        self.judge.is_mcp()
    }

    /// Bytes are missing.
    pub(super) fn resync(&mut self) {
        self.lines.resync();
    }

    /// Takes bytes; answers once, when it has become clear that this is no MCP.
    pub(super) fn feed(&mut self, bytes: &[u8], sink: &mut Sink<'_>) -> Option<NotMcp> {
        self.run(sink, |lines, limit, line| lines.feed(bytes, limit, line))
    }

    /// The stream ended.
    pub(super) fn finish(&mut self, sink: &mut Sink<'_>) -> Option<NotMcp> {
        self.run(sink, |lines, limit, line| lines.finish(limit, line))
    }

    fn run(
        &mut self,
        sink: &mut Sink<'_>,
        cut: impl FnOnce(&mut Lines, usize, &mut dyn FnMut(Line<'_>) -> bool),
    ) -> Option<NotMcp> {
        if self.settled {
            return None;
        }
        let Self { lines, judge, first, settled } = self;
        let limit = sink.limits.message_bytes;
        let mut verdict = None;
        cut(lines, limit, &mut |line| {
            take(line, *first, judge, sink);
            *first = false;
            verdict = judge.verdict(None, false);
            verdict.is_none()
        });
        let verdict = verdict.or_else(|| judge.verdict(lines.pending(), *first));
        if verdict.is_some() {
            *settled = true;
            *lines = Lines::default();
        }
        verdict
    }
}

/// Reads one line into the sink and the judge's notes.
fn take(line: Line<'_>, first: bool, judge: &mut Judge, sink: &mut Sink<'_>) {
    let text = match line {
        Line::Json(text) => text,
        Line::Junk(junk) => return judge.junk(junk, first),
        Line::Oversized => return sink.oversized(),
    };
    let reading = mcp::read(text);
    judge.trailing(text.get(reading.end..).unwrap_or_default());
    if reading.values == 0 {
        let junk = Junk { head: &[], len: text.len(), binary: false };
        return judge.junk(junk, first);
    }
    if reading.messages.is_empty() && !first {
        judge.other_json();
    }
    for message in reading.messages {
        judge.message(message.mcp);
        sink.message(message);
    }
}
