//! What the kernel told of before it is known which calls were open as it was done.
//!
//! Of a tapped server the messages are read after they passed, and what it did meanwhile is told before that. So it waits here,
//! by its time, until everything is known up to then.

use std::collections::VecDeque;

use super::SideEffect;
use crate::inventory::BootTime;

/// Things that wait at most, and bytes of them.
const WAITING_MAX: usize = 4096;
const WAITING_BYTES: usize = 1 << 20;
/// What a thing takes besides its names.
const OVERHEAD: usize = 128;
/// Losses told apart at most.
const LOSSES_MAX: usize = 64;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Late {
    /// Which calls were open is known up to then.
    known: BootTime,
    /// By time.
    waiting: VecDeque<SideEffect>,
    bytes: usize,
    losses: VecDeque<Loss>,
}

/// So many things were not told, done some time before this moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loss {
    pub(super) count: u64,
    pub(super) until: BootTime,
}

impl Late {
    /// Keeps `effect`, or gives it back where enough is known. To be followed by [`due`](Self::due) until that has none.
    pub(super) fn keep(&mut self, effect: SideEffect) -> Option<SideEffect> {
        if effect.at <= self.known {
            return Some(effect);
        }
        self.bytes = self.bytes.saturating_add(size(&effect));
        let place = self.waiting.partition_point(|known| known.at <= effect.at);
        self.waiting.insert(place, effect);
        None
    }

    /// Calls are known up to `until`. Gives the first that was done by then, and the first of all where there are too many.
    pub(super) fn due(&mut self, until: BootTime) -> Option<SideEffect> {
        self.known = self.known.max(until);
        let is_full = self.waiting.len() > WAITING_MAX || self.bytes > WAITING_BYTES;
        let effect = self.waiting.pop_front_if(|first| is_full || first.at <= self.known)?;
        self.bytes = self.bytes.saturating_sub(size(&effect));
        Some(effect)
    }

    /// Notes a loss; where there are too many, with the one before.
    pub(super) fn lose(&mut self, loss: Loss) {
        let is_full = self.losses.len() >= LOSSES_MAX;
        match self.losses.back_mut().filter(|_| is_full) {
            Some(last) => {
                last.count = last.count.saturating_add(loss.count);
                last.until = last.until.max(loss.until);
            }
            None => self.losses.push_back(loss),
        }
    }

    /// Takes out the first loss of a time of which all calls are known.
    pub(super) fn lost(&mut self) -> Option<Loss> {
        self.losses.pop_front_if(|first| first.until <= self.known)
    }

    /// Things that are lost and not [taken out](Self::lost): nobody knows during which of the calls that are closed by then.
    pub(super) fn losing(&self) -> u64 {
        self.losses.iter().fold(0, |sum, loss| sum.saturating_add(loss.count))
    }
}

fn size(effect: &SideEffect) -> usize {
    effect.act.bytes().saturating_add(OVERHEAD)
}
