//! Keys as text: one line, the same in a key file, in a key that is exported, and in a QR code.
//!
//! ```text
//! mcpgw-audit:1:root:<root id>:<log>:<key>:<check>
//! mcpgw-audit:1:log:<root id>:<log>:<epoch>:<seq>:<head>:<key>:<check>
//! mcpgw-audit:1:public:<root id>:<log>:<epoch>:<seq>:<head>:<public key>:<check>
//! ```
//!
//! Capital letters are as good as small ones. `check` is the start of the SHA-256 of what stands before it, for those who copy
//! by hand.

use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::evolve::{Anchor, Bytes, EpochKey, PublicKey, RootKey};
use crate::hex;

/// What every one begins with.
const PREFIX: &str = "mcpgw-audit:1:";
/// Longer is none, in bytes.
pub(super) const LONGEST: usize = 512;

/// A key that is written down.
#[derive(Debug, Clone)]
pub enum SealKey {
    /// Verifies every log of a directory.
    Root(RootKey),
    /// Verifies one log from an epoch on, and what is before it by its hashes.
    Log(EpochKey, Anchor),
    /// Verifies the seals of one log from an epoch on, and what is before each by its hashes.
    Public(PublicKey, Anchor),
}

impl SealKey {
    /// Whether `text` is meant to be one.
    #[must_use]
    pub fn is_meant(text: &[u8]) -> bool {
        text.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX.as_bytes()))
    }

    /// Reads one; white space around it is no part of it. `None` where it is none, or was copied wrongly.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        if text.len() > LONGEST {
            return None;
        }
        let text = Zeroizing::new(std::str::from_utf8(text).ok()?.to_ascii_lowercase());
        let (before, given) = text.rsplit_once(':')?;
        if check(before) != given {
            return None;
        }
        let parts: Vec<&str> = before.strip_prefix(PREFIX)?.split(':').collect();
        match *parts.as_slice() {
            ["root", id, log, key] => {
                Some(Self::Root(RootKey { id: id_of(id)?, log: log.parse().ok()?, bytes: bytes(key)? }))
            }
            ["log", root, log, epoch, seq, head, key] => {
                let (root, log, epoch) = (id_of(root)?, log.parse().ok()?, epoch.parse().ok()?);
                Some(Self::Log(EpochKey { root, log, epoch, bytes: bytes(key)? }, anchor(seq, head)?))
            }
            ["public", root, log, epoch, seq, head, key] => {
                let (root, log, epoch) = (id_of(root)?, log.parse().ok()?, epoch.parse().ok()?);
                let key = VerifyingKey::from_bytes(&hex::decode(key.as_bytes())?).ok()?;
                Some(Self::Public(PublicKey { root, log, epoch, key }, anchor(seq, head)?))
            }
            _ => None,
        }
    }

    /// The text. It is a secret, but for a public key.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(LONGEST));
        let secret = |bytes: &Bytes| Zeroizing::new(hex::encode(&bytes[..]));
        let mut push = |parts: &[&str]| {
            text.push_str(PREFIX);
            text.push_str(&Zeroizing::new(parts.join(":")));
        };
        match self {
            Self::Root(key) => push(&["root", &key.id, &key.log.to_string(), &secret(&key.bytes)]),
            Self::Log(key, Anchor { seq, head }) => {
                let numbers = [key.log.to_string(), key.epoch.to_string(), seq.to_string()];
                let [log, epoch, seq] = &numbers;
                push(&["log", &key.root, log, epoch, seq, &hex::encode(head), &secret(&key.bytes)]);
            }
            Self::Public(key, Anchor { seq, head }) => {
                let numbers = [key.log.to_string(), key.epoch.to_string(), seq.to_string()];
                let [log, epoch, seq] = &numbers;
                push(&[
                    "public",
                    &key.root,
                    log,
                    epoch,
                    seq,
                    &hex::encode(head),
                    &hex::encode(key.key.as_bytes()),
                ]);
            }
        }
        let check = check(&text);
        text.push(':');
        text.push_str(&check);
        text
    }
}

fn check(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()).get(..4).unwrap_or_default())
}

fn id_of(text: &str) -> Option<Box<str>> {
    let is_id = matches!(text.len(), 0 | 16) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| text.into())
}

fn bytes(text: &str) -> Option<Bytes> {
    let bytes = Zeroizing::new(hex::decode::<32>(text.as_bytes())?);
    Some(Box::new(bytes))
}

fn anchor(seq: &str, head: &str) -> Option<Anchor> {
    Some(Anchor { seq: seq.parse().ok()?, head: hex::decode(head.as_bytes())? })
}
