//! The server process: its two pipes, its start, its end.
//!
//! Started with `posix_spawn` rather than `std::process`: it can give the child the signal mask we were started
//! with, without a moment in which we have it ourselves and could die between the server's start and our watch.

use std::env;
use std::ffi::{CStr, CString, OsString};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawnp};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::stat::fstat;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, pipe2};

use super::WrapError;
use crate::audit::KEY_VARIABLE;
use crate::effects::LAUNCHER;
use crate::policy::effects::Confinement;

/// Exit code when the server's own cannot be learnt.
const UNKNOWN_EXIT: u8 = 255;
/// What this program is called while it becomes a server.
const NAME: &CStr = c"mcpgw-agent";

/// The pipes of a server: ours and its ends.
#[derive(Debug)]
pub(super) struct Pipes {
    /// Our end of the server's standard input.
    pub(super) input: OwnedFd,
    /// Our end of the server's standard output.
    pub(super) output: OwnedFd,
    server_input: OwnedFd,
    server_output: OwnedFd,
}

impl Pipes {
    /// Two pipes, all ends close-on-exec.
    pub(super) fn new() -> io::Result<Self> {
        let (server_input, input) = pipe2(OFlag::O_CLOEXEC)?;
        let (output, server_output) = pipe2(OFlag::O_CLOEXEC)?;
        Ok(Self { input, output, server_input, server_output })
    }

    /// Inode numbers of the pipes on the server's standard input and output.
    pub(super) fn inodes(&self) -> io::Result<[u64; 2]> {
        Ok([fstat(&self.server_input)?.st_ino, fstat(&self.server_output)?.st_ino])
    }
}

/// A started server, not yet waited for: its pid stays its own until [`Server::reap`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Server {
    pid: Pid,
}

impl Server {
    /// Starts `command` on `pipes` with signal mask `mask`; gives back our ends of the pipes. Where the server is
    /// [confined](crate::confine), it is this program that is started, and becomes the server.
    ///
    /// # Errors
    /// [`WrapError::NotFound`] and [`WrapError::NotExecutable`] about the command, else [`WrapError::System`]. What is wrong
    /// with the command of a confined server it says itself, and ends as a shell would.
    pub(super) fn start(
        command: &[OsString],
        pipes: Pipes,
        mask: &SigSet,
        confinement: Option<&Confinement>,
    ) -> Result<(Self, OwnedFd, OwnedFd), WrapError> {
        let program = command.first().ok_or(WrapError::NoCommand)?;
        let plan = confinement.map(plan).transpose()?;
        let launch = plan.as_ref().map_or_else(Vec::new, |plan| launcher(plan.as_raw_fd()));
        let words = launch.iter().chain(command);
        let mut arguments: Vec<CString> = words.map(|a| c_string(a.clone())).collect::<Result<_, _>>()?;
        let path = arguments.first().cloned().ok_or(WrapError::NoCommand)?;
        if let (Some(_), Some(name)) = (&plan, arguments.first_mut()) {
            *name = NAME.to_owned();
        }
        let environment = environment()?;
        let system =
            |source: Errno| WrapError::System { step: "prepare the server's start", source: source.into() };
        let actions = file_actions(&pipes).map_err(system)?;
        let attributes = attributes(mask).map_err(system)?;
        let pid = posix_spawnp(&path, &actions, &attributes, &arguments, &environment).map_err(|errno| {
            let source = io::Error::from(errno);
            let command = program.clone();
            if matches!(errno, Errno::ENOENT | Errno::ENOTDIR) {
                WrapError::NotFound { command }
            } else if matches!(errno, Errno::EAGAIN | Errno::ENOMEM) {
                WrapError::System { step: "start the server", source }
            } else {
                WrapError::NotExecutable { command, source }
            }
        })?;
        Ok((Self { pid }, pipes.input, pipes.output))
    }

    /// Sends `signal`. Not after [`Server::reap`].
    pub(super) fn signal(self, signal: Signal) {
        // It may be gone already; then its exit is about to be seen.
        kill(self.pid, signal).ok();
    }

    /// Whether it has just been stopped by `SIGTSTP` (asked once per stop).
    pub(super) fn was_suspended(self) -> bool {
        let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG;
        matches!(waitid(Id::Pid(self.pid), flags), Ok(WaitStatus::Stopped(_, Signal::SIGTSTP)))
    }

    /// Waits for its end, and leaves it a zombie so that its pid is not taken.
    pub(super) fn wait_for_end(self) {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
        while waitid(Id::Pid(self.pid), flags) == Err(Errno::EINTR) {}
    }

    /// Its exit code, or 128 + n when signal n ended it.
    pub(super) fn reap(self) -> u8 {
        loop {
            let code = match waitpid(self.pid, None) {
                Ok(WaitStatus::Exited(_, code)) => code,
                Ok(WaitStatus::Signaled(_, signal, _)) => 128 + signal as i32,
                Ok(_) | Err(Errno::EINTR) => continue,
                // ECHILD: whoever started us ignores SIGCHLD, so nobody learns a status. EINVAL: a real-time signal.
                Err(_) => return UNKNOWN_EXIT,
            };
            return u8::try_from(code).unwrap_or(UNKNOWN_EXIT);
        }
    }
}

/// What a confined server may do, in a file without a name that the process we start inherits.
fn plan(confinement: &Confinement) -> Result<OwnedFd, WrapError> {
    let system = |source: io::Error| WrapError::System { step: "write down what the server may do", source };
    let text = serde_json::to_vec(confinement).map_err(|error| system(error.into()))?;
    let plan = memfd_create(c"confinement", MFdFlags::empty()).map_err(|errno| system(errno.into()))?;
    let mut file = File::from(plan);
    file.write_all(&text).map_err(system)?;
    Ok(file.into())
}

/// The command line before the server's. By this name it is the very program that runs, also where its file was replaced.
fn launcher(plan: RawFd) -> Vec<OsString> {
    [LAUNCHER, "launch", "--plan", &plan.to_string(), "--"].map(OsString::from).into()
}

fn file_actions(pipes: &Pipes) -> nix::Result<PosixSpawnFileActions> {
    let mut actions = PosixSpawnFileActions::init()?;
    // Descriptors 0 to 2 are always open in a Rust program, so the pipes are above them.
    actions.add_dup2(pipes.server_input.as_raw_fd(), libc::STDIN_FILENO)?;
    actions.add_dup2(pipes.server_output.as_raw_fd(), libc::STDOUT_FILENO)?;
    Ok(actions)
}

fn attributes(mask: &SigSet) -> nix::Result<PosixSpawnAttr> {
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_sigmask(mask)?;
    // Rust's runtime ignores SIGPIPE before `main`; a server expects the default.
    attributes.set_sigdefault(&SigSet::from(Signal::SIGPIPE))?;
    attributes.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF)?;
    Ok(attributes)
}

fn environment() -> Result<Vec<CString>, WrapError> {
    env::vars_os()
        // Not the server's to know: with it, it could write our records.
        .filter(|(name, _)| name != KEY_VARIABLE)
        .map(|(mut entry, value)| {
            entry.push("=");
            entry.push(value);
            c_string(entry)
        })
        .collect()
}

fn c_string(text: OsString) -> Result<CString, WrapError> {
    CString::new(text.into_vec())
        .map_err(|error| WrapError::System { step: "pass on an argument", source: error.into() })
}
