//! Whose sessions belong together: those of one client, which has one model that reads all of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::detect::watch::Circle;

/// Clients that are remembered. One that had to make room begins anew, and those of its sessions that are open stay among
/// themselves.
const CLIENTS_MAX: usize = 128;

/// A client, as far as it is known for sure.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Client {
    /// A process on this host.
    Process {
        /// Its user.
        uid: u32,
        /// Its process id.
        pid: u32,
        /// When it began, in clock ticks since the machine did: a pid is given out again.
        started: u64,
    },
    /// Whoever has authenticated so.
    Subject(Box<str>),
}

/// What the sessions of each client have read between them.
#[derive(Debug, Default)]
pub(super) struct Circles(Mutex<HashMap<Client, (Arc<Circle>, u64)>>);

impl Circles {
    /// That of `client`, which is used at `now_us`.
    pub(super) fn of(&self, client: Client, now_us: u64) -> Arc<Circle> {
        // Nothing is left half done while it is held.
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= CLIENTS_MAX && !table.contains_key(&client) {
            // The longest unused one makes room, of those in use only where all are.
            let age = |(circle, used): &(Arc<Circle>, u64)| (Arc::strong_count(circle) > 1, *used);
            let oldest = table.iter().min_by_key(|(_, entry)| age(entry)).map(|(client, _)| client.clone());
            oldest.and_then(|oldest| table.remove(&oldest));
        }
        let (circle, used) = table.entry(client).or_default();
        *used = now_us;
        Arc::clone(circle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_known_again_and_makes_room_where_it_is_not_used() {
        let circles = Circles::default();
        let client = |pid| Client::Process { uid: 0, pid, started: 1 };
        let (first, used) = (circles.of(client(0), 0), circles.of(client(1), 1));
        assert!(Arc::ptr_eq(&first, &circles.of(client(0), 2)));
        assert!(!Arc::ptr_eq(&first, &circles.of(Client::Process { uid: 0, pid: 0, started: 2 }, 3)));
        let gone = Arc::downgrade(&first);
        drop(first);
        for pid in 2..1000 {
            drop(circles.of(client(pid), u64::from(pid) + 3));
        }
        assert!(gone.upgrade().is_none() && Arc::ptr_eq(&used, &circles.of(client(1), 2000)));
        assert_eq!(circles.0.lock().unwrap().len(), CLIENTS_MAX);
    }
}
