//! Up to where a receiver has the records: a number in a file, replaced whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Digits of a number, and a line feed.
const BYTES_MAX: u64 = 32;

/// Where the number is kept.
#[derive(Debug)]
pub(super) struct Cursor(PathBuf);

impl Cursor {
    /// The one of the receiver `name`, beside the log: `audit.jsonl.NAME.cursor`.
    pub(super) fn beside(log: &Path, name: &str) -> Self {
        let mut file = log.file_name().unwrap_or_default().to_owned();
        file.push(format!(".{name}.cursor"));
        Self(log.with_file_name(file))
    }

    /// The number; `None` where nothing was sent yet.
    ///
    /// # Errors
    /// The file cannot be read, or is none of ours.
    pub(super) fn load(&self) -> io::Result<Option<u64>> {
        let file = match File::open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut text = String::new();
        file.take(BYTES_MAX).read_to_string(&mut text)?;
        let number = text.trim_end().parse().map_err(|_invalid| io::ErrorKind::InvalidData)?;
        Ok(Some(number))
    }

    /// Replaces the number, so that after a power failure the one before or this one is there.
    ///
    /// # Errors
    /// It cannot be written; the one before stays.
    pub(super) fn save(&self, number: u64) -> io::Result<()> {
        let mut next = self.0.clone().into_os_string();
        next.push(".next");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
        file.write_all(format!("{number}\n").as_bytes())?;
        file.sync_data()?;
        fs::rename(&next, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_and_what_is_none_is_not_taken_for_one() {
        let dir = tempfile::tempdir().unwrap();
        let cursor = Cursor::beside(&dir.path().join("audit.jsonl"), "siem");
        assert_eq!(cursor.load().unwrap(), None);
        for number in [0, 7, u64::MAX] {
            cursor.save(number).unwrap();
            assert_eq!(cursor.load().unwrap(), Some(number));
        }
        fs::write(dir.path().join("audit.jsonl.siem.cursor"), "7x").unwrap();
        assert!(cursor.load().is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
