//! A session over pipes: lines in, the gate's decision, lines out, in both directions.
//!
//! ```text
//! client_in ─▶ lines ─▶ gate ─▶ out ─▶ server_in      one thread a direction; each alone writes its output,
//!                 └─ what refuses ─▶ mailbox ─┐       so that no line stands in the middle of another
//! client_out ◀─ out ◀─ gate ◀─ lines ◀─ server_out
//! ```
//!
//! Threads and blocking calls: the descriptors may be pipes, sockets, terminals or files, and belong to the client as well,
//! so their flags stay as they are. A side that does not read stops the other side, as on a direct pipe; what has to be
//! said to it meanwhile waits in a [`mailbox`], and never stops the way that says it for good.

mod custody;
mod lines;
mod mailbox;
mod out;
mod parked;
mod skim;
#[cfg(test)]
mod tests;
mod wait;
mod way;

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use super::gate::{Gate, Party};
use super::handover::Ledger;
use super::room::Whose;
use crate::mcp::Direction;
use custody::Custody;
use mailbox::Mailbox;
use way::Way;

/// The four descriptors of a session, seen from the gateway. They are closed when their use is over, which is how the other
/// side learns of it: nothing else in the process may hold them.
#[derive(Debug)]
pub struct Ends {
    /// What the client writes is read here.
    pub client_in: OwnedFd,
    /// What the client reads is written here.
    pub client_out: OwnedFd,
    /// What the server reads is written here.
    pub server_in: OwnedFd,
    /// What the server writes is read here.
    pub server_out: OwnedFd,
}

/// Which side ended the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The client closed its input or its output.
    Client,
    /// The server closed its input or its output, or is dead.
    Server,
    /// A [`Stop`].
    Stopped,
}

/// What both ways know of the end.
#[derive(Debug, Default)]
struct Ending {
    first: OnceLock<Outcome>,
    stop: AtomicBool,
}

/// A session ready to be started.
#[derive(Debug)]
pub struct Relay {
    to_server: Way,
    to_client: Way,
    ending: Arc<Ending>,
    mail: [Arc<Mailbox>; 2],
    custody: Option<Arc<Custody>>,
}

impl Relay {
    /// A session of `party` between `ends`, all of whose messages go through `gate`. Long lines take room of what all sessions
    /// of user `uid` have together.
    ///
    /// # Errors
    /// No descriptors are left.
    pub fn new(gate: Arc<Gate>, party: Arc<Party>, uid: u32, ends: Ends) -> io::Result<Self> {
        Self::with_mailboxes(gate, party, uid, ends, mailbox::FULL_BYTES)
    }

    /// [`new`](Self::new), with so many bytes waiting at most for a side that does not read.
    fn with_mailboxes(
        gate: Arc<Gate>,
        party: Arc<Party>,
        uid: u32,
        ends: Ends,
        full: usize,
    ) -> io::Result<Self> {
        let Ends { client_in, client_out, server_in, server_out } = ends;
        let ending = Arc::new(Ending::default());
        let (for_server, for_client) = (Arc::new(Mailbox::new(full)?), Arc::new(Mailbox::new(full)?));
        let mail = [Arc::clone(&for_server), Arc::clone(&for_client)];
        let share = gate.room().share(Whose::User(uid));
        let way = |direction, source, sink, mine: &Arc<Mailbox>, other: &Arc<Mailbox>| {
            let parts = (Arc::clone(&gate), Arc::clone(&party), Arc::clone(&ending));
            Way::new(parts, direction, (source, sink), (Arc::clone(mine), Arc::clone(other)), share.clone())
        };
        let to_server = way(Direction::ToServer, client_in, server_in, &for_server, &for_client);
        let to_client = way(Direction::ToClient, server_out, client_out, &for_client, &for_server);
        Ok(Self { to_server, to_client, ending, mail, custody: None })
    }

    /// The descriptors are another process': its open requests are noted in `ledger`, and a [`Stop`] ends also a write to a
    /// peer that does not read, after two seconds.
    ///
    /// # Errors
    /// No descriptors are left.
    pub fn in_custody(mut self, ledger: Ledger) -> io::Result<Self> {
        let custody = Arc::new(Custody::new(ledger)?);
        self.to_server.take_custody(&custody);
        self.to_client.take_custody(&custody);
        Ok(Self { custody: Some(custody), ..self })
    }

    /// Starts the two threads.
    ///
    /// # Errors
    /// The system has no thread left; then all ends are closed.
    pub fn start(self) -> io::Result<Running> {
        let Self { to_server, to_client, ending, mail, custody } = self;
        if let Some(custody) = &custody {
            custody.ledger().begin()?;
        }
        let stop = Stop { ending, mail, custody };
        let run = |name: &str, way: Way| {
            let custody = stop.custody.clone();
            thread::Builder::new().name(name.into()).spawn(move || {
                let direction = way.direction();
                way.run();
                if let Some(custody) = custody {
                    custody.ended(direction);
                }
            })
        };
        let to_client = run("to-client", to_client)?;
        let to_server = run("to-server", to_server).inspect_err(|_| stop.stop())?;
        Ok(Running { to_client: Some(to_client), to_server, stop })
    }
}

/// A session under way. Dropping it leaves it running.
#[derive(Debug)]
pub struct Running {
    to_client: Option<JoinHandle<()>>,
    to_server: JoinHandle<()>,
    stop: Stop,
}

impl Running {
    /// Waits until all that will come from the server is with the client, or the client reads no more. What the client
    /// writes may still go to a server that has only closed its output.
    pub fn output_done(&mut self) {
        if let Some(thread) = self.to_client.take() {
            // It does not panic; and if it did, its descriptors are closed all the same.
            thread.join().ok();
        }
    }

    /// What becomes readable when a direction of a session [in custody](Relay::in_custody) has ended.
    pub(super) fn bell(&self) -> Option<BorrowedFd<'_>> {
        self.stop.custody.as_deref().map(Custody::bell)
    }

    /// Whether both directions of a session in custody have ended, and whether that to the client has. Hushes the bell.
    pub(super) fn ended(&self) -> (bool, bool) {
        let Some(custody) = self.stop.custody.as_deref() else { return (false, false) };
        custody.hush();
        let output = custody.has_ended(Direction::ToClient);
        (output && custody.has_ended(Direction::ToServer), output)
    }

    /// Waits until both directions are at their end.
    #[must_use]
    pub fn wait(mut self) -> Outcome {
        self.output_done();
        self.to_server.join().ok();
        self.stop.ending.first.get().copied().unwrap_or(Outcome::Stopped)
    }

    /// What ends the session from another thread.
    #[must_use]
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }
}

/// Ends a session.
#[derive(Debug, Clone)]
pub struct Stop {
    ending: Arc<Ending>,
    mail: [Arc<Mailbox>; 2],
    custody: Option<Arc<Custody>>,
}

impl Stop {
    /// Closes all four descriptors as soon as the line that is being written is out. The client is given an error for each
    /// of its open requests first. Does not wait for it.
    pub fn stop(&self) {
        self.ending.stop.store(true, Ordering::Release);
        self.mail.iter().for_each(|mailbox| mailbox.wake());
        if let Some(custody) = &self.custody {
            custody.halt();
        }
    }
}
