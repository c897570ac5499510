//! Finds where JSON values end in a body that may never end, may be pretty-printed, and comes in pieces.
//!
//! Counts brackets outside strings; whether what lies between them is JSON is for `mcp::read` to say.

/// Cuts a byte stream into JSON objects and arrays.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// The value so far, unless it lies whole in the bytes at hand.
    partial: Vec<u8>,
    /// Brackets open; 0 between values.
    depth: u32,
    in_string: bool,
    escaped: bool,
    /// The value is longer than the limit; its end is still looked for.
    oversized: bool,
    /// Something else than objects and arrays came: nothing more is looked for.
    dead: bool,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found<'a> {
    Value(&'a [u8]),
    Oversized,
}

impl Values {
    /// Bytes held.
    pub(super) fn buffered(&self) -> usize {
        self.partial.capacity()
    }

    /// Gives up: bytes are missing.
    pub(super) fn stop(&mut self) {
        *self = Self { dead: true, ..Self::default() };
    }

    pub(super) fn feed(&mut self, bytes: &[u8], limit: usize, found: &mut dyn FnMut(Found<'_>)) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.depth == 0 {
                rest = self.skip_between(rest);
            }
            let end = self.scan(rest);
            let (value, after) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
            if !self.dead && !value.is_empty() {
                self.take(value, end.is_some(), limit, found);
            }
            rest = after;
        }
    }

    /// Skips to the next value, past blanks and a byte order mark.
    fn skip_between<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let blank = |byte: &u8| byte.is_ascii_whitespace() || [0xef, 0xbb, 0xbf].contains(byte);
        let start = bytes.iter().position(|byte| !blank(byte)).unwrap_or(bytes.len());
        let rest = bytes.get(start..).unwrap_or_default();
        self.dead |= !matches!(rest.first(), None | Some(b'{' | b'['));
        rest
    }

    /// Length up to the end of the value at hand; `None` where it goes on.
    fn scan(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.dead {
            return None;
        }
        for (at, byte) in bytes.iter().enumerate() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        return Some(at.saturating_add(1));
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn take(&mut self, bytes: &[u8], last: bool, limit: usize, found: &mut dyn FnMut(Found<'_>)) {
        if !self.oversized && self.partial.len().saturating_add(bytes.len()) > limit {
            self.oversized = true;
            self.partial = Vec::new();
            found(Found::Oversized);
        }
        match (self.oversized, last) {
            (true, _) => self.oversized = !last,
            (false, true) if self.partial.is_empty() => found(Found::Value(bytes)),
            (false, _) => {
                self.partial.extend_from_slice(bytes);
                if last {
                    found(Found::Value(&std::mem::take(&mut self.partial)));
                }
            }
        }
    }
}
