//! A process of its own that looks after held programs: where the agent neither answers nor ends, because somebody stopped
//! it, everybody goes on without it.
//!
//! It has the agent's gate, and a socket on which the agent beats. Where nothing comes for two seconds it lets everybody go on
//! who waits, and who comes, until the agent beats again; where the socket is closed, the agent has ended, and so does it,
//! which closes the gate for good.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::kernel::{ExecGate, release_new, release_taken};

/// From one beat to the next at least.
const BEAT: Duration = Duration::from_millis(200);
/// Without a beat for so long, the agent does not answer.
const SILENCE: Duration = Duration::from_secs(2);

/// The agent's end.
#[derive(Debug)]
pub(crate) struct Beats {
    to: UnixStream,
    last: Instant,
    keeper: Child,
}

impl Beats {
    /// Starts a keeper of this gate.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn start(gate: &ExecGate) -> io::Result<Self> {
        let (to, from) = UnixStream::pair()?;
        to.set_nonblocking(true)?;
        let keeper = Command::new("/proc/self/exe")
            .arg("guard-keeper")
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(gate.share()?))
            .stdout(Stdio::from(OwnedFd::from(from)))
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { to, last: Instant::now(), keeper })
    }

    /// The keeper is gone.
    pub(crate) fn are_alone(&mut self) -> bool {
        self.keeper.try_wait().is_ok_and(|ended| ended.is_some())
    }

    /// Says that the agent is there.
    pub(crate) fn beat(&mut self) {
        if self.last.elapsed() >= BEAT {
            self.last = Instant::now();
            // Where it is full, the keeper has enough of them.
            self.to.write_all(b".").ok();
        }
    }
}

impl Drop for Beats {
    fn drop(&mut self) {
        self.to.shutdown(std::net::Shutdown::Both).ok();
        // It ends at that; one that does not must not be waited for.
        self.keeper.kill().ok();
        self.keeper.wait().ok();
    }
}

/// Looks after the gate on standard input while something comes over standard output.
///
/// # Errors
/// These are something else.
pub(crate) fn keep() -> io::Result<()> {
    let gate = io::stdin().as_fd().try_clone_to_owned()?;
    let mut beats = UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    beats.set_read_timeout(Some(SILENCE))?;
    let mut buffer = [0; 64];
    loop {
        match beats.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stand_in(&gate, &beats)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Answers in the agent's stead until it beats again, or has ended.
fn stand_in(gate: &OwnedFd, beats: &UnixStream) -> io::Result<()> {
    release_taken(gate);
    loop {
        let mut ready =
            [PollFd::new(gate.as_fd(), PollFlags::POLLIN), PollFd::new(beats.as_fd(), PollFlags::POLLIN)];
        match poll(&mut ready, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [asked, beat] = &ready;
        let is_ready = |place: &PollFd<'_>| place.revents().is_some_and(|events| !events.is_empty());
        if is_ready(beat) {
            return Ok(());
        }
        if is_ready(asked) {
            release_new(gate)?;
        }
    }
}
