//! What a session has that another process handed over: a ledger of its open requests, and no read or write that only the
//! peers could end.
//!
//! A peer may hold copies of our descriptors, and take the bytes or the room that `poll` has just promised. So nothing here
//! blocks but `poll`, which a [`stop`](super::Stop) wakes; the flags of the shared open files stay as they are.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use nix::sys::eventfd::{EfdFlags, EventFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ReadWriteFlags, preadv2, pwritev2};

use crate::json::{Document, Limits};
use crate::mcp::{Direction, RequestId};
use crate::proxy::handover::Ledger;

/// How long a stopped session may still write to a peer that does not read.
const LAST: Duration = Duration::from_secs(2);
/// What a pipe that says it has room takes at once without waiting, and whole or not at all (`PIPE_BUF`).
pub(super) const ATOMIC_BYTES: usize = 4096;

/// What both ways of a handed-over session share.
#[derive(Debug)]
pub(super) struct Custody {
    ledger: Ledger,
    /// Readable once the session is stopped.
    halt: EventFd,
    halted: OnceLock<Instant>,
    /// Readable when a way has ended.
    bell: EventFd,
    done: [AtomicBool; 2],
}

impl Custody {
    pub(super) fn new(ledger: Ledger) -> io::Result<Self> {
        let event = || EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK);
        let (halt, bell) = (event()?, event()?);
        Ok(Self { ledger, halt, halted: OnceLock::new(), bell, done: Default::default() })
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The session is to end.
    pub(super) fn halt(&self) {
        self.halted.set(Instant::now()).ok();
        self.halt.write(1).ok();
    }

    /// A way has ended, and its descriptors are closed.
    pub(super) fn ended(&self, direction: Direction) {
        self.flag(direction).store(true, Ordering::Release);
        self.bell.write(1).ok();
    }

    pub(super) fn has_ended(&self, direction: Direction) -> bool {
        self.flag(direction).load(Ordering::Acquire)
    }

    /// Readable when a way has ended since it was last [`hush`](Self::hush)ed.
    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    pub(super) fn hush(&self) {
        self.bell.read().ok();
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// `EAGAIN` where nothing is.
    pub(super) fn read(source: BorrowedFd<'_>, chunk: &mut [u8]) -> Result<usize, Errno> {
        match preadv2(source, &mut [IoSliceMut::new(chunk)], u64::MAX, ReadWriteFlags::NOWAIT) {
            // A kernel whose pipes do not know how (before 6.4).
            Err(Errno::OPNOTSUPP) => rustix::io::read(source, chunk),
            read => read,
        }
    }

    /// Writes what there is room for.
    ///
    /// # Errors
    /// `EAGAIN` where there is none.
    pub(super) fn write(sink: BorrowedFd<'_>, parts: &[IoSlice<'_>]) -> Result<usize, Errno> {
        match pwritev2(sink, parts, u64::MAX, ReadWriteFlags::NOWAIT) {
            Err(Errno::OPNOTSUPP) => write_little(sink, parts),
            written => written,
        }
    }

    /// Waits until there is room in `sink`.
    ///
    /// # Errors
    /// There will be none: the session is stopped, and has been for long enough.
    pub(super) fn wait_writable(&self, sink: BorrowedFd<'_>) -> Result<(), Errno> {
        let mut fds = [
            PollFd::from_borrowed_fd(sink, PollFlags::OUT),
            PollFd::from_borrowed_fd(self.halt.as_fd(), PollFlags::IN),
        ];
        let (fds, left) = match self.halted.get() {
            None => (fds.as_mut_slice(), None),
            Some(since) => {
                let left = LAST.saturating_sub(since.elapsed());
                if left.is_zero() {
                    return Err(Errno::TIMEDOUT);
                }
                (fds.get_mut(..1).unwrap_or_default(), Timespec::try_from(left).ok())
            }
        };
        match poll(fds, left.as_ref()) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn flag(&self, direction: Direction) -> &AtomicBool {
        let [to_server, to_client] = &self.done;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }
}

fn write_little(sink: BorrowedFd<'_>, parts: &[IoSlice<'_>]) -> Result<usize, Errno> {
    let mut fds = [PollFd::from_borrowed_fd(sink, PollFlags::OUT)];
    if poll(&mut fds, Some(&Timespec::default()))? == 0 {
        return Err(Errno::AGAIN);
    }
    let Some(part) = parts.iter().find(|part| !part.is_empty()) else { return Ok(0) };
    rustix::io::write(sink, part.get(..ATOMIC_BYTES).unwrap_or(part))
}

/// The id of an answer of our own.
pub(super) fn id_of(answer: &Bytes) -> Option<RequestId> {
    let document = Document::parse(answer.clone(), &Limits::default()).ok()?;
    RequestId::of(document.root().get("id")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::handover::Ledger;

    #[test]
    fn a_full_pipe_and_an_empty_one_block_nobody() {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut chunk = [0; 16];
        assert_eq!(Custody::read(reader.as_fd(), &mut chunk), Err(Errno::AGAIN));
        let part = vec![b'x'; 1 << 20];
        let written = Custody::write(writer.as_fd(), &[IoSlice::new(&part)]).unwrap();
        assert!(written > 0 && written < part.len(), "{written}");
        while Custody::write(writer.as_fd(), &[IoSlice::new(&part)]).is_ok() {}
        assert_eq!(Custody::write(writer.as_fd(), &[IoSlice::new(&part)]), Err(Errno::AGAIN));
        assert_eq!(Custody::read(reader.as_fd(), &mut chunk), Ok(16));
        let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
        assert!(!flags.contains(rustix::fs::OFlags::NONBLOCK), "the open file is the client's too");
    }

    #[test]
    fn a_stopped_session_waits_for_room_no_longer_than_it_may() {
        let custody = Custody::new(Ledger::for_tests()).unwrap();
        let (_reader, writer) = std::io::pipe().unwrap();
        let part = [b'x'; 4096];
        while Custody::write(writer.as_fd(), &[IoSlice::new(&part)]).is_ok() {}
        let start = Instant::now();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                while custody.wait_writable(writer.as_fd()).is_ok() {}
                start.elapsed()
            });
            custody.halt();
            let waited = waiting.join().unwrap();
            assert!(waited >= LAST && waited < 5 * LAST, "{waited:?}");
        });
    }
}
