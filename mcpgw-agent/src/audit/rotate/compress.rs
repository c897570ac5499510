//! Compressing a finished file. It is there in one form at least, whole and on the disk, at every moment.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::recover::open_ours;
use crate::audit::disk;
use crate::audit::files::{Finished, LogReader, compressed};
use crate::audit::place::dir_of;
use crate::private::open_private;

/// How hard it tries. Lines of one kind shrink to a tenth; more effort gains little.
const LEVEL: i32 = 3;
/// How the name of a compressed form ends that is not whole yet.
const DRAFT: &str = ".tmp";
/// Bytes between two looks at whether to stop.
const PIECE: usize = 256 << 10;

/// Why a file is not compressed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("it {0}")]
    NotOurs(&'static str),
    #[error("what was compressed is not what there was")]
    Differs,
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The log is closed.
    #[error("it was interrupted")]
    Stopped,
}

/// Puts the compressed form of the finished file at `plain` in its place; `stop` says whether to give up.
pub(super) fn compress(plain: &Path, stop: &dyn Fn() -> bool) -> Result<(), Failure> {
    let file = Arc::new(open_ours(plain)?.map_err(Failure::NotOurs)?);
    // Its last records may be in the kernel alone.
    disk::sync(&file)?;
    let target = compressed(plain);
    if is_there(&target)? {
        // A crash came before the plain one was removed; or it is half a file, which only somebody else could have left.
        if same(&file, &target, stop)? {
            return replace(plain);
        }
        disk::remove(&target)?;
    }
    let draft = draft(&target);
    if is_there(&draft)? {
        disk::remove(&draft)?;
    }
    let made = write(&file, &draft, stop).and_then(|()| match same(&file, &draft, stop)? {
        true => Ok(disk::rename(&draft, &target)?),
        false => Err(Failure::Differs),
    });
    if made.is_err() {
        // Why it failed is what counts.
        disk::remove(&draft).ok();
    }
    made?;
    replace(plain)
}

/// The compressed form is there for good: removes the plain one.
fn replace(plain: &Path) -> Result<(), Failure> {
    disk::sync_names(plain)?;
    Ok(disk::remove(plain)?)
}

fn write(plain: &Arc<File>, draft: &Path, stop: &dyn Fn() -> bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    let file = open_private(options.append(true).create_new(true).mode(0o600), draft)?;
    disk::opened(draft, &file);
    let mut encoder = zstd::stream::Encoder::new(Appending(&file), LEVEL)?;
    encoder.include_checksum(true)?;
    let mut reader = LogReader::plain_from(Arc::clone(plain), 0);
    let mut piece = vec![0; PIECE];
    loop {
        let length = reader.read(&mut piece)?;
        if length == 0 {
            break;
        }
        encoder.write_all(piece.get(..length).unwrap_or_default())?;
        if stop() {
            return Err(Failure::Stopped);
        }
    }
    encoder.finish()?;
    // Retention counts from the last record, not from now.
    let written = plain.metadata()?.modified()?;
    file.set_modified(written)?;
    Ok(disk::sync(&file)?)
}

/// The compressed file at `path` has what is in `plain`.
fn same(plain: &Arc<File>, path: &Path, stop: &dyn Fn() -> bool) -> Result<bool, Failure> {
    let Ok(file) = open_ours(path)? else { return Ok(false) };
    disk::sync(&file)?;
    let mut left = LogReader::plain_from(Arc::clone(plain), 0);
    let mut right = LogReader::compressed(Arc::new(file))?;
    let (mut ours, mut theirs) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let length = fill(&mut left, &mut ours)?;
        // What cannot be decompressed is not the same.
        if fill(&mut right, &mut theirs).ok() != Some(length) || ours.get(..length) != theirs.get(..length) {
            return Ok(false);
        }
        if length == 0 {
            return Ok(true);
        }
        if stop() {
            return Err(Failure::Stopped);
        }
    }
}

/// Reads until `into` is full or there is no more.
fn fill(reader: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest)? {
            0 => break,
            length => filled += length,
        }
    }
    Ok(filled)
}

fn is_there(path: &Path) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Where the compressed form is written; only a whole one gets its name.
fn draft(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(DRAFT);
    target.with_file_name(name)
}

/// Removes what a crash left of compressing files of `log`, which nobody writes now.
pub(super) fn clear_drafts(log: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir_of(log))? {
        let entry = entry?;
        let draft = log.with_file_name(entry.file_name());
        let target = draft.to_str().and_then(|path| path.strip_suffix(DRAFT)).map(Path::new);
        let of = target.and_then(Finished::of).filter(|(_, finished)| finished.compressed);
        if of.is_some_and(|(of, _)| of == log) && entry.file_type()?.is_file() {
            disk::remove(&draft)?;
        }
    }
    Ok(())
}

struct Appending<'a>(&'a File);

impl Write for Appending<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        disk::append(self.0, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
