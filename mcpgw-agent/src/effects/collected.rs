//! What was done during one call: each thing once, within bounds.

use super::noise::{NOISES, Noise, noise};
use super::{Act, Outcome, SideEffect};

/// Different things that are kept of one call; more are counted.
pub const KEPT_MAX: usize = 64;
/// Bytes of names and arguments that are kept of one call; what would be more is counted.
pub const KEPT_BYTES: usize = 32 << 10;

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// Each different thing, in the order they began.
    pub kept: Vec<Kept>,
    /// Things that are not kept, because there were too many.
    pub more: u64,
    /// How much noise there was, by [`NOISES`].
    pub noise: [u64; NOISES.len()],
    /// Things the kernel had no room to tell.
    pub lost: u64,
    /// Bytes of names and arguments in `kept`.
    bytes: usize,
}

/// One thing that was done, perhaps more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What.
    pub act: Act,
    /// What came of it.
    pub outcome: Outcome,
    /// A name in it is not whole.
    pub cut: bool,
    /// How often.
    pub count: u64,
    /// Calls that were open at that moment: whose it is of these cannot be told. 1 where it can, 0 where none was open.
    pub among: u32,
}

impl Collected {
    /// Nothing but noise is known, and nothing is missing.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.kept.is_empty() && self.more == 0 && self.lost == 0
    }

    /// Nothing at all is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.more == 0 && self.lost == 0 && self.noise.iter().all(|count| *count == 0)
    }

    /// Adds one thing, done while `among` calls were open.
    pub(super) fn add(&mut self, effect: &SideEffect, among: u32) {
        if let Some(noise) = noise(effect) {
            return self.add_noise(noise);
        }
        let is_same = |kept: &&mut Kept| {
            kept.outcome == effect.outcome && kept.cut == effect.cut && kept.act == effect.act
        };
        if let Some(kept) = self.kept.iter_mut().find(is_same) {
            kept.count = kept.count.saturating_add(1);
            kept.among = kept.among.min(among);
        } else if self.kept.len() < KEPT_MAX && self.bytes + effect.act.bytes() <= KEPT_BYTES {
            self.bytes += effect.act.bytes();
            let SideEffect { act, outcome, cut, .. } = effect.clone();
            self.kept.push(Kept { act, outcome, cut, count: 1, among });
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    fn add_noise(&mut self, noise: Noise) {
        let place = NOISES.iter().position(|known| *known == noise);
        if let Some(count) = place.and_then(|place| self.noise.get_mut(place)) {
            *count = count.saturating_add(1);
        }
    }
}
