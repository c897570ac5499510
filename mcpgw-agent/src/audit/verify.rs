//! Whether a log is as it was written: read once, from its first byte to its last, in bounded memory.
//!
//! ```text
//! file ─▶ lines ─▶ walk (signature, number, hash of the line before) ─▶ Report
//! ```

mod report;
mod walk;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

pub use report::{Finding, Kind, Outcome, Report};

use super::chain::{LINE_MAX, Signer};
use super::key::Key;
use walk::Walk;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 20;

/// Verifies files, one after the other; one may continue the chain of the one before.
#[derive(Debug)]
pub struct Verifier {
    signer: Signer,
    /// The end of the file before.
    end: Option<(u64, [u8; 32])>,
}

impl Verifier {
    /// Verifies what was signed with `key`.
    #[must_use]
    pub fn new(key: &Key) -> Self {
        Self { signer: Signer::new(key), end: None }
    }

    /// Verifies the file at `path`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn file(&mut self, path: &Path) -> io::Result<Report> {
        let file = File::open(path)?;
        // Whoever writes it holds the lock. It is not kept from whoever wants to now.
        let live = match file.try_lock_shared() {
            Ok(()) => file.unlock().is_err(),
            Err(std::fs::TryLockError::WouldBlock) => true,
            Err(std::fs::TryLockError::Error(_)) => false,
        };
        let mut report = self.read(BufReader::with_capacity(BUFFER_BYTES, file), live)?;
        report.file = path.to_owned();
        Ok(report)
    }

    /// Verifies what `reader` has; `live` where somebody is writing it.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&mut self, reader: impl BufRead, live: bool) -> io::Result<Report> {
        let mut walk = Walk::new(&mut self.signer, self.end);
        let torn = each_line(reader, |line| walk.line(line))?;
        let (report, end) = walk.end(torn, live);
        self.end = end;
        Ok(report)
    }
}

/// Calls `each` with every line, without its line feed, until it says no; with `None` for one that is too long. Returns
/// the bytes after the last.
fn each_line(mut reader: impl BufRead, mut each: impl FnMut(Option<&[u8]>) -> bool) -> io::Result<u64> {
    let mut carried = Vec::new();
    let mut carried_bytes = 0_u64;
    loop {
        let buffer = match reader.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok(carried_bytes);
        }
        let end = memchr::memchr(b'\n', buffer);
        let part = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
        let length = part.len();
        let too_long = carried.len() + length > LINE_MAX;
        let mut goes_on = true;
        if end.is_some() && carried_bytes == 0 {
            goes_on = each(Some(part).filter(|_| !too_long));
        } else {
            // A line too long is not kept: one byte more than the longest tells it by.
            carried
                .extend_from_slice(part.get(..length.min(LINE_MAX + 1 - carried.len())).unwrap_or_default());
            carried_bytes += u64::try_from(length).unwrap_or_default();
            if end.is_some() {
                goes_on = each(Some(&*carried).filter(|line| line.len() <= LINE_MAX));
                carried.clear();
                carried_bytes = 0;
            }
        }
        if !goes_on {
            return Ok(0);
        }
        reader.consume(length + usize::from(end.is_some()));
    }
}
