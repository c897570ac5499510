//! What can go wrong with pins.

use std::io;
use std::path::PathBuf;

/// Why pins cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PinsError {
    /// The system refused.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others could have written what it holds.
    #[error("{path} {why}")]
    Unsafe {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file does not hold what it should.
    #[error("{path} does not hold {what}: {why}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        what: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There are too many servers.
    #[error("{path} has files of {most} servers, and no room for more")]
    Full {
        /// The directory.
        path: PathBuf,
        /// How many there may be.
        most: usize,
    },
    /// No server is called that.
    #[error("no server is called {0}, and no hash begins with it")]
    NoServer(String),
    /// Several servers are called that.
    #[error("several servers are called {0} or have a hash that begins with it")]
    Ambiguous(String),
    /// The server has no such definition.
    #[error("it has no definition {0} that waits for approval")]
    NoDefinition(String),
}
