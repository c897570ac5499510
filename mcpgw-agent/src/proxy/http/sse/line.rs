//! One line: its field, its value, its end.

use bytes::{BufMut, BytesMut};

/// The byte order mark a stream may start with.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";

/// A line without its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Ends an event.
    Blank,
    /// Starts with a colon.
    Comment(&'a [u8]),
    /// `data`
    Data(&'a [u8]),
    /// `event`
    Name(&'a [u8]),
    /// `id`
    Id(&'a [u8]),
    /// `retry`
    Retry(&'a [u8]),
    /// A field nobody knows.
    Unknown,
}

impl<'a> Line<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        if line.is_empty() {
            return Self::Blank;
        }
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let (field, value) = line.split_at_checked(colon).unwrap_or((line, &[]));
        let value = value.strip_prefix(b":").unwrap_or(value);
        if field.is_empty() {
            return Self::Comment(value);
        }
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => Self::Data(value),
            b"event" => Self::Name(value),
            b"id" => Self::Id(value),
            b"retry" => Self::Retry(value),
            _ => Self::Unknown,
        }
    }

    /// It stands outside events: it neither starts nor ends one.
    pub(super) fn is_outside(self) -> bool {
        matches!(self, Self::Blank | Self::Comment(_))
    }
}

/// The lines of whole events, each with its end apart.
pub(super) fn lines(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let at = memchr::memchr2(b'\n', b'\r', bytes)?;
        let (line, rest) = bytes.split_at_checked(at)?;
        let length = if rest.starts_with(b"\r\n") { 2 } else { 1 };
        let (end, after) = rest.split_at_checked(length)?;
        bytes = after;
        Some((line, end))
    })
}

/// Writes a field, or a comment where it has no name.
pub(super) fn put(to: &mut BytesMut, name: &[u8], value: &[u8]) {
    to.put_slice(name);
    to.put_u8(b':');
    if !name.is_empty() && !value.is_empty() {
        to.put_u8(b' ');
    }
    to.put_slice(value);
    to.put_u8(b'\n');
}

/// Writes `data` as `data` fields, one for each of its lines.
pub(super) fn put_data(to: &mut BytesMut, mut data: &[u8]) {
    loop {
        let at = memchr::memchr2(b'\n', b'\r', data);
        let (line, rest) = data.split_at_checked(at.unwrap_or(data.len())).unwrap_or((data, &[]));
        put(to, b"data", line);
        data = match rest {
            [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
            [] => return,
        };
    }
}

/// Some readers, those that split text by Unicode's rules, would end a line within `bytes`.
pub(super) fn has_separator(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| matches!(byte, 0x0b | 0x0c | 0x1c..=0x1e))
        || memchr::memmem::find(bytes, b"\xc2\x85").is_some()
        || memchr::memmem::find(bytes, b"\xe2\x80\xa8").is_some()
        || memchr::memmem::find(bytes, b"\xe2\x80\xa9").is_some()
}
