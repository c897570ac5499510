//! Connections with a bound on their number and their patience: who is slow to ask, or to read the answer,
//! is cut off, so that nobody can hold all of them.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep_until};

/// Connections at once; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 64;
/// A connection that moves nothing for this long is over. Longer than the usual scrape interval of 15 s to a
/// minute, so that Prometheus can keep its connection.
const IDLE: Duration = Duration::from_secs(75);
/// No connection lives longer, however busy: a client that drips a byte a minute included.
const LIFE: Duration = Duration::from_secs(600);

/// Accepts as many connections as there may be.
#[derive(Debug)]
pub(super) struct Limited {
    listener: TcpListener,
    seats: Arc<Semaphore>,
    idle: Duration,
}

impl Limited {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self::with(listener, CONNECTIONS, IDLE)
    }

    pub(super) fn with(listener: TcpListener, connections: usize, idle: Duration) -> Self {
        Self { listener, seats: Arc::new(Semaphore::new(connections)), idle }
    }
}

impl Listener for Limited {
    type Io = LimitedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            // The semaphore is never closed.
            let Ok(seat) = Arc::clone(&self.seats).acquire_owned().await else {
                return std::future::pending().await;
            };
            match self.listener.accept().await {
                Ok((stream, address)) => return (LimitedStream::new(stream, seat, self.idle), address),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept on the metrics address");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection with a seat and two deadlines.
#[derive(Debug)]
pub(super) struct LimitedStream {
    stream: TcpStream,
    _seat: OwnedSemaphorePermit,
    idle: Duration,
    ends: Instant,
    timer: Pin<Box<Sleep>>,
}

impl LimitedStream {
    fn new(stream: TcpStream, seat: OwnedSemaphorePermit, idle: Duration) -> Self {
        let now = Instant::now();
        Self { stream, _seat: seat, idle, ends: now + LIFE, timer: Box::pin(sleep_until(now + idle)) }
    }

    /// Turns `pending` into an error once the time is over, and puts the deadline off after progress.
    fn bounded<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            let deadline = self.ends.min(Instant::now() + self.idle);
            self.timer.as_mut().reset(deadline);
            return polled;
        }
        match self.timer.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for LimitedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_read(context, buffer);
        this.bounded(context, polled)
    }
}

impl AsyncWrite for LimitedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.bounded(context, polled)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
