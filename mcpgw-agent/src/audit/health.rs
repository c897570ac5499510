//! How the log is doing, for readiness and metrics. Looking never waits for a write that hangs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::AuditError;

/// How the log is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The last record could be written, and as durable as configured.
    pub writing: bool,
    /// Records written since it was opened.
    pub written: u64,
    /// Records that could not be.
    pub lost: u64,
    /// What went wrong last, also where it went well since.
    pub last_error: Option<String>,
}

/// Counts for [`Health`].
#[derive(Debug, Default)]
pub(super) struct Counts {
    written: AtomicU64,
    lost: AtomicU64,
    error: Mutex<(Option<String>, bool)>,
}

impl Counts {
    pub(super) fn written(&self) {
        // The first one after a failure says that it is over.
        self.written.fetch_add(1, Ordering::Relaxed);
        let mut error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        error.1 = false;
    }

    pub(super) fn lost(&self, error: &AuditError) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        self.failing(error);
    }

    /// It cannot be written now; no record of anybody's is lost by that.
    pub(super) fn failing(&self, error: &AuditError) {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
        let text = format!("{error}{}", cause.unwrap_or_default());
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = (Some(text), true);
    }

    pub(super) fn health(&self) -> Health {
        let (last_error, failing) = self.error.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Health {
            writing: !failing,
            written: self.written.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
            last_error,
        }
    }
}
