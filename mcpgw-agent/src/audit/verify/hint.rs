//! What a record of the log's own says of the key that signed it. It says so before its signature is checked, so it is
//! believed only as far as it leads to a key that fits.

use crate::audit::chain::{event, member, number};

/// Which key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hint {
    /// Names the root.
    pub(super) root: Box<str>,
    /// The log's number.
    pub(super) log: u64,
    /// The epoch's number.
    pub(super) epoch: u64,
}

impl Hint {
    /// What `line` says; `None` where it says nothing, or is signed with a key that does not evolve.
    pub(super) fn of(line: &[u8]) -> Option<Self> {
        const BEFORE: &[u8] = br#","sealing":{"root":""#;
        // In a message's record it would be a peer's words.
        event(line).filter(|event| event.starts_with("log."))?;
        let root = member(line, BEFORE).filter(|id| id.len() == 16)?.into();
        let rest = line.get(memchr::memmem::find(line, BEFORE)?..)?;
        Some(Self { root, log: number(rest, br#","log":"#)?, epoch: number(rest, br#","epoch":"#)? })
    }
}
