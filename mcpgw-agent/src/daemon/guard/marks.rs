//! Before which files programs have to wait: no more of them than rules and orders name.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::guard::Guard;
use crate::kernel::ExecGate;

/// Places at most.
const MOST: usize = 256;
/// File systems no program is run from, and those that may hang whoever asks for them.
const PASSED_OVER: [&str; 31] = [
    "9p",
    "autofs",
    "binfmt_misc",
    "bpf",
    "ceph",
    "cgroup",
    "cgroup2",
    "cifs",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nfs",
    "nfs4",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "smb3",
    "smbfs",
    "sockfs",
    "sysfs",
    "tracefs",
    "virtiofs",
];

/// A place whose programs wait.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Those right in this directory.
    Directory(PathBuf),
    /// Those of the file system this is on.
    FileSystem(PathBuf),
}

/// Marks every place; what is wrong with those that cannot be.
pub(super) fn mark(gate: &ExecGate, places: &BTreeSet<Place>) -> Vec<String> {
    let mut problems = Vec::new();
    for place in places {
        let (marked, path) = match place {
            Place::Directory(path) => (gate.watch_directory(path), path),
            Place::FileSystem(path) => (gate.watch_file_system(path), path),
        };
        if let Err(error) = marked {
            problems.push(format!("programs in {} are not held: {error}", path.display()));
        }
    }
    problems
}

/// The places of all rules that hold, and of all programs somebody blocked.
pub(super) fn places(guard: &Guard) -> BTreeSet<Place> {
    let mut places = BTreeSet::new();
    for pattern in guard.held_paths() {
        match pattern.and_then(of_pattern) {
            Some(place) => {
                if let Place::FileSystem(below) = &place {
                    let is_below =
                        |other: &Place| matches!(other, Place::FileSystem(at) if at.starts_with(below));
                    places.extend(file_systems().into_iter().filter(is_below));
                }
                places.insert(place);
            }
            None => return file_systems(),
        }
    }
    places.into_iter().take(MOST).collect()
}

/// Where a pattern's files are; `None` for anywhere.
fn of_pattern(pattern: &str) -> Option<Place> {
    let literal = pattern.find(['*', '?', '[', '{', '\\']).unwrap_or(pattern.len());
    let (before, rest) = pattern.split_at_checked(literal)?;
    let (directory, _) = before.rsplit_once('/')?;
    let directory = if directory.is_empty() { "/" } else { directory };
    if !rest.contains('/') && !rest.contains("**") && Path::new(directory).is_dir() {
        return Some(Place::Directory(PathBuf::from(directory)));
    }
    // What is not there yet will be on the file system of what is.
    let there = Path::new(directory).ancestors().find(|path| path.is_dir())?;
    Some(Place::FileSystem(there.to_owned()))
}

/// Every local file system programs may lie on.
fn file_systems() -> BTreeSet<Place> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut devices = BTreeSet::new();
    let mut places = BTreeSet::new();
    for line in mounts.lines() {
        let Some((place, kind)) = line.split_once(" - ") else { continue };
        let kind = kind.split(' ').next().unwrap_or_default();
        let mut fields = place.split(' ');
        let (device, at) = (fields.nth(2).unwrap_or_default(), fields.nth(1).unwrap_or_default());
        // A mount whose name the kernel had to escape is one nobody's programs are on.
        let is_plain = at.starts_with('/') && !at.contains('\\');
        if PASSED_OVER.contains(&kind) || kind.starts_with("fuse") || !is_plain || !devices.insert(device) {
            continue;
        }
        places.insert(Place::FileSystem(PathBuf::from(at)));
    }
    places.into_iter().take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_held_than_a_pattern_names() {
        let directory = |path: &str| Some(Place::Directory(PathBuf::from(path)));
        let file_system = |path: &str| Some(Place::FileSystem(PathBuf::from(path)));
        for (pattern, place) in [
            ("/usr/bin/node", directory("/usr/bin")),
            ("/usr/bin/python3*", directory("/usr/bin")),
            ("/usr/bin/{node,bun}", directory("/usr/bin")),
            ("/usr/lib/**/server", file_system("/usr/lib")),
            ("/usr/*/node", file_system("/usr")),
            ("/usr/no-such-place/x/y", file_system("/usr")),
            ("/*", directory("/")),
            ("/**", file_system("/")),
            ("**/node", None),
        ] {
            assert_eq!(of_pattern(pattern), place, "{pattern}");
        }
    }

    #[test]
    fn this_hosts_root_is_among_its_file_systems() {
        assert!(file_systems().contains(&Place::FileSystem(PathBuf::from("/"))));
        assert!(!file_systems().contains(&Place::FileSystem(PathBuf::from("/proc"))));
    }
}
