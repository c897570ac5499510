//! What waits to be judged: bounded, in the order it passed.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Watched;
use crate::inventory::{Channel, FollowList, Followed, Listener, Peer, ProcessKey};
use crate::wire::Chunk;

/// Bytes that wait at most.
const BYTES: usize = 32 << 20;
/// Things that wait at most, whatever their size.
const ITEMS: usize = 65_536;
/// What a thing takes besides its bytes.
const OVERHEAD: usize = 128;

/// Something for the judge to do.
#[derive(Debug)]
pub(super) enum Item {
    /// Bytes passed over a channel.
    Channel(Chunk),
    /// Bytes passed over a connection to `listener`, from or to `client`.
    Tcp { chunk: Chunk, listener: Listener, client: Option<ProcessKey> },
    /// Bytes passed over TLS.
    Tls(Chunk),
    /// A process whose TLS is read; as it was known then.
    Client(Box<Peer>),
    /// It has ended.
    ClientGone(ProcessKey),
    /// Whose messages are wanted.
    Rules(Box<FollowList>),
    /// This server's messages are wanted from now on; or something of it has changed. What it does may be told from now on.
    Follow(Box<Followed>, Option<Watched>),
    /// This record's are wanted no more, or it has ended.
    Unfollow(u64),
    /// What passed here is of no interest.
    Forget(Channel),
    /// Nor here.
    ForgetPort(u16),
}

impl Item {
    /// Of traffic it has.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Channel(chunk) | Self::Tcp { chunk, .. } | Self::Tls(chunk) => chunk.bytes.len(),
            Self::Client(_) | Self::ClientGone(_) | Self::Rules(_) => 0,
            Self::Follow(..) | Self::Unfollow(_) | Self::Forget(_) | Self::ForgetPort(_) => 0,
        }
    }
}

/// What had no room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) pieces: u64,
    pub(super) bytes: u64,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    bytes: usize,
    dropped: Dropped,
    closed: bool,
}

/// The queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    more: Condvar,
}

impl Queue {
    /// Adds `item`; `false` where there is no room, which is counted. Does not wait.
    pub(super) fn push(&self, item: Item) -> bool {
        let mut state = self.state();
        let size = item.bytes().saturating_add(OVERHEAD);
        // What is no traffic is rare, and nothing works without it.
        let is_traffic = matches!(item, Item::Channel(_) | Item::Tcp { .. } | Item::Tls(_));
        let limit = if is_traffic { (ITEMS, BYTES) } else { (ITEMS * 2, BYTES * 2) };
        if state.items.len() >= limit.0 || state.bytes.saturating_add(size) > limit.1 {
            state.dropped.pieces = state.dropped.pieces.saturating_add(1);
            let bytes = u64::try_from(item.bytes()).unwrap_or(u64::MAX);
            state.dropped.bytes = state.dropped.bytes.saturating_add(bytes);
            return false;
        }
        state.bytes = state.bytes.saturating_add(size);
        let was_empty = state.items.is_empty();
        state.items.push_back(item);
        drop(state);
        if was_empty {
            self.more.notify_one();
        }
        true
    }

    /// Moves what waits to `items`, waiting for something for as long as `patience`; `false` once it is closed and empty.
    pub(super) fn take(&self, items: &mut VecDeque<Item>, patience: Duration) -> bool {
        let state = self.state();
        let idle = |state: &mut State| state.items.is_empty() && !state.closed;
        let waited = self.more.wait_timeout_while(state, patience, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut state.items, items);
        state.bytes = 0;
        !(state.closed && items.is_empty())
    }

    /// What had no room since this was asked last.
    pub(super) fn dropped(&self) -> Dropped {
        std::mem::take(&mut self.state().dropped)
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.more.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{BootTime, ChannelKind, StreamSource};

    fn chunk(len: usize) -> Item {
        let channel = Channel { kind: ChannelKind::Fifo, ino: 1 };
        let process = ProcessKey { pid: 1, start_ticks: 1 };
        Item::Channel(Chunk {
            source: StreamSource::Channel { channel, process, wrote: false },
            at: BootTime(1),
            connection: 0,
            offset: 0,
            bytes: vec![0; len],
            skipped: 0,
            end: false,
        })
    }

    #[test]
    fn what_has_no_room_is_counted_and_orders_still_pass() {
        let queue = Queue::default();
        let mut taken = 0;
        while queue.push(chunk(1 << 20)) {
            taken += 1;
        }
        assert!((30..=32).contains(&taken), "{taken}");
        assert!(queue.push(Item::Unfollow(7)));
        assert_eq!(queue.dropped(), Dropped { pieces: 1, bytes: 1 << 20 });
        assert_eq!(queue.dropped(), Dropped::default());
        let mut items = VecDeque::new();
        assert!(queue.take(&mut items, Duration::ZERO) && items.len() == taken + 1);
        assert!(queue.push(chunk(1)));
        queue.close();
        items.clear();
        assert!(queue.take(&mut items, Duration::ZERO) && items.len() == 1);
        items.clear();
        assert!(!queue.take(&mut items, Duration::from_secs(60)));
    }
}
