//! Follows the requests of a connection byte by byte, bodies in leaps.

use super::line::{Bad, Length, chunk_size};

/// Bytes of a line: more than the library takes for a whole head, which it refuses with a status of its own.
const LINE_MAX_BYTES: usize = 128 << 10;

/// Where the reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    RequestLine,
    Headers(Length),
    /// So many bytes of a body with a length are to come.
    Body(u64),
    ChunkSize,
    /// So many bytes of a chunk are to come.
    Chunk(u64),
    ChunkEnd,
    Trailers,
}

/// The framing of one connection.
#[derive(Debug, Default)]
pub(super) struct Framing {
    place: Place,
    /// The line at hand, as far as it came.
    line: Vec<u8>,
}

impl Framing {
    /// Reads on. `Err` is the place in `bytes` where a request is refused; nothing is to be read after it.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let taken = match &mut self.place {
                Place::Body(left) | Place::Chunk(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left = left.saturating_sub(u64::try_from(taken).unwrap_or(u64::MAX));
                    self.leap();
                    taken
                }
                Place::RequestLine
                | Place::Headers(_)
                | Place::ChunkSize
                | Place::ChunkEnd
                | Place::Trailers => self.piece(rest).map_err(|within| at.saturating_add(within))?,
            };
            at = at.saturating_add(taken);
        }
        Ok(())
    }

    /// Takes a piece of a line: up to its end, or all there is.
    fn piece(&mut self, rest: &[u8]) -> Result<usize, usize> {
        let end = memchr::memchr(b'\n', rest);
        let piece = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        // Only the last byte of a line may be a CR, and it is refused with what follows it.
        let after_cr = self.line.last() == Some(&b'\r');
        if after_cr && !piece.is_empty() {
            return Err(0);
        }
        if let Some(cr) = memchr::memchr(b'\r', piece).filter(|cr| cr.saturating_add(1) < piece.len()) {
            return Err(cr.saturating_add(1));
        }
        if self.line.len().saturating_add(piece.len()) > LINE_MAX_BYTES {
            return Err(0);
        }
        let Some(end) = end else {
            self.line.extend_from_slice(piece);
            return Ok(rest.len());
        };
        // Most lines come whole, and are looked at where they are.
        let mut held = std::mem::take(&mut self.line);
        let line = if held.is_empty() {
            piece
        } else {
            held.extend_from_slice(piece);
            &held
        };
        let line = line.strip_suffix(b"\r").ok_or(end)?;
        self.place = self.place.after(line).map_err(|Bad| end)?;
        self.leap();
        Ok(end.saturating_add(1))
    }

    /// Goes on behind a body or chunk of which nothing is left.
    fn leap(&mut self) {
        self.place = match self.place {
            Place::Body(0) => Place::RequestLine,
            Place::Chunk(0) => Place::ChunkEnd,
            other @ (Place::RequestLine
            | Place::Headers(_)
            | Place::Body(_)
            | Place::ChunkSize
            | Place::Chunk(_)
            | Place::ChunkEnd
            | Place::Trailers) => other,
        };
    }
}

impl Place {
    /// What follows `line`.
    fn after(self, line: &[u8]) -> Result<Self, Bad> {
        Ok(match self {
            Self::RequestLine if line.is_empty() => return Err(Bad),
            Self::RequestLine => Self::Headers(Length::None),
            Self::Headers(length) if line.is_empty() => match length {
                Length::None => Self::RequestLine,
                Length::Bytes(length) => Self::Body(length),
                Length::Chunks => Self::ChunkSize,
            },
            Self::Headers(length) => Self::Headers(length.after(line)?),
            Self::ChunkSize => match chunk_size(line)? {
                0 => Self::Trailers,
                size => Self::Chunk(size),
            },
            Self::ChunkEnd if line.is_empty() => Self::ChunkSize,
            Self::ChunkEnd => return Err(Bad),
            Self::Trailers if line.is_empty() => Self::RequestLine,
            // Trailers say nothing that is listened to, but they are headers all the same.
            Self::Trailers => Length::None.after(line).map(|_said| Self::Trailers)?,
            Self::Body(_) | Self::Chunk(_) => self,
        })
    }
}
