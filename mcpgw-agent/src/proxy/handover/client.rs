//! The wrap's side of a hand-over.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::descriptors::{Use, check};
use super::session::GO;
use super::{Notice, ledger, socket};
use crate::admin::protocol::{HandoverRequest, Request, Response};
use crate::policy::effects::Confinement;
use crate::proxy::register::{is_absence, open_socket};
use crate::proxy::reply;

/// For the daemon to take its next step, until the hand-over is done. A daemon that is there should not be passed by
/// because the host is busy.
const STEP: Duration = Duration::from_secs(5);

/// The four descriptors, as they are handed over.
#[derive(Debug, Clone, Copy)]
pub(in crate::proxy) struct Offer<'a> {
    pub(in crate::proxy) client_in: BorrowedFd<'a>,
    pub(in crate::proxy) client_out: BorrowedFd<'a>,
    pub(in crate::proxy) server_in: BorrowedFd<'a>,
    pub(in crate::proxy) server_out: BorrowedFd<'a>,
}

/// Why a session was not handed over; nothing of it has been read.
#[derive(Debug, thiserror::Error)]
pub(in crate::proxy) enum Kept {
    /// Standard input or output is something that is not handed over.
    #[error("standard input or output is no pipe")]
    Unfit,
    /// There is no daemon.
    #[error("there is no agent")]
    Absent,
    /// There is one, and it does not answer.
    #[error("it does not answer")]
    Silent(#[from] io::Error),
    /// The daemon refuses.
    #[error("{0}")]
    Refused(String),
}

/// A session that is the daemon's.
#[derive(Debug)]
pub(in crate::proxy) struct Handed {
    stream: UnixStream,
    ledger: File,
    confinement: Option<Box<Confinement>>,
}

/// What the daemon tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy) enum Heard {
    /// All that comes from the server is with the client, or the client reads no more.
    OutputDone,
    /// The session is over.
    Ended,
    /// The daemon stops, and has answered all that was open.
    Stopped,
    /// The daemon is gone.
    Lost,
}

/// Hands a session with `server` over to the daemon at `control`. When it is done, every copy of the descriptors must be
/// let go but that of `client_out`, which goes when the daemon says so.
///
/// # Errors
/// [`Kept`]
pub(in crate::proxy) fn hand_over(control: &Path, server: &str, offer: Offer<'_>) -> Result<Handed, Kept> {
    let Offer { client_in, client_out, server_in, server_out } = offer;
    let uid = nix::unistd::geteuid().as_raw();
    for (descriptor, needed) in [(client_in, Use::Read), (client_out, Use::Write)] {
        check(descriptor, needed, uid).map_err(|_unfit| Kept::Unfit)?;
    }
    let stream = open_socket(control, STEP).map_err(|error| match is_absence(&error) {
        true => Kept::Absent,
        false => Kept::Silent(error),
    })?;
    stream.set_write_timeout(Some(STEP))?;
    let request = Request::Handover(HandoverRequest { name: Some(server.to_owned()) });
    socket::write_line(&stream, &serde_json::to_vec(&request).map_err(io::Error::from)?)?;
    accepted(&stream, Some(STEP))?;
    let ledger = ledger::create()?;
    socket::send_descriptors(&stream, [client_in, client_out, server_in, server_out, ledger.as_fd()])?;
    let confinement = accepted(&stream, Some(STEP))?;
    let handed = Handed { stream, ledger: File::from(ledger), confinement };
    // From here on not a byte is read by us, unless it is certain that the daemon reads none.
    let begun = socket::write_line(&handed.stream, GO).map_err(Kept::from);
    match begun.and_then(|()| accepted(&handed.stream, None).map(drop)) {
        Ok(()) => Ok(handed),
        Err(kept) if ledger::read(&handed.ledger).is_ok_and(|remains| !remains.begun) => Err(kept),
        Err(_begun) => Ok(handed),
    }
}

/// What the server may do, where the daemon says so.
fn accepted(stream: &UnixStream, bound: Option<Duration>) -> Result<Option<Box<Confinement>>, Kept> {
    let line = socket::read_long_line(stream, bound)?;
    let mut response: Response = serde_json::from_slice(&line).map_err(io::Error::from)?;
    let confinement = response.confinement.take();
    response.refusal().map_or(Ok(confinement), |reason| Err(Kept::Refused(reason)))
}

impl Handed {
    /// What the server may do, as far as that is to be prevented.
    pub(in crate::proxy) fn confinement(&self) -> Option<&Confinement> {
        self.confinement.as_deref()
    }

    /// Waits for what the daemon tells next.
    pub(in crate::proxy) fn next(&self) -> Heard {
        let Ok(line) = socket::read_line(&self.stream, None) else { return Heard::Lost };
        match serde_json::from_slice(&line) {
            Ok(Notice::OutputDone) => Heard::OutputDone,
            Ok(Notice::Ended { stopped: false }) => Heard::Ended,
            Ok(Notice::Ended { stopped: true }) => Heard::Stopped,
            Err(_) => Heard::Lost,
        }
    }

    /// What a client must be told when the daemon is gone: an error for each of its open requests.
    pub(in crate::proxy) fn last_words(&self) -> Vec<u8> {
        let Ok(remains) = ledger::read(&self.ledger) else { return Vec::new() };
        let mut words = Vec::new();
        if remains.mid_line {
            words.push(b'\n');
        }
        for id in remains.open {
            let error = reply::error(Some(&id), reply::UNAVAILABLE, "the gateway is gone", None);
            words.extend_from_slice(&error);
            words.push(b'\n');
        }
        words
    }
}
