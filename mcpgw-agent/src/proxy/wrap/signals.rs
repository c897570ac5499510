//! Signals: taken by a descriptor instead of a handler, so that no disposition changes.
//!
//! A handler would be reset to the default when the server is executed, and a signal the client had ignored for us
//! would come back to life in the server. Blocking leaves dispositions alone, also queues signals that are ignored,
//! and tells where a signal came from; the server gets the mask back that we were started with.

use std::io;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What is passed on to the server.
const FORWARDED: [Signal; 9] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGWINCH,
    Signal::SIGTSTP,
    Signal::SIGCONT,
];

/// A signal that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Received {
    /// Which.
    pub(super) signal: Signal,
    /// Sent by the kernel, not by a process.
    pub(super) by_kernel: bool,
}

impl Received {
    /// The server has it already: the terminal sends these to the whole process group, and a second Ctrl-C means
    /// "at once" to many servers.
    pub(super) fn server_has_it(self) -> bool {
        self.by_kernel && matches!(self.signal, Signal::SIGINT | Signal::SIGQUIT | Signal::SIGTSTP)
    }

    /// Somebody wants the server gone.
    pub(super) fn asks_to_end(self) -> bool {
        matches!(self.signal, Signal::SIGHUP | Signal::SIGINT | Signal::SIGQUIT | Signal::SIGTERM)
    }
}

/// The process' signals, queued until they are read.
#[derive(Debug)]
pub(super) struct Signals {
    queue: SignalFd,
    inherited: SigSet,
}

impl Signals {
    /// Blocks the signals to be forwarded, and `SIGCHLD`, in this thread and all it will start. To be called before
    /// the process has other threads.
    ///
    /// # Errors
    /// When the descriptor cannot be made.
    pub(super) fn take() -> io::Result<Self> {
        let inherited = SigSet::thread_get_mask()?;
        let mut taken: SigSet = FORWARDED.into_iter().collect();
        taken.add(Signal::SIGCHLD);
        taken.thread_block()?;
        let queue = SignalFd::with_flags(&taken, SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { queue, inherited })
    }

    /// The mask this process was started with, for the server.
    pub(super) fn inherited(&self) -> SigSet {
        self.inherited
    }

    /// Waits for the next signal.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub(super) fn next(&self) -> io::Result<Received> {
        loop {
            let info = match self.queue.read_signal() {
                Ok(Some(info)) => info,
                Ok(None) | Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let number = i32::try_from(info.ssi_signo).unwrap_or_default();
            if let Ok(signal) = Signal::try_from(number) {
                return Ok(Received { signal, by_kernel: info.ssi_code == libc::SI_KERNEL });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_sent_to_the_group_is_not_sent_twice() {
        let from = |signal, by_kernel| Received { signal, by_kernel };
        assert!(from(Signal::SIGINT, true).server_has_it());
        assert!(from(Signal::SIGTSTP, true).server_has_it());
        assert!(!from(Signal::SIGINT, false).server_has_it());
        // A hang-up reaches only the session leader, which may be us alone.
        assert!(!from(Signal::SIGHUP, true).server_has_it());
    }

    #[test]
    fn only_ending_signals_ask_to_end() {
        let asks = |signal| Received { signal, by_kernel: false }.asks_to_end();
        assert!(asks(Signal::SIGTERM) && asks(Signal::SIGHUP));
        assert!(!asks(Signal::SIGUSR1) && !asks(Signal::SIGCONT) && !asks(Signal::SIGCHLD));
    }
}
