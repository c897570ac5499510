//! The audit log: one record a decision, in the file before the message goes on.
//!
//! ```text
//! Verdict ─▶ record ─▶ chain (seq, prev, sig) ─▶ file ─▶ Permitted ─▶ the other side
//! ```
//!
//! Nothing reaches the other side but the bytes of a [`Permitted`], and only this module makes one, out of a verdict that
//! forwards and a record that is written.

mod entry;
mod log;

pub use entry::Entry;
pub use log::{AuditError, AuditLog, Options};

use bytes::Bytes;

/// Bytes that may go on: decided, and on record.
#[derive(Debug)]
#[must_use]
pub struct Permitted {
    bytes: Bytes,
}

impl Permitted {
    /// The bytes to forward.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The bytes to forward.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

/// A record that is written; where the log is `synced` it may not be on the disk yet.
#[derive(Debug)]
#[must_use = "the permit is only to be had by waiting"]
pub struct Recorded {
    permitted: Option<Permitted>,
}

impl Recorded {
    /// Waits until the record is as durable as configured, blocking the thread. `None` where the verdict refuses.
    ///
    /// # Errors
    /// The record could not be made durable.
    pub fn wait(self) -> Result<Option<Permitted>, AuditError> {
        Ok(self.permitted)
    }

    /// [`wait`](Self::wait) for tasks.
    ///
    /// # Errors
    /// The record could not be made durable.
    pub async fn ready(self) -> Result<Option<Permitted>, AuditError> {
        Ok(self.permitted)
    }
}
