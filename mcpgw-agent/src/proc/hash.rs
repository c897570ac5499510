//! SHA-256 of executables, remembered by what the file is.
//!
//! A file that anybody wrote to since is hashed again: its change time moves with a write and, unlike its modification time,
//! cannot be set back. But it does not move with each write through a mapping: on tmpfs with none, elsewhere with the first
//! one to a page. So a hash is remembered only of what none but root can write, and of what runs while it is hashed, on a
//! file system that tells of the first one: nobody has a mapping then to which they have written already.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::hex;
use sha2::{Digest, Sha256};

/// Files remembered at most; beyond that all are forgotten.
const CAPACITY: usize = 1024;
/// Largest file hashed, in bytes. Larger ones have no hash, and match no rule that asks for one.
pub(super) const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct FileState {
    dev: u64,
    ino: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl From<&Metadata> for FileState {
    fn from(file: &Metadata) -> Self {
        Self {
            dev: file.dev(),
            ino: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

/// File systems that move the change time with the first write through a mapping: ext2 to ext4, XFS, Btrfs, F2FS.
const TELLING: [u64; 4] = [0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010];
/// Change times move by ticks: in so long there was one.
const TICK: Duration = Duration::from_secs(1);

/// None but root can write to it.
pub(super) fn is_roots(file: &Metadata) -> bool {
    file.uid() == 0 && file.mode() & 0o022 == 0
}

/// Whoever writes to it from now on moves its change time, while nobody has it open for that.
pub(super) fn tells_of_writes(file: &File) -> bool {
    let is_telling = rustix::fs::fstatfs(file)
        .is_ok_and(|found| u64::try_from(found.f_type).is_ok_and(|kind| TELLING.contains(&kind)));
    let changed = |file: Metadata| {
        let since = Duration::new(u64::try_from(file.ctime()).ok()?, u32::try_from(file.ctime_nsec()).ok()?);
        SystemTime::now().duration_since(UNIX_EPOCH + since).ok()
    };
    is_telling && file.metadata().ok().and_then(changed).is_some_and(|ago| ago >= TICK)
}

/// A bounded cache of hashes.
#[derive(Debug, Default)]
pub(super) struct HashCache {
    known: HashMap<FileState, String>,
}

impl HashCache {
    /// The hash of a file in the state it has now, where that is known already.
    pub(super) fn get(&self, file: &File) -> Option<String> {
        self.known.get(&FileState::from(&file.metadata().ok()?)).cloned()
    }

    /// Remembers what [`hash`] found.
    pub(super) fn insert(&mut self, hashed: Hashed) {
        if self.known.len() >= CAPACITY {
            self.known.clear();
        }
        self.known.insert(hashed.state, hashed.hex);
    }
}

/// A hash and the state of the file it holds for.
#[derive(Debug)]
pub(super) struct Hashed {
    state: FileState,
    /// Lower-case hexadecimal.
    pub(super) hex: String,
}

/// Hashes a regular file of at most `max_bytes`; `None` where it is larger, unreadable, or written to
/// meanwhile. Takes a second for a few hundred megabytes: not for an async task.
pub(super) fn hash(file: &mut File, max_bytes: u64) -> Option<Hashed> {
    let before = file.metadata().ok()?;
    if !before.is_file() || before.size() > max_bytes {
        return None;
    }
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut limited = file.by_ref().take(max_bytes);
    loop {
        match limited.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => hasher.update(buffer.get(..count)?),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    let state = FileState::from(&before);
    if FileState::from(&file.metadata().ok()?) != state {
        return None;
    }
    let hex = hex::encode(&hasher.finalize());
    Some(Hashed { state, hex })
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    #[test]
    fn known_vectors() {
        let mut file = tempfile::tempfile().unwrap();
        let empty = hash(&mut file, MAX_BYTES).unwrap();
        assert_eq!(empty.hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        file.write_all(b"abc").unwrap();
        file.rewind().unwrap();
        let abc = hash(&mut file, MAX_BYTES).unwrap();
        assert_eq!(abc.hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn large_files_and_things_that_are_no_files_have_none() {
        let mut file = tempfile::tempfile().unwrap();
        file.set_len(11).unwrap();
        assert!(hash(&mut file, 10).is_none());
        assert!(hash(&mut file, 11).is_some());
        assert!(hash(&mut File::open("/dev/zero").unwrap(), MAX_BYTES).is_none());
        assert!(hash(&mut File::open("/proc").unwrap(), MAX_BYTES).is_none());
    }

    #[test]
    fn a_file_written_to_is_unknown_again_even_with_its_old_time() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abc").unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        file.rewind().unwrap();
        let mut cache = HashCache::default();
        assert_eq!(cache.get(&file), None);
        let hashed = hash(&mut file, MAX_BYTES).unwrap();
        let hex = hashed.hex.clone();
        cache.insert(hashed);
        assert_eq!(cache.get(&file), Some(hex));

        // Change times move with the kernel's tick: write until this one has.
        let before = FileState::from(&file.metadata().unwrap());
        loop {
            file.rewind().unwrap();
            file.write_all(b"xyz").unwrap();
            file.set_modified(written).unwrap();
            let after = FileState::from(&file.metadata().unwrap());
            if after.changed != before.changed {
                assert_eq!((after.size, after.modified), (before.size, before.modified));
                break;
            }
        }
        assert_eq!(cache.get(&file), None);
    }

    #[test]
    fn the_cache_is_bounded() {
        let mut cache = HashCache::default();
        for ino in 0..=CAPACITY as u64 {
            let state = FileState { dev: 0, ino, size: 0, modified: (0, 0), changed: (0, 0) };
            cache.insert(Hashed { state, hex: String::new() });
        }
        assert_eq!(cache.known.len(), 1);
    }
}
