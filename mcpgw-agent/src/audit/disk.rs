//! What is done to a log's files, in one place: here tests note it, to find out what a crash or a power cut would leave.

#[cfg(test)]
pub(super) mod journal;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::place::sync_name;

/// Writes all of `bytes` to the end of `file`, which is open for appending.
pub(super) fn append(file: &File, bytes: &[u8]) -> io::Result<()> {
    #[cfg(test)]
    let _order = journal::order_of(file);
    let mut file = file;
    file.write_all(bytes)?;
    #[cfg(test)]
    journal::of(file, |ino| journal::Op::Append { ino, bytes: bytes.to_vec() });
    Ok(())
}

/// Cuts `file` after `length` bytes.
pub(super) fn cut(file: &File, length: u64) -> io::Result<()> {
    #[cfg(test)]
    let _order = journal::order_of(file);
    file.set_len(length)?;
    #[cfg(test)]
    journal::of(file, |ino| journal::Op::Cut { ino, length });
    Ok(())
}

/// Brings what is in `file` to the disk.
pub(super) fn sync(file: &File) -> io::Result<()> {
    #[cfg(test)]
    let begun = journal::length(file);
    file.sync_data()?;
    #[cfg(test)]
    journal::of(file, |ino| journal::Op::Sync { ino, begun });
    Ok(())
}

/// Brings the names in the directory of `path` to the disk.
pub(super) fn sync_names(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    let begun = journal::length_at(path);
    sync_name(path)?;
    #[cfg(test)]
    journal::at(path, || journal::Op::SyncNames { begun });
    Ok(())
}

/// `file` was opened at `path`, and perhaps made.
pub(super) fn opened(path: &Path, file: &File) {
    #[cfg(test)]
    journal::of(file, |ino| journal::Op::Open { ino, name: journal::name(path) });
    #[cfg(not(test))]
    let _unused = (path, file);
}

/// Gives the file at `from` another name, which must not be there yet.
pub(super) fn link(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    let _order = journal::order_at(to);
    fs::hard_link(from, to)?;
    #[cfg(test)]
    journal::at(to, || journal::Op::Link { from: journal::name(from), to: journal::name(to) });
    Ok(())
}

/// Puts the file at `from` in the place of the one at `to`.
pub(super) fn replace(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    let _order = journal::order_at(to);
    fs::rename(from, to)?;
    #[cfg(test)]
    journal::at(to, || journal::Op::Rename { from: journal::name(from), to: journal::name(to) });
    Ok(())
}

/// Renames the file at `from`; there must be none at `to`.
pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    let _order = journal::order_at(to);
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?;
    #[cfg(test)]
    journal::at(to, || journal::Op::Rename { from: journal::name(from), to: journal::name(to) });
    Ok(())
}

/// Takes the name `path` from its file.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    let _order = journal::order_at(path);
    fs::remove_file(path)?;
    #[cfg(test)]
    journal::at(path, || journal::Op::Remove { name: journal::name(path) });
    Ok(())
}
