//! What a client's file holds, as far as it is compared and told, and what it held before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::daemon::state_file::StateFile;
use crate::hex;
use crate::inventory::program;
use crate::scan::Target;
use crate::scan::clients::servers_in;

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

/// The file it is kept in, in this directory.
pub(super) fn kept_in(state: &Path) -> StateFile<Entries> {
    StateFile::at(state.join("client-files.json"))
}
