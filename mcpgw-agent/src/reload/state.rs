//! What is told about the policy in force.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy::Mode;

/// The policy in force and how reloading went. Part of the status document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyState {
    /// The file; `None` for the built-in policy.
    pub path: Option<PathBuf>,
    /// 1 for the first policy, one more for each that replaced it.
    pub generation: u64,
    /// SHA-256 of its text in hexadecimal, or `built-in`.
    pub hash: String,
    /// The file's mode: `enforce` or `observe`.
    pub mode: String,
    /// How many rules it has.
    pub rules: usize,
    /// When it came into force.
    pub loaded_at: Timestamp,
    /// Whether changes of the file are noticed without being told of.
    pub watched: bool,
    /// Why the file as it is now could not be loaded, and when that was tried; `None` when the last attempt went well.
    pub last_error: Option<ReloadFailure>,
    /// Attempts to reload.
    pub reloads: ReloadCounts,
}

/// An attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadFailure {
    /// When.
    pub at: Timestamp,
    /// Why, in several lines where the file is shown.
    pub message: String,
}

/// Attempts to reload, counted since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReloadCounts {
    /// Those that went well, also where the file had not changed.
    pub ok: u64,
    /// Those that left the policy before in force.
    pub failed: u64,
}

/// The word for `mode`.
pub(crate) fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Observe => "observe",
        Mode::Enforce => "enforce",
    }
}
