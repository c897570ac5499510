//! Who is at the other end of the control socket: credentials from the kernel, never from the message.

use std::io;
use std::os::unix::fs::MetadataExt;

use procfs::process::Process;

/// The process that connected, as the kernel noted it at `connect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Process id; may have been reused since.
    pub pid: u32,
    /// Effective user id.
    pub uid: u32,
    /// Effective group id.
    pub gid: u32,
}

impl Peer {
    /// This very process: asks with its own rights.
    #[must_use]
    pub fn myself() -> Self {
        Self {
            pid: std::process::id(),
            uid: nix::unistd::geteuid().as_raw(),
            gid: nix::unistd::getegid().as_raw(),
        }
    }

    /// The uid to judge by: whoever runs as the agent's own user could take the agent over anyway, so it sees
    /// what root sees.
    #[must_use]
    pub fn sees_as(&self) -> u32 {
        if self.uid == nix::unistd::geteuid().as_raw() { 0 } else { self.uid }
    }
}

/// Whether process `pid` runs the same program file as this process, by device and inode. Returns its start
/// time in clock ticks since boot if so.
///
/// The start time is read before and after the file is compared, so the answer is about one process even if
/// the pid is taken over meanwhile. It proves which file is *executed*, not that the code in the process is
/// unchanged: a debugger of the same user can alter it.
///
/// # Errors
/// The process is gone, or `/proc` refuses.
pub fn same_program(pid: u32) -> io::Result<Option<u64>> {
    let started = start_ticks(pid)?;
    let theirs = std::fs::metadata(format!("/proc/{pid}/exe"))?;
    let ours = std::fs::metadata("/proc/self/exe")?;
    if started != start_ticks(pid)? {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the process ended"));
    }
    let same = (theirs.dev(), theirs.ino()) == (ours.dev(), ours.ino());
    Ok(same.then_some(started))
}

fn start_ticks(pid: u32) -> io::Result<u64> {
    let pid = i32::try_from(pid).map_err(io::Error::other)?;
    let stat = Process::new(pid).and_then(|process| process.stat()).map_err(io::Error::other)?;
    Ok(stat.starttime)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn this_process_is_the_same_program() {
        let started = same_program(std::process::id()).unwrap().expect("the same file");
        assert_eq!(started, start_ticks(std::process::id()).unwrap());
    }

    #[test]
    fn another_program_is_not() {
        let mut other = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // `spawn` returns before the child has let go of this program; what it writes it writes as another.
        let mut input = other.stdin.take().unwrap();
        input.write_all(b"x").unwrap();
        other.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        assert_eq!(same_program(other.id()).unwrap(), None);
        drop(input);
        other.wait().unwrap();
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(same_program(u32::MAX).is_err());
        assert!(same_program(i32::MAX.unsigned_abs()).is_err());
    }
}
