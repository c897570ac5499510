//! What `/proc` tells of one process, read together.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

use super::cgroup::{self, Cgroup};
use super::hash::{self, HashCache};
use super::process::{FileFacts, ProcessDir, SMALL};
use super::users::Users;
use super::{mount, text};
use crate::inventory::{Enriched, ProcessKey};

/// Command line bytes taken of one process at most.
pub(super) const ARGV_BYTES: usize = 64 * 1024;

/// Reads `/proc`, remembering user names and hashes. Shared between threads.
#[derive(Debug)]
pub struct ProcReader {
    users: Mutex<Users>,
    hashes: Mutex<HashCache>,
    /// Where the unified cgroup hierarchy is mounted.
    cgroup_root: Option<PathBuf>,
}

/// All that is read of one process apart from its descriptors.
#[derive(Debug)]
pub(super) struct Facts {
    /// What goes to the inventory.
    pub(super) enriched: Enriched,
    /// The executable's file.
    pub(super) exe: FileFacts,
    /// Real user id.
    pub(super) uid: u32,
    /// Path in the unified cgroup hierarchy.
    pub(super) unified: Option<String>,
    /// The command line was longer than what was taken.
    pub(super) argv_cut: bool,
}

impl Default for ProcReader {
    fn default() -> Self {
        Self::new()
    }
}

impl ProcReader {
    /// A reader that remembers nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let mounts = ProcessDir::open(std::process::id()).and_then(|own| own.read("mountinfo", 1 << 20));
        let cgroup_root = mounts.and_then(|mounts| text::cgroup2_mount(&mounts)).map(PathBuf::from);
        Self { users: Mutex::default(), hashes: Mutex::default(), cgroup_root }
    }

    /// What `/proc` tells of a process; `None` where it is gone or nothing may be read of it. Never hashes:
    /// see [`Self::sha256`].
    #[must_use]
    pub fn enrich(&self, process: ProcessKey) -> Option<Enriched> {
        let facts = self.facts(&ProcessDir::open_key(process)?, ARGV_BYTES)?;
        Some(facts.enriched)
    }

    /// Lower-case hex SHA-256 of the file a process runs; `None` where it is gone, unreadable, larger than
    /// 512 MiB or served by a process (FUSE). Takes a second for a large executable not seen before.
    #[must_use]
    pub fn sha256(&self, process: ProcessKey) -> Option<String> {
        let running = ProcessDir::open_key(process)?;
        if mount::is_served(&running, running.directory(), "exe") {
            return None;
        }
        let file = running.open_exe()?;
        let id = super::file_of(&file);
        let tells = hash::tells_of_writes(&file);
        // What runs nobody has open to write to it.
        self.hash(file, || tells && running.file("exe").map(|exe| exe.id) == id)
    }

    /// The same of an open file, which the thread or process `pid` has a path to.
    #[must_use]
    pub fn sha256_of(&self, file: std::fs::File, pid: u32) -> Option<String> {
        let is_served = mount::is_served(&ProcessDir::open(pid)?, &file, "");
        (!is_served).then(|| self.hash(file, || false)).flatten()
    }

    fn hash(&self, mut file: std::fs::File, has_no_writer: impl FnOnce() -> bool) -> Option<String> {
        if let Some(known) = self.known_sha256(&file) {
            return Some(known);
        }
        // Not under the lock: two threads may hash the same file, none waits for another's.
        let hashed = hash::hash(&mut file, hash::MAX_BYTES)?;
        let hex = hashed.hex.clone();
        if file.metadata().is_ok_and(|file| hash::is_roots(&file)) || has_no_writer() {
            lock(&self.hashes).insert(hashed);
        }
        Some(hex)
    }

    /// The same where it is known already.
    #[must_use]
    pub fn known_sha256(&self, file: &std::fs::File) -> Option<String> {
        lock(&self.hashes).get(file)
    }

    /// Reads one process; `None` for kernel threads, zombies and where neither executable nor command line may
    /// be read.
    /// Without `argv_bytes` no memory of the process is looked at.
    pub(super) fn facts(&self, process: &ProcessDir, argv_bytes: usize) -> Option<Facts> {
        if process.stat().kernel_thread || process.stat().is_zombie() {
            return None;
        }
        let cmdline = (argv_bytes > 0).then(|| process.read("cmdline", argv_bytes.saturating_add(1)));
        let cmdline = cmdline.flatten().unwrap_or_default();
        let (argv, argv_cut) = text::argv(&cmdline, argv_bytes);
        let exe = process.exe();
        if exe.is_none() && argv.is_empty() {
            return None;
        }
        let nothing = FileFacts { id: crate::inventory::FileId::default(), unlinked: false, fifo: false };
        let (exe_path, exe) = exe.unwrap_or((String::new(), nothing));
        let uid = process.read("status", SMALL).and_then(|status| text::real_uid(&status))?;
        let Cgroup { path, unified, container, unit } =
            process.read("cgroup", SMALL).map(|text| cgroup::parse(&text)).unwrap_or_default();
        let enriched = Enriched {
            exe: exe_path,
            exe_sha256: None,
            argv,
            cwd: process.link("cwd").map(|link| text::lossy(&link)).unwrap_or_default(),
            user: lock(&self.users).name(uid),
            container,
            unit,
            cgroup: path,
        };
        Some(Facts { enriched, exe, uid, unified, argv_cut })
    }

    /// The cgroup v2 id of a path in the unified hierarchy, 0 where unknown. `known` serves one scan.
    pub(super) fn cgroup_id(&self, unified: Option<&str>, known: &mut HashMap<String, u64>) -> u64 {
        let (Some(root), Some(path)) = (&self.cgroup_root, unified) else { return 0 };
        if let Some(&id) = known.get(path) {
            return id;
        }
        // `..` leads out of our cgroup namespace; what is there has no path for us.
        let id = if path.split('/').any(|segment| segment == "..") {
            0
        } else {
            let dir = root.join(path.trim_start_matches('/'));
            statx(CWD, &dir, AtFlags::STATX_DONT_SYNC, StatxFlags::INO).map_or(0, |found| found.stx_ino)
        };
        known.insert(path.to_owned(), id);
        id
    }
}

/// A lock whose holders cannot leave it half-changed: poisoning is no matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
