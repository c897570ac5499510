//! The audit log: one record a decision, in the file before the message goes on.
//!
//! ```text
//! Entry, Event ─▶ line (JSON) ─▶ chain (seq, prev, sig) ─▶ writer (file) ─▶ sync ─▶ Permitted ─▶ the other side
//! ```
//!
//! Nothing reaches the other side but the bytes of a [`Permitted`], and only this module makes one, out of a verdict that
//! forwards and a record that is written. `docs/audit-format.md` describes the file.

mod beat;
mod chain;
mod disk;
mod effects;
mod entry;
mod error;
mod event;
pub mod files;
pub mod follow;
mod health;
pub mod index;
mod key;
mod line;
pub mod lines;
mod lock;
mod log;
mod place;
mod privacy;
pub mod query;
mod record;
mod rotate;
mod seal;
pub mod ship;
mod sync;
mod tail;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

pub use entry::{Entry, SessionMembers};
pub use error::AuditError;
pub use event::{ClientFile, Event, Exit, GuardAct, GuardOrder, Operator, Verb};
pub use health::Health;
pub use key::{KEY_VARIABLE, Key, KeyError, KeySource};
pub(crate) use line::is_hidden;
pub use log::{AuditLog, Durability, Options};
pub use place::default_path;
pub(crate) use place::user_state_dir;
pub(crate) use privacy::{HIDDEN, hides};
pub use rotate::{Kept, Rotation};
pub use seal::{
    Anchor, EpochKey, Initialised, PublicKey, ROOT_NAME, RootKey, SealKey, SealOptions, export, initialise,
};
pub use verify::{Finding, Kind, Notice, NoticeKind, Outcome, Report, Verifier};

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
}

/// A record that is written; where the log is `synced` it may not be on the disk yet.
#[derive(Debug)]
#[must_use = "the permit is only to be had by waiting"]
pub struct Recorded {
    permitted: Option<Permitted>,
    pending: Option<log::Pending>,
}

impl Recorded {
    /// Waits until the record is as durable as configured, blocking the thread. `None` where the verdict refuses.
    ///
    /// # Errors
    /// The record could not be made durable.
    pub fn wait(self) -> Result<Option<Permitted>, AuditError> {
        self.pending.map_or(Ok(()), log::Pending::wait)?;
        Ok(self.permitted)
    }

    /// [`wait`](Self::wait) for tasks.
    ///
    /// # Errors
    /// The record could not be made durable.
    pub async fn ready(self) -> Result<Option<Permitted>, AuditError> {
        if let Some(pending) = self.pending {
            pending.ready().await?;
        }
        Ok(self.permitted)
    }
}
