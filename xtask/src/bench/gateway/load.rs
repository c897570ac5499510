//! The least HTTP both ends of the measurement need: messages with a `Content-Length`, nothing else.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, Result, ensure};

/// A connection.
#[derive(Debug)]
pub(super) struct Wire {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
}

/// What came.
#[derive(Debug)]
pub(super) struct Body {
    /// The first line.
    pub(super) start: String,
    /// The session it names.
    pub(super) session: Option<String>,
    /// The content.
    pub(super) text: String,
}

impl Wire {
    /// Speaks over `stream`.
    ///
    /// # Errors
    /// When the socket cannot be shared.
    pub(super) fn new(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        let writer = stream.try_clone()?;
        Ok(Self { reader: BufReader::with_capacity(64 * 1024, stream), writer })
    }

    /// Sends head and content in one write where they are small.
    ///
    /// # Errors
    /// When the other side is gone.
    pub(super) fn send(&mut self, head: &str, content: &str) -> Result<()> {
        let mut message = Vec::with_capacity(head.len() + content.len());
        message.extend_from_slice(head.as_bytes());
        message.extend_from_slice(content.as_bytes());
        Ok(self.writer.write_all(&message)?)
    }

    /// The next message; nothing when the other side has ended.
    ///
    /// # Errors
    /// When it has no `Content-Length`, or ends too soon.
    pub(super) fn receive(&mut self) -> Result<Option<Body>> {
        let (mut start, mut length, mut session, mut line) = (String::new(), None, None, String::new());
        loop {
            line.clear();
            if self.reader.read_line(&mut line)? == 0 {
                ensure!(start.is_empty(), "the connection ended within a head");
                return Ok(None);
            }
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if start.is_empty() {
                text.clone_into(&mut start);
            } else if let Some((name, value)) = text.split_once(':') {
                if name.eq_ignore_ascii_case("content-length") {
                    length = Some(value.trim().parse::<usize>()?);
                } else if name.eq_ignore_ascii_case("mcp-session-id") {
                    session = Some(value.trim().to_owned());
                }
            }
        }
        let length = length.with_context(|| format!("no length in the answer to `{start}`"))?;
        let mut content = vec![0; length];
        self.reader.read_exact(&mut content)?;
        Ok(Some(Body { start, session, text: String::from_utf8(content)? }))
    }
}
