//! Room for messages that are held in memory: one for those of all clients and servers together. Each is bounded by
//! itself, and there may be thousands that are on their way at a time.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What every message has without asking, and room is given out by.
const PIECE: usize = 64 << 10;
/// Bytes of all messages together, those of [`PIECE`] or less not counted.
const ALL: usize = 512 << 20;

/// The room there is.
#[derive(Debug, Clone)]
pub(super) struct Room(Arc<Semaphore>);

/// What one message has of it, until this is dropped.
#[derive(Debug)]
pub(super) struct Taken {
    room: Room,
    pieces: usize,
    permit: Option<OwnedSemaphorePermit>,
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

impl Room {
    /// For messages of at most `longest` bytes each, of which there is room for two at least.
    pub(super) fn new(longest: usize) -> Self {
        let pieces = ALL.max(longest.saturating_mul(2)).div_ceil(PIECE);
        Self(Arc::new(Semaphore::new(pieces.min(Semaphore::MAX_PERMITS))))
    }

    #[cfg(test)]
    pub(super) fn of(pieces: usize) -> Self {
        Self(Arc::new(Semaphore::new(pieces)))
    }

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
        Taken { room: self.clone(), pieces: 0, permit: None }
    }
}

impl Taken {
    /// `bytes`, which have this room for as long as anything of them is held.
    pub(super) fn hold(self, bytes: Bytes) -> Bytes {
        if self.permit.is_none() { bytes } else { Bytes::from_owner(Held { bytes, _room: self }) }
    }

    /// The message has `bytes` bytes now.
    ///
    /// # Errors
    /// There is no room for them.
    pub(super) fn grow_to(&mut self, bytes: usize) -> Result<(), Full> {
        let wanted = bytes.saturating_sub(1) / PIECE;
        let Some(more) = wanted.checked_sub(self.pieces).filter(|more| *more > 0) else { return Ok(()) };
        let count = u32::try_from(more).map_err(|_many| Full)?;
        let permit = Arc::clone(&self.room.0).try_acquire_many_owned(count).map_err(|_none| Full)?;
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
        self.pieces = wanted;
        Ok(())
    }

    /// What is held has `bytes` bytes now: more, where there is room, or less.
    ///
    /// # Errors
    /// There is no room for them.
    pub(super) fn resize(&mut self, bytes: usize) -> Result<(), Full> {
        let wanted = bytes.saturating_sub(1) / PIECE;
        if let Some(less) = self.pieces.checked_sub(wanted).filter(|less| *less > 0) {
            drop(self.permit.as_mut().and_then(|held| held.split(less)));
            self.pieces = wanted;
        }
        self.grow_to(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_messages_need_none_and_long_ones_share_it() {
        let room = Room::of(3);
        let mut short = room.nothing();
        assert_eq!(short.grow_to(PIECE), Ok(()));
        let (mut one, mut other) = (room.nothing(), room.nothing());
        assert_eq!(one.grow_to(PIECE + 1), Ok(()));
        assert_eq!(one.grow_to(3 * PIECE), Ok(()));
        assert_eq!(other.grow_to(3 * PIECE), Err(Full));
        assert_eq!(other.grow_to(2 * PIECE), Ok(()));
        drop(one);
        assert_eq!(other.grow_to(4 * PIECE), Ok(()));
        assert_eq!(short.grow_to(2 * PIECE), Err(Full));
    }

    #[test]
    fn what_is_held_has_its_room_until_the_last_of_it_is_gone() {
        let room = Room::of(1);
        let long = vec![b'x'; 2 * PIECE];
        let mut taken = room.nothing();
        assert_eq!(taken.grow_to(long.len()), Ok(()));
        let held = taken.hold(long.into());
        let part = held.slice(1..2);
        drop(held);
        assert_eq!(room.nothing().grow_to(2 * PIECE), Err(Full));
        assert_eq!(part, "x");
        drop(part);
        assert_eq!(room.nothing().grow_to(2 * PIECE), Ok(()));
        let held = room.hold(vec![b'x'; 2 * PIECE].into()).unwrap();
        assert_eq!(room.hold(vec![b'x'; 2 * PIECE].into()), Err(Full));
        drop(held);
        assert_eq!(room.hold("short".into()).unwrap(), "short");
    }

    #[test]
    fn what_shrinks_gives_room_back() {
        let room = Room::of(3);
        let (mut one, mut other) = (room.nothing(), room.nothing());
        assert_eq!(one.resize(4 * PIECE), Ok(()));
        assert_eq!(other.resize(2 * PIECE), Err(Full));
        assert_eq!(one.resize(3 * PIECE), Ok(()));
        assert_eq!(other.resize(2 * PIECE), Ok(()));
        assert_eq!(one.resize(0), Ok(()));
        assert_eq!(other.resize(4 * PIECE), Ok(()));
    }

    #[test]
    fn there_is_room_for_two_however_long_they_may_be() {
        for longest in [1, 16 << 20, 1 << 30] {
            let room = Room::new(longest);
            let mut both = [room.nothing(), room.nothing()];
            assert!(both.iter_mut().all(|taken| taken.grow_to(longest).is_ok()), "{longest}");
        }
    }
}
