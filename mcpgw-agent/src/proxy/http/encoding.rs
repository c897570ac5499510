//! Content codings: what a body is before anybody decides on it, within a hard limit.
//!
//! A body is judged decoded and goes on decoded: what was checked is what is sent, and whoever reads it needs no opinion
//! of its own on trailing bytes or second members. Exactly one of `gzip`, `deflate` and `br`, or none; anything else is
//! 415 of a client and a broken answer of a server.

mod brotli;
mod decoder;
mod inflate;
mod sink;
#[cfg(test)]
mod tests;

pub use decoder::Decoder;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::CONTENT_ENCODING;

/// How a body is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// It is as it is.
    Identity,
    /// RFC 1952, also several members one after the other.
    Gzip,
    /// RFC 1950, or RFC 1951 without its frame, which many senders mean by the name.
    Deflate,
    /// RFC 7932, without large windows.
    Brotli,
}

/// Why a body is not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Several codings, or one that is not known here.
    #[error("its content coding is not supported")]
    Unsupported,
    /// More than the limit comes out.
    #[error("it is longer than the limit")]
    TooLong,
    /// It is not in the coding it claims, or its check sum is wrong.
    #[error("it is not in the content coding it claims")]
    Corrupt,
    /// It ends too early.
    #[error("it ends within its content coding")]
    Truncated,
    /// Something follows its end.
    #[error("something follows the end of its content coding")]
    Trailing,
}

impl Coding {
    /// The coding of a body with these headers.
    ///
    /// # Errors
    /// [`Fault::Unsupported`].
    pub fn of(headers: &HeaderMap) -> Result<Self, Fault> {
        let mut named = headers.get_all(CONTENT_ENCODING).iter();
        let (first, None) = (named.next(), named.next()) else { return Err(Fault::Unsupported) };
        let Some(first) = first else { return Ok(Self::Identity) };
        match first.to_str().unwrap_or("?").trim_matches([' ', '\t']).to_ascii_lowercase().as_str() {
            // An empty list names none; `x-gzip` is another name (RFC 9110, 8.4.1.3).
            "identity" | "" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            "br" => Ok(Self::Brotli),
            _ => Err(Fault::Unsupported),
        }
    }
}

/// Decodes a whole body into at most `limit` bytes; no more than that is held, whatever the body claims.
///
/// # Errors
/// Any [`Fault`] but [`Fault::Unsupported`].
pub fn decode(coding: Coding, body: Bytes, limit: usize) -> Result<Bytes, Fault> {
    if coding == Coding::Identity {
        return if body.len() > limit { Err(Fault::TooLong) } else { Ok(body) };
    }
    let mut decoder = Decoder::new(coding, limit);
    let decoded = decoder.push(&body)?;
    decoder.finish()?;
    Ok(decoded)
}
