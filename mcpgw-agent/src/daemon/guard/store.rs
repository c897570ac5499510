//! What outlives the agent: orders, and whether somebody switched the guard off.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::guard::Orders;

/// Bytes read at most.
const MOST: u64 = 16 << 20;

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
#[derive(Debug)]
pub(super) struct Store(PathBuf);

impl Store {
    /// The file in this directory.
    pub(super) fn within(state: &Path) -> Self {
        Self(state.join("guard.json"))
    }

    /// What is kept; nothing where there is no file.
    ///
    /// # Errors
    /// It cannot be read, or is something else.
    pub(super) fn load(&self) -> io::Result<Kept> {
        let mut text = Vec::new();
        match File::open(&self.0) {
            Ok(file) => file.take(MOST).read_to_end(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
            Err(error) => return Err(error),
        };
        serde_json::from_slice(&text).map_err(io::Error::other)
    }

    /// Keeps it, over a power cut as well.
    ///
    /// # Errors
    /// What the disk says; what was kept before is kept on.
    pub(super) fn save(&self, kept: &Kept) -> io::Result<()> {
        let new = self.0.with_extension("json.new");
        let text = serde_json::to_vec_pretty(kept).map_err(io::Error::other)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&new, &self.0)
    }
}
