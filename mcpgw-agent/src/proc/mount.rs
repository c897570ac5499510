//! What kind of file system a file is on: known without asking that file system, which may never answer.

use std::sync::OnceLock;

use rustix::fd::AsFd;
use rustix::fs::{AtFlags, MemfdFlags, Statx, StatxFlags, memfd_create, statx};

use super::process::ProcessDir;

/// All mounts of a process, of which containers have hundreds; what is not among the first of so many bytes is not known.
const MOUNTINFO: usize = 4 << 20;

/// What `path` below `dir` leads to (`dir` itself, where it is empty) is served by a process (FUSE), or may be: it is mounted
/// neither where `process` is nor here. What such a file holds is another thing each time, if its process likes; and nobody who
/// waits for it can be ended.
pub(super) fn is_served(process: &ProcessDir, dir: impl AsFd, path: &str) -> bool {
    let flags = AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT | AtFlags::EMPTY_PATH;
    let Ok(found) = statx(dir, path, flags, StatxFlags::MNT_ID) else { return false };
    // Before Linux 5.8 nobody tells. What is in memory alone is mounted nowhere.
    if found.stx_mask & StatxFlags::MNT_ID.bits() == 0 || Some(device(&found)) == memory() {
        return false;
    }
    let is_fuse_there = |process: &ProcessDir| {
        let mounts = process.read("mountinfo", MOUNTINFO)?;
        kind_of(&mounts, found.stx_mnt_id).map(is_fuse)
    };
    // A process that changed its root is not told of what is outside.
    let here = || ProcessDir::open(std::process::id()).as_ref().and_then(is_fuse_there);
    is_fuse_there(process).or_else(here).unwrap_or(true)
}

fn device(file: &Statx) -> (u32, u32) {
    (file.stx_dev_major, file.stx_dev_minor)
}

/// Where files of `memfd_create` are.
fn memory() -> Option<(u32, u32)> {
    static MEMORY: OnceLock<Option<(u32, u32)>> = OnceLock::new();
    *MEMORY.get_or_init(|| {
        let file = memfd_create("mcpgw", MemfdFlags::CLOEXEC).ok()?;
        statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::INO).ok().as_ref().map(device)
    })
}

fn is_fuse(kind: &[u8]) -> bool {
    kind == b"fuse" || kind == b"fuseblk" || kind.starts_with(b"fuse.")
}

/// The kind of the mount with this id: proc_pid_mountinfo(5).
fn kind_of(mountinfo: &[u8], id: u64) -> Option<&[u8]> {
    let id = id.to_string();
    let mut lines = mountinfo.split(|byte| *byte == b'\n');
    let line = lines.find(|line| line.split(|byte| *byte == b' ').next() == Some(id.as_bytes()))?;
    let mut words = line.split(|byte| *byte == b' ').skip_while(|word| *word != b"-");
    words.nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_stands_behind_what_may_be_any_number_of_words() {
        let text = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw\n\
                     361 35 0:55 / /home/a\\040b rw - fuse.sshfs x: rw\n9 35 0:9 / / rw shared:1 master:2 - virtiofs x rw";
        let kind = |id| kind_of(text, id).map(|kind| (kind, is_fuse(kind)));
        assert_eq!(kind(36), Some((b"ext3".as_slice(), false)));
        assert_eq!(kind(361), Some((b"fuse.sshfs".as_slice(), true)));
        assert_eq!(kind(9), Some((b"virtiofs".as_slice(), false)));
        assert_eq!((kind(3), kind(35)), (None, None));
    }

    #[test]
    fn what_runs_here_is_served_by_nobody() {
        let own = ProcessDir::open(std::process::id()).unwrap();
        assert!(!is_served(&own, own.directory(), "exe"));
        assert!(!is_served(&own, std::fs::File::open("/proc/self/stat").unwrap(), ""));
        assert!(!is_served(&own, memfd_create("x", MemfdFlags::CLOEXEC).unwrap(), ""));
        // No file of a file system, and mounted nowhere.
        assert!(is_served(&own, std::io::pipe().unwrap().0, ""));
    }
}
