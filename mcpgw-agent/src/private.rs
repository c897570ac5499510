//! Files and directories that are ours alone: what others could have put there is not taken for ours.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Opens a file, and no other that a link leads to; does not wait for what is no file.
///
/// # Errors
/// As [`OpenOptions::open`]; `ELOOP` for a symbolic link.
pub(crate) fn open_private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = nix::fcntl::OFlag::O_NOFOLLOW | nix::fcntl::OFlag::O_NONBLOCK;
    options.custom_flags(flags.bits()).open(path)
}

/// Writes a new file for its owner alone, and brings its bytes to the disk. One that was left behind is removed first and not
/// written to: it could be a link.
///
/// # Errors
/// What the disk says.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = open_private(OpenOptions::new().write(true).create_new(true).mode(0o600), path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A regular file of ours that gives others none of the rights in `denied`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_private(metadata: &Metadata, denied: u32) -> Result<(), &'static str> {
    if !metadata.is_file() {
        Err("is no regular file")
    } else if !is_trusted(metadata.uid()) {
        Err("belongs to somebody else")
    } else if metadata.mode() & denied & 0o044 != 0 {
        Err("can be read by others: it must be for its owner alone (chmod 600)")
    } else if metadata.mode() & denied != 0 {
        Err("can be changed by others: it must be for its owner alone (chmod 600)")
    } else {
        Ok(())
    }
}

/// A directory in which nobody else can put or exchange anything.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_directory(metadata: &Metadata) -> Result<(), &'static str> {
    if !metadata.is_dir() {
        Err("is no directory")
    } else if !is_trusted(metadata.uid()) {
        Err("belongs to somebody else")
    } else if metadata.mode() & 0o022 != 0 {
        Err("can be changed by others: take the right to write from them (chmod go-w)")
    } else {
        Ok(())
    }
}

/// Root, who may do everything anyway, or the user this process runs as.
#[must_use]
pub(crate) fn is_trusted(uid: u32) -> bool {
    uid == 0 || uid == nix::unistd::geteuid().as_raw()
}
