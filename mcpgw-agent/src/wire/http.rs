//! HTTP/1.x, one direction: heads, bodies, and MCP's marks in both.
//!
//! The directions are read apart from each other; what an answer's framing owes to its request (`HEAD`) is made
//! good where it shows. Framing that is lost is an error for the caller, who looks for the next head.

mod body;
mod chunked;
mod head;

use body::Body;
use head::{Framing, Head, Kind};

use super::evidence::Evidence;
use super::sink::Sink;
use super::start::{Opening, opening};
use super::{Hearing, HttpSign};

/// Where one message ends and the next begins is no longer known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lost;

/// One direction of an HTTP/1.x connection.
#[derive(Debug, Default)]
pub(super) struct HttpStream {
    state: State,
}

#[derive(Debug)]
enum State {
    /// In or before a head. `blank` says that its current line has no byte yet.
    Head { held: Vec<u8>, blank: bool },
    /// In the body of an answer or a request.
    Body { body: Box<Body>, answer: bool },
}

impl Default for State {
    fn default() -> Self {
        Self::Head { held: Vec::new(), blank: false }
    }
}

impl HttpStream {
    /// Bytes held.
    pub(super) fn buffered(&self) -> usize {
        match &self.state {
            State::Head { held, .. } => held.capacity(),
            State::Body { body, .. } => body.buffered(),
        }
    }

    /// Takes bytes.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        evidence: &mut Evidence,
        sink: &mut Sink<'_>,
    ) -> Result<(), Lost> {
        let mut rest = bytes;
        self.forgive_missing_body(rest);
        while !rest.is_empty() {
            rest = match &mut self.state {
                State::Head { .. } => self.feed_head(rest, evidence, sink)?,
                State::Body { body, answer } => match body.feed(rest, evidence, sink)? {
                    None => return Ok(()),
                    Some(after) => {
                        evidence.exchanged(*answer);
                        self.state = State::default();
                        after
                    }
                },
            };
        }
        Ok(())
    }

    /// So many bytes are missing.
    pub(super) fn gap(&mut self, bytes: u64, evidence: &mut Evidence) -> Result<(), Lost> {
        let State::Body { body, answer } = &mut self.state else { return Err(Lost) };
        if body.gap(bytes)? {
            evidence.exchanged(*answer);
            self.state = State::default();
        }
        Ok(())
    }

    /// The direction ended.
    pub(super) fn finish(&mut self, evidence: &mut Evidence, sink: &mut Sink<'_>) {
        if let State::Body { body, answer } = &mut self.state {
            body.finish(evidence, sink);
            evidence.exchanged(*answer);
        }
        self.state = State::default();
    }

    /// The answer to `HEAD` announces a body that does not come.
    fn forgive_missing_body(&mut self, bytes: &[u8]) {
        if let State::Body { body, answer: true } = &self.state
            && body.is_untouched()
            && opening(bytes) == Opening::Http
        {
            self.state = State::default();
        }
    }

    /// Takes bytes of a head; answers what follows it.
    fn feed_head<'a>(
        &mut self,
        bytes: &'a [u8],
        evidence: &mut Evidence,
        sink: &mut Sink<'_>,
    ) -> Result<&'a [u8], Lost> {
        let State::Head { held, blank } = &mut self.state else { return Err(Lost) };
        let bytes = if held.is_empty() { bytes.trim_ascii_start() } else { bytes };
        let end = end_of_head(bytes, blank);
        let (part, after) = bytes.split_at_checked(end.unwrap_or(bytes.len())).unwrap_or((bytes, &[]));
        if held.len().saturating_add(part.len()) > sink.limits.head_bytes {
            return Err(Lost);
        }
        let head = match (end, held.is_empty()) {
            (Some(_), true) => head::parse(part),
            (Some(_), false) => {
                held.extend_from_slice(part);
                head::parse(held)
            }
            (None, _) => {
                held.extend_from_slice(part);
                return Ok(&[]);
            }
        };
        self.begin_body(head.ok_or(Lost)?, evidence, sink)?;
        Ok(after)
    }

    fn begin_body(&mut self, head: Head, evidence: &mut Evidence, sink: &mut Sink<'_>) -> Result<(), Lost> {
        let Head { kind, framing, content, mcp_header, session, revision, marked } = head;
        let answer = match kind {
            Kind::Request(sign) => {
                if sink.is_heard()
                    && let HttpSign::Request { host, path, .. } = &sign
                {
                    let (host, path) = (host.clone(), path.clone());
                    sink.hear(Hearing::Request { session, revision, host, path });
                }
                evidence.request(sign, mcp_header.is_some(), sink);
                evidence.mark(marked);
                false
            }
            Kind::Response { status } => {
                evidence.response(mcp_header, sink);
                match status {
                    101 => return Err(Lost),
                    100..=199 => {
                        self.state = State::default();
                        return Ok(());
                    }
                    _ => {
                        evidence.answered(status);
                        sink.hear(Hearing::Answer { session });
                        true
                    }
                }
            }
        };
        self.state = match framing {
            Framing::Empty | Framing::Length(0) => {
                evidence.exchanged(answer);
                State::default()
            }
            Framing::Length(_) | Framing::Chunked | Framing::Close => {
                let body = Body::new(framing, content, sink.is_heard().then_some(answer));
                State::Body { body: Box::new(body), answer }
            }
        };
        Ok(())
    }
}

/// Offset just after the blank line that ends a head; `blank` carries over what the last line had.
fn end_of_head(bytes: &[u8], blank: &mut bool) -> Option<usize> {
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\n' if *blank => return Some(at.saturating_add(1)),
            b'\n' => *blank = true,
            b'\r' => {}
            _ => *blank = false,
        }
    }
    None
}
