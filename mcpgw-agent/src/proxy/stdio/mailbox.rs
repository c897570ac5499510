//! What one way has to say to the side the other way writes to.
//!
//! A post never waits, so that neither way can wait for the other in a circle. The bound is kept by the posting way, which
//! reads no more while the box is full ([`Mailbox::is_full`]) and is woken when it is not.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use bytes::Bytes;
use nix::sys::eventfd::{EfdFlags, EventFd};

/// Bytes waiting above which the posting way stops reading: 20,000 refusals fit.
pub(super) const FULL_BYTES: usize = 8 << 20;

/// Lines waiting for their writer.
#[derive(Debug)]
pub(super) struct Mailbox {
    state: Mutex<State>,
    /// Bytes above which it is full.
    full: usize,
    bell: EventFd,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<Bytes>,
    bytes: usize,
    closed: bool,
}

impl Mailbox {
    pub(super) fn new(full: usize) -> io::Result<Self> {
        let bell = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self { state: Mutex::default(), full, bell })
    }

    /// Leaves a line, without its end, for the writer; nothing where that has ended.
    pub(super) fn post(&self, line: Bytes) {
        let mut state = self.state();
        if !state.closed {
            state.bytes += line.len();
            state.lines.push(line);
            drop(state);
            self.wake();
        }
    }

    /// Takes what is there, and says whether the poster waits for that.
    pub(super) fn take(&self) -> (Vec<Bytes>, bool) {
        let mut state = self.state();
        let was_full = state.bytes > self.full;
        state.bytes = 0;
        (std::mem::take(&mut state.lines), was_full)
    }

    /// So much waits that no more should be asked for.
    pub(super) fn is_full(&self) -> bool {
        self.state().bytes > self.full
    }

    /// Nobody writes any more: what is left and what comes is dropped.
    pub(super) fn close(&self) {
        *self.state() = State { closed: true, ..State::default() };
    }

    /// Wakes the writer.
    pub(super) fn wake(&self) {
        // It can only fail when it has been rung 2^64 times, and then it rings.
        self.bell.write(1).ok();
    }

    /// The writer is awake.
    pub(super) fn hush(&self) {
        self.bell.read().ok();
    }

    /// Readable when it rings.
    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever decides on what waits wakes the writer so.
impl Wake for Mailbox {
    fn wake(self: Arc<Self>) {
        Mailbox::wake(&self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_until_taken_and_silent_once_closed() {
        let mailbox = Mailbox::new(3).unwrap();
        mailbox.post(Bytes::from_static(b"xxx"));
        assert!(!mailbox.is_full());
        mailbox.post(Bytes::from_static(b"y"));
        assert!(mailbox.is_full());
        let (lines, was_full) = mailbox.take();
        assert_eq!((lines.len(), was_full, mailbox.is_full()), (2, true, false));
        mailbox.close();
        mailbox.post(Bytes::from_static(b"z"));
        assert_eq!(mailbox.take(), (Vec::new(), false));
    }
}
