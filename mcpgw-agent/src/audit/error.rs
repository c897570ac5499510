//! What keeps a log from being written.

use std::io;
use std::path::PathBuf;

use super::key::KeyError;

/// The log cannot be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The system refused.
    #[error("cannot {action} the audit log {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It would be in somebody else's hands.
    #[error("the audit log {} {why}", path.display())]
    Unsafe {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Another process writes it.
    #[error("another process writes the audit log {}", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// There is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It was signed with another key.
    #[error("the audit log {} is signed with key {theirs}, not with {ours}", path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
        /// The key id it names.
        theirs: String,
        /// The key id there is.
        ours: String,
    },
    /// It cannot be continued.
    #[error("the audit log {} cannot be continued: {why}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Somebody else changed it while it was written.
    #[error("the audit log {} was changed by somebody else: it has {found} bytes, not {expected}", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        found: u64,
        /// What was written.
        expected: u64,
    },
    /// It is closed.
    #[error("the audit log {} is closed", path.display())]
    Closed {
        /// The file.
        path: PathBuf,
    },
}

impl AuditError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Locked { .. } => Some("one process writes one log: give this one a file of its own"),
            Self::Key(KeyError::Missing { .. }) => {
                Some("put the key back, or move the log aside and keep it: a new one gets a new key")
            }
            Self::Key(KeyError::NotEvolving { .. }) => Some(
                "`audit init` was run after the log was begun: move the log aside, and keep `audit.key` to verify it with",
            ),
            Self::Key(KeyError::NoRoot { .. }) => {
                Some("run `mcpgw-agent audit init`, or take out `gateway.audit.seal.required`")
            }
            Self::Key(KeyError::Exists { .. }) => Some(
                "--replace makes another: logs begun from then on have another initial key, those there are keep \
                 theirs, and whoever lost it cannot verify them any more",
            ),
            Self::OtherKey { .. } => {
                Some("give the key the log was signed with, or move the log aside and keep it")
            }
            Self::Broken { .. } | Self::Changed { .. } => Some(
                "keep the file, it is evidence: `mcpgw-agent audit verify` says what happened to it; \
                 move it aside and start anew",
            ),
            Self::Io { .. } | Self::Unsafe { .. } | Self::Key(_) | Self::Closed { .. } => None,
        }
    }
}
