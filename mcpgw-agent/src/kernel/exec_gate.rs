//! Programs that are about to run: the kernel asks, and waits for the answer (`fanotify`, `FAN_OPEN_EXEC_PERM`).
//!
//! Whoever calls `execve` sleeps in that call, its new program not even mapped. When the gate is dropped, and so also when
//! the agent is killed, the kernel lets everybody go on by itself: nobody can be left behind. But for a process that inherited
//! the gate and waits at it: whoever has one starts nothing that may have to wait.

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::fanotify::{
    EventFFlags, Fanotify, FanotifyEvent, FanotifyResponse, InitFlags, MarkFlags, MaskFlags, Response,
};
use rustix::fs::CWD;

/// Somebody who waits.
#[derive(Debug)]
pub struct Asked {
    event: FanotifyEvent,
}

impl Asked {
    /// Thread that called `execve`, as `/proc` names it.
    #[must_use]
    pub fn thread(&self) -> u32 {
        u32::try_from(self.event.pid()).unwrap_or(0)
    }

    /// The file it wants to run.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub fn file(&self) -> io::Result<std::fs::File> {
        let file = self.event.fd().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        file.try_clone_to_owned().map(std::fs::File::from)
    }

    /// Path of that file, as far as this process can name it.
    #[must_use]
    pub fn path(&self) -> Option<String> {
        let number = self.event.fd()?.as_raw_fd();
        let link = std::fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
        Some(link.to_string_lossy().into_owned())
    }

    /// Names it until it is answered.
    #[must_use]
    pub fn number(&self) -> i32 {
        self.event.fd().map_or(-1, |file| file.as_raw_fd())
    }
}

/// The gate. Nothing passes it that is not answered.
#[derive(Debug)]
pub struct ExecGate {
    group: Fanotify,
}

impl ExecGate {
    /// A gate before nothing yet.
    ///
    /// # Errors
    /// The kernel has none, or `CAP_SYS_ADMIN` is missing.
    pub fn open() -> io::Result<Self> {
        let flags = InitFlags::FAN_CLASS_CONTENT
            | InitFlags::FAN_CLOEXEC
            | InitFlags::FAN_NONBLOCK
            | InitFlags::FAN_REPORT_TID;
        let files = EventFFlags::O_RDONLY | EventFFlags::O_CLOEXEC | EventFFlags::O_LARGEFILE;
        Ok(Self { group: Fanotify::init(flags, files)? })
    }

    /// Asks about the programs of a file system from now on.
    ///
    /// # Errors
    /// There is no such place, or its file system cannot be marked.
    pub fn watch_file_system(&self, place: &Path) -> io::Result<()> {
        let flags = MarkFlags::FAN_MARK_ADD | MarkFlags::FAN_MARK_FILESYSTEM;
        Ok(self.group.mark(flags, MaskFlags::FAN_OPEN_EXEC_PERM, CWD, Some(place))?)
    }

    /// Asks about the programs right in a directory.
    ///
    /// # Errors
    /// There is no such directory, or it cannot be marked.
    pub fn watch_directory(&self, place: &Path) -> io::Result<()> {
        let flags = MarkFlags::FAN_MARK_ADD | MarkFlags::FAN_MARK_ONLYDIR;
        let mask = MaskFlags::FAN_OPEN_EXEC_PERM | MaskFlags::FAN_EVENT_ON_CHILD;
        Ok(self.group.mark(flags, mask, CWD, Some(place))?)
    }

    /// Asks about nothing any more. Who waits already goes on waiting.
    ///
    /// # Errors
    /// The kernel's.
    pub fn watch_nothing(&self) -> io::Result<()> {
        for of in [MarkFlags::FAN_MARK_FILESYSTEM, MarkFlags::empty()] {
            let everything: Option<&Path> = None;
            self.group.mark(MarkFlags::FAN_MARK_FLUSH | of, MaskFlags::empty(), CWD, everything)?;
        }
        Ok(())
    }

    /// Who asks, once somebody does; nobody after `patience`.
    ///
    /// # Errors
    /// The kernel's. Where it has no descriptor left for us it refuses the program by itself: then the gate has to go.
    pub fn wait(&self, patience: Duration) -> io::Result<Vec<Asked>> {
        let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        let mut ready = [PollFd::new(self.group.as_fd(), PollFlags::POLLIN)];
        match poll(&mut ready, patience) {
            Ok(0) | Err(Errno::EINTR) => return Ok(Vec::new()),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        match self.group.read_events() {
            Ok(events) => Ok(events
                .into_iter()
                .filter(|event| event.check_version() && event.fd().is_some())
                .map(|event| Asked { event })
                .collect()),
            Err(Errno::EAGAIN | Errno::EINTR) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets somebody run the program, or not.
    ///
    /// # Errors
    /// The kernel's: whoever asked is gone.
    pub fn answer(&self, asked: &Asked, may_run: bool) -> io::Result<()> {
        let Some(file) = asked.event.fd() else { return Ok(()) };
        let word = if may_run { Response::FAN_ALLOW } else { Response::FAN_DENY };
        Ok(self.group.write_response(FanotifyResponse::new(file, word))?)
    }

    /// The same gate for somebody else.
    ///
    /// # Errors
    /// The system has no descriptor left.
    pub fn share(&self) -> io::Result<OwnedFd> {
        self.group.as_fd().try_clone_to_owned()
    }
}

/// `struct fanotify_event_metadata`: its size, and where its length, its descriptor and the version are.
const EVENT: usize = 24;
/// Descriptors a process that took a question may have it under.
const NUMBERS: i32 = 65_536;
/// `FAN_ALLOW`.
const ALLOW: u32 = 1;

/// Lets everybody go on that another process has taken and not answered.
pub fn release_taken(gate: &OwnedFd) {
    // Which numbers there are, only the other process knows; the kernel passes over those that are none.
    for number in 0..NUMBERS {
        allow(gate, number);
    }
}

/// Lets everybody go on that nobody has taken yet.
///
/// # Errors
/// The kernel's.
pub fn release_new(gate: &OwnedFd) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let read = match nix::unistd::read(gate, &mut buffer) {
        Ok(read) => read,
        Err(Errno::EAGAIN | Errno::EINTR) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let mut rest = buffer.get(..read).unwrap_or_default();
    while let Some(event) = rest.first_chunk::<EVENT>() {
        let [a, b, c, d, _version, _, _, _, _, _, _, _, _, _, _, _, e, f, g, h, ..] = *event;
        let (length, number) = (u32::from_ne_bytes([a, b, c, d]), i32::from_ne_bytes([e, f, g, h]));
        if number >= 0 {
            allow(gate, number);
            nix::unistd::close(number).ok();
        }
        let length = usize::try_from(length).unwrap_or(EVENT).max(EVENT);
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}

fn allow(gate: &OwnedFd, number: i32) {
    let [a, b, c, d] = number.to_ne_bytes();
    let [e, f, g, h] = ALLOW.to_ne_bytes();
    nix::unistd::write(gate, &[a, b, c, d, e, f, g, h]).ok();
}
