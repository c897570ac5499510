//! What a TCP stream is, by the bytes it opens with.

/// Methods with which an HTTP request may open.
const OPENINGS: [&[u8]; 10] = [
    b"HTTP/1.",
    b"POST ",
    b"GET ",
    b"DELETE ",
    b"OPTIONS ",
    b"HEAD ",
    b"PUT ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
];
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// A guess at a stream's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// A request or response of HTTP/1.x.
    Http,
    /// HTTP/2's preface.
    Http2,
    /// A TLS record.
    Tls,
    /// An object or array.
    Json,
    /// Too few bytes to say.
    Short,
    /// Anything else, the middle of something included.
    Other,
}

/// Guesses from the first bytes of a stream or segment.
pub(super) fn opening(bytes: &[u8]) -> Opening {
    let begins = |opening: &[u8]| bytes.starts_with(opening);
    let may_begin = |opening: &[u8]| opening.starts_with(bytes);
    if OPENINGS.iter().any(|opening| begins(opening)) {
        return Opening::Http;
    }
    if begins(HTTP2_PREFACE) {
        return Opening::Http2;
    }
    match bytes {
        [0x14..=0x17, 3, 0..=4, ..] => return Opening::Tls,
        [] | [0x14..=0x17] | [0x14..=0x17, 3] => return Opening::Short,
        _ => {}
    }
    if OPENINGS.iter().any(|opening| may_begin(opening)) || may_begin(HTTP2_PREFACE) {
        return Opening::Short;
    }
    match bytes.trim_ascii_start().first() {
        Some(b'{' | b'[') => Opening::Json,
        None => Opening::Short,
        Some(_) => Opening::Other,
    }
}
