//! What rules say of files, as the probes look it up: by inode and by name in a directory. Pure.

use std::collections::BTreeMap;

use mcpgw_common::limit;
use mcpgw_common::map::{FileId, PlaceKey, PlaceRule, deed};

use crate::kernel::Inode;
use crate::policy::effects::Kind;

/// A directory entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Whatever leads to this inode.
    Inode(Inode),
    /// This name in this directory, whether there is anything or not.
    In(Inode, String),
    /// This name in every directory.
    Named(String),
}

/// What may be done where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaceRules {
    said: BTreeMap<(FileId, [u8; limit::PLACE_NAME]), Said>,
    limited: u32,
    listed: u32,
}

/// As in a [`PlaceRule`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Said {
    here: u32,
    below: u32,
}

impl PlaceRules {
    /// Something is said of `kind`; where it is `listed`, whatever is not allowed is denied.
    pub fn limit(&mut self, kind: Kind, listed: bool) {
        let bit = bit(kind);
        self.limited |= bit;
        if listed {
            self.listed |= bit;
        }
    }

    /// `kind` is allowed at a place; with `below` also of all that is in it.
    pub fn allow(&mut self, kind: Kind, place: &Place, below: bool) {
        self.say(bit(kind), place, below);
    }

    /// `kind` is denied there. Says whether the place can be told apart.
    pub fn deny(&mut self, kind: Kind, place: &Place, below: bool) -> bool {
        self.say(bit(kind) << deed::DENIED, place, below)
    }

    fn say(&mut self, bits: u32, place: &Place, below: bool) -> bool {
        let (id, name) = match place {
            Place::Inode(inode) => (inode.id, ""),
            Place::In(directory, name) => (directory.id, name.as_str()),
            Place::Named(name) => (FileId::default(), name.as_str()),
        };
        let mut key = [0; limit::PLACE_NAME];
        // One that fills its room may be cut as far as the probe can tell.
        if name.len() >= key.len() {
            return false;
        }
        for (to, from) in key.iter_mut().zip(name.bytes()) {
            *to = from;
        }
        let said = self.said.entry((id, key)).or_default();
        said.here |= bits;
        if below {
            said.below |= bits;
        }
        true
    }

    /// Nothing is said of any kind.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.limited == 0
    }

    pub(super) fn limited(&self) -> u32 {
        self.limited
    }

    pub(super) fn listed(&self) -> u32 {
        self.listed
    }

    /// In the eyes of `group`.
    pub(super) fn of(&self, group: u32) -> BTreeMap<PlaceKey, PlaceRule> {
        let rule = |(&(id, name), &Said { here, below }): (&(FileId, _), &Said)| {
            (PlaceKey { group, dev: id.dev, ino: id.ino, name }, PlaceRule { here, below })
        };
        self.said.iter().map(rule).collect()
    }
}

/// What is done to a file; nothing for what is done to none.
fn bit(kind: Kind) -> u32 {
    match kind {
        Kind::Read => deed::READ,
        Kind::Write => deed::WRITE,
        Kind::Delete => deed::DELETE,
        Kind::Exec => deed::EXEC,
        Kind::Rename | Kind::Connect | Kind::Listen => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_place_adds_up() {
        let mut rules = PlaceRules::default();
        assert!(rules.is_empty());
        rules.limit(Kind::Read, false);
        rules.limit(Kind::Write, true);
        assert_eq!((rules.limited(), rules.listed()), (deed::READ | deed::WRITE, deed::WRITE));
        let env = Place::Named(".env".to_owned());
        assert!(rules.deny(Kind::Read, &env, false));
        rules.allow(Kind::Write, &env, true);
        let denied = deed::READ << deed::DENIED;
        let all = rules.of(7);
        let (key, rule) = all.first_key_value().unwrap();
        assert_eq!((all.len(), key.group, key.dev, key.ino), (1, 7, 0, 0));
        assert!(key.name.starts_with(b".env\0"));
        assert_eq!(*rule, PlaceRule { here: denied | deed::WRITE, below: deed::WRITE });

        // As long as the probe can tell it from a longer one.
        assert!(rules.deny(Kind::Read, &Place::Named("x".repeat(63)), false));
        assert!(!rules.deny(Kind::Read, &Place::Named("x".repeat(64)), false));
    }
}
