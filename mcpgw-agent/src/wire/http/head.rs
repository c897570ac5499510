//! One request or response head, and what of it matters.

use super::super::HttpSign;
use super::super::evidence::path_of;

/// Headers parsed without an allocation.
const HEADERS: usize = 64;
/// Bytes kept of a header's value.
const VALUE_BYTES: usize = 256;

/// A head.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) framing: Framing,
    pub(super) content: Content,
    /// The first of MCP's headers.
    pub(super) mcp_header: Option<&'static str>,
    /// `Mcp-Session-Id`.
    pub(super) session: Option<String>,
    /// `MCP-Protocol-Version`.
    pub(super) revision: Option<String>,
    /// A request that can only be meant for an MCP server: a `POST` with one of its headers, or that takes events for an
    /// answer.
    pub(super) marked: bool,
}

/// Which way it goes.
#[derive(Debug)]
pub(super) enum Kind {
    /// With the sign to report once it is known to be MCP.
    Request(HttpSign),
    Response {
        status: u16,
    },
}

/// How the body's end is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Empty,
    Length(u64),
    Chunked,
    /// With the connection's end.
    Close,
}

/// How the body is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// JSON, if it opens like it: types are often wrong or absent.
    Values,
    /// `text/event-stream`.
    Events,
    /// Compressed.
    Opaque,
}

/// Parses a head that ends with its blank line; `None` where it is none.
pub(super) fn parse(bytes: &[u8]) -> Option<Head> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    match parse_with(bytes, &mut headers) {
        Err(httparse::Error::TooManyHeaders) => {
            // The shortest line is "a:\r\n" without its CR.
            let mut headers = vec![httparse::EMPTY_HEADER; bytes.len() / 3];
            parse_with(bytes, &mut headers).ok().flatten()
        }
        parsed => parsed.ok().flatten(),
    }
}

fn parse_with<'b>(
    bytes: &'b [u8],
    headers: &mut [httparse::Header<'b>],
) -> Result<Option<Head>, httparse::Error> {
    if bytes.starts_with(b"HTTP/") {
        let mut response = httparse::Response::new(headers);
        if response.parse(bytes)?.is_partial() {
            return Ok(None);
        }
        let status = response.code.unwrap_or_default();
        let members = Members::of(response.headers);
        let bodiless = matches!(status, 100..=199 | 204 | 304);
        let framing = if bodiless { Framing::Empty } else { members.framing(Framing::Close) };
        return Ok(Some(members.head(Kind::Response { status }, framing)));
    }
    let mut request = httparse::Request::new(headers);
    if request.parse(bytes)?.is_partial() {
        return Ok(None);
    }
    let method = cut(request.method.unwrap_or_default());
    let path = path_of(request.path.unwrap_or_default().as_bytes()).unwrap_or_default();
    let members = Members::of(request.headers);
    let framing = members.framing(Framing::Empty);
    let marked = method == "POST" && (members.takes_events || members.mcp_header.is_some());
    let sign = HttpSign::Request {
        method,
        path,
        host: members.host.map(lossy),
        user_agent: members.user_agent.map(lossy),
        mcp_header: members.mcp_header,
    };
    Ok(Some(Head { marked, ..members.head(Kind::Request(sign), framing) }))
}

/// The headers that matter.
#[derive(Debug, Default)]
struct Members<'h> {
    host: Option<&'h [u8]>,
    user_agent: Option<&'h [u8]>,
    length: Option<u64>,
    chunked: bool,
    events: bool,
    encoded: bool,
    mcp_header: Option<&'static str>,
    session: Option<&'h [u8]>,
    revision: Option<&'h [u8]>,
    takes_events: bool,
}

impl<'h> Members<'h> {
    fn of(headers: &[httparse::Header<'h>]) -> Self {
        let mut members = Self::default();
        for header in headers {
            members.add(header.name, header.value);
        }
        members
    }

    fn add(&mut self, name: &str, value: &'h [u8]) {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("host") {
            self.host = Some(value);
        } else if is("user-agent") {
            self.user_agent = Some(value);
        } else if is("content-length") {
            self.length = str::from_utf8(value).ok().and_then(|value| value.trim().parse().ok());
        } else if is("transfer-encoding") {
            let mut codings = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            self.chunked |= codings.clone().any(|coding| coding.eq_ignore_ascii_case(b"chunked"));
            self.encoded |= codings.any(|coding| !coding.eq_ignore_ascii_case(b"chunked"));
        } else if is("content-encoding") {
            let value = value.trim_ascii();
            self.encoded |= !value.is_empty() && !value.eq_ignore_ascii_case(b"identity");
        } else if is("content-type") {
            const EVENTS: &[u8] = b"text/event-stream";
            self.events = value.get(..EVENTS.len()).is_some_and(|start| start.eq_ignore_ascii_case(EVENTS));
        } else if is("accept") {
            let value = value.to_ascii_lowercase();
            self.takes_events |= memchr::memmem::find(&value, b"text/event-stream").is_some();
        } else if let Some(known) = mcp_header(name) {
            match known {
                "Mcp-Session-Id" => self.session = Some(value),
                "MCP-Protocol-Version" => self.revision = Some(value),
                _ => {}
            }
            self.mcp_header = self.mcp_header.or(Some(known));
        }
    }

    fn framing(&self, otherwise: Framing) -> Framing {
        if self.chunked { Framing::Chunked } else { self.length.map_or(otherwise, Framing::Length) }
    }

    fn head(&self, kind: Kind, framing: Framing) -> Head {
        let content = match (self.encoded, self.events) {
            (true, _) => Content::Opaque,
            (false, true) => Content::Events,
            (false, false) => Content::Values,
        };
        let (session, revision) = (self.session.map(lossy), self.revision.map(lossy));
        Head { kind, framing, content, mcp_header: self.mcp_header, session, revision, marked: false }
    }
}

/// The header's name as the specification spells it, where it is one of MCP's.
fn mcp_header(name: &str) -> Option<&'static str> {
    const NAMES: [&str; 4] = ["MCP-Protocol-Version", "Mcp-Method", "Mcp-Name", "Mcp-Session-Id"];
    const PARAM: &str = "Mcp-Param-";
    let known = NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name));
    known.or_else(|| {
        name.get(..PARAM.len()).is_some_and(|start| start.eq_ignore_ascii_case(PARAM)).then_some("Mcp-Param")
    })
}

fn lossy(value: &[u8]) -> String {
    cut(&String::from_utf8_lossy(value.get(..VALUE_BYTES).unwrap_or(value)))
}

fn cut(text: &str) -> String {
    text.get(..text.floor_char_boundary(VALUE_BYTES)).unwrap_or_default().to_owned()
}
