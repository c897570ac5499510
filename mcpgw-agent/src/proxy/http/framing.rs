//! Where a client's requests begin and end, read before the HTTP library reads it: so that nobody in front of the gateway
//! can see them end elsewhere.
//!
//! The library takes what standards let a receiver take: both a length and chunks, a length twice, lines that end with a
//! line feed alone. Two readers that take such a request differently are how one request is smuggled inside another.
//! What is strict here is refused: its bytes are replaced by one the library refuses with 400, and nothing after it is
//! read.
//!
//! ```text
//! connection ─▶ Strict (Framing looks, changes nothing) ─▶ hyper
//! ```

mod line;
mod machine;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use machine::Framing;

/// What follows the NUL of a refused request: an end of its head, for the library does not look at one without.
const END: &[u8] = b"\n\n";

/// A client's connection of which only well-framed requests are read.
#[derive(Debug)]
pub(super) struct Strict<S> {
    stream: S,
    /// Once a request was refused: what is still to be read instead of it, before the connection looks ended.
    framing: Result<Framing, &'static [u8]>,
}

impl<S> Strict<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, framing: Ok(Framing::default()) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Strict<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let framing = match &mut this.framing {
            Ok(framing) => framing,
            Err(rest) => {
                let (now, later) = rest.split_at(rest.len().min(buf.remaining()));
                buf.put_slice(now);
                *rest = later;
                return Poll::Ready(Ok(()));
            }
        };
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buf);
        if let Poll::Ready(Ok(())) = polled
            && let Err(at) = framing.read(buf.filled().get(before..).unwrap_or_default())
        {
            let at = before.saturating_add(at);
            // In a request line, a header or a chunk's size the library takes no NUL.
            if let Some(byte) = buf.filled_mut().get_mut(at) {
                *byte = 0;
            }
            buf.set_filled(at.saturating_add(1));
            this.framing = Err(END);
            tracing::debug!("a client's request was refused for its framing");
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Strict<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }
}
