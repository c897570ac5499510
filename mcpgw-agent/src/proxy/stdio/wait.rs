//! Waiting for the next thing that happens to a way.

use std::os::fd::BorrowedFd;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Happened {
    /// There is something to read, or the end of it.
    pub(super) readable: bool,
    /// The mailbox rang.
    pub(super) rang: bool,
    /// Nobody reads what would be written: noticed now, as on a direct pipe, not at the next message.
    pub(super) sink_gone: bool,
}

/// Waits until something happens, or until it is `until`: then the bell rings. `source` is `None` while nothing is to be
/// read.
pub(super) fn wait(
    source: Option<BorrowedFd<'_>>,
    sink: BorrowedFd<'_>,
    bell: BorrowedFd<'_>,
    until: Option<Instant>,
) -> Happened {
    let gone = PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL;
    let mut fds = [
        PollFd::new(sink, PollFlags::empty()),
        PollFd::new(bell, PollFlags::POLLIN),
        PollFd::new(source.unwrap_or(bell), PollFlags::POLLIN),
    ];
    loop {
        match poll(&mut fds, until.map_or(PollTimeout::NONE, left)) {
            Ok(0) if until.is_some_and(|until| Instant::now() < until) => continue,
            Ok(0) => return Happened { readable: false, rang: true, sink_gone: false },
            Err(Errno::EINTR) => continue,
            // Not expected; the blocking read still does the right thing, if later.
            Err(_) => return Happened { readable: source.is_some(), rang: true, sink_gone: false },
            Ok(_) => {}
        }
        let [sink, bell, readable] = &fds;
        return Happened {
            readable: source.is_some() && readable.any().unwrap_or(true),
            rang: bell.any().unwrap_or(true),
            sink_gone: sink.revents().is_some_and(|revents| revents.intersects(gone)),
        };
    }
}

/// How long it is until then, never too short by what `poll` does not know: it counts in milliseconds.
fn left(until: Instant) -> PollTimeout {
    let millis = until.saturating_duration_since(Instant::now()).as_millis().saturating_add(1);
    PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
}

/// Waits until there is room in `sink`.
///
/// # Errors
/// It cannot be waited for.
pub(super) fn wait_writable(sink: BorrowedFd<'_>) -> Result<(), Errno> {
    match poll(&mut [PollFd::new(sink, PollFlags::POLLOUT)], PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(error) => Err(error),
    }
}
