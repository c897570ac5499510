//! The chunked transfer coding, without a copy.

use super::Lost;

/// Bytes of a chunk-size line or of a trailer line at most.
const LINE_BYTES: usize = 4096;

/// Where in the coding a stream is.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    state: State,
    /// Bytes of the current size or trailer line.
    line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the hexadecimal size.
    Size { size: u64 },
    /// In what follows the size on its line.
    Extension { size: u64 },
    /// In the data of a chunk.
    Data { left: u64 },
    /// Before the line end that closes a chunk's data.
    DataEnd,
    /// In the lines after the last chunk; `blank` where the current one has no byte yet.
    Trailer { blank: bool },
}

impl Default for State {
    fn default() -> Self {
        Self::Size { size: 0 }
    }
}

impl Chunked {
    /// Decodes; data goes to `data`. Answers what follows the body, once it has ended.
    pub(super) fn feed<'a>(
        &mut self,
        bytes: &'a [u8],
        data: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<&'a [u8]>, Lost> {
        let mut rest = bytes;
        loop {
            if let State::Data { left } = &mut self.state {
                let take = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                let (part, after) = rest.split_at_checked(take).unwrap_or((rest, &[]));
                data(part);
                *left = left.saturating_sub(u64::try_from(take).unwrap_or(u64::MAX));
                if *left > 0 {
                    return Ok(None);
                }
                self.state = State::DataEnd;
                rest = after;
            }
            let Some((byte, after)) = rest.split_first() else { return Ok(None) };
            rest = after;
            if self.step(*byte)? {
                return Ok(Some(rest));
            }
        }
    }

    /// Bytes are missing. All is well if they are data of one chunk.
    pub(super) fn gap(&mut self, bytes: u64) -> Result<(), Lost> {
        let State::Data { left } = &mut self.state else { return Err(Lost) };
        *left = left.checked_sub(bytes).ok_or(Lost)?;
        Ok(())
    }

    /// Takes one byte that is no data; true at the end of the body.
    fn step(&mut self, byte: u8) -> Result<bool, Lost> {
        self.line = if byte == b'\n' { 0 } else { self.line.saturating_add(1) };
        if self.line > LINE_BYTES {
            return Err(Lost);
        }
        self.state = match (self.state, byte) {
            (State::Size { size } | State::Extension { size }, b'\n') if size == 0 => {
                State::Trailer { blank: true }
            }
            (State::Size { size } | State::Extension { size }, b'\n') => State::Data { left: size },
            (State::Size { size }, b';' | b' ' | b'\t' | b'\r') | (State::Extension { size }, _) => {
                State::Extension { size }
            }
            (State::Size { size }, digit) => {
                let digit = char::from(digit).to_digit(16).ok_or(Lost)?;
                let size = size.checked_mul(16).and_then(|size| size.checked_add(u64::from(digit)));
                State::Size { size: size.ok_or(Lost)? }
            }
            (State::DataEnd, b'\n') => State::default(),
            (State::DataEnd, b'\r') => State::DataEnd,
            (State::DataEnd | State::Data { .. }, _) => return Err(Lost),
            (State::Trailer { blank: true }, b'\n') => return Ok(true),
            (State::Trailer { .. }, b'\n') => State::Trailer { blank: true },
            (State::Trailer { blank }, b'\r') => State::Trailer { blank },
            (State::Trailer { .. }, _) => State::Trailer { blank: false },
        };
        Ok(false)
    }
}
