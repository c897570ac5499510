//! Who may be connected: so many visitors, some seats for root, so many registrations.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;
use crate::admin::Peer;

/// Counts connections. A full house for users leaves root a seat.
#[derive(Debug)]
pub(super) struct Seats {
    visitors: Arc<Semaphore>,
    reserved: Arc<Semaphore>,
    registrations: Arc<Semaphore>,
}

impl Seats {
    pub(super) fn new(limits: &Limits) -> Self {
        let of = |count| Arc::new(Semaphore::new(count));
        Self {
            visitors: of(limits.visitors),
            reserved: of(limits.reserved),
            registrations: of(limits.registrations),
        }
    }

    /// A visitor's seat for `peer`; given back when the permit is dropped.
    pub(super) fn take(&self, peer: &Peer) -> Option<OwnedSemaphorePermit> {
        let seat = Arc::clone(&self.visitors).try_acquire_owned().ok();
        if seat.is_some() || peer.sees_as() != 0 {
            return seat;
        }
        Arc::clone(&self.reserved).try_acquire_owned().ok()
    }

    /// A registration's.
    pub(super) fn register(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.registrations).try_acquire_owned().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_cannot_take_roots_seats() {
        let seats = Seats::new(&Limits { visitors: 1, reserved: 1, ..Limits::default() });
        let user = Peer { pid: 1, uid: u32::MAX - 1, gid: 1 };
        let root = Peer { pid: 1, uid: 0, gid: 0 };
        let first = seats.take(&user);
        assert!(first.is_some());
        assert!(seats.take(&user).is_none());
        let second = seats.take(&root);
        assert!(second.is_some());
        assert!(seats.take(&root).is_none());
        drop(first);
        assert!(seats.take(&user).is_some());
    }
}
