//! Keys that were given out. The file holds their hashes, so that whoever reads it has none of them.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::IdentityError;
use crate::config::SecretSource;
use crate::hex;
use crate::secret;

/// Longest file, in bytes.
const FILE_MAX: usize = 1 << 20;
/// Longest name of a key, and of a role, in bytes.
pub(super) const NAME_MAX: usize = 128;
/// Most roles of a principal.
pub(super) const ROLES_MAX: usize = 64;

/// The keys of a file: a line each, `NAME SHA256 [ROLE,ROLE…]`; empty lines and such that start with `#` are none.
#[derive(Default)]
pub(super) struct Keys(Vec<Key>);

struct Key {
    name: Box<str>,
    hash: [u8; 32],
    roles: Vec<Box<str>>,
}

impl Keys {
    pub(super) fn load(path: &Path) -> Result<Self, IdentityError> {
        let text = secret::read(&SecretSource::File(path.to_owned()), FILE_MAX)?;
        Self::parse(&text).map_err(|line| IdentityError::Key { path: path.to_owned(), line })
    }

    /// # Errors
    /// The line, from 1, that is none.
    pub(super) fn parse(text: &str) -> Result<Self, usize> {
        let lines = text.lines().map(str::trim).enumerate();
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let mut keys: Vec<Key> = Vec::new();
        for (number, line) in lines {
            let key = key(line).filter(|key| keys.iter().all(|other| other.name != key.name));
            keys.push(key.ok_or(number + 1)?);
        }
        Ok(Self(keys))
    }

    /// Whose `key` is. Every hash is compared to its end, so that time tells nothing.
    pub(super) fn find(&self, key: &[u8]) -> Option<(Box<str>, Vec<Box<str>>)> {
        let hash: [u8; 32] = Sha256::digest(key).into();
        let mut found = None;
        for known in &self.0 {
            let differs = known.hash.iter().zip(hash).fold(0, |differs, (a, b)| differs | (a ^ b));
            if differs == 0 {
                found = Some(known);
            }
        }
        found.map(|key| (key.name.clone(), key.roles.clone()))
    }
}

fn key(line: &str) -> Option<Key> {
    let mut words = line.split_ascii_whitespace();
    let (name, digits, roles) = (words.next()?, words.next()?, words.next());
    if words.next().is_some() || !is_name(name) {
        return None;
    }
    let hash = hex::decode(digits.to_ascii_lowercase().as_bytes())?;
    let roles: Vec<Box<str>> =
        roles.map(|roles| roles.split(',').map(Into::into).collect()).unwrap_or_default();
    (roles.len() <= ROLES_MAX && roles.iter().all(|role| is_name(role))).then(|| Key {
        name: name.into(),
        hash,
        roles,
    })
}

/// What a subject or a role may be called.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_MAX && !text.chars().any(char::is_control)
}
