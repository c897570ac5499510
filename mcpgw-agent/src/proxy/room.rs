//! Room for messages that are held in memory: one for those of all clients and servers together. Each is bounded by
//! itself, and there may be thousands that are on their way at a time.
//!
//! Nobody takes all of it: whoever takes more has no more afterwards than is left for everybody else (A. K. Choudhury and E. L.
//! Hahne, "Dynamic queue length thresholds for shared-memory packet switches", 1998). One alone may have half, two that want all
//! of it a third each, and whoever comes then finds a third.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;

/// What every message has without asking, and room is given out by.
const PIECE: usize = 64 << 10;
/// Bytes of all messages together, those of [`PIECE`] or less not counted.
const ALL: usize = 512 << 20;
/// Messages of the longest kind there is room for at least: two of one client's, since as much has to be left as it has.
const LEAST: usize = 4;
/// Of an IPv6 address that much is one client's: whoever is given a network has all addresses of it.
const NETWORK: u128 = !(u64::MAX as u128);

/// The room there is.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<All>);

#[derive(Debug)]
struct All {
    free: Mutex<usize>,
    shares: Mutex<HashMap<Whose, Weak<Mine>>>,
}

/// Whose messages count together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Whose {
    /// A client that has said who it is.
    Subject(Box<str>),
    /// One that has not.
    Address(IpAddr),
    /// A user of this host.
    User(u32),
}

/// What somebody has of the room.
#[derive(Debug, Clone)]
pub(super) struct Share(Arc<Mine>);

#[derive(Debug)]
struct Mine {
    room: Room,
    whose: Whose,
    /// Pieces. Changes only while `free` is locked.
    held: AtomicUsize,
}

/// What one message has of it, until this is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    share: Share,
    pieces: usize,
}

/// A message, and the room it has.
struct Held {
    bytes: Bytes,
    _room: Taken,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// There is none left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl Whose {
    /// A client at this address.
    pub(super) fn at(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() & NETWORK).into()),
            address @ IpAddr::V4(_) => address,
        })
    }
}

impl Room {
    /// For messages of at most `longest` bytes each, of which there is room for four at least.
    pub(super) fn new(longest: usize) -> Self {
        Self::of(ALL.max(longest.saturating_mul(LEAST)).div_ceil(PIECE))
    }

    pub(super) fn of(pieces: usize) -> Self {
        Self(Arc::new(All { free: Mutex::new(pieces), shares: Mutex::default() }))
    }

    /// What `whose` messages have of it, all of them together.
    pub(super) fn share(&self, whose: Whose) -> Share {
        let mut shares = lock(&self.0.shares);
        let known = shares.get(&whose).and_then(Weak::upgrade);
        Share(known.unwrap_or_else(|| {
            let mine = Arc::new(Mine { room: self.clone(), whose: whose.clone(), held: AtomicUsize::new(0) });
            shares.insert(whose, Arc::downgrade(&mine));
            mine
        }))
    }
}

impl Drop for Mine {
    fn drop(&mut self) {
        let mut shares = lock(&self.room.0.shares);
        // Another may have begun meanwhile.
        if shares.get(&self.whose).is_some_and(|share| share.strong_count() == 0) {
            shares.remove(&self.whose);
        }
    }
}

impl Share {
    /// `bytes`, which have room for as long as anything of them is held.
    ///
    /// # Errors
    /// There is no room for them.
    pub(super) fn hold(&self, bytes: Bytes) -> Result<Bytes, Full> {
        let mut taken = self.nothing();
        taken.grow_to(bytes.len())?;
        Ok(taken.hold(bytes))
    }

    /// For a message of which nothing is there yet.
    pub(super) fn nothing(&self) -> Taken {
        Taken { share: self.clone(), pieces: 0 }
    }

    fn take(&self, more: usize) -> Result<(), Full> {
        let mut free = lock(&self.0.room.0.free);
        let left = free.checked_sub(more).ok_or(Full)?;
        let mine = self.0.held.load(Ordering::Relaxed).saturating_add(more);
        if mine > left {
            return Err(Full);
        }
        *free = left;
        self.0.held.store(mine, Ordering::Relaxed);
        Ok(())
    }

    fn give(&self, less: usize) {
        let mut free = lock(&self.0.room.0.free);
        *free = free.saturating_add(less);
        self.0.held.fetch_sub(less, Ordering::Relaxed);
    }
}

impl Taken {
    /// `bytes`, which have this room for as long as anything of them is held.
    pub(super) fn hold(self, bytes: Bytes) -> Bytes {
        if self.pieces == 0 { bytes } else { Bytes::from_owner(Held { bytes, _room: self }) }
    }

    /// The message has `bytes` bytes now.
    ///
    /// # Errors
    /// There is no room for them.
    pub(super) fn grow_to(&mut self, bytes: usize) -> Result<(), Full> {
        let wanted = pieces(bytes);
        let Some(more) = wanted.checked_sub(self.pieces).filter(|more| *more > 0) else { return Ok(()) };
        self.share.take(more)?;
        self.pieces = wanted;
        Ok(())
    }

    /// What is held has `bytes` bytes now: more, where there is room, or less.
    ///
    /// # Errors
    /// There is no room for them.
    pub(super) fn resize(&mut self, bytes: usize) -> Result<(), Full> {
        let wanted = pieces(bytes);
        if let Some(less) = self.pieces.checked_sub(wanted).filter(|less| *less > 0) {
            self.share.give(less);
            self.pieces = wanted;
        }
        self.grow_to(bytes)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.pieces > 0 {
            self.share.give(self.pieces);
        }
    }
}

const fn pieces(bytes: usize) -> usize {
    bytes.saturating_sub(1) / PIECE
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
