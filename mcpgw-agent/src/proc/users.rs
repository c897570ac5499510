//! Names of users, remembered: a lookup may ask a directory server over the network.

use std::collections::HashMap;

use nix::unistd::{Uid, User};

/// Users remembered at most; beyond that all are forgotten and asked for again.
const CAPACITY: usize = 1024;

/// A bounded cache of user names.
#[derive(Debug, Default)]
pub(super) struct Users {
    names: HashMap<u32, Option<String>>,
}

impl Users {
    /// The name of user `uid`, where it has one.
    pub(super) fn name(&mut self, uid: u32) -> Option<String> {
        if let Some(known) = self.names.get(&uid) {
            return known.clone();
        }
        if self.names.len() >= CAPACITY {
            self.names.clear();
        }
        let name = User::from_uid(Uid::from_raw(uid)).ok().flatten().map(|user| user.name);
        self.names.insert(uid, name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_remembered_and_bounded() {
        let mut users = Users::default();
        assert_eq!(users.name(0).as_deref(), Some("root"));
        assert_eq!(users.name(4_000_000_001), None);
        assert_eq!(users.names.len(), 2);
        users.names.extend((10..).take(CAPACITY).map(|uid| (uid, None)));
        assert_eq!(users.name(4_000_000_002), None);
        assert_eq!(users.names.len(), 1);
    }
}
