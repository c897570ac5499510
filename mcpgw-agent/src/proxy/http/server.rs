//! Connections of clients: accepted, bounded in number and patience, served, and let finish at the end.

mod seldom;

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

use super::LATE;
use super::exchange::Front;
use super::framing::Strict;
use super::route::route;
use crate::proxy::room::Whose;
use crate::tasks::{Lane, Tasks};
use seldom::Seldom;

/// What a client's task is called.
const NAME: &str = "connection of a client";
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
    /// One for each lane; or one for the runtime all this runs in.
    pub(super) fronts: Vec<Arc<Front>>,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) tasks: Tasks,
}

impl Server {
    /// Serves until the gateway is to end. What is under way then is the tasks' to finish.
    pub(super) async fn run(self) -> io::Result<()> {
        let seats = Arc::new(Semaphore::new(CONNECTIONS));
        let ending = self.tasks.token();
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

    /// Serves a client where there are fewest.
    fn serve(&self, stream: TcpStream, remote: IpAddr, seat: OwnedSemaphorePermit) {
        let load = |front: &&Arc<Front>| front.lane.as_ref().map_or(0, Lane::load);
        let Some(front) = self.fronts.iter().min_by_key(load) else { return };
        let lane = front.lane.as_ref();
        let (front, tls) = (Arc::clone(front), self.tls.clone());
        // Without it small answers wait for the acknowledgement of the one before.
        stream.set_nodelay(true).ok();
        let Some(lane) = lane else {
            self.tasks.spawn(NAME, async move {
                let _seat = seat;
                client(stream, remote, front, tls).await;
            });
            return;
        };
        let stream = match stream.into_std() {
            Ok(stream) => stream,
            Err(error) => return tracing::warn!(%error, "a connection cannot be handed on"),
        };
        let seats = (seat, lane.seat());
        self.tasks.spawn_on(Some(lane), NAME, async move {
            let _seats = seats;
            // It is the lane's thread that has to hear of it now.
            match TcpStream::from_std(stream) {
                Ok(stream) => client(stream, remote, front, tls).await,
                Err(error) => tracing::warn!(%error, "a connection cannot be taken on"),
            }
        });
    }
}

async fn client(stream: TcpStream, remote: IpAddr, front: Arc<Front>, tls: Option<TlsAcceptor>) {
    match tls {
        None => connection(TokioIo::new(Strict::new(stream)), remote, front).await,
        Some(tls) => match timeout(HANDSHAKE, tls.accept(stream)).await {
            Ok(Ok(stream)) => connection(TokioIo::new(Strict::new(stream)), remote, front).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_elapsed) => tracing::debug!("a TLS handshake took too long"),
        },
    }
}

async fn connection<I>(io: I, remote: IpAddr, front: Arc<Front>)
where
    I: Read + Write + Unpin + 'static,
{
    let ending = Arc::clone(&front);
    let patience = front.patience.head;
    let share = front.gate.room().share(Whose::at(remote));
    let service = service_fn(move |request| route(Arc::clone(&front), (remote, share.clone()), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_header_size(HEAD_MAX)
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        biased;
        served = connection.as_mut() => served,
        () = Seldom::new(ending.ending.cancelled()) => {
            ending.end();
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                biased;
                served = connection.as_mut() => served,
                () = tokio::time::sleep(LATE) => {
                    ending.end_soon();
                    connection.await
                }
            }
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a client's connection ended");
    }
}
