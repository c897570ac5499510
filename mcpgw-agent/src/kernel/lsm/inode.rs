//! An inode as the kernel knows it. What `stat` shows is not always that: Btrfs and overlayfs show devices of their own.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use mcpgw_common::map::FileId;
use nix::sys::stat::{major, minor};
use rustix::fs::{Mode, OFlags};

/// A file as it is now: where it is, and when anything about it changed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Inode {
    pub(in crate::kernel) id: FileId,
    pub(super) changed_s: u64,
    pub(super) changed_ns: u32,
    links: u64,
}

impl Inode {
    /// An open file.
    ///
    /// # Errors
    /// What `/proc` says of it cannot be read.
    pub fn of(file: &File) -> io::Result<Self> {
        Self::among(file, &fs::read_to_string("/proc/self/mountinfo").unwrap_or_default())
    }

    /// An open file on one of these mounts, as a process' `mountinfo` names them.
    ///
    /// # Errors
    /// What `/proc` says of it cannot be read.
    pub fn among(file: &File, mounts: &str) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", file.as_raw_fd()))?;
        let device = number(&info, "mnt_id:").and_then(|mount| device_of(mounts, mount));
        let shown = || encode(major(metadata.dev()), minor(metadata.dev()));
        let dev = device.or_else(shown).ok_or(io::ErrorKind::InvalidData)?;
        // Linux has said so since 5.14.
        let ino = number(&info, "ino:").unwrap_or_else(|| metadata.ino());
        Ok(Self {
            id: FileId { ino, dev, reserved: 0 },
            changed_s: metadata.ctime().cast_unsigned(),
            changed_ns: u32::try_from(metadata.ctime_nsec()).unwrap_or(0),
            links: metadata.nlink(),
        })
    }

    /// What is at a path, links followed; it is not opened.
    ///
    /// # Errors
    /// There is nothing.
    pub fn at(path: &Path) -> io::Result<Self> {
        let file = rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        Self::of(&File::from(file))
    }

    /// It has one name and no other.
    #[must_use]
    pub fn has_one_name(&self) -> bool {
        self.links == 1
    }
}

fn number(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)).and_then(|rest| rest.trim().parse().ok())
}

/// The device of mount number `mount`, as the kernel has it.
fn device_of(mountinfo: &str, mount: u64) -> Option<u32> {
    mountinfo.lines().find_map(|line| {
        let mut fields = line.split(' ');
        let is_it = fields.next()?.parse() == Ok(mount);
        let (major, minor) = fields.nth(1).filter(|_| is_it)?.split_once(':')?;
        encode(major.parse().ok()?, minor.parse().ok()?)
    })
}

/// The kernel's own form: 12 bits of major number, 20 of minor.
fn encode(major: u64, minor: u64) -> Option<u32> {
    u32::try_from(major << 20 | minor & 0xf_ffff).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_of_a_mount() {
        let mounts = "22 27 0:21 / /sys rw - sysfs sysfs rw\n\
                      27 1 8:1 / / rw - btrfs /dev/sda1 rw\n\
                      28 27 259:3 / /x rw - ext4 x rw\n";
        assert_eq!(device_of(mounts, 27), Some(8 << 20 | 1));
        assert_eq!(device_of(mounts, 28), Some(259 << 20 | 3));
        assert_eq!(device_of(mounts, 2), None);
        assert_eq!(device_of("27 1 x /", 27), None);
    }

    #[test]
    fn a_file_and_its_path_are_one_until_it_changes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let file = File::create(&path).unwrap();
        let before = Inode::at(&path).unwrap();
        assert_eq!(Inode::of(&file).unwrap(), before);
        assert!(before.has_one_name());
        fs::hard_link(&path, dir.path().join("other")).unwrap();
        let after = Inode::at(&path).unwrap();
        assert_eq!(after.id, before.id);
        assert!(!after.has_one_name());
        let other = Inode::at(&dir.path().join("none"));
        assert_eq!(other.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
