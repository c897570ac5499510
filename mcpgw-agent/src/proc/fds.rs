//! A process' descriptors, as far as bytes can pass between processes through them.

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, statat};

use super::process::{ProcessDir, file_facts};
use super::text;

/// What a descriptor is, as far as `/proc` alone tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RawKind {
    /// A pipe or a named FIFO.
    Fifo,
    /// A socket of any family; `sock_diag` knows which.
    Socket,
}

/// A descriptor that may be a channel end or a listening socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RawEnd {
    /// Pipe or socket.
    pub(super) kind: RawKind,
    /// Inode number.
    pub(super) ino: u64,
    /// Descriptor number.
    pub(super) fd: u32,
    /// Open for reading.
    pub(super) readable: bool,
    /// Open for writing.
    pub(super) writable: bool,
}

/// The ends one process has.
#[derive(Debug, Default)]
pub(super) struct RawEnds {
    /// Those found.
    pub(super) ends: Vec<RawEnd>,
    /// Descriptors looked at.
    pub(super) seen: usize,
    /// There were more than `limit`, and the rest was not looked at.
    pub(super) cut: bool,
    /// The list may not be read.
    pub(super) denied: bool,
}

/// Looks at a process' first `limit` descriptors.
pub(super) fn raw_ends(process: &ProcessDir, limit: usize) -> RawEnds {
    let mut found = RawEnds::default();
    let (dir, entries) = match process.descriptors() {
        Ok(opened) => opened,
        Err(error) => {
            found.denied = matches!(error, rustix::io::Errno::ACCESS | rustix::io::Errno::PERM);
            return found;
        }
    };
    // An error ends the iteration: the process went away.
    for entry in entries.map_while(Result::ok) {
        let Some(fd) = entry.file_name().to_str().ok().and_then(|name| name.parse().ok()) else { continue };
        if found.seen == limit {
            found.cut = true;
            break;
        }
        found.seen += 1;
        found.ends.extend(raw_end(&dir, fd));
    }
    found
}

fn raw_end(dir: &OwnedFd, fd: u32) -> Option<RawEnd> {
    let name = fd.to_string();
    let link = rustix::fs::readlinkat(dir, name.as_str(), Vec::with_capacity(64)).ok()?.into_bytes();
    let (kind, ino) = if let Some(ino) = text::bracketed(&link, "pipe") {
        (RawKind::Fifo, ino)
    } else if let Some(ino) = text::bracketed(&link, "socket") {
        (RawKind::Socket, ino)
    } else {
        (RawKind::Fifo, named_fifo(dir, &name, &link)?)
    };
    // The link's own permission bits are how the descriptor was opened.
    let mode = statat(dir, name.as_str(), AtFlags::SYMLINK_NOFOLLOW).ok()?.st_mode;
    Some(RawEnd { kind, ino, fd, readable: mode & 0o400 != 0, writable: mode & 0o200 != 0 })
}

/// Inode of a FIFO with a name. Devices and the kernel's own file systems have none worth a look.
fn named_fifo(dir: &OwnedFd, name: &str, link: &[u8]) -> Option<u64> {
    let elsewhere = [&b"/dev/"[..], b"/proc/", b"/sys/"].iter().any(|prefix| link.starts_with(prefix));
    // `/dev/shm` is the one part of it where anybody makes files.
    if link.first() != Some(&b'/') || (elsewhere && !link.starts_with(b"/dev/shm/")) {
        return None;
    }
    file_facts(dir, name).filter(|file| file.fifo).map(|file| file.id.ino)
}
