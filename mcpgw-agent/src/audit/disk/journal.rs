//! What was done to the files of one directory, and what the disk would have after a crash at any moment of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One thing that was done. Files are told by their number, which a later file may have again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::audit) enum Op {
    Open {
        ino: u64,
        name: String,
    },
    Append {
        ino: u64,
        bytes: Vec<u8>,
    },
    Cut {
        ino: u64,
        length: u64,
    },
    /// Brings to the disk what was done before the `begun`th.
    Sync {
        ino: u64,
        begun: usize,
    },
    SyncNames {
        begun: usize,
    },
    Link {
        from: String,
        to: String,
    },
    Rename {
        from: String,
        to: String,
    },
    Remove {
        name: String,
    },
    /// A message went on, whose record is this.
    Permitted {
        seq: u64,
    },
}

/// All that was done in a directory, in order.
#[derive(Debug)]
pub(in crate::audit) struct Journal {
    dir: PathBuf,
    ops: Mutex<Vec<Op>>,
    /// Held from before something is done until it is noted: what another thread does because of it is noted after it.
    order: Mutex<()>,
}

/// They stay until the process ends.
static ALL: Mutex<Vec<&'static Journal>> = Mutex::new(Vec::new());

impl Journal {
    /// Notes what is done in `dir` from now on.
    pub(in crate::audit) fn start(dir: &Path) -> &'static Self {
        let dir = dir.canonicalize().unwrap();
        let journal: &'static Self =
            Box::leak(Box::new(Self { dir, ops: Mutex::default(), order: Mutex::default() }));
        ALL.lock().unwrap_or_else(PoisonError::into_inner).push(journal);
        journal
    }

    pub(in crate::audit) fn note(&self, op: Op) {
        self.ops.lock().unwrap().push(op);
    }

    pub(in crate::audit) fn ops(&self) -> Vec<Op> {
        self.ops.lock().unwrap().clone()
    }

    fn in_dir(dir: &Path) -> Option<&'static Self> {
        let all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|journal| journal.dir == dir).copied()
    }

    fn at(path: &Path) -> Option<&'static Self> {
        Self::in_dir(&path.parent()?.canonicalize().ok()?)
    }

    fn of(file: &File) -> Option<&'static Self> {
        let path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()?;
        Self::in_dir(path.parent()?)
    }
}

/// Nobody else does anything in the directory of `file` until this is dropped.
pub(super) fn order_of(file: &File) -> Option<MutexGuard<'static, ()>> {
    Journal::of(file).map(|journal| journal.order.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Nobody else does anything in the directory of `path` until this is dropped.
pub(super) fn order_at(path: &Path) -> Option<MutexGuard<'static, ()>> {
    Journal::at(path).map(|journal| journal.order.lock().unwrap_or_else(PoisonError::into_inner))
}

pub(super) fn of(file: &File, op: impl FnOnce(u64) -> Op) {
    if let Some(journal) = Journal::of(file) {
        journal.note(op(file.metadata().unwrap().ino()));
    }
}

pub(super) fn at(path: &Path, op: impl FnOnce() -> Op) {
    if let Some(journal) = Journal::at(path) {
        journal.note(op());
    }
}

pub(super) fn length(file: &File) -> usize {
    Journal::of(file).map_or(0, |journal| journal.ops.lock().unwrap().len())
}

pub(super) fn length_at(path: &Path) -> usize {
    Journal::at(path).map_or(0, |journal| journal.ops.lock().unwrap().len())
}

pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// What was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::audit) enum Crash {
    /// The process alone: the kernel has everything.
    Killed,
    /// The process, in the middle of its last write.
    KilledInWrite,
    /// The power: the disk has all names, but only the contents that were synced.
    Contents,
    /// The power: the disk has all names, and zeros where contents were not synced.
    Zeros,
    /// The power: the disk has only the names and contents that were synced.
    All,
}

#[derive(Debug, Default, Clone)]
struct Inode {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    /// Its contents after each thing that was done to it.
    history: Vec<(usize, Vec<u8>)>,
}

/// A file's names, and what is in it.
pub(in crate::audit) type Left = (Vec<String>, Vec<u8>);

/// The files a directory has after `ops` and a crash.
pub(in crate::audit) fn left_by(ops: &[Op], crash: Crash) -> Vec<Left> {
    // A number that is given again is another file.
    let mut inodes: Vec<Inode> = Vec::new();
    let mut by_number: BTreeMap<u64, usize> = BTreeMap::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut names_history: Vec<(usize, BTreeMap<String, usize>)> = Vec::new();
    let mut synced_names = BTreeMap::new();
    for (at, op) in ops.iter().enumerate() {
        match op {
            Op::Open { ino, name } => {
                if names.get(name).is_none_or(|index| by_number.get(ino) != Some(index)) {
                    by_number.insert(*ino, inodes.len());
                    names.insert(name.clone(), inodes.len());
                    inodes.push(Inode::default());
                }
            }
            Op::Append { ino, bytes } => {
                let inode = &mut inodes[by_number[ino]];
                let is_last = at + 1 == ops.len();
                let half =
                    if is_last && crash == Crash::KilledInWrite { bytes.len() / 2 } else { bytes.len() };
                inode.bytes.extend_from_slice(&bytes[..half]);
                inode.history.push((at, inode.bytes.clone()));
            }
            Op::Cut { ino, length } => {
                let inode = &mut inodes[by_number[ino]];
                inode.bytes.truncate(usize::try_from(*length).unwrap());
                inode.history.push((at, inode.bytes.clone()));
            }
            Op::Sync { ino, begun } => {
                let inode = &mut inodes[by_number[ino]];
                let then = inode.history.iter().rev().find(|(at, _)| at < begun);
                inode.synced = then.map(|(_, bytes)| bytes.clone()).unwrap_or_default();
            }
            Op::SyncNames { begun } => {
                let then = names_history.iter().rev().find(|(at, _)| at < begun);
                synced_names = then.map(|(_, names)| names.clone()).unwrap_or_default();
            }
            Op::Link { from, to } => {
                let index = names[from];
                names.insert(to.clone(), index);
            }
            Op::Rename { from, to } => {
                let index = names.remove(from).unwrap();
                names.insert(to.clone(), index);
            }
            Op::Remove { name } => drop(names.remove(name)),
            Op::Permitted { .. } => {}
        }
        names_history.push((at, names.clone()));
    }
    let names = if crash == Crash::All { synced_names } else { names };
    let content = |index: usize| {
        let inode = &inodes[index];
        match crash {
            Crash::Killed | Crash::KilledInWrite => inode.bytes.clone(),
            Crash::Contents | Crash::All => inode.synced.clone(),
            Crash::Zeros => {
                let mut bytes = inode.synced.clone();
                bytes.resize(inode.bytes.len().max(bytes.len()), 0);
                bytes
            }
        }
    };
    let mut files: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for (name, index) in names {
        files.entry(index).or_default().push(name);
    }
    files.into_iter().map(|(index, names)| (names, content(index))).collect()
}
