//! The control socket's server: reads requests, asks the daemon's loop, writes its answers.
//!
//! ```text
//! accept ─▶ Seats (who may sit) ─▶ connection (lines, deadlines) ─▶ Command ─▶ daemon loop
//! ```
//!
//! It holds no state of the agent, and no client can make it hold memory or a seat for long: a line has a
//! size and a time, an idle visitor is sent away, a reader that does not read is dropped, and some seats are
//! kept for root. Only a registration may stay, because it lasts as long as its connection.

mod connection;
mod line;
mod seats;
#[cfg(test)]
mod tests;

use std::os::unix::net::UnixListener as StdListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::{mpsc, oneshot};

use super::guard::{GuardRequest, Halt};
use super::peer::Peer;
use super::protocol::{Code, DecideRequest, FollowRequest, RegisterRequest};
use super::status::Status;
use crate::proxy::effects::Relayed;
use crate::proxy::handover::Place;
use crate::proxy::hold::HeldView;
use crate::tasks::Tasks;
use connection::Connection;
use seats::Seats;

/// What a connection asks of the daemon's loop. Answer by `reply`; dropping it tells the client the agent is
/// unavailable.
#[derive(Debug)]
pub enum Command {
    /// The whole status document; the socket leaves out what `peer` may not see.
    Status {
        /// Who asks.
        peer: Peer,
        /// Where to.
        reply: oneshot::Sender<Status>,
    },
    /// A wrap registers, or registers anew on the same connection (the same `id`).
    ///
    /// The loop must check that the peer may: that it runs our own program
    /// ([`same_program`](super::peer::same_program)).
    Register {
        /// Who asks.
        peer: Peer,
        /// The connection: never reused.
        id: u64,
        /// What it tells.
        request: RegisterRequest,
        /// Accepted or not.
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
    /// A wrap wants to hand its session over. The loop must check that the peer may, as for `Register`.
    Handover {
        /// Who asks.
        peer: Peer,
        /// The server's name.
        name: String,
        /// A place for the session, or why there is none.
        reply: oneshot::Sender<Result<Place, Refusal>>,
    },
    /// A gateway wants to know what the server behind it does. The loop must check that the peer may: that it runs our own program
    /// and as whom the server runs, or as root.
    Follow {
        /// Who asks.
        peer: Peer,
        /// Which server.
        request: FollowRequest,
        /// It is followed, or why not.
        reply: oneshot::Sender<Result<Relayed, Refusal>>,
    },
    /// Configuration and policy are to be read anew; the socket has checked that the peer may ask that.
    Reload {
        /// Who asks.
        peer: Peer,
        /// What went wrong, a sentence; nothing has changed then.
        reply: oneshot::Sender<Result<(), String>>,
    },
    /// The messages that wait for a person; the socket has checked that the peer may ask that.
    Holds {
        /// Where to.
        reply: oneshot::Sender<Vec<HeldView>>,
    },
    /// `peer` decides on one; the socket has checked that they may.
    Decide {
        /// Who decides.
        peer: Peer,
        /// What.
        request: DecideRequest,
        /// Done, or why not.
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
    /// `peer` tells the guard something; the socket has checked that they may.
    Guard {
        /// Who.
        peer: Peer,
        /// What.
        request: GuardRequest,
        /// The program it is about, or why nothing came of it.
        reply: oneshot::Sender<Result<Option<String>, String>>,
    },
    /// The connection that registered as `id` is gone. Sent once for each `id` that ever sent a `Register`,
    /// refused ones included.
    Unregister {
        /// The connection.
        id: u64,
    },
}

/// Why a registration, a hand-over, a decision or something else is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// For programs.
    pub code: Code,
    /// For people.
    pub message: String,
}

/// What clients may take. All of it is a matter of taste but must exist.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections of anyone that have not registered.
    pub visitors: usize,
    /// Seats beyond those, for root and the agent's own user only.
    pub reserved: usize,
    /// Connections that have registered.
    pub registrations: usize,
    /// How long a visitor may say nothing.
    pub idle: Duration,
    /// From a line's first byte to its last.
    pub line: Duration,
    /// For a client to take one answer, and for the daemon's loop to give it.
    pub answer: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            visitors: 48,
            reserved: 16,
            registrations: 1024,
            idle: Duration::from_secs(10),
            line: Duration::from_secs(5),
            answer: Duration::from_secs(5),
        }
    }
}

/// The server, bound and not yet running.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    commands: mpsc::Sender<Command>,
    limits: Limits,
    halt: Option<Halt>,
}

impl ControlSocket {
    /// A server on a listener from [`RuntimeDir::bind`](super::RuntimeDir::bind) that asks over `commands`.
    ///
    /// # Errors
    /// The listener cannot be handed to the runtime.
    pub fn new(
        listener: StdListener,
        commands: mpsc::Sender<Command>,
        limits: Limits,
    ) -> std::io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { listener: UnixListener::from_std(listener)?, commands, limits, halt: None })
    }

    /// Switches the guard off by `halt` before the loop hears of it.
    #[must_use]
    pub fn halting(self, halt: Halt) -> Self {
        Self { halt: Some(halt), ..self }
    }

    /// Accepts until `tasks` shuts down. Each connection is a task of `tasks`.
    pub async fn run(self, tasks: Tasks) {
        let seats = Arc::new(Seats::new(&self.limits));
        let ids = AtomicU64::new(1);
        loop {
            let accepted = tokio::select! {
                () = tasks.token().cancelled() => return,
                accepted = self.listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, or the client left between connect and accept.
                    tracing::warn!(%error, "cannot accept on the control socket");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Some(peer) = peer_of(&stream) else { continue };
            let Some(seat) = seats.take(&peer) else {
                connection::turn_away(&stream);
                continue;
            };
            let id = ids.fetch_add(1, Ordering::Relaxed);
            let connection = Connection::new(
                stream,
                peer,
                id,
                seat,
                Arc::clone(&seats),
                self.commands.clone(),
                self.limits,
            )
            .halting(self.halt.clone());
            let token = tasks.token().clone();
            tasks.spawn("control connection", connection.run(token));
        }
    }
}

fn peer_of(stream: &tokio::net::UnixStream) -> Option<Peer> {
    let credentials = stream.peer_cred().ok()?;
    let pid = u32::try_from(credentials.pid()?).ok()?;
    Some(Peer { pid, uid: credentials.uid(), gid: credentials.gid() })
}
