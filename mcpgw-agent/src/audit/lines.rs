//! Lines of bounded length, read as they are: nothing is decoded, and no line is kept that is too long to be a record.

use std::io::{self, BufRead};

use super::chain::LINE_MAX;

/// Lines of `R`, one after the other.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    /// Bytes of the reader's buffer that the caller has seen.
    used: usize,
    carried: Vec<u8>,
}

/// What stands between two line feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A line, without its line feed.
    Line(&'a [u8]),
    /// A line of this many bytes, too long to be a record.
    TooLong(u64),
    /// This many bytes after the last line feed. Nothing comes after them, as long as the file does not grow.
    Torn(u64),
}

/// Where a line was found.
enum Place {
    Buffer(usize),
    Carried,
    TooLong(u64),
    Torn(u64),
}

impl<R: BufRead> Lines<R> {
    /// The lines of `reader`.
    pub fn new(reader: R) -> Self {
        Self { reader, used: 0, carried: Vec::new() }
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn next_piece(&mut self) -> io::Result<Option<Piece<'_>>> {
        Ok(Some(match self.find()? {
            None => return Ok(None),
            Some(Place::Buffer(length)) => {
                // It is not empty, so nothing is read.
                let buffer = self.reader.fill_buf()?;
                Piece::Line(buffer.get(..length).unwrap_or_default())
            }
            Some(Place::Carried) => Piece::Line(&self.carried),
            Some(Place::TooLong(length)) => Piece::TooLong(length),
            Some(Place::Torn(length)) => Piece::Torn(length),
        }))
    }

    fn find(&mut self) -> io::Result<Option<Place>> {
        self.reader.consume(std::mem::take(&mut self.used));
        self.carried.clear();
        let mut carried_bytes = 0_u64;
        loop {
            let buffer = match self.reader.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() {
                return Ok((carried_bytes > 0).then_some(Place::Torn(carried_bytes)));
            }
            let end = memchr::memchr(b'\n', buffer);
            let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
            let length = part.len();
            if end.is_some() && carried_bytes == 0 && length <= LINE_MAX {
                self.used = length + 1;
                return Ok(Some(Place::Buffer(length)));
            }
            // A line too long is not kept: one byte more than the longest tells it by.
            let room = (LINE_MAX + 1).saturating_sub(self.carried.len());
            self.carried.extend_from_slice(part.get(..length.min(room)).unwrap_or_default());
            carried_bytes += u64::try_from(length).unwrap_or_default();
            self.reader.consume(length + usize::from(end.is_some()));
            if end.is_some() {
                let fits = self.carried.len() <= LINE_MAX;
                return Ok(Some(if fits { Place::Carried } else { Place::TooLong(carried_bytes) }));
            }
        }
    }
}

/// Calls `each` with every line, without its line feed, until it says no; with `None` for one that is too long. Returns
/// the number of bytes after the last.
///
/// # Errors
/// It cannot be read.
pub fn each_line(reader: impl BufRead, mut each: impl FnMut(Option<&[u8]>) -> bool) -> io::Result<u64> {
    let mut lines = Lines::new(reader);
    loop {
        let goes_on = match lines.next_piece()? {
            Some(Piece::Line(line)) => each(Some(line)),
            Some(Piece::TooLong(_)) => each(None),
            Some(Piece::Torn(length)) => return Ok(length),
            None => return Ok(0),
        };
        if !goes_on {
            return Ok(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lines_are_those_between_line_feeds(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), any::<u8>()], 0..200),
            buffer in 1_usize..20,
        ) {
            let mut expected: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
            let torn = expected.pop().unwrap_or_default();
            let mut found = Vec::new();
            let rest = each_line(BufReader::with_capacity(buffer, &*bytes), |line| {
                found.push(line.unwrap_or_default().to_vec());
                true
            });
            prop_assert_eq!(found, expected);
            prop_assert_eq!(rest.unwrap(), torn.len() as u64);
        }
    }

    #[test]
    fn a_line_too_long_is_told_and_passed_over() {
        for (length, fits) in [(LINE_MAX, true), (LINE_MAX + 1, false), (3 * LINE_MAX, false)] {
            for buffer in [1 << 16, 1 << 22] {
                let text = format!("{}\nnext\nend", "x".repeat(length));
                let mut lines = Lines::new(BufReader::with_capacity(buffer, text.as_bytes()));
                match lines.next_piece().unwrap().unwrap() {
                    Piece::Line(line) => assert!(fits && line.len() == length),
                    Piece::TooLong(found) => assert!(!fits && found == length as u64),
                    Piece::Torn(_) => panic!("it ends in a line feed"),
                }
                assert_eq!(lines.next_piece().unwrap(), Some(Piece::Line(b"next")));
                assert_eq!(lines.next_piece().unwrap(), Some(Piece::Torn(3)));
                assert_eq!(lines.next_piece().unwrap(), None);
            }
        }
    }
}
