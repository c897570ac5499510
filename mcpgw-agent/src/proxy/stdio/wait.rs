//! Waiting for the next thing that happens to a way.

use std::os::fd::BorrowedFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

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
    let gone = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
    let mut fds = [
        PollFd::from_borrowed_fd(sink, PollFlags::empty()),
        PollFd::from_borrowed_fd(bell, PollFlags::IN),
        PollFd::from_borrowed_fd(source.unwrap_or(bell), PollFlags::IN),
    ];
    loop {
        match poll(&mut fds, until.map(left).as_ref()) {
            Ok(0) if until.is_some_and(|until| Instant::now() < until) => continue,
            Ok(0) => return Happened { readable: false, rang: true, sink_gone: false },
            Err(Errno::INTR) => continue,
            // Not expected; the blocking read still does the right thing, if later.
            Err(_) => return Happened { readable: source.is_some(), rang: true, sink_gone: false },
            Ok(_) => {}
        }
        let [sink, bell, readable] = fds.each_ref().map(PollFd::revents);
        return Happened {
            readable: source.is_some() && !readable.is_empty(),
            rang: !bell.is_empty(),
            sink_gone: sink.intersects(gone),
        };
    }
}

/// How long it is until then.
fn left(until: Instant) -> Timespec {
    // Centuries are for ever.
    until
        .saturating_duration_since(Instant::now())
        .try_into()
        .unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 })
}

/// Waits until there is room in `sink`.
///
/// # Errors
/// It cannot be waited for.
pub(super) fn wait_writable(sink: BorrowedFd<'_>) -> Result<(), Errno> {
    match poll(&mut [PollFd::from_borrowed_fd(sink, PollFlags::OUT)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error),
    }
}
