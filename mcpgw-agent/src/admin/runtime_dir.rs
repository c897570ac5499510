//! The runtime directory: one agent at a time, one control socket, nothing left that blocks the next start.
//!
//! The lock is `flock` on `agent.lock`, which the kernel gives back however the agent ends. The lock file
//! itself stays: removing it would let two agents lock two files of one name. Whoever holds the lock owns the
//! socket's name, so a socket found there is stale and is replaced. Nothing is followed that is a symlink, and
//! nothing is used in a directory others may write to.

use std::fs::{DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::fcntl::{AtFlags, OFlag, open, openat};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket};
use nix::sys::stat::Mode;
use nix::unistd::{Group, UnlinkatFlags, fchownat, geteuid, unlinkat};

#[cfg(test)]
mod tests;

/// The control socket's name in the runtime directory.
pub const SOCKET: &str = "control.sock";
/// The lock's.
pub const LOCK: &str = "agent.lock";
/// The group the control socket is given to, where the host has it and the configuration names no other.
pub const GROUP: &str = "mcpgw";

/// Why the runtime directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeDirError {
    /// Another agent holds the lock.
    #[error("another mcpgw-agent{} is running on {}", .pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default(), .path.display())]
    AlreadyRunning {
        /// The other's process id, if it could be read.
        pid: Option<u32>,
        /// The runtime directory.
        path: PathBuf,
    },
    /// Using it would put the agent in someone else's hands.
    #[error("{} {why}", .path.display())]
    Unsafe {
        /// The directory or file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The system refused.
    #[error("cannot {action} {}", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// The runtime directory, locked for this process. Dropping it removes the socket and gives the lock back.
#[derive(Debug)]
pub struct RuntimeDir {
    path: PathBuf,
    dir: File,
    bound: bool,
    /// Held until this is dropped.
    lock: File,
}

impl RuntimeDir {
    /// Creates the directory (mode 0755) if need be, checks it and takes its lock.
    ///
    /// # Errors
    /// See [`RuntimeDirError`].
    pub fn lock(path: &Path) -> Result<Self, RuntimeDirError> {
        let io = |action, source: io::Error| RuntimeDirError::Io { action, path: path.to_owned(), source };
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(path)
            .or_else(|error| match path.symlink_metadata() {
                // A dangling symlink or a file is in the way: opening tells which.
                Ok(_) => Ok(()),
                Err(_) => Err(error),
            })
            .map_err(|error| io("create", error))?;
        let dir = open_dir(path)?;
        let lock = open_lock(&dir, path)?;
        Ok(Self { path: path.to_owned(), dir, bound: false, lock })
    }

    /// Binds the control socket, mode 0660, given to `group` where the host has it. Call once.
    ///
    /// Returns the listener, non-blocking. Nobody can connect before mode and group are set, because the
    /// socket listens only then.
    ///
    /// # Errors
    /// See [`RuntimeDirError`].
    pub fn bind(&mut self, group: &str) -> Result<UnixListener, RuntimeDirError> {
        let path = self.path.join(SOCKET);
        let io = |action, source: io::Error| RuntimeDirError::Io { action, path: path.clone(), source };
        match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io("look at", error)),
            Ok(found) if !found.file_type().is_socket() => {
                return Err(RuntimeDirError::Unsafe { path, why: "is in the way and is not a socket" });
            }
            Ok(_) => unlinkat(&self.dir, SOCKET, UnlinkatFlags::NoRemoveDir)
                .map_err(|errno| io("remove the stale", errno.into()))?,
        }
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let fd = socket(AddressFamily::Unix, SockType::Stream, flags, None)
            .map_err(|errno| io("create", errno.into()))?;
        let address = UnixAddr::new(&path).map_err(|errno| io("bind", errno.into()))?;
        bind(std::os::fd::AsRawFd::as_raw_fd(&fd), &address).map_err(|errno| io("bind", errno.into()))?;
        self.bound = true;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o660))
            .map_err(|error| io("set the mode of", error))?;
        if let Ok(Some(found)) = Group::from_name(group)
            && let Err(errno) =
                fchownat(&self.dir, SOCKET, None, Some(found.gid), AtFlags::AT_SYMLINK_NOFOLLOW)
        {
            tracing::warn!(group, error = %errno, "the control socket stays with root's group");
        }
        listen(&fd, Backlog::new(256).unwrap_or(Backlog::MAXCONN))
            .map_err(|errno| io("listen on", errno.into()))?;
        Ok(UnixListener::from(fd))
    }
}

impl Drop for RuntimeDir {
    fn drop(&mut self) {
        if self.bound
            && let Err(errno) = unlinkat(&self.dir, SOCKET, UnlinkatFlags::NoRemoveDir)
        {
            tracing::debug!(error = %errno, "the control socket was gone already");
        }
        // Not left to closing it: a process that is being started has a copy until it runs its program.
        if let Err(error) = self.lock.unlock() {
            tracing::debug!(%error, "the runtime directory stays locked");
        }
    }
}

/// Opens the directory, and refuses one that others could change under us.
fn open_dir(path: &Path) -> Result<File, RuntimeDirError> {
    let io = |action, source: io::Error| RuntimeDirError::Io { action, path: path.to_owned(), source };
    let refuse = |why| Err(RuntimeDirError::Unsafe { path: path.to_owned(), why });
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let dir = match open(path, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        // With O_DIRECTORY a symlink is ENOTDIR, not ELOOP.
        Err(nix::errno::Errno::ENOTDIR | nix::errno::Errno::ELOOP) => {
            return refuse("is not a directory (symlinks are not followed)");
        }
        Err(errno) => return Err(io("open", errno.into())),
    };
    let found = dir.metadata().map_err(|error| io("look at", error))?;
    if found.uid() != geteuid().as_raw() {
        return refuse("belongs to another user");
    }
    if found.mode() & 0o022 != 0 {
        return refuse("can be written to by others");
    }
    Ok(dir)
}

/// Opens `agent.lock`, locks it and writes our pid into it.
fn open_lock(dir: &File, path: &Path) -> Result<File, RuntimeDirError> {
    let lock = path.join(LOCK);
    let io = |action, source: io::Error| RuntimeDirError::Io { action, path: lock.clone(), source };
    // O_NONBLOCK: should it be a FIFO, opening must not wait.
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let mut file = match openat(dir, LOCK, flags, Mode::from_bits_truncate(0o644)) {
        Ok(fd) => File::from(fd),
        Err(nix::errno::Errno::ELOOP) => {
            return Err(RuntimeDirError::Unsafe { path: lock, why: "is a symlink" });
        }
        Err(errno) => return Err(io("open", errno.into())),
    };
    if !file.metadata().map_err(|error| io("look at", error))?.is_file() {
        return Err(RuntimeDirError::Unsafe { path: lock, why: "is not a regular file" });
    }
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            return Err(RuntimeDirError::AlreadyRunning { pid: read_pid(&mut file), path: path.to_owned() });
        }
        Err(std::fs::TryLockError::Error(error)) => return Err(io("lock", error)),
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .map_err(|error| io("write", error))?;
    Ok(file)
}

fn read_pid(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
