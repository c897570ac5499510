//! What a client is sent: nothing, a whole text, or a stream that is made as it is read.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::stream::Stream;

/// The body of an answer.
pub(super) enum Body {
    /// Nothing, or nothing more.
    Empty,
    /// A text.
    Whole(Bytes),
    /// A stream. Each step is asked for when the one before is written, so a slow reader slows the server down;
    /// dropping it drops the server's answer.
    Stream(Step),
}

/// The next bytes of a stream, and the stream that is left.
pub(super) type Step = Pin<Box<dyn Future<Output = Option<(Bytes, Box<Stream>)>> + Send>>;

impl Body {
    /// A body that is `stream`.
    pub(super) fn stream(stream: Box<Stream>) -> Self {
        Self::Stream(Box::pin(stream.step()))
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::Empty } else { Self::Whole(bytes) }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Self::Stream(step) = &mut *self {
            let next = ready!(step.as_mut().poll(cx));
            let (bytes, body) = match next {
                None => (None, Self::Empty),
                Some((bytes, stream)) => (Some(bytes), Self::stream(stream)),
            };
            *self = body;
            return Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))));
        }
        match std::mem::replace(&mut *self, Self::Empty) {
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Self::Empty | Self::Stream(_) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Empty)
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Whole(bytes) => SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
