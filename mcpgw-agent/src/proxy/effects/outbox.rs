//! What a server did, as long as the process that wants to know has not taken it.

use std::collections::VecDeque;

use crate::effects::SideEffect;

/// Things that wait at most, and bytes of them.
const ITEMS: usize = 16_384;
const BYTES: usize = 4 << 20;
/// What a thing takes besides its names.
const OVERHEAD: usize = 128;

/// It. What has no room is counted.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    items: VecDeque<SideEffect>,
    bytes: usize,
    lost: u64,
    missed: u64,
}

impl Outbox {
    pub(super) fn add(&mut self, effect: SideEffect) {
        let size = size(&effect);
        if self.items.len() >= ITEMS || self.bytes.saturating_add(size) > BYTES {
            return self.lose(1);
        }
        self.bytes = self.bytes.saturating_add(size);
        self.items.push_back(effect);
    }

    /// So many things are not told.
    pub(super) fn lose(&mut self, count: u64) {
        self.lost = self.lost.saturating_add(count);
    }

    /// So many are not that may be others'.
    pub(super) fn miss(&mut self, count: u64) {
        self.missed = self.missed.saturating_add(count);
    }

    /// All of it, and how much is missing: for certain, and perhaps.
    pub(super) fn take(&mut self) -> (VecDeque<SideEffect>, u64, u64) {
        self.bytes = 0;
        let Self { items, lost, missed, .. } = self;
        (std::mem::take(items), std::mem::take(lost), std::mem::take(missed))
    }
}

fn size(effect: &SideEffect) -> usize {
    effect.act.bytes().saturating_add(OVERHEAD)
}
