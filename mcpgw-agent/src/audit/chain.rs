//! What ties records together: a sequence number, the hash of the record before, and a signature.
//!
//! ```text
//! {"timestamp":…  ,"seq":12,"prev":"<hash of line 11>"  ,"sig":"<HMAC>"}
//! ╰──────────── signed, with the closing brace ───────╯
//! ```
//!
//! A record that seals has a second signature, for those who have no key: `,"ed25519":"…"` before `,"sig":"…"`.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::key::Key;
use super::line::push_number;
use crate::hex;

/// What stands before the signature.
const BEFORE_SIG: &[u8] = br#","sig":""#;
/// What stands before the signature anybody can check.
const BEFORE_ED25519: &[u8] = br#","ed25519":""#;
/// What stands before the hash.
const BEFORE_PREV: &[u8] = br#","prev":""#;
/// What stands before the number.
const BEFORE_SEQ: &[u8] = br#","seq":"#;
/// The longest line a reader takes for a record, in bytes. What is bounded in a record adds up to a third of it.
pub(super) const LINE_MAX: usize = 1 << 20;

/// Signs records, with the key of one epoch.
#[derive(Clone)]
pub(super) struct Signer {
    keyed: Hmac<Sha256>,
    key_id: Box<str>,
}

impl Signer {
    pub(super) fn new(key: &Key) -> Self {
        Self::of(key.bytes())
    }

    /// Signs with these bytes.
    pub(super) fn of(key: &[u8]) -> Self {
        let keyed = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
        let id = keyed.clone().chain_update(b"mcpgw audit key id").finalize().into_bytes();
        let key_id = hex::encode(id.get(..8).unwrap_or_default());
        Self { keyed, key_id: key_id.into() }
    }

    /// Names the key without giving it away.
    pub(super) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Signs a record, which is `text` and a closing brace.
    pub(super) fn sign(&self, text: &[u8]) -> [u8; 32] {
        self.keyed.clone().chain_update(text).chain_update(b"}").finalize().into_bytes().into()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.key_id)
    }
}

/// The end of a chain, where records are added.
#[derive(Debug)]
pub(super) struct Chain {
    signer: Signer,
    seq: u64,
    head: Head,
}

/// The hash of the last record. It is made when it is asked for: by then the message has gone on.
enum Head {
    Hash([u8; 32]),
    /// Of this line.
    Of(Vec<u8>),
}

impl Head {
    fn hash(&self) -> [u8; 32] {
        match self {
            Self::Hash(hash) => *hash,
            Self::Of(line) => hash(line),
        }
    }

    fn into_line(self) -> Option<Vec<u8>> {
        match self {
            Self::Hash(_) => None,
            Self::Of(line) => Some(line),
        }
    }
}

/// What a record says is not for everybody's eyes.
impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head").finish_non_exhaustive()
    }
}

impl Chain {
    /// A chain whose last record is `seq` with hash `head`; 0 and zeros where it has none.
    pub(super) fn new(signer: Signer, seq: u64, head: [u8; 32]) -> Self {
        Self { signer, seq, head: Head::Hash(head) }
    }

    pub(super) fn key_id(&self) -> &str {
        self.signer.key_id()
    }

    /// The last record's number and hash; `None` where there is none.
    pub(super) fn end(&self) -> Option<(u64, [u8; 32])> {
        (self.seq > 0).then(|| (self.seq, self.head.hash()))
    }

    /// The last record's number; 0 where there is none.
    pub(super) fn last(&self) -> u64 {
        self.seq
    }

    /// Signs with another key from here on.
    pub(super) fn evolve(&mut self, signer: Signer) {
        self.signer = signer;
    }

    /// Completes `line`, line feed included, as the next record. It is not part of the chain before it is
    /// [`added`](Self::added).
    pub(super) fn seal(&self, line: &mut Vec<u8>) {
        self.number(line);
        self.sign(line);
    }

    /// [`seal`](Self::seal)s `line`, with a signature anybody can check.
    pub(super) fn seal_openly(&self, line: &mut Vec<u8>, key: &SigningKey) {
        self.number(line);
        line.push(b'}');
        let signature = key.sign(line).to_bytes();
        line.pop();
        line.extend_from_slice(BEFORE_ED25519);
        hex::push(line, &signature);
        line.push(b'"');
        self.sign(line);
    }

    fn number(&self, line: &mut Vec<u8>) {
        line.extend_from_slice(BEFORE_SEQ);
        push_number(line, self.seq.saturating_add(1));
        line.extend_from_slice(BEFORE_PREV);
        hex::push(line, &self.head.hash());
        line.push(b'"');
    }

    fn sign(&self, line: &mut Vec<u8>) {
        let sig = self.signer.sign(line);
        line.extend_from_slice(BEFORE_SIG);
        hex::push(line, &sig);
        line.extend_from_slice(b"\"}\n");
    }

    /// The sealed `line` is written. Returns its number, and the line before where that is still there.
    pub(super) fn added(&mut self, line: Vec<u8>) -> (u64, Option<Vec<u8>>) {
        self.seq = self.seq.saturating_add(1);
        let before = std::mem::replace(&mut self.head, Head::Of(line));
        (self.seq, before.into_line())
    }

    /// Makes the hash of the last record now. Returns the line, where it was not made before.
    pub(super) fn rest(&mut self) -> Option<Vec<u8>> {
        let hash = self.head.hash();
        std::mem::replace(&mut self.head, Head::Hash(hash)).into_line()
    }
}

/// The hash of a record, whether or not its line feed is there.
pub(super) fn hash(line: &[u8]) -> [u8; 32] {
    Sha256::digest(line.strip_suffix(b"\n").unwrap_or(line)).into()
}

/// The end of a record's line, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seal<'a> {
    /// What is signed, but for the closing brace.
    pub(super) text: &'a [u8],
    pub(super) seq: u64,
    pub(super) prev: [u8; 32],
    pub(super) sig: [u8; 32],
    /// The signature anybody can check, and what it signs, but for the closing brace.
    pub(super) open: Option<(&'a [u8], [u8; 64])>,
}

impl<'a> Seal<'a> {
    /// The seal of `line`, which has no line feed; `None` where it has none of exactly the form it was written in.
    pub(super) fn of(line: &'a [u8]) -> Option<Self> {
        let (text, sig) = line.strip_suffix(b"\"}")?.split_last_chunk::<64>()?;
        let text = text.strip_suffix(BEFORE_SIG)?;
        let open = open(text);
        let (rest, prev) =
            open.map_or(text, |(text, _)| text).strip_suffix(b"\"")?.split_last_chunk::<64>()?;
        let rest = rest.strip_suffix(BEFORE_PREV)?;
        let digits = rest.len() - rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let (before, digits) = rest.split_at_checked(digits)?;
        let is_number = before.ends_with(BEFORE_SEQ) && !digits.starts_with(b"0");
        let seq = std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()?;
        Some(Self { text, seq, prev: hex::decode(prev)?, sig: hex::decode(sig)?, open })
    }

    /// `signer` signed it.
    pub(super) fn is_of(&self, signer: &Signer) -> bool {
        signer.sign(self.text) == self.sig
    }

    /// It has a signature of `key`'s that anybody can check.
    pub(super) fn is_openly_of(&self, key: &VerifyingKey) -> bool {
        self.open.is_some_and(|(text, signature)| {
            let text = [text, b"}"].concat();
            key.verify_strict(&text, &Signature::from_bytes(&signature)).is_ok()
        })
    }
}

/// The Ed25519 signature `text` ends with, and what it signs.
fn open(text: &[u8]) -> Option<(&[u8], [u8; 64])> {
    let (rest, signature) = text.strip_suffix(b"\"")?.split_last_chunk::<128>()?;
    Some((rest.strip_suffix(BEFORE_ED25519)?, hex::decode(signature)?))
}

/// The event a line records; `None` for a message's.
pub(super) fn event(line: &[u8]) -> Option<&str> {
    let rest = line.get(r#"{"timestamp":"2026-01-02T03:04:05.000006Z""#.len()..)?;
    let name = rest.strip_prefix(br#","event":""#)?;
    let length = memchr::memchr(b'"', name)?;
    std::str::from_utf8(name.get(..length)?).ok()
}

/// The key id the `log.opened` record `line` names.
pub(super) fn key_id(line: &[u8]) -> Option<&str> {
    member(line, br#","key_id":""#).filter(|id| id.len() == 16)
}

/// The hexadecimal digits after `before`, which is a key and what stands between it and its value. Only for records of the
/// log's own: in others a peer's words may look like it.
pub(super) fn member<'a>(line: &'a [u8], before: &[u8]) -> Option<&'a str> {
    let value = line.get(memchr::memmem::find(line, before)? + before.len()..)?;
    let length = value.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    std::str::from_utf8(value.get(..length)?).ok()
}

/// [`member`], where it is a number.
pub(super) fn number(line: &[u8], before: &[u8]) -> Option<u64> {
    member(line, before)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_what_anybody_with_the_key_computes() {
        // RFC 4231, test case 1, for the primitive; the text signed is the line without its last member.
        let mac = Hmac::<Sha256>::new_from_slice(&[0x0b; 20]).unwrap().chain_update(b"Hi There").finalize();
        assert_eq!(
            hex::encode(&mac.into_bytes()),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        let key = Key::new(*b"0123456789abcdef", "test").unwrap();
        let chain = Chain::new(Signer::new(&key), 0, [0; 32]);
        let mut line = br#"{"timestamp":"x""#.to_vec();
        chain.seal(&mut line);
        let text = std::str::from_utf8(&line).unwrap();
        let (signed, sig) = text.trim_end().strip_suffix("\"}").unwrap().split_once(",\"sig\":\"").unwrap();
        let mac = Hmac::<Sha256>::new_from_slice(b"0123456789abcdef").unwrap();
        let mac = mac.chain_update(format!("{signed}}}")).finalize();
        assert_eq!(hex::encode(&mac.into_bytes()), sig);
        let seal = Seal::of(line.strip_suffix(b"\n").unwrap()).unwrap();
        assert_eq!((seal.seq, seal.prev), (1, [0; 32]));
        assert!(seal.is_of(&Signer::new(&key)));
    }

    #[test]
    fn the_hash_is_the_same_whenever_it_is_made() {
        let key = Key::new(*b"0123456789abcdef", "test").unwrap();
        let lines = |rests: bool| {
            let mut chain = Chain::new(Signer::new(&key), 0, [0; 32]);
            let mut lines = Vec::new();
            for number in 0..3 {
                let mut line = format!(r#"{{"timestamp":"{number}""#).into_bytes();
                chain.seal(&mut line);
                lines.push(line.clone());
                let (seq, before) = chain.added(line);
                assert_eq!((seq, before.is_some()), (number + 1, !rests && number > 0));
                let expected = (seq, hash(lines.last().unwrap()));
                assert_eq!(chain.end(), Some(expected));
                if rests {
                    assert_eq!(chain.rest().as_ref(), lines.last());
                    assert_eq!((chain.rest(), chain.end()), (None, Some(expected)));
                }
            }
            lines
        };
        assert_eq!(lines(false), lines(true));
        let all = lines(true);
        let [first, second, _] = all.as_slice() else { panic!("three") };
        assert_eq!(Seal::of(second.strip_suffix(b"\n").unwrap()).unwrap().prev, hash(first));
    }
}
