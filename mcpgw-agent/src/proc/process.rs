//! One process' directory in `/proc`, held open.
//!
//! The descriptor belongs to the process it was opened for: once that is gone every read through it fails,
//! even where its pid is in use again. So facts of two processes never mix.

use std::io::{ErrorKind, Read};

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, Statx, StatxFlags, makedev, openat, readlinkat, statx};

use super::text::{self, Stat};
use crate::inventory::{FileId, ProcessKey};

/// Text of `/proc` read at most where nothing larger is wanted; these files are a few hundred bytes.
pub(super) const SMALL: usize = 64 * 1024;

/// A process that was there when it was opened.
#[derive(Debug)]
pub(super) struct ProcessDir {
    dir: OwnedFd,
    key: ProcessKey,
    stat: Stat,
}

/// A file as `/proc` leads to it, without asking a remote file system anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileFacts {
    /// Device and inode.
    pub(super) id: FileId,
    /// No name left on disk.
    pub(super) unlinked: bool,
    /// A FIFO.
    pub(super) fifo: bool,
}

impl ProcessDir {
    /// Opens process `pid`; `None` where it is gone (or nothing can be read of it).
    pub(super) fn open(pid: u32) -> Option<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = openat(CWD, format!("/proc/{pid}"), flags, Mode::empty()).ok()?;
        let stat = text::stat(&read(&dir, "stat", SMALL).ok()?)?;
        Some(Self { dir, key: ProcessKey { pid, start_ticks: stat.start_ticks }, stat })
    }

    /// Opens exactly this process; `None` where it is gone, its pid in use again, or it is a zombie.
    pub(super) fn open_key(key: ProcessKey) -> Option<Self> {
        Self::open(key.pid).filter(|process| process.key == key && !process.stat.is_zombie())
    }

    /// The directory itself.
    pub(super) fn directory(&self) -> &OwnedFd {
        &self.dir
    }

    /// Which process this is.
    pub(super) fn key(&self) -> ProcessKey {
        self.key
    }

    /// Its `stat` when it was opened.
    pub(super) fn stat(&self) -> &Stat {
        &self.stat
    }

    /// The first `limit` bytes of one of its files.
    pub(super) fn read(&self, name: &str, limit: usize) -> Option<Vec<u8>> {
        read(&self.dir, name, limit).ok()
    }

    /// Where a link in its directory leads.
    pub(super) fn link(&self, name: &str) -> Option<Vec<u8>> {
        readlinkat(&self.dir, name, Vec::with_capacity(64)).ok().map(std::ffi::CString::into_bytes)
    }

    /// Inode of one of its namespaces (`mnt`, `pid`, `net`); 0 where it may not be known.
    pub(super) fn namespace(&self, kind: &str) -> u32 {
        let link = self.link(&format!("ns/{kind}"));
        let ino = link.and_then(|link| text::bracketed(&link, kind));
        ino.and_then(|ino| u32::try_from(ino).ok()).unwrap_or(0)
    }

    /// A descriptor of its network namespace, fit for `setns`.
    pub(super) fn net_namespace(&self) -> rustix::io::Result<OwnedFd> {
        openat(&self.dir, "ns/net", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
    }

    /// Its executable, opened: the very file it runs, whatever its path means in other mount namespaces.
    pub(super) fn open_exe(&self) -> Option<std::fs::File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY;
        openat(&self.dir, "exe", flags, Mode::empty()).ok().map(std::fs::File::from)
    }

    /// The file a link in its directory leads to.
    pub(super) fn file(&self, name: &str) -> Option<FileFacts> {
        file_facts(&self.dir, name)
    }

    /// Path of its executable as the process sees it, the kernel's ` (deleted)` removed where the file really
    /// has no name any more (a name may end like that itself).
    pub(super) fn exe(&self) -> Option<(String, FileFacts)> {
        let link = self.link("exe")?;
        let facts = self.file("exe")?;
        let path = if facts.unlinked { link.strip_suffix(b" (deleted)").unwrap_or(&link) } else { &link };
        Some((text::lossy(path), facts))
    }

    /// Its open descriptors, as a directory to iterate over.
    pub(super) fn descriptors(&self) -> rustix::io::Result<(OwnedFd, Dir)> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = openat(&self.dir, "fd", flags, Mode::empty())?;
        let entries = Dir::read_from(&fd)?;
        Ok((fd, entries))
    }
}

/// What a link leads to. `AT_STATX_DONT_SYNC`: a dead network mount must not hang the agent.
pub(super) fn file_facts(dir: &OwnedFd, name: &str) -> Option<FileFacts> {
    let mask = StatxFlags::TYPE | StatxFlags::INO | StatxFlags::NLINK;
    let found: Statx = statx(dir, name, AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT, mask).ok()?;
    let fifo = u32::from(found.stx_mode) & 0o170_000 == 0o010_000;
    let id = FileId { dev: makedev(found.stx_dev_major, found.stx_dev_minor), ino: found.stx_ino };
    Some(FileFacts { id, unlinked: found.stx_nlink == 0, fifo })
}

fn read(dir: &OwnedFd, name: &str, limit: usize) -> std::io::Result<Vec<u8>> {
    let file = openat(dir, name, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY, Mode::empty())?;
    let mut text = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    match std::fs::File::from(file).take(limit).read_to_end(&mut text) {
        Ok(_) => Ok(text),
        // What came before the process went is still true.
        Err(error) if !text.is_empty() && error.kind() != ErrorKind::InvalidInput => Ok(text),
        Err(error) => Err(error),
    }
}
