//! What a TCP connection showed so far, both directions together.

use bytes::Bytes;

use super::sink::Sink;
use super::sse::Name;
use super::value::Found;
use super::{Hearing, HttpSign, NotMcp, Seen, Sighting};
use crate::mcp::{self, Likeness, Peek};

/// Exchanges without MCP after which a connection is given up.
const EXCHANGES: u32 = 4;
/// Bytes without MCP after which a connection is given up, both directions together.
const BYTES: u64 = 64 * 1024;
/// Bytes kept of a path.
const PATH_BYTES: usize = 256;

/// Evidence for and against MCP.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// MCP was seen; the connection is never given up.
    mcp: bool,
    /// HTTP was seen.
    http: bool,
    bytes: u64,
    requests: u32,
    responses: u32,
    /// The latest request, until it or its answer shows MCP.
    pending: Option<Sighting>,
    reported: Option<HttpSign>,
    response_header: Option<&'static str>,
    /// The latest request can only be meant for an MCP server.
    marked: bool,
    /// The latest answer says that it went well.
    well: bool,
}

impl Evidence {
    /// Counts bytes looked at.
    pub(super) fn count(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    }

    /// MCP was seen.
    pub(super) fn is_mcp(&self) -> bool {
        self.mcp
    }

    /// HTTP was seen.
    pub(super) fn is_http(&self) -> bool {
        self.http
    }

    /// MCP was seen; tells of the request it came with.
    pub(super) fn prove(&mut self, sink: &mut Sink<'_>) {
        self.mcp = true;
        if let Some(request) = self.pending.take() {
            let Seen::Http(sign) = &request.seen else { return };
            if self.reported.as_ref() != Some(sign) {
                self.reported = Some(sign.clone());
                sink.out.push(request);
            }
        }
    }

    /// A request's head. It is told of once it, its body or its answer shows MCP, and not twice in a row.
    pub(super) fn request(&mut self, sign: HttpSign, marked: bool, sink: &mut Sink<'_>) {
        self.http = true;
        self.pending = Some(Sighting { source: sink.source, at: sink.at, seen: Seen::Http(sign) });
        if marked {
            self.prove(sink);
        }
    }

    /// An answer's head.
    pub(super) fn response(&mut self, mcp_header: Option<&'static str>, sink: &mut Sink<'_>) {
        self.http = true;
        let Some(mcp_header) = mcp_header else { return };
        self.prove(sink);
        if self.response_header != Some(mcp_header) {
            self.response_header = Some(mcp_header);
            sink.report(Seen::Http(HttpSign::Response { mcp_header }));
        }
    }

    /// The latest request is, or is not, one that only an MCP server is sent.
    pub(super) fn mark(&mut self, marked: bool) {
        self.marked = marked;
    }

    /// The latest answer's status.
    pub(super) fn answered(&mut self, status: u16) {
        self.well = matches!(status, 200..=299);
    }

    /// A message should be in the body of the request, or the answer, at hand.
    pub(super) fn expects(&self, answer: bool) -> bool {
        self.marked && (self.well || !answer)
    }

    /// A body as it came, for whoever wants it.
    pub(super) fn whole(&mut self, text: Vec<u8>, answer: bool, sink: &mut Sink<'_>) {
        let messages = mcp::read(&text).messages;
        let is_json = matches!(text.trim_ascii_start().first(), Some(b'{' | b'['));
        let is_blank = text.trim_ascii().is_empty();
        let is_meant = self.expects(answer) && (is_json || !answer) && !is_blank;
        if is_meant || !messages.is_empty() {
            sink.hear(Hearing::Text(text.into()));
        }
        self.messages(messages, sink);
    }

    /// A request or answer ended.
    pub(super) fn exchanged(&mut self, answer: bool) {
        let count = if answer { &mut self.responses } else { &mut self.requests };
        *count = count.saturating_add(1);
    }

    /// A JSON text of a body.
    pub(super) fn text(&mut self, found: Found<'_>, sink: &mut Sink<'_>) {
        let Found::Value(text) = found else { return sink.oversized() };
        let messages = mcp::read(text).messages;
        if sink.is_heard() && (self.mcp || !messages.is_empty()) {
            sink.hear(Hearing::Text(Bytes::copy_from_slice(text)));
        }
        self.messages(messages, sink);
    }

    fn messages(&mut self, messages: Vec<Peek>, sink: &mut Sink<'_>) {
        for message in messages {
            if message.mcp == Likeness::Strong {
                self.prove(sink);
            }
            sink.message(message);
        }
    }

    /// A server-sent event.
    pub(super) fn event(&mut self, name: Name, found: Found<'_>, sink: &mut Sink<'_>) {
        match (name, found) {
            (Name::Endpoint, Found::Value(data)) => {
                if let Some(path) = path_of(data) {
                    self.prove(sink);
                    sink.hear(Hearing::Endpoint(path.clone()));
                    sink.report(Seen::Http(HttpSign::SseEndpoint { path }));
                }
            }
            (Name::Message | Name::Endpoint, found) => self.text(found, sink),
        }
    }

    /// Whether a connection that showed no MCP is given up. `none` says what it is where it never was HTTP.
    pub(super) fn verdict(&self, none: NotMcp) -> Option<NotMcp> {
        let enough = self.bytes >= BYTES || self.requests.min(self.responses) >= EXCHANGES;
        enough.then_some(if self.http { NotMcp::OtherHttp } else { none })
    }
}

/// Path of a request target or URL, without query and fragment, cut to its limit.
pub(super) fn path_of(target: &[u8]) -> Option<String> {
    let target = str::from_utf8(target).ok()?.trim();
    if target.is_empty() || target.contains(['\r', '\n']) {
        return None;
    }
    let path = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => {
            rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/")
        }
        Some(_) | None => target,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.get(..path.floor_char_boundary(PATH_BYTES)).map(str::to_owned)
}
