//! Lines off the control socket: bounded in size and in time.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout_at};

use crate::admin::protocol::LINE_MAX;

/// Splits what a client sends into lines. Keeps at most one line's worth of bytes.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    /// Bytes of `buffer` known to hold no newline.
    searched: usize,
}

/// Why there is no line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoLine {
    /// The client is done, or its connection broke. Half a line at the end is no line.
    End,
    /// The line is longer than [`LINE_MAX`].
    TooLong,
    /// Nothing came, or not all of a line, in the time there is.
    Late,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), searched: 0 }
    }

    /// What the lines come from, for somebody else to go on with.
    ///
    /// # Errors
    /// The client has sent more than lines that were taken.
    pub(super) fn into_reader(self) -> std::io::Result<R> {
        if self.buffer.is_empty() {
            Ok(self.reader)
        } else {
            Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "it did not wait for the answer"))
        }
    }

    /// The next line, without its newline. Waits `idle` (for ever if `None`) for its first byte and `whole`
    /// from then to its newline.
    ///
    /// Cancel safe: what was read stays.
    pub(super) async fn next(&mut self, idle: Option<Duration>, whole: Duration) -> Result<Vec<u8>, NoLine> {
        let started = Instant::now();
        let mut deadline = idle.map(|idle| started + idle);
        if !self.buffer.is_empty() {
            deadline = Some(started + whole);
        }
        loop {
            if let Some(line) = self.take()? {
                return Ok(line);
            }
            let empty = self.buffer.is_empty();
            self.fill(deadline).await?;
            if empty {
                deadline = Some(Instant::now() + whole);
            }
        }
    }

    /// A whole line out of the buffer.
    fn take(&mut self) -> Result<Option<Vec<u8>>, NoLine> {
        let unsearched = self.buffer.get(self.searched..).unwrap_or_default();
        let newline = unsearched.iter().position(|byte| *byte == b'\n').map(|at| at + self.searched);
        self.searched = self.buffer.len();
        match newline {
            Some(at) if at <= LINE_MAX => {
                let rest = self.buffer.split_off(at + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.truncate(at);
                self.searched = 0;
                Ok(Some(line))
            }
            None if self.buffer.len() <= LINE_MAX => Ok(None),
            Some(_) | None => Err(NoLine::TooLong),
        }
    }

    async fn fill(&mut self, deadline: Option<Instant>) -> Result<(), NoLine> {
        let mut chunk = [0; 4096];
        let read = self.reader.read(&mut chunk);
        let read = match deadline {
            None => read.await,
            Some(deadline) => {
                let Ok(read) = timeout_at(deadline, read).await else { return Err(NoLine::Late) };
                read
            }
        };
        match read {
            Ok(length) if length > 0 => {
                self.buffer.extend_from_slice(chunk.get(..length).unwrap_or_default());
                Ok(())
            }
            Ok(_) | Err(_) => Err(NoLine::End),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    async fn next(lines: &mut Lines<&[u8]>) -> Result<String, NoLine> {
        lines.next(Some(LONG), LONG).await.map(|line| String::from_utf8(line).unwrap())
    }

    #[tokio::test]
    async fn lines_are_split_and_a_half_one_is_dropped() {
        let mut lines = Lines::new(&b"one\n\ntwo\nhalf"[..]);
        assert_eq!(next(&mut lines).await.as_deref(), Ok("one"));
        assert_eq!(next(&mut lines).await.as_deref(), Ok(""));
        assert_eq!(next(&mut lines).await.as_deref(), Ok("two"));
        assert_eq!(next(&mut lines).await, Err(NoLine::End));
    }

    #[tokio::test]
    async fn the_longest_line_passes_and_one_byte_more_does_not() {
        let mut longest = vec![b'x'; LINE_MAX];
        longest.push(b'\n');
        assert_eq!(next(&mut Lines::new(&longest[..])).await.map(|line| line.len()), Ok(LINE_MAX));
        longest.insert(0, b'x');
        assert_eq!(next(&mut Lines::new(&longest[..])).await, Err(NoLine::TooLong));
        let endless = vec![b'x'; 4 * LINE_MAX];
        let mut lines = Lines::new(&endless[..]);
        assert_eq!(next(&mut lines).await, Err(NoLine::TooLong));
        assert!(lines.buffer.len() <= LINE_MAX + 4096, "no more is kept than needed to refuse");
    }

    #[tokio::test]
    async fn half_a_line_that_stays_half_is_late_even_where_idling_is_allowed() {
        let (_client, server) = tokio::io::duplex(64);
        let mut client = _client;
        tokio::io::AsyncWriteExt::write_all(&mut client, b"{\"op\"").await.unwrap();
        let mut lines = Lines::new(server);
        assert_eq!(lines.next(None, Duration::from_millis(20)).await, Err(NoLine::Late));
    }

    #[tokio::test]
    async fn silence_is_late_where_idling_is_not_allowed() {
        let (_client, server) = tokio::io::duplex(64);
        let mut lines = Lines::new(server);
        assert_eq!(lines.next(Some(Duration::from_millis(20)), LONG).await, Err(NoLine::Late));
    }
}
