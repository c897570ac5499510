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
    let read = read(headers)?;
    // It goes on with what is said of it: a server that reads it by another charset reads something else.
    let is_utf8 = read.charset.is_none_or(|charset| charset == Charset::Utf8);
    let is_plain = read.answer == Answer::Json && read.others == 0 && is_utf8;
    is_plain.then_some(()).ok_or(Fault::MediaType)
}

/// What an answer says it holds. It is read as UTF-8, here and by clients, for what is said of it does not go on; so what
/// is called US-ASCII is nothing else. What is called Latin-1 [must be ASCII](must_be_ascii).
///
/// # Errors
/// [`Fault::Duplicate`], and [`Fault::MediaType`] for any other charset.
pub fn answer(headers: &HeaderMap) -> Result<Answer, Fault> {
    read(headers).map(|read| read.answer)
}

/// The answer is in a charset of which only ASCII is what UTF-8 makes of it: anything else its server means otherwise.
pub fn must_be_ascii(headers: &HeaderMap) -> bool {
    read(headers).is_ok_and(|read| read.charset == Some(Charset::Latin1))
}

/// A charset of which it is known what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charset {
    Utf8,
    Ascii,
    Latin1,
}

impl Charset {
    fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Some(Self::Utf8),
            "us-ascii" => Some(Self::Ascii),
            "iso-8859-1" => Some(Self::Latin1),
            _ => None,
        }
    }
}

/// What a media type says.
struct Read {
    answer: Answer,
    /// May stand there once.
    charset: Option<Charset>,
    /// How many parameters it has beside.
    others: usize,
}

fn read(headers: &HeaderMap) -> Result<Read, Fault> {
    let other = Read { answer: Answer::Other, charset: None, others: 0 };
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let Some(value) = values.next() else { return Ok(other) };
    if values.next().is_some() {
        return Err(Fault::Duplicate(CONTENT_TYPE.as_str().into()));
    }
    let value = value.to_str().ok().ok_or(Fault::MediaType)?;
    let mut parts = value.split(';').map(|part| part.trim_matches([' ', '\t']));
    let media = parts.next().unwrap_or_default();
    let answer = match media.to_ascii_lowercase().as_str() {
        "application/json" => Answer::Json,
        "text/event-stream" => Answer::Events,
        _ => return Ok(other),
    };
    let mut read = Read { answer, ..other };
    for parameter in parts {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        let name = name.trim_end().to_ascii_lowercase();
        if !name.contains("charset") {
            read.others += 1;
        } else if name != "charset" {
            // `charset*`, `charset*0` (RFC 2231): some readers decode by them.
            return Err(Fault::MediaType);
        } else {
            let charset = Charset::named(value).ok_or(Fault::MediaType)?;
            if read.charset.replace(charset).is_some() {
                return Err(Fault::MediaType);
            }
        }
    }
    Ok(read)
}
