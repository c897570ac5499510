//! Risky orders: what no single message shows.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::secret_path::secret_paths;
use crate::json::{Kind, Value};

/// Refusals within [`SPAN_US`] from which on a person is asked.
pub(super) const MAX_DENIALS: usize = 5;
/// A minute, in microseconds.
const SPAN_US: u64 = 60_000_000;
/// Calls that are remembered, to see which are made again and again.
const RECENT: usize = 32;
/// Equal calls among them from which on it is a loop.
const MAX_EQUAL: usize = 10;
/// Secret paths and addresses that are remembered.
const MAX_NAMES: usize = 4096;

/// The last calls, refusals and approvals of a session, and the names that came from its server.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// When messages of the client were refused.
    denials: VecDeque<u64>,
    /// Hashes of the last calls.
    calls: VecDeque<u64>,
    /// When a person last let something through.
    approved_us: Option<u64>,
    /// Secret paths of errors and of strangers' texts, that the client had not named before.
    told: HashSet<u64>,
    /// Secret paths the client named by itself.
    named: HashSet<u64>,
    /// Addresses of people in what the server said.
    addresses: HashSet<u64>,
}

impl Order {
    /// A message of the client was refused.
    pub(super) fn refused(&mut self, now_us: u64) {
        self.denials.push_back(now_us);
        if self.denials.len() > MAX_DENIALS {
            self.denials.pop_front();
        }
    }

    /// Too many messages of the client were refused within a minute.
    pub(super) fn many_denials(&self, now_us: u64) -> bool {
        let first = self.denials.front().filter(|_| self.denials.len() >= MAX_DENIALS);
        first.is_some_and(|first| now_us.saturating_sub(*first) <= SPAN_US)
    }

    /// A person let something through.
    pub(super) fn approved(&mut self, now_us: u64) {
        self.approved_us = Some(now_us);
    }

    /// A person let something through within the last minute.
    pub(super) fn just_approved(&self, now_us: u64) -> bool {
        self.approved_us.is_some_and(|approved| now_us.saturating_sub(approved) <= SPAN_US)
    }

    /// A call with the hash `call` was let through.
    pub(super) fn called(&mut self, call: u64) {
        self.calls.push_back(call);
        if self.calls.len() > RECENT {
            self.calls.pop_front();
        }
    }

    /// It was made over and over.
    pub(super) fn is_loop(&self, call: u64) -> bool {
        self.calls.iter().filter(|other| **other == call).count() >= MAX_EQUAL
    }

    /// A text of an error, or of a stranger, reached the client.
    pub(super) fn told(&mut self, text: &str) {
        secret_paths(text, |path| {
            if !self.named.contains(&path) && self.told.len() < MAX_NAMES {
                self.told.insert(path);
            }
        });
    }

    /// Adds the secret paths of `text` to `paths`; whether one of them only the server had named.
    pub(super) fn secrets(&self, text: &str, paths: &mut Vec<u64>) -> bool {
        let mut told = false;
        secret_paths(text, |path| {
            told |= self.told.contains(&path);
            if paths.len() < MAX_NAMES {
                paths.push(path);
            }
        });
        told
    }

    /// The client named `paths` in a call that was let through.
    pub(super) fn named(&mut self, paths: &[u64]) {
        let room = MAX_NAMES.saturating_sub(self.named.len());
        self.named.extend(paths.iter().take(room));
    }

    /// A text of the server reached the client: its addresses are remembered.
    pub(super) fn said(&mut self, text: &str) {
        addresses(text, |address| {
            if self.addresses.len() < MAX_NAMES {
                self.addresses.insert(address);
            }
        });
    }

    /// An address of `text` is known only from the server.
    pub(super) fn has_address(&self, text: &str) -> bool {
        let mut found = false;
        addresses(text, |address| found |= self.addresses.contains(&address));
        found
    }
}

/// Shows `visit` the hash of each mail address of `text`.
fn addresses(text: &str, mut visit: impl FnMut(u64)) {
    /// Bytes of each side that count.
    const SIDE: usize = 64;
    let bytes = text.as_bytes();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'+');
    for at in memchr::memchr_iter(b'@', bytes) {
        let before = bytes.get(at.saturating_sub(SIDE)..at).unwrap_or_default();
        let behind = bytes.get(at + 1..bytes.len().min(at + 1 + SIDE)).unwrap_or_default();
        let before = before.iter().rev().take_while(|byte| is_part(byte)).count();
        let behind = behind.iter().take_while(|byte| is_part(byte)).count();
        let address = bytes.get(at - before..at + 1 + behind).unwrap_or_default().to_ascii_lowercase();
        let address = address.strip_suffix(b".").unwrap_or(&address);
        if before > 0 && behind > 3 {
            let mut hasher = DefaultHasher::new();
            address.hash(&mut hasher);
            visit(hasher.finish());
        }
    }
}

/// A call's hash: the same for the same tool and the same arguments, whatever the order of their keys. Whoever wants two
/// calls to have one finds some: then a call is noted as made again that is another.
pub(super) fn hash_of(tool: &str, arguments: Option<Value<'_>>) -> u64 {
    mix(of_text(tool), arguments.map_or(0, hash))
}

/// The document's depth is bounded, and with it the recursion.
fn hash(value: Value<'_>) -> u64 {
    let (kind, inside) = match value.kind() {
        Kind::Object => {
            let member = |(key, value): (Value<'_>, Value<'_>)| {
                mix(of_text(&key.as_str().unwrap_or_default()), hash(value))
            };
            (1, value.members().map(member).fold(0, u64::wrapping_add))
        }
        Kind::Array => (2, value.elements().fold(0, |so_far, element| mix(so_far, hash(element)))),
        Kind::String => (3, of_text(&value.as_str().unwrap_or_default())),
        Kind::Null | Kind::True | Kind::False | Kind::Number => (4, of_text(value.raw())),
    };
    mix(kind, inside)
}

/// Eight bytes at a time, the last overlapping those before, and the length.
fn of_text(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let Some(last) = bytes.last_chunk::<8>() else {
        return mix(length, bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    };
    let (words, _) = bytes.as_chunks::<8>();
    let hash = words.iter().fold(length, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    mix(hash, u64::from_le_bytes(*last))
}

/// Both halves of a product: each bit of either shows in many.
fn mix(hash: u64, word: u64) -> u64 {
    const ODD: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93];
    let [one, other] = ODD;
    let product = u128::from(hash ^ one) * u128::from(word ^ other);
    let (low, high) = (product & u128::from(u64::MAX), product >> 64);
    u64::try_from(low ^ high).unwrap_or_default().wrapping_add(hash.rotate_left(23))
}

/// Whether `key` hides whom it names from the others.
pub(super) fn is_hidden_recipient(key: &str) -> bool {
    let key: String =
        key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    key.starts_with("bcc") || key.starts_with("blindc") || key.ends_with("bcc")
}
