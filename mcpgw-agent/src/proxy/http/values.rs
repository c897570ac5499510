//! JSON texts that follow one another in a body that may never end.
//!
//! Only where a text ends is looked for; what it is, the decoder says.

use bytes::{Bytes, BytesMut};

use super::held::taken_from;

/// Splits a body into texts: objects and arrays where their brackets close, anything else at its line's end.
#[derive(Debug)]
pub(super) struct Splitter {
    held: BytesMut,
    /// What has been looked at.
    scanned: usize,
    depth: u32,
    in_string: bool,
    is_escaped: bool,
    /// Where the text at hand starts, once its first byte is seen.
    start: Option<usize>,
    /// Where the first text ends, once that is known.
    end: Option<usize>,
    limit: usize,
}

/// A text is longer than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

impl Splitter {
    /// Texts of at most `limit` bytes, white space before them included.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            held: BytesMut::new(),
            scanned: 0,
            depth: 0,
            in_string: false,
            is_escaped: false,
            start: None,
            end: None,
            limit,
        }
    }

    /// Takes what came.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), TooLong> {
        // A text that is complete is about to be taken; one that is not may not grow beyond the limit.
        if self.end.is_none() && self.held.len().saturating_add(chunk.len()) > self.limit {
            return Err(TooLong);
        }
        self.held.extend_from_slice(chunk);
        self.scan();
        Ok(())
    }

    /// Bytes held.
    pub(super) fn buffered(&self) -> usize {
        self.held.len()
    }

    /// There is a whole text.
    pub(super) fn is_complete(&self) -> bool {
        self.end.is_some()
    }

    /// Something other than white space follows the first text.
    pub(super) fn has_more(&self) -> bool {
        let rest = self.end.and_then(|end| self.held.get(end..)).unwrap_or_default();
        rest.iter().any(|byte| !byte.is_ascii_whitespace())
    }

    /// Takes the first whole text out.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        let text = taken_from(&mut self.held, self.end?);
        let start = self.start.take().unwrap_or_default();
        (self.scanned, self.depth, self.end) = (0, 0, None);
        (self.in_string, self.is_escaped) = (false, false);
        self.scan();
        Some(text.slice(start.min(text.len())..))
    }

    /// All there is, as it came.
    pub(super) fn into_rest(self) -> Bytes {
        self.held.freeze()
    }

    fn scan(&mut self) {
        while let (None, Some(byte)) = (self.end, self.held.get(self.scanned)) {
            let ends = self.step(*byte);
            self.scanned += 1;
            if ends {
                self.end = Some(self.scanned);
            }
        }
    }

    /// Whether `byte` is the last of the text.
    fn step(&mut self, byte: u8) -> bool {
        if self.start.is_none() {
            if byte.is_ascii_whitespace() {
                return false;
            }
            self.start = Some(self.scanned);
        }
        if self.in_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            b'\n' => return self.depth == 0,
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(chunks: &[&str]) -> Vec<String> {
        let (mut splitter, mut texts) = (Splitter::new(1000), Vec::new());
        for chunk in chunks {
            splitter.push(chunk.as_bytes()).unwrap();
            while let Some(text) = splitter.next() {
                texts.push(String::from_utf8(text.to_vec()).unwrap());
            }
        }
        texts
    }

    #[test]
    fn texts_end_where_their_brackets_close() {
        assert_eq!(texts(&[r#"{"a":"}\"{"}"#, "\n [1,[2]]", "{"]), [r#"{"a":"}\"{"}"#, "[1,[2]]"]);
        assert_eq!(texts(&["{\"a\"", ":1}{\"b\":2}\r\n"]), ["{\"a\":1}", "{\"b\":2}"]);
        assert_eq!(texts(&["oops", "\n{}"]), ["oops\n", "{}"]);
    }

    #[test]
    fn every_cut_gives_the_same_texts() {
        let body = "{\"a\":[\"\\\\\",\"]\"]}\n{\"b\":{}} [ ] ";
        let whole = texts(&[body]);
        assert_eq!(whole.len(), 3);
        for cut in 0..body.len() {
            let (first, second) = body.split_at(cut);
            assert_eq!(texts(&[first, second]), whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_text_that_does_not_end_is_bounded() {
        let mut splitter = Splitter::new(10);
        assert_eq!(splitter.push(b"{\"aaaaaa"), Ok(()));
        assert_eq!(splitter.push(b"aaa"), Err(TooLong));
    }
}
