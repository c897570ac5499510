//! The end of a log that is there already: its last whole record, and what stands after that.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::AuditError;
use super::chain::{LINE_MAX, Seal, key_id};
use super::disk;
use super::files::is_still;
use super::lock::Locked;
use super::seal::Sealer;
use crate::private::{check_private, open_private};

/// Where a log is to be continued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    /// Bytes up to the end of the last whole record.
    pub(super) length: u64,
    /// That record's number and hash; `None` where there is none.
    pub(super) last: Option<(u64, [u8; 32])>,
    /// Bytes that were moved aside: how many, and their hash.
    pub(super) torn: Option<(u64, [u8; 32])>,
}

/// Finds the end of the log `file`, checks its last record against `sealer`, and moves what stands after it aside.
pub(super) fn continue_at(file: &File, path: &Path, sealer: &mut Sealer) -> Result<Tail, AuditError> {
    let io = |source| AuditError::Io { action: "read", path: path.to_owned(), source };
    let size = file.metadata().map_err(io)?.len();
    let window = u64::try_from(2 * LINE_MAX).unwrap_or(u64::MAX);
    let start = size.saturating_sub(window);
    let mut bytes = vec![0; usize::try_from(size - start).unwrap_or_default()];
    file.read_exact_at(&mut bytes, start).map_err(io)?;
    let broken = |why| AuditError::Broken { path: path.to_owned(), why };
    let whole = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at + 1);
    let (lines, after) = bytes.split_at_checked(whole).unwrap_or_default();
    if whole == 0 && start > 0 {
        return Err(broken("its end is no record"));
    }
    let last = match lines.strip_suffix(b"\n") {
        None => None,
        Some(lines) => {
            let line = lines.get(memchr::memrchr(b'\n', lines).map_or(0, |at| at + 1)..).unwrap_or_default();
            let seal = Seal::of(line).ok_or_else(|| broken("its last line is no record"))?;
            if !sealer.accepts(&seal, line) {
                return Err(not_ours(file, path, sealer));
            }
            Some((seal.seq, Sha256::digest(line).into()))
        }
    };
    let length = size - u64::try_from(after.len()).unwrap_or_default();
    let torn = if after.is_empty() { None } else { Some(set_aside(file, path, after, length)?) };
    Ok(Tail { length, last, torn })
}

/// Why the last record's signature is not ours: another key, or another text.
fn not_ours(file: &File, path: &Path, sealer: &Sealer) -> AuditError {
    if sealer.key().is_some() {
        let why = "its last record was changed, or it is an older copy: its key has gone on without it";
        return AuditError::Broken { path: path.to_owned(), why };
    }
    let mut start = vec![0; 64 << 10];
    let length = file.read_at(&mut start, 0).unwrap_or_default();
    let start = start.get(..length).unwrap_or_default();
    let first = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    match key_id(first).filter(|id| *id != sealer.signer().key_id()) {
        Some(theirs) => AuditError::OtherKey {
            path: path.to_owned(),
            theirs: theirs.to_owned(),
            ours: sealer.signer().key_id().to_owned(),
        },
        None => AuditError::Broken { path: path.to_owned(), why: "its last record was changed" },
    }
}

/// Keeps `torn`, which stands at `length`, in a file beside the log, and ends the log there.
pub(super) fn set_aside(
    file: &File,
    path: &Path,
    torn: &[u8],
    length: u64,
) -> Result<(u64, [u8; 32]), AuditError> {
    let aside = aside(path);
    let io = |source| AuditError::Io { action: "keep a torn record in", path: aside.clone(), source };
    let kept = open_private(OpenOptions::new().append(true).create(true).mode(0o600), &aside).map_err(io)?;
    disk::opened(&aside, &kept);
    check_private(&kept.metadata().map_err(io)?, 0o022)
        .map_err(|why| AuditError::Unsafe { path: aside.clone(), why })?;
    // A line for each, so that several are told apart.
    let written = disk::append(&kept, &[torn, b"\n"].concat());
    written.and_then(|()| disk::sync(&kept)).map_err(io)?;
    disk::cut(file, length).map_err(|source| AuditError::Io {
        action: "cut",
        path: path.to_owned(),
        source,
    })?;
    Ok((u64::try_from(torn.len()).unwrap_or_default(), Sha256::digest(torn).into()))
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".torn");
    path.with_file_name(name)
}

/// Opens the log at `path` for this process alone; `new` where it must not be there yet.
pub(super) fn open(path: &Path, new: bool) -> Result<Locked, AuditError> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).create_new(new).mode(0o600);
    loop {
        let file = open_locked(path, &options)?;
        // Its writer may have finished it, and given up its lock, since it was opened.
        if new || is_still(path, &file) {
            return Ok(file);
        }
    }
}

/// Opens the file at `path`, which is there, for this process alone.
pub(super) fn open_there(path: &Path) -> Result<Locked, AuditError> {
    open_locked(path, OpenOptions::new().read(true).append(true))
}

fn open_locked(path: &Path, options: &OpenOptions) -> Result<Locked, AuditError> {
    let io = |action, source: io::Error| AuditError::Io { action, path: path.to_owned(), source };
    let file = open_private(&mut options.clone(), path).map_err(|error| io("open", error))?;
    check_private(&file.metadata().map_err(|error| io("look at", error))?, 0o022)
        .map_err(|why| AuditError::Unsafe { path: path.to_owned(), why })?;
    let file = Locked::try_new(file).map_err(|error| match error {
        TryLockError::WouldBlock => AuditError::Locked { path: path.to_owned() },
        TryLockError::Error(error) => io("lock", error),
    })?;
    disk::opened(path, &file);
    Ok(file)
}
