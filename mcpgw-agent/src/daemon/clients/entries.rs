//! What a client's file holds, as far as it is compared and told, and what it held before.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hex;
use crate::inventory::program;
use crate::scan::Target;
use crate::scan::clients::servers_in;

/// Bytes of what is kept at most.
const MOST: u64 = 64 << 20;

/// A server in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// What is started, or the host that is asked.
    pub(super) runs: String,
    /// SHA-256 of all of it, secrets included: never told.
    hash: String,
}

/// What all files held.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Entries {
    pub(super) files: BTreeMap<PathBuf, BTreeMap<String, Entry>>,
}

/// What a file holds, by the servers' names; nothing where there is no file. `None` where it is there and cannot be read: an
/// editor may be at it.
pub(super) fn read(path: &Path, member: &'static str) -> Option<BTreeMap<String, Entry>> {
    let servers = servers_in(path, member)
        .inspect_err(|why| tracing::debug!(?path, why, "a client's configuration file cannot be read"))
        .ok()?;
    Some(servers.into_iter().map(|server| (server.name, entry(&server.target))).collect())
}

fn entry(target: &Target) -> Entry {
    let mut hasher = Sha256::new();
    let mut part = |text: &[u8]| {
        hasher.update(text.len().to_le_bytes());
        hasher.update(text);
    };
    let runs = match target {
        Target::Url { url, authorization } => {
            part(url.as_str().as_bytes());
            part(authorization.as_deref().unwrap_or_default().as_bytes());
            url.host_str().unwrap_or_default().to_owned()
        }
        Target::Command { words, environment, directory } => {
            words.iter().for_each(|word| part(word.as_encoded_bytes()));
            for (name, value) in environment {
                part(name.as_encoded_bytes());
                part(value.as_encoded_bytes());
            }
            part(directory.as_ref().map(|path| path.as_os_str().as_encoded_bytes()).unwrap_or_default());
            let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            program(&words).unwrap_or_default()
        }
    };
    Entry { runs, hash: hex::encode(&hasher.finalize()) }
}

/// The file it is kept in.
#[derive(Debug)]
pub(super) struct Store(PathBuf);

impl Store {
    pub(super) fn within(state: &Path) -> Self {
        Self(state.join("client-files.json"))
    }

    /// What is kept; `None` where nothing was yet.
    ///
    /// # Errors
    /// It cannot be read, or is something else.
    pub(super) fn load(&self) -> io::Result<Option<Entries>> {
        let mut text = Vec::new();
        match File::open(&self.0) {
            Ok(file) => file.take(MOST).read_to_end(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        serde_json::from_slice(&text).map(Some).map_err(io::Error::other)
    }

    /// Keeps it.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn save(&self, entries: &Entries) -> io::Result<()> {
        let new = self.0.with_extension("json.new");
        let text = serde_json::to_vec(entries).map_err(io::Error::other)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&new, &self.0)
    }
}
