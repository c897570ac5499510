//! Decoding a body as it comes: each chunk gives all that can be told by then.

use std::fmt;

use bytes::Bytes;

use super::brotli::Unbrotli;
use super::inflate::{Gunzip, Inflate};
use super::sink::Sink;
use super::{Coding, Fault};

/// Decodes one body.
pub struct Decoder {
    inner: Inner,
    sink: Sink,
    limit: usize,
}

enum Inner {
    Identity,
    Gzip(Box<Gunzip>),
    /// `deflate`, of which the first two bytes tell whether it has a frame.
    Unframed(Vec<u8>),
    Deflate(Inflate),
    Brotli(Unbrotli),
}

impl Decoder {
    /// A decoder that gives at most `limit` bytes for a chunk. A stream has no length: who wants a limit for all of it
    /// pushes all of it at once, or counts.
    #[must_use]
    pub fn new(coding: Coding, limit: usize) -> Self {
        let inner = match coding {
            Coding::Identity => Inner::Identity,
            Coding::Gzip => Inner::Gzip(Box::new(Gunzip::new())),
            Coding::Deflate => Inner::Unframed(Vec::new()),
            Coding::Brotli => Inner::Brotli(Unbrotli::new()),
        };
        Self { inner, sink: Sink::new(limit), limit }
    }

    /// Decodes the next chunk.
    ///
    /// # Errors
    /// [`Fault::TooLong`], [`Fault::Corrupt`] or [`Fault::Trailing`]; the decoder is of no use then.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Bytes, Fault> {
        if let Inner::Unframed(head) = &mut self.inner {
            head.extend_from_slice(chunk);
            if head.len() < 2 {
                return Ok(Bytes::new());
            }
            let head = std::mem::take(head);
            self.inner = Inner::Deflate(Inflate::new(is_zlib(&head)));
            return self.decode(&head);
        }
        self.decode(chunk)
    }

    fn decode(&mut self, chunk: &[u8]) -> Result<Bytes, Fault> {
        match &mut self.inner {
            Inner::Identity if chunk.len() > self.limit => return Err(Fault::TooLong),
            Inner::Identity => return Ok(Bytes::copy_from_slice(chunk)),
            Inner::Unframed(_) => {}
            Inner::Gzip(gunzip) => gunzip.push(chunk, &mut self.sink)?,
            Inner::Brotli(unbrotli) => unbrotli.push(chunk, &mut self.sink)?,
            Inner::Deflate(inflate) => {
                if !inflate.push(chunk, &mut self.sink, &mut |_| {})?.is_empty() {
                    return Err(Fault::Trailing);
                }
            }
        }
        Ok(Bytes::from(self.sink.take()))
    }

    /// Bytes decoded and not given yet.
    #[cfg(test)]
    pub(super) fn held(&mut self) -> usize {
        self.sink.take().capacity()
    }

    /// The body ended.
    ///
    /// # Errors
    /// [`Fault::Truncated`]: its coding did not end with it. What was given so far is not to be taken for the whole.
    pub fn finish(self) -> Result<(), Fault> {
        let ended = match &self.inner {
            Inner::Identity => true,
            Inner::Gzip(gunzip) => gunzip.ended(),
            Inner::Unframed(_) => false,
            Inner::Deflate(inflate) => inflate.ended(),
            Inner::Brotli(unbrotli) => unbrotli.ended(),
        };
        if ended { Ok(()) } else { Err(Fault::Truncated) }
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// RFC 1950 2.2: the method is 8, the window at most 32 KiB, and both bytes together a multiple of 31.
fn is_zlib(head: &[u8]) -> bool {
    let [method, flags, ..] = head else { return false };
    method & 0x0f == 8 && method >> 4 <= 7 && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
}
