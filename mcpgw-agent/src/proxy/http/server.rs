//! Connections of clients: accepted, bounded in number and patience, served, and let finish at the end.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::exchange::Front;
use super::framing::Strict;
use super::route::route;
use crate::tasks::Tasks;

/// Connections at once; further ones wait in the kernel's queue.
const CONNECTIONS: usize = 10_000;
/// Longest header block, in bytes.
const HEAD_MAX: usize = 64 << 10;
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Pause after a failed accept: without descriptors it fails at once, again and again.
const PAUSE: Duration = Duration::from_millis(50);

/// Accepts clients.
pub(super) struct Server {
    pub(super) listener: TcpListener,
    pub(super) front: Arc<Front>,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) tasks: Tasks,
}

impl Server {
    /// Serves until the gateway is to end. What is under way then is the tasks' to finish.
    pub(super) async fn run(self) -> io::Result<()> {
        let seats = Arc::new(Semaphore::new(CONNECTIONS));
        let ending = self.front.ending.clone();
        loop {
            // The semaphore is never closed.
            let Ok(seat) = Arc::clone(&seats).acquire_owned().await else { return Ok(()) };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = ending.cancelled() => return Ok(()),
            };
            match accepted {
                Ok((stream, remote)) => self.serve(stream, remote.ip(), seat),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn serve(&self, stream: TcpStream, remote: IpAddr, seat: OwnedSemaphorePermit) {
        let (front, tls) = (Arc::clone(&self.front), self.tls.clone());
        // Without it small answers wait for the acknowledgement of the one before.
        stream.set_nodelay(true).ok();
        self.tasks.spawn("connection of a client", async move {
            let _seat = seat;
            match tls {
                None => connection(TokioIo::new(Strict::new(stream)), remote, front).await,
                Some(tls) => match timeout(HANDSHAKE, tls.accept(stream)).await {
                    Ok(Ok(stream)) => connection(TokioIo::new(Strict::new(stream)), remote, front).await,
                    Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                    Err(_elapsed) => tracing::debug!("a TLS handshake took too long"),
                },
            }
        });
    }
}

async fn connection<I>(io: I, remote: IpAddr, front: Arc<Front>)
where
    I: Read + Write + Unpin + 'static,
{
    let ending: CancellationToken = front.ending.clone();
    let patience = front.patience.head;
    let service = service_fn(move |request| route(Arc::clone(&front), remote, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_header_size(HEAD_MAX)
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = ending.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a client's connection ended");
    }
}
