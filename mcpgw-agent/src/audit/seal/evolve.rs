//! The steps from key to key.

use std::fmt;

use ed25519_dalek::{SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::audit::chain::Signer;
use crate::hex;

/// A key's bytes. They stay where they are made, so that moving the key leaves no copy behind.
pub(super) type Bytes = Box<Zeroizing<[u8; 32]>>;

/// The key every log of a directory begins with: M0, or one that came of it.
#[derive(Clone)]
pub struct RootKey {
    /// Names M0 without giving it away.
    pub(in crate::audit) id: Box<str>,
    /// The log whose first key comes of this one.
    pub(in crate::audit) log: u64,
    pub(super) bytes: Bytes,
}

/// The key of one epoch of one log.
#[derive(Clone)]
pub struct EpochKey {
    /// Names the root it came of.
    pub(in crate::audit) root: Box<str>,
    /// Which log of its directory.
    pub(in crate::audit) log: u64,
    /// Which epoch, from 0.
    pub(in crate::audit) epoch: u64,
    pub(super) bytes: Bytes,
}

/// Where in a log a key begins to sign: after this record, which has this hash; 0 and zeros for the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Anchor {
    /// The record's number.
    pub seq: u64,
    /// Its hash.
    pub head: [u8; 32],
}

/// What an epoch's seals are checked with by those who have no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Names the root; empty for a key that does not evolve.
    pub(in crate::audit) root: Box<str>,
    /// Which log of its directory.
    pub(in crate::audit) log: u64,
    /// Which epoch.
    pub(in crate::audit) epoch: u64,
    pub(in crate::audit) key: VerifyingKey,
}

impl RootKey {
    /// M0 of these bytes.
    pub(in crate::audit) fn first(bytes: Bytes) -> Self {
        let id = derive(&bytes[..], b"mcpgw audit root id");
        Self { id: hex::encode(id.get(..8).unwrap_or_default()).into(), log: 0, bytes }
    }

    /// The log whose first key comes of this one, by its number: as many were begun before it.
    #[must_use]
    pub fn log(&self) -> u64 {
        self.log
    }

    /// The same key.
    pub(in crate::audit) fn is(&self, other: &Self) -> bool {
        self.log == other.log && self.bytes == other.bytes
    }

    /// The root of the log after this one.
    #[must_use]
    pub fn next(&self) -> Self {
        let bytes = derive(&self.bytes[..], b"mcpgw audit next log");
        Self { id: self.id.clone(), log: self.log.saturating_add(1), bytes }
    }

    /// The first key of the log whose turn it is.
    #[must_use]
    pub fn log_key(&self) -> EpochKey {
        let bytes = derive(&self.bytes[..], b"mcpgw audit log");
        EpochKey { root: self.id.clone(), log: self.log, epoch: 0, bytes }
    }
}

impl EpochKey {
    /// The log it is of, by its number in its directory.
    #[must_use]
    pub fn log(&self) -> u64 {
        self.log
    }

    /// The epoch it is of, from 0.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The next epoch's.
    #[must_use]
    pub fn next(&self) -> Self {
        let bytes = derive(&self.bytes[..], b"mcpgw audit next epoch");
        Self { root: self.root.clone(), log: self.log, epoch: self.epoch.saturating_add(1), bytes }
    }

    /// What signs the epoch's records.
    pub(in crate::audit) fn signer(&self) -> Signer {
        Signer::of(&derive(&self.bytes[..], b"mcpgw audit sign")[..])
    }

    /// What signs the epoch's seals for those who have no key.
    pub(in crate::audit) fn open_signer(&self) -> SigningKey {
        open_signer(&self.bytes[..])
    }

    /// What these are checked with.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let key = self.open_signer().verifying_key();
        PublicKey { root: self.root.clone(), log: self.log, epoch: self.epoch, key }
    }

    /// The same key of the same epoch.
    pub(in crate::audit) fn is(&self, other: &Self) -> bool {
        self.epoch == other.epoch && self.bytes == other.bytes
    }
}

impl PublicKey {
    /// What the seals of a log are checked with whose `key` stays the same.
    pub(super) fn fixed(key: &[u8]) -> Self {
        Self { root: "".into(), log: 0, epoch: 0, key: open_signer(key).verifying_key() }
    }
}

/// The Ed25519 key that comes of `key`.
pub(in crate::audit) fn open_signer(key: &[u8]) -> SigningKey {
    SigningKey::from_bytes(&derive(key, b"mcpgw audit ed25519"))
}

fn derive(key: &[u8], what: &[u8]) -> Bytes {
    let keyed = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    let mut made = keyed.chain_update(what).finalize().into_bytes();
    let mut bytes: Bytes = Box::new(Zeroizing::new([0; 32]));
    bytes.copy_from_slice(&made);
    made.zeroize();
    bytes
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({}, log {})", self.id, self.log)
    }
}

impl fmt::Debug for EpochKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EpochKey({}, log {}, epoch {})", self.root, self.log, self.epoch)
    }
}
