//! The log's file and its one writer.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use super::{Entry, Permitted, Recorded};

/// Where and how records are written.
#[derive(Debug, Clone)]
pub struct Options {
    /// The file.
    pub path: PathBuf,
}

/// The log cannot be opened or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the audit log {}", path.display())]
pub struct AuditError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// The audit log.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    file: Mutex<File>,
}

impl AuditLog {
    /// Opens the log, and makes it where it is not there.
    ///
    /// # Errors
    /// [`AuditError`]
    pub fn open(options: &Options) -> Result<Self, AuditError> {
        let path = options.path.clone();
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.map_err(|source| AuditError { path: path.clone(), source })?;
        Ok(Self { path, file: Mutex::new(file) })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Records a decision. `outgoing` is what would go on, if the verdict lets it.
    ///
    /// # Errors
    /// The record is not written, and the message must not go on where the mode is enforce.
    pub fn record(&self, entry: &Entry<'_>, outgoing: Bytes) -> Result<Recorded, AuditError> {
        let line = format!("{}\n", entry.decision);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes()).map_err(|source| AuditError { path: self.path.clone(), source })?;
        let permitted = entry.verdict.forwards().then_some(Permitted { bytes: outgoing });
        Ok(Recorded { permitted })
    }
}
