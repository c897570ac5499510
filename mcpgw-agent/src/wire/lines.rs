//! Cuts a byte stream into lines. Only a line that may be JSON is kept whole, and only within bounds; of any other
//! the first bytes are, for the judge to look at.

/// Bytes kept of a line that cannot be JSON.
const HEAD_BYTES: usize = 64;
/// A buffer larger than this is not kept for the next line.
const KEEP_BYTES: usize = 16 * 1024;

/// One line, or as much as matters of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// It opens like JSON.
    Json(&'a [u8]),
    /// It does not; `head` is how it opens.
    Junk(Junk<'a>),
    /// It opened like JSON, was longer than the limit and is lost.
    Oversized,
}

/// A line, or the beginning of one, that is no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Junk<'a> {
    pub(super) head: &'a [u8],
    /// Its length so far, in bytes.
    pub(super) len: usize,
    /// It has control characters that text has not.
    pub(super) binary: bool,
}

/// The line that is not complete yet.
#[derive(Debug, Default)]
enum Partial {
    /// Nothing but blanks so far.
    #[default]
    Blank,
    Json,
    Junk {
        len: usize,
        binary: bool,
    },
    /// Not looked at: the rest of an oversized line, or of one that had a gap.
    Skip,
}

/// Cuts lines. `\n` ends one; a `\r` before it stays and is blank to JSON.
#[derive(Debug, Default)]
pub(super) struct Lines {
    state: Partial,
    /// What is kept of the incomplete line.
    held: Vec<u8>,
}

impl Lines {
    /// Bytes held.
    pub(super) fn buffered(&self) -> usize {
        self.held.capacity()
    }

    /// Bytes are missing: the rest of the line at hand means nothing.
    pub(super) fn resync(&mut self) {
        self.state = Partial::Skip;
        self.held = Vec::new();
    }

    /// The incomplete line, where it is no JSON.
    pub(super) fn pending(&self) -> Option<Junk<'_>> {
        match self.state {
            Partial::Junk { len, binary } => Some(Junk { head: &self.held, len, binary }),
            Partial::Blank | Partial::Json | Partial::Skip => None,
        }
    }

    /// Takes bytes; each line that is complete goes to `line` until it answers `false`.
    pub(super) fn feed(&mut self, bytes: &[u8], limit: usize, line: &mut dyn FnMut(Line<'_>) -> bool) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (this, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            rest = after.get(1..).unwrap_or_default();
            if !self.complete(this, limit, line) {
                return;
            }
        }
        if self.extend(rest, limit) {
            line(Line::Oversized);
        }
    }

    /// The stream ended: what is left is a line.
    pub(super) fn finish(&mut self, limit: usize, line: &mut dyn FnMut(Line<'_>) -> bool) {
        self.complete(&[], limit, line);
    }

    /// Ends the line at hand with `last`.
    fn complete(&mut self, last: &[u8], limit: usize, line: &mut dyn FnMut(Line<'_>) -> bool) -> bool {
        if matches!(self.state, Partial::Blank) && opens_json(last) && last.len() <= limit {
            return line(Line::Json(last));
        }
        if self.extend(last, limit) {
            self.reset();
            return line(Line::Oversized);
        }
        let more = match self.state {
            Partial::Blank | Partial::Skip => true,
            Partial::Json => line(Line::Json(&self.held)),
            Partial::Junk { len, binary } => line(Line::Junk(Junk { head: &self.held, len, binary })),
        };
        self.reset();
        more
    }

    fn reset(&mut self) {
        self.state = Partial::Blank;
        self.held.clear();
        if self.held.capacity() > KEEP_BYTES {
            self.held = Vec::new();
        }
    }

    /// Adds to the incomplete line; true where it has just become too long.
    fn extend(&mut self, bytes: &[u8], limit: usize) -> bool {
        if matches!(self.state, Partial::Blank) {
            self.state = match bytes.trim_ascii_start().first() {
                None => Partial::Blank,
                Some(_) if opens_json(bytes) => Partial::Json,
                Some(_) => Partial::Junk { len: 0, binary: false },
            };
        }
        match &mut self.state {
            Partial::Blank | Partial::Skip => false,
            Partial::Json if self.held.len().saturating_add(bytes.len()) > limit => {
                self.resync();
                true
            }
            Partial::Json => {
                self.held.extend_from_slice(bytes);
                false
            }
            Partial::Junk { len, binary } => {
                *len = len.saturating_add(bytes.len());
                *binary |= bytes.iter().any(|byte| is_binary(*byte));
                let room = HEAD_BYTES.saturating_sub(self.held.len());
                self.held.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                false
            }
        }
    }
}

/// The first byte that is not blank is a bracket, or a byte order mark's.
fn opens_json(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[' | 0xef))
}

/// Control characters neither JSON nor a log has. Escape, bell, backspace and form feed are for terminals.
pub(super) fn is_binary(byte: u8) -> bool {
    matches!(byte, 0x00..=0x06 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}
