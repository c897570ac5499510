//! What outlives the agent: orders, and whether somebody switched the guard off.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::daemon::state_file::StateFile;
use crate::guard::Orders;

/// What is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Somebody switched it off.
    #[serde(default)]
    pub(super) is_off: bool,
    /// What people said.
    #[serde(default)]
    pub(super) orders: Orders,
}

/// The file it is kept in.
pub(super) type Store = StateFile<Kept>;

/// That file in this directory.
pub(super) fn within(state: &Path) -> Store {
    StateFile::at(state.join("guard.json"))
}
