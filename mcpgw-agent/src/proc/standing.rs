//! Whether a program is the one its path says it is.
//!
//! The path that `/proc` gives of a program is one of the mount namespace it was started from, and any user may make one in
//! which `/usr/bin/su` is a file of their own. Such a path says nothing before it is held against the files that are there for
//! this process.

use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags, makedev, openat, statx};

use super::process::ProcessDir;
use crate::inventory::FileId;

/// What the kernel says after the path of a file that has no name any more.
const DELETED: &str = " (deleted)";
/// Mounts of a process, as text, at most.
const MOUNTS: usize = 1 << 20;

/// Path of the program process `pid` runs, where it is a file of root's and that path is where this process finds it, or did
/// before it was replaced: then ` (deleted)` follows it. Only a path that `is_sought` is looked at: others may lead to those who
/// never answer.
#[must_use]
pub fn system_exe_of(pid: u32, is_sought: impl FnOnce(&str) -> bool) -> Option<String> {
    ProcessDir::open(pid)?.system_exe(is_sought)
}

/// The file at `path`, as this process finds it. It is asked of no file server.
#[must_use]
pub fn file_at(path: &str) -> Option<FileId> {
    look(CWD, Path::new(path)).map(|(id, _)| id)
}

/// An open file's own.
#[must_use]
pub fn file_of(file: impl AsFd) -> Option<FileId> {
    facts(file, Path::new(""), AtFlags::EMPTY_PATH).map(|(id, _)| id)
}

/// A file of root's is at `path` for this process, and it is `file`.
#[must_use]
pub fn is_roots_at(path: &str, file: FileId) -> bool {
    look(CWD, Path::new(path)) == Some((file, 0))
}

/// What thread `pid` finds at `path` is what this process finds there, a file of root's.
#[must_use]
pub fn is_roots_for(pid: u32, path: &str) -> bool {
    let Some(process) = ProcessDir::open(pid) else { return false };
    // Links in it lead where whoever asks is.
    let is_plain = Path::new(path).is_absolute() && !path.split('/').any(|name| name == "..");
    let own = is_plain.then(|| look(CWD, Path::new(path))).flatten().filter(|(_, owner)| *owner == 0);
    own.is_some() && process.is_of_our_users() && process.finds(path) == own
}

impl ProcessDir {
    fn system_exe(&self, is_sought: impl FnOnce(&str) -> bool) -> Option<String> {
        // One descriptor: the second question may be answered of another program.
        let exe = openat(self.directory(), "exe", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let path = std::fs::read_link(format!("/proc/self/fd/{}", exe.as_raw_fd())).ok()?;
        let path = path.into_os_string().into_string().ok().filter(|path| is_sought(path))?;
        let (file, owner) = facts(&exe, Path::new(""), AtFlags::EMPTY_PATH)?;
        let is_it = owner == 0
            && match path.strip_suffix(DELETED) {
                None => is_roots_at(&path, file),
                Some(was) => self.had(was, &exe),
            };
        is_it.then_some(path)
    }

    /// `exe`, which has no name any more, had it in a directory of ours: what this process calls so is what we do, and the
    /// file is on a mount of its own. Only root brings a process of root's user namespace into mounts of others.
    fn had(&self, path: &str, exe: &OwnedFd) -> bool {
        let Some((directory, _)) = path.rsplit_once('/') else { return false };
        let directory = if directory.is_empty() { "/" } else { directory };
        let own = look(CWD, Path::new(directory)).filter(|(_, owner)| *owner == 0);
        own.is_some() && self.is_of_our_users() && self.has_mount(exe) && self.finds(directory) == own
    }

    /// In a user namespace of their own anybody mounts what they like.
    fn is_of_our_users(&self) -> bool {
        let own = std::fs::read_link("/proc/self/ns/user").ok();
        own.is_some_and(|own| self.link("ns/user").as_deref() == Some(own.as_os_str().as_encoded_bytes()))
    }

    fn has_mount(&self, file: &OwnedFd) -> bool {
        let facts = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd())).ok();
        let facts = facts.unwrap_or_default();
        let mount = facts.lines().find_map(|line| line.strip_prefix("mnt_id:")).map(str::trim);
        let mounts = self.read("mountinfo", MOUNTS).unwrap_or_default();
        mount.is_some_and(|mount| {
            mounts
                .split(|byte| *byte == b'\n')
                .any(|line| line.split(|byte| *byte == b' ').next() == Some(mount.as_bytes()))
        })
    }

    /// The file this process finds at a path.
    fn finds(&self, path: &str) -> Option<(FileId, u32)> {
        look(self.directory(), Path::new(&format!("root{path}")))
    }
}

/// A file and its owner.
fn look(below: impl AsFd, path: &Path) -> Option<(FileId, u32)> {
    facts(below, path, AtFlags::empty())
}

fn facts(below: impl AsFd, path: &Path, more: AtFlags) -> Option<(FileId, u32)> {
    let flags = more | AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
    let found = statx(below, path, flags, StatxFlags::INO | StatxFlags::UID).ok()?;
    let id = FileId { dev: makedev(found.stx_dev_major, found.stx_dev_minor), ino: found.stx_ino };
    Some((id, found.stx_uid))
}

#[cfg(test)]
mod tests;
