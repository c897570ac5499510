//! What can be said of headers without the body.

use hyper::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN,
};
use hyper::{HeaderMap, StatusCode};

use super::{PROTOCOL_VERSION, SESSION_ID};

/// Headers a request or an answer may have.
pub const COUNT_MAX: usize = 100;
/// Bytes of their names and values together.
pub const BYTES_MAX: usize = 64 << 10;
/// Bytes of a session's id.
pub const SESSION_ID_MAX_BYTES: usize = 1024;

/// Why a message is refused for its headers alone. Names are those of headers; no value is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is there more than once: peers would pick different ones.
    #[error("the header `{0}` is there more than once")]
    Duplicate(Box<str>),
    /// Its value is not what it must be.
    #[error("the header `{0}` is malformed")]
    Malformed(Box<str>),
    /// More than [`COUNT_MAX`] or [`BYTES_MAX`].
    #[error("there are too many headers")]
    TooLarge,
    /// The body is not of a type that is understood.
    #[error("the content type is not supported")]
    MediaType,
}

impl Fault {
    /// The status to answer a client with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Duplicate(_) | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }
}

/// Checks the headers of any request, and of any answer: limits, duplicates, and the form of those of MCP.
///
/// # Errors
/// Anything but [`Fault::MediaType`].
pub fn check(headers: &HeaderMap) -> Result<(), Fault> {
    let bytes = headers.iter().map(|(name, value)| name.as_str().len().saturating_add(value.len()));
    if headers.len() > COUNT_MAX || bytes.fold(0, usize::saturating_add) > BYTES_MAX {
        return Err(Fault::TooLarge);
    }
    let once = [HOST, ORIGIN, AUTHORIZATION, CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING];
    // Most have each name once.
    let any_twice = headers.len() != headers.keys_len();
    for name in headers.keys().filter(|_| any_twice) {
        let is_single = is_mcp(name) || name == "last-event-id" || once.contains(name);
        if is_single && headers.get_all(name).iter().nth(1).is_some() {
            return Err(Fault::Duplicate(name.as_str().into()));
        }
    }
    let is_plain =
        |value: &HeaderValue| value.as_bytes().iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    if let Some((name, _)) = headers.iter().find(|(name, value)| is_mcp(name) && !is_plain(value)) {
        return Err(Fault::Malformed(name.as_str().into()));
    }
    session_id(headers)?;
    if let Some(version) = headers.get(PROTOCOL_VERSION) {
        let known = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let is_name = (1..=64).contains(&version.len()) && version.as_bytes().iter().all(known);
        is_name.then_some(()).ok_or_else(|| Fault::Malformed(PROTOCOL_VERSION.into()))?;
    }
    Ok(())
}

fn is_mcp(name: &HeaderName) -> bool {
    name.as_str().starts_with("mcp-")
}

/// The session these headers name.
///
/// # Errors
/// It is there twice, is not visible ASCII, is empty or is too long.
pub fn session_id(headers: &HeaderMap) -> Result<Option<&str>, Fault> {
    let mut values = headers.get_all(SESSION_ID).iter();
    let Some(id) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Fault::Duplicate(SESSION_ID.into()));
    }
    let fits = (1..=SESSION_ID_MAX_BYTES).contains(&id.len());
    let id = id.to_str().ok().filter(|id| fits && id.bytes().all(|byte| byte.is_ascii_graphic()));
    id.map(Some).ok_or_else(|| Fault::Malformed(SESSION_ID.into()))
}
