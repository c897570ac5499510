//! Media types, matched exactly: what another parser might take for JSON is not JSON here.

use hyper::HeaderMap;
use hyper::header::CONTENT_TYPE;

use super::Fault;

/// What a server's answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// One JSON text (or, from some servers, several, a line each).
    Json,
    /// Server-sent events.
    Events,
    /// Nothing of MCP: an error page, or nothing at all.
    Other,
}

/// A request's body is `application/json`, in UTF-8, and nothing else is said of it.
///
/// # Errors
/// [`Fault::Duplicate`] and [`Fault::MediaType`].
pub fn check_json(headers: &HeaderMap) -> Result<(), Fault> {
    let (answer, others) = read(headers)?;
    if answer == Answer::Json && others == 0 { Ok(()) } else { Err(Fault::MediaType) }
}

/// What an answer says it holds. Clients decode text as its `charset` says, so any but UTF-8 would be read differently
/// from here; what else is said of it changes nothing, and does not go on.
///
/// # Errors
/// [`Fault::Duplicate`], and [`Fault::MediaType`] for a charset other than UTF-8.
pub fn answer(headers: &HeaderMap) -> Result<Answer, Fault> {
    read(headers).map(|(answer, _)| answer)
}

/// The type, and how many parameters it has beside `charset=utf-8`, which may stand there once.
fn read(headers: &HeaderMap) -> Result<(Answer, usize), Fault> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let Some(value) = values.next() else { return Ok((Answer::Other, 0)) };
    if values.next().is_some() {
        return Err(Fault::Duplicate(CONTENT_TYPE.as_str().into()));
    }
    let value = value.to_str().ok().ok_or(Fault::MediaType)?;
    let mut parts = value.split(';').map(|part| part.trim_matches([' ', '\t']));
    let media = parts.next().unwrap_or_default();
    let answer = match media.to_ascii_lowercase().as_str() {
        "application/json" => Answer::Json,
        "text/event-stream" => Answer::Events,
        _ => return Ok((Answer::Other, 0)),
    };
    let (mut charsets, mut others) = (0_usize, 0_usize);
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        let name = name.trim_end().to_ascii_lowercase();
        if !name.contains("charset") {
            others += 1;
        } else if name != "charset" {
            // `charset*`, `charset*0` (RFC 2231): some readers decode by them.
            return Err(Fault::MediaType);
        } else if value.eq_ignore_ascii_case("utf-8") {
            charsets += 1;
        } else {
            return Err(Fault::MediaType);
        }
    }
    if charsets > 1 { Err(Fault::MediaType) } else { Ok((answer, others)) }
}
