//! Where a server runs while it is looked at: with no network, no privileges and no process but its own.
//!
//! Two processes of this program stand before the server, since namespaces are entered by who is in them and a process'
//! own pid namespace is its children's. The first enters them, says so on standard output and starts the second, which is
//! the first process there: it gives up what is left of privileges and becomes the server. Whoever is killed of the three,
//! the server dies: by its parent's death, or with its namespace.
//!
//! ```text
//! scan ─▶ scan-child (user, pid, IPC and network namespace; loopback up; "ready") ─▶ scan-child --inner ─▶ the server
//! ```

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::Command;

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::{set_no_new_privs, set_pdeathsig};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, dup2_stdin, dup2_stdout, getegid, geteuid, getppid};
use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};

/// First line of the sandbox: the server's output follows.
pub(super) const READY: &str = "ready";
/// First line of the sandbox where there is none: why follows.
pub(super) const REFUSED: &str = "refused ";
/// Exit code where the server's own cannot be learnt.
const UNKNOWN_EXIT: u8 = 255;

/// How free a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inside {
    /// It may use the network.
    pub has_network: bool,
    /// It has no namespaces of its own.
    pub is_unconfined: bool,
}

/// Why a server is not started.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The kernel refused.
    #[error("cannot {step}")]
    System {
        /// What was tried.
        step: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
    /// Whoever started us is gone.
    #[error("whoever asked is gone")]
    Orphan,
    /// There is no command.
    #[error("no command to run")]
    NoCommand,
}

fn failed<E: Into<io::Error>>(step: &'static str) -> impl Fn(E) -> SandboxError {
    move |source| SandboxError::System { step, source: source.into() }
}

/// Enters the sandbox, starts the server in it and gives its exit code. `parent` is the pid of whoever asked.
///
/// To be called before the process has other threads.
///
/// # Errors
/// [`SandboxError`]; it is also said on standard output, where whoever asked reads it.
pub fn enter(parent: i32, inside: Inside, command: &[OsString]) -> Result<u8, SandboxError> {
    let started = prepare(parent, inside).and_then(|()| {
        say(READY)?;
        let program = std::env::current_exe().map_err(failed("find this program"))?;
        let mut inner = Command::new(program);
        inner.arg("scan-child").arg("--inner").arg("--").args(command);
        inner.spawn().map_err(failed("start the server"))
    });
    let mut server = match started {
        Ok(server) => server,
        Err(error) => {
            let why = match &error {
                SandboxError::System { step, source } => format!("cannot {step}: {source}"),
                SandboxError::Orphan | SandboxError::NoCommand => error.to_string(),
            };
            say(&format!("{REFUSED}{why}"))?;
            return Err(error);
        }
    };
    // The server's alone: their ends are seen when it closes them.
    let nothing =
        OpenOptions::new().read(true).write(true).open("/dev/null").map_err(failed("open /dev/null"))?;
    dup2_stdin(&nothing).map_err(failed("close standard input"))?;
    dup2_stdout(&nothing).map_err(failed("close standard output"))?;
    let status = server.wait().map_err(failed("wait for the server"))?;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(UNKNOWN_EXIT))
}

fn prepare(parent: i32, inside: Inside) -> Result<(), SandboxError> {
    set_no_new_privs().map_err(failed("give up new privileges"))?;
    if !inside.is_unconfined {
        confine(inside.has_network)?;
    }
    set_pdeathsig(Signal::SIGKILL).map_err(failed("be told of the parent's end"))?;
    // It may have ended before it could be told of.
    if getppid() != Pid::from_raw(parent) {
        return Err(SandboxError::Orphan);
    }
    Ok(())
}

fn confine(has_network: bool) -> Result<(), SandboxError> {
    let (user, group) = (geteuid(), getegid());
    let mut flags = CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWIPC;
    if !has_network {
        flags |= CloneFlags::CLONE_NEWNET;
    }
    match unshare(flags | CloneFlags::CLONE_NEWUSER) {
        Ok(()) => {
            let map = |file: &str, line: String| {
                fs::write(format!("/proc/self/{file}"), line).map_err(failed("map users into the namespace"))
            };
            // Kernels before 3.19 have no such file, and need none.
            match fs::write("/proc/self/setgroups", "deny") {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed("map groups into the namespace")(error));
                }
                Ok(()) | Err(_) => {}
            }
            map("uid_map", format!("{user} {user} 1"))?;
            map("gid_map", format!("{group} {group} 1"))?;
        }
        // Root needs no user namespace to have the others; what it could leave them by goes below.
        Err(Errno::EPERM | Errno::ENOSPC | Errno::EINVAL) if user.is_root() => {
            unshare(flags).map_err(failed("have namespaces of its own"))?;
        }
        Err(error) => return Err(failed("have namespaces of its own")(error)),
    }
    if !has_network {
        // Without it a server that talks to itself fails, which is not worth refusing all of it.
        raise_loopback().unwrap_or_default();
    }
    Ok(())
}

/// Becomes the server; gives only the error where that fails, with the exit code a shell would give.
///
/// # Errors
/// [`SandboxError`]
pub fn run_inside(command: &[OsString]) -> Result<u8, SandboxError> {
    set_no_new_privs().map_err(failed("give up new privileges"))?;
    for capability in CapabilitySet::all().iter() {
        // Some the kernel does not know; without the right to drop them there are none to drop.
        remove_capability_from_bounding_set(capability).unwrap_or_default();
    }
    set_pdeathsig(Signal::SIGKILL).map_err(failed("be told of the parent's end"))?;
    let (program, arguments) = command.split_first().ok_or(SandboxError::NoCommand)?;
    let error = Command::new(program).args(arguments).exec();
    Err(SandboxError::System { step: "run the command", source: error })
}

fn say(line: &str) -> Result<(), SandboxError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(failed("say that it is ready"))
}

/// `RTM_NEWLINK` for interface 1, which every network namespace has: up.
fn raise_loopback() -> io::Result<()> {
    const LENGTH: u32 = 32;
    const NEW_LINK: u16 = 16;
    const REQUEST: u16 = 1;
    const UP: u32 = 1;
    let mut request = Vec::with_capacity(32);
    request.extend(LENGTH.to_ne_bytes());
    request.extend(NEW_LINK.to_ne_bytes());
    request.extend(REQUEST.to_ne_bytes());
    // Sequence, sender; family, padding and type of the interface.
    request.extend([0; 12]);
    request.extend(1_i32.to_ne_bytes());
    request.extend(UP.to_ne_bytes());
    request.extend(UP.to_ne_bytes());
    let socket = Socket::new(NETLINK_ROUTE)?;
    socket.send_to(&request, &SocketAddr::new(0, 0), 0).map(drop)
}
