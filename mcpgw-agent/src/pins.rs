//! What servers said about themselves when they were first seen or approved, kept over restarts.
//!
//! One file for each server in one directory. What a session needs is read once, when it starts; [`ServerPins::check`]
//! then holds every listing against it in memory, without I/O. What it learns is written by [`Pins::flush`], which
//! others may call as well: a file is changed under a lock, from what stands in it, so that wraps of one server that run
//! side by side lose nothing, and an approval given meanwhile counts ([`Pins::refresh`]).
//!
//! ```text
//! listing ─▶ check (memory) ─▶ report ─▶ whoever asked      approve, reset ─▶ file ─▶ refresh ─▶ memory
//!                 └▶ dirty ─▶ flush (lock, read, merge, write, rename) ─▶ file
//! ```

mod book;
mod decision;
mod directory;
mod error;
mod file;
mod server;

#[cfg(test)]
mod tests;

pub use book::{Entry, Form, Pass, Pin, Report, Standing};
pub use decision::Decision;
pub use directory::{Directory, Stamp, Stored};
pub use error::PinsError;
pub use file::{Book, Selection};
pub use server::{Pins, ServerPins, Waits};

use std::fmt;

use crate::hex;
use sha2::{Digest, Sha256};

/// When a definition counts as approved that nobody has approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// Where it is in the first complete listing of a server.
    #[default]
    FirstUse,
    /// Never.
    Approved,
}

/// Which server pins are of: what it is started by or reached at, hashed, and a name for people.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerId {
    hash: String,
    label: String,
}

/// Characters of a label that are kept.
const LABEL_MAX: usize = 128;

impl ServerId {
    /// Of what makes it this server and no other (its command with all arguments; its URL): only the hash of that is
    /// kept, since it may hold secrets. `label` is kept as it is, and must not.
    #[must_use]
    pub fn new<'a>(identity: impl IntoIterator<Item = &'a [u8]>, label: &str) -> Self {
        let mut hash = Sha256::new();
        for part in identity {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        Self { hash: hex::encode(&hash.finalize()), label: label.chars().take(LABEL_MAX).collect() }
    }

    /// A server that `user`'s clients start, by the name it goes by. What starts it is no part of it: a newer version of the
    /// same program is the same server, and what it says otherwise is a change.
    #[must_use]
    pub fn of_command(user: u32, name: &str) -> Self {
        Self::new([&b"command"[..], &user.to_le_bytes(), name.as_bytes()], name)
    }

    /// A server that is reached at `url`. User, password and query may be secrets, and go to no label.
    #[must_use]
    pub fn of_url(url: &str) -> Self {
        let label = url::Url::parse(url)
            .ok()
            .map(|url| format!("{}{}", url.origin().ascii_serialization(), url.path()));
        Self::new([&b"url"[..], url.as_bytes()], &label.unwrap_or_default())
    }

    /// As it stands in a file.
    pub(crate) fn stored(hash: &str, label: &str) -> Option<Self> {
        is_hash(hash).then(|| Self { hash: hash.to_owned(), label: label.chars().take(LABEL_MAX).collect() })
    }

    /// 64 hexadecimal digits: the name of its file.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What people call it.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
