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

use super::chain::Signer;
use super::key::Key;
use super::lines::each_line;
use walk::Walk;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 1 << 20;

/// Verifies files, one after the other; one may continue the chain of the one before.
#[derive(Debug)]
pub struct Verifier {
    signer: Signer,
    /// The end of the file before.
    end: Option<(u64, [u8; 32])>,
    /// That file says that the log goes on in another.
    finished: bool,
}

impl Verifier {
    /// Verifies what was signed with `key`.
    #[must_use]
    pub fn new(key: &Key) -> Self {
        Self { signer: Signer::new(key), end: None, finished: false }
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
        let mut walk = Walk::new(&mut self.signer, self.end, self.finished);
        let torn = each_line(reader, |line| walk.line(line))?;
        let (report, end, finished) = walk.end(torn, live);
        (self.end, self.finished) = (end, finished);
        Ok(report)
    }
}
