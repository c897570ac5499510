//! A wrap whose session is the daemon's: what is left to do, also when the daemon goes away.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::server::Server;
use super::{Event, WrapError, WrapOptions, start};
use crate::proxy::handover::{Handed, Heard, Kept, Offer, hand_over};
use crate::proxy::printable;
use crate::proxy::register::{Failure, Registration};

/// Exit code when the daemon went away in the middle of a session.
pub const GATEWAY_GONE: u8 = 124;
/// Exit code when there is a daemon and it does not take the session.
pub const NOT_TAKEN: u8 = 123;
/// Of a daemon that is there and gives no answer, or none that makes sense.
const SILENT: &str = "it does not answer";
/// How long a server may take to end after its input did, and again after SIGTERM.
const GRACE: Duration = Duration::from_secs(2);

/// Hands the session over to the daemon, if there is one and nobody asked for something else.
///
/// # Errors
/// [`WrapError::NotTaken`]: there is one and it has not taken the session. Without the daemon's policy there would be none: a
/// server that fills its user's places, or keeps the daemon busy, must not get the next one started free.
pub(super) fn offer(
    options: &WrapOptions,
    registration: &mut Registration,
    offer: Offer<'_>,
) -> Result<Option<Handed>, WrapError> {
    if options.is_own_gateway {
        return Ok(None);
    }
    let not_taken = |reason: &str| WrapError::NotTaken { reason: printable(reason) };
    registration.insist();
    match registration.failure() {
        Some(Failure::Absent | Failure::Closed(_)) => return Ok(None),
        Some(Failure::Refused(reason)) => return Err(not_taken(reason)),
        Some(Failure::Silent) => return Err(not_taken(SILENT)),
        None => {}
    }
    match hand_over(registration.socket(), &options.server(), offer) {
        Ok(handed) => Ok(Some(handed)),
        Err(kept @ (Kept::Refused(_) | Kept::Silent(_))) => Err(not_taken(&kept.to_string())),
        Err(Kept::Unfit | Kept::Absent) => Ok(None),
    }
}

/// Listens to what the daemon tells of the session.
///
/// # Errors
/// There is no thread left.
pub(super) fn follow(handed: Handed, client_out: OwnedFd, events: &SyncSender<Event>) -> io::Result<()> {
    let events = events.clone();
    start("daemon", move || {
        let mut client_out = Some(File::from(client_out));
        // A failed send means that the main thread is done, and so is the process.
        loop {
            match handed.next() {
                Heard::OutputDone => {
                    drop(client_out.take());
                    events.send(Event::OutputDone).ok();
                }
                Heard::Ended => return,
                Heard::Stopped => {
                    events.send(Event::GatewayGone).ok();
                    return;
                }
                Heard::Lost => {
                    events.send(Event::GatewayGone).ok();
                    if let Some(mut client) = client_out.take() {
                        // A client that is gone, too, need not be told.
                        client.write_all(&handed.last_words()).ok();
                    }
                    events.send(Event::OutputDone).ok();
                    return;
                }
            }
        }
    })
}

/// A server without its gateway, on its way to the end.
#[derive(Debug)]
pub(super) struct Abandoned {
    deadline: Instant,
    next: Signal,
}

impl Abandoned {
    pub(super) fn now() -> Self {
        Self { deadline: Instant::now() + GRACE, next: Signal::SIGTERM }
    }
}

/// The next event. A server that is abandoned and does not end is told to, and then made to.
pub(super) fn next(
    happened: &Receiver<Event>,
    abandoned: Option<&mut Abandoned>,
    server: Server,
) -> Result<Event, RecvTimeoutError> {
    let Some(abandoned) = abandoned else { return happened.recv().map_err(RecvTimeoutError::from) };
    let left = abandoned.deadline.saturating_duration_since(Instant::now());
    happened.recv_timeout(left).inspect_err(|_late| {
        server.signal(abandoned.next);
        *abandoned = Abandoned { deadline: Instant::now() + GRACE, next: Signal::SIGKILL };
    })
}
