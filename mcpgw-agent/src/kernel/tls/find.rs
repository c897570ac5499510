//! Which files of a process have a TLS library in them.
//!
//! What the process has loaded is opened through `/proc/PID/map_files`, which leads to the very file, in whatever container
//! and under whatever name. One that will load the library in a moment is found where libraries usually are, below its own
//! root: a probe on a file works from the moment it is loaded.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::OFlag;

use super::elf::{self, Calls, Kind, Source};
use crate::inventory::{FileId, ProcessKey};

/// Bytes of `/proc/PID/maps` read, and files of one process looked at.
const MAPS: u64 = 4 << 20;
const FILES: usize = 256;
/// Libraries of one process, known before or not.
const LIBRARIES: usize = 4;
/// Files of which is remembered what they are.
const KNOWN: usize = 4096;
/// Where distributions keep libraries, below a process' root.
const PLACES: [&str; 6] =
    ["usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64", "usr/lib", "lib64", "lib"];
const NAMES: [&str; 2] = ["libssl.so.3", "libssl.so.1.1"];

/// A file with a TLS library in it.
#[derive(Debug)]
pub struct Library {
    /// It.
    pub file: File,
    /// Which it is.
    pub id: FileId,
    /// Its functions.
    pub calls: Calls,
}

/// What was found of a process.
#[derive(Debug)]
pub struct Found {
    /// Libraries that were not known before.
    pub libraries: Vec<Library>,
    /// The process has one loaded, known before or not.
    pub has_loaded: bool,
    /// The program is one of Go, and nothing of it may be probed.
    pub is_go: bool,
}

/// Finds libraries, and remembers what files are.
#[derive(Debug, Default)]
pub struct Finder {
    known: HashMap<Version, Kind>,
}

/// A file as it was at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Version {
    id: FileId,
    size: u64,
    changed: (i64, i64),
}

impl Finder {
    /// Looks at what `process` runs and has loaded, but for the files `already` known. Takes milliseconds.
    pub fn find(&mut self, process: ProcessKey, already: &HashSet<FileId>) -> Found {
        let mut found = Found { libraries: Vec::new(), has_loaded: false, is_go: false };
        let root = format!("/proc/{}", process.pid);
        let Some(program) = open(Path::new(&format!("{root}/exe"))) else { return found };
        if self.kind(&program) == Some(Kind::Go) {
            found.is_go = true;
            return found;
        }
        let mut seen = already.clone();
        found.has_loaded |= self.take(program, already, &mut seen, &mut found.libraries);
        for range in executable(&root) {
            if let Some(file) = open(Path::new(&format!("{root}/map_files/{range}"))) {
                found.has_loaded |= self.take(file, already, &mut seen, &mut found.libraries);
            }
        }
        // Again with each program a process becomes: it may see other files than the one before.
        if !found.has_loaded {
            for (place, name) in PLACES.iter().flat_map(|place| NAMES.map(|name| (place, name))) {
                if let Some(file) = open(Path::new(&format!("{root}/root/{place}/{name}"))) {
                    self.take(file, already, &mut seen, &mut found.libraries);
                }
            }
        }
        // The process may have ended meanwhile, and another have its number.
        if crate::proc::key_of(process.pid) != Some(process) {
            return Found { libraries: Vec::new(), has_loaded: false, is_go: false };
        }
        found
    }

    /// Adds what `file` is to `libraries`, where it is one. Says whether it is one that is probed, now or already.
    fn take(
        &mut self,
        file: File,
        already: &HashSet<FileId>,
        seen: &mut HashSet<FileId>,
        libraries: &mut Vec<Library>,
    ) -> bool {
        let Some(Version { id, .. }) = version(&file) else { return false };
        if !seen.insert(id) {
            return already.contains(&id);
        }
        let has_room = already.len().saturating_add(libraries.len()) < LIBRARIES;
        let Some(Kind::Tls(calls)) = self.kind(&file).filter(|_| has_room) else { return false };
        libraries.push(Library { file, id, calls });
        true
    }

    fn kind(&mut self, file: &File) -> Option<Kind> {
        let version = version(file)?;
        if let Some(known) = self.known.get(&version) {
            return Some(known.clone());
        }
        if self.known.len() >= KNOWN {
            self.known.clear();
        }
        let kind = elf::kind(&Pieces(file));
        self.known.insert(version, kind.clone());
        Some(kind)
    }
}

/// The files a process has code of, by the addresses they are at: one for each file.
fn executable(root: &str) -> Vec<String> {
    let mut bytes = Vec::new();
    // What is cut off is the rest of a long list, and what could not be read has gone.
    File::open(format!("{root}/maps")).and_then(|file| file.take(MAPS).read_to_end(&mut bytes)).ok();
    // Names in it need not be text.
    let text = String::from_utf8_lossy(&bytes);
    let mut files = HashSet::new();
    let range = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let (range, access, _, device, inode) =
            (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
        let is_new = access.contains('x') && inode != "0" && files.insert(format!("{device} {inode}"));
        is_new.then(|| range.to_owned())
    };
    text.lines().filter_map(range).take(FILES).collect()
}

/// Opens a regular file and nothing else: what a process' root leads to may be anything, and opening some things does
/// something.
fn open(path: &Path) -> Option<File> {
    let place = OpenOptions::new().read(true).custom_flags(OFlag::O_PATH.bits()).open(path).ok()?;
    if !fs::metadata(format!("/proc/self/fd/{}", place.as_raw_fd())).ok()?.is_file() {
        return None;
    }
    File::open(format!("/proc/self/fd/{}", place.as_raw_fd())).ok()
}

fn version(file: &File) -> Option<Version> {
    let facts = file.metadata().ok()?;
    let id = FileId { dev: facts.dev(), ino: facts.ino() };
    Some(Version { id, size: facts.size(), changed: (facts.ctime(), facts.ctime_nsec()) })
}

/// A file, read piece by piece.
struct Pieces<'a>(&'a File);

impl Source for Pieces<'_> {
    fn read(&self, offset: u64, into: &mut [u8]) -> usize {
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(u64::try_from(done).unwrap_or(u64::MAX));
            match self.0.read_at(rest, at) {
                Ok(0) | Err(_) => break,
                Ok(read) => done = done.saturating_add(read),
            }
        }
        done
    }
}
