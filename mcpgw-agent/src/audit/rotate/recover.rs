//! What a crash left of a rotation, put right when the log is opened, before anything is added.
//!
//! ```text
//! .next, .zst.tmp                              made and never used: removed
//! live and a finished file are one             the turn was not done: the finished name is taken back
//! live has no record, the last finished plain  the turn is undone: that file is the live one again
//! live has no record, the last is compressed   the chain goes on from that one's end
//! ```

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::compress::clear_drafts;
use super::turn::{clear, next_path};
use crate::audit::chain::{LINE_MAX, Seal, hash};
use crate::audit::files::{Finished, LogFile, all_finished, is_still};
use crate::audit::lines::{Lines, Piece};
use crate::audit::lock::Locked;
use crate::audit::seal::Sealer;
use crate::audit::{AuditError, disk, tail};
use crate::private::{check_private, open_private};

/// A live file to be continued.
#[derive(Debug)]
pub(in crate::audit) struct Opened {
    pub(in crate::audit) file: Locked,
    /// The last finished file. Where the live one has no record, the chain goes on from its end.
    pub(in crate::audit) last: Option<LogFile>,
    /// Part of a record that was in a live file without a whole one.
    pub(in crate::audit) torn: Option<(u64, [u8; 32])>,
}

/// Opens the log at `log` for this process alone, makes it where it is not there, and puts right what a crash left.
pub(in crate::audit) fn open(log: &Path) -> Result<Opened, AuditError> {
    let io = |action, source| AuditError::Io { action, path: log.to_owned(), source };
    if Finished::of(log).is_some() {
        let why = "has the name of a finished file, which is not written any more";
        return Err(AuditError::Unsafe { path: log.to_owned(), why });
    }
    let mut file = tail::open(log, false)?;
    // In the way or not: it shows when a file is due.
    clear(&next_path(log)).ok();
    clear_drafts(log).map_err(|source| io("put right the files of", source))?;
    let mut finished = all_finished(log).map_err(|source| io("list the files of", source))?;
    for (path, _) in finished.extract_if(.., |(path, _)| is_still(path, &file)) {
        disk::remove(&path).map_err(|source| io("put right the files of", source))?;
    }
    let mut torn = None;
    while let Some((path, last)) = newest(&finished) {
        let Some(rest) = without_record(&file).map_err(|source| io("read", source))? else { break };
        if !rest.is_empty() {
            torn = Some(tail::set_aside(&file, log, &rest, 0)?);
        }
        if last.compressed {
            break;
        }
        file = undo(log, &path, &finished, last)?;
        finished.retain(|(_, found)| (found.first, found.last) != (last.first, last.last));
    }
    let last = newest(&finished).map(|(path, last)| LogFile::finished(path, last));
    Ok(Opened { file, last, torn })
}

/// The finished file with the last records, plain if it is there in both forms.
fn newest(finished: &[(PathBuf, Finished)]) -> Option<(PathBuf, Finished)> {
    let last = finished.iter().map(|(_, finished)| finished.last).max()?;
    finished.iter().find(|(_, finished)| finished.last == last).cloned()
}

/// What is in `file`, if that is no whole record.
fn without_record(file: &File) -> io::Result<Option<Vec<u8>>> {
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    if length > 2 * LINE_MAX {
        return Ok(None);
    }
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(memchr::memchr(b'\n', &bytes).is_none().then_some(bytes))
}

/// Makes the finished file at `path` the live one of `log` again.
fn undo(log: &Path, path: &Path, all: &[(PathBuf, Finished)], last: Finished) -> Result<Locked, AuditError> {
    let io = |source| AuditError::Io { action: "put right the files of", path: log.to_owned(), source };
    let file = tail::open_there(path)?;
    // It may have been compressed already. As long as the plain one is there the other is its copy.
    for (copy, _) in
        all.iter().filter(|(_, of)| of.compressed && (of.first, of.last) == (last.first, last.last))
    {
        disk::remove(copy).map_err(io)?;
    }
    disk::replace(path, log).map_err(io)?;
    Ok(file)
}

/// The number and hash of the last finished file's last record, which must be signed with `sealer`'s key.
pub(in crate::audit) fn end_before(
    opened: &Opened,
    log: &Path,
    sealer: &mut Sealer,
) -> Result<Option<(u64, [u8; 32])>, AuditError> {
    let Some(last) = &opened.last else { return Ok(None) };
    let path = || last.path().to_owned();
    let line =
        opened.last_line().map_err(|source| AuditError::Io { action: "read", path: path(), source })?;
    let seal = line.as_deref().and_then(|line| Some((Seal::of(line)?, line)));
    match seal {
        Some((seal, line)) if sealer.accepts(&seal, line) => Ok(Some((seal.seq, hash(line)))),
        Some(_) | None => {
            let why = "the last record of its last finished file is not signed with the key";
            Err(AuditError::Broken { path: log.to_owned(), why })
        }
    }
}

impl Opened {
    /// The last whole record of the last finished file.
    fn last_line(&self) -> io::Result<Option<Vec<u8>>> {
        let Some(last) = &self.last else { return Ok(None) };
        let mut lines = Lines::new(last.open()?);
        let mut found = None;
        while let Some(piece) = lines.next_piece()? {
            match piece {
                Piece::Line(line) => {
                    let kept: &mut Vec<u8> = found.get_or_insert_default();
                    kept.clear();
                    kept.extend_from_slice(line);
                }
                Piece::TooLong(_) | Piece::Torn(_) => {}
            }
        }
        Ok(found)
    }

    /// The live file's first record: its number, and when it was written.
    pub(in crate::audit) fn first(&self) -> Option<(u64, Option<Timestamp>)> {
        let mut start = vec![0; LINE_MAX];
        let length = self.file.read_at(&mut start, 0).ok()?;
        let start = start.get(..length)?;
        let line = start.get(..memchr::memchr(b'\n', start)?)?;
        let time = line.get(r#"{"timestamp":""#.len()..)?.split(|byte| *byte == b'"').next()?;
        let time = std::str::from_utf8(time).ok().and_then(|time| time.parse().ok());
        Some((Seal::of(line)?.seq, time))
    }
}

/// Opens a file of ours to be read; what is not is passed over, and told apart from what cannot be read.
pub(super) fn open_ours(path: &Path) -> io::Result<Result<File, &'static str>> {
    let file = open_private(OpenOptions::new().read(true), path)?;
    Ok(check_private(&file.metadata()?, 0o022).map(|()| file))
}

/// Bytes the file at `path` takes up; 0 where it is gone.
pub(super) fn bytes_of(path: &Path) -> u64 {
    fs::symlink_metadata(path).map_or(0, |metadata| metadata.len())
}
