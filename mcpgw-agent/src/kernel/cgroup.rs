//! Where cgroup v2 is mounted.

use std::fs::File;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::{ffi::OsString, io};

use thiserror::Error;

/// Why the root cgroup is out of reach.
#[derive(Debug, Error)]
pub(crate) enum CgroupError {
    /// No list of mounts.
    #[error("cannot read /proc/self/mountinfo")]
    Mounts(#[source] io::Error),
    /// None is mounted.
    #[error("cgroup v2 is not mounted")]
    NotMounted,
    /// It is, but the cgroup cannot be opened.
    #[error("cannot open the cgroup")]
    Open(#[source] io::Error),
}

/// Opens the root of the cgroup v2 hierarchy, wherever it is mounted (`/sys/fs/cgroup`, or
/// `/sys/fs/cgroup/unified` beside version 1).
pub(super) fn open_root() -> Result<File, CgroupError> {
    open("/")
}

/// Opens the cgroup of this path in the hierarchy.
pub(super) fn open(below: &str) -> Result<File, CgroupError> {
    File::open(root()?.join(below.trim_start_matches('/'))).map_err(CgroupError::Open)
}

/// Where that root is.
pub(crate) fn root() -> Result<PathBuf, CgroupError> {
    let mounts = std::fs::read("/proc/self/mountinfo").map_err(CgroupError::Mounts)?;
    find(&mounts).ok_or(CgroupError::NotMounted)
}

/// The cgroup v2 of process `pid`, as a path from the root.
///
/// # Errors
/// Why it is not known.
pub(super) fn of(pid: u32) -> Result<PathBuf, String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).map_err(|error| error.to_string())?;
    let own = text.lines().find_map(|line| line.strip_prefix("0::")).ok_or("it has none of version 2")?;
    // Seen from another root, or removed under the process.
    if !own.starts_with('/') || own.contains("/..") || own.ends_with(" (deleted)") {
        return Err(format!("`{own}` is out of reach"));
    }
    Ok(PathBuf::from(own))
}

/// The first mount of the whole `cgroup2` hierarchy.
fn find(mountinfo: &[u8]) -> Option<PathBuf> {
    mountinfo.split(|byte| *byte == b'\n').find_map(|line| {
        // 36 35 98:0 /root /mount/point options... - type source options
        let mut fields = line.split(|byte| *byte == b' ');
        let (root, mount_point) = (fields.nth(3)?, fields.next()?);
        let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
        // Part of the hierarchy, bound somewhere, would leave the rest of the host out.
        (kind == b"cgroup2" && root == b"/").then(|| PathBuf::from(OsString::from_vec(unescape(mount_point))))
    })
}

/// Undoes the kernel's `\040` for a blank and the like.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        let octal = tail.first_chunk::<3>().filter(|_| *first == b'\\').and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 8).ok()
        });
        if let Some(byte) = octal {
            out.push(byte);
            rest = tail.get(3..).unwrap_or_default();
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unified_and_hybrid_mounts() {
        let unified = b"30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(find(unified), Some(PathBuf::from("/sys/fs/cgroup")));
        let hybrid = b"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n\
            32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n\
            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
        assert_eq!(find(hybrid), Some(PathBuf::from("/sys/fs/cgroup/unified")));
    }

    #[test]
    fn a_part_of_the_hierarchy_or_none_at_all() {
        assert_eq!(find(b"41 31 0:38 /system.slice /mnt rw - cgroup2 cgroup2 rw\n"), None);
        assert_eq!(find(b"31 23 0:28 / /x rw - tmpfs cgroup2 rw\n"), None);
        assert_eq!(find(b""), None);
        assert_eq!(find(b"31 23\n - \n"), None);
    }

    #[test]
    fn blanks_in_the_path() {
        let line = br"41 31 0:38 / /my\040cgroups\134x rw - cgroup2 none rw";
        assert_eq!(find(line), Some(PathBuf::from(r"/my cgroups\x")));
        assert_eq!(unescape(br"\0"), br"\0");
        assert_eq!(unescape(br"\999"), br"\999");
    }
}
