//! What was done during one call: each thing once, within bounds.

use super::noise::{NOISES, Noise, noise};
use super::odd::{Counted, count};
use super::{Act, Odd, Oddity, Outcome, SideEffect};
use crate::policy::effects::Violation;

/// Different things that are kept of one call; more are counted.
pub const KEPT_MAX: usize = 64;
/// Bytes of names and arguments that are kept of one call; what would be more is counted.
pub const KEPT_BYTES: usize = 32 << 10;
/// Odd things that are kept besides: what is not odd does not take their place.
pub const ODD_MAX: usize = 32;
/// Bytes of names and arguments of those.
pub const ODD_BYTES: usize = 16 << 10;
/// Calls that are named because what this one may have done is listed with them.
pub const WITH_MAX: usize = 64;
/// Violations of policy that are told apart.
const VIOLATIONS_MAX: usize = 16;

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// Each different thing, in the order they began.
    pub kept: Vec<Kept>,
    /// Odd things for which there was no room there.
    pub beside: Vec<Kept>,
    /// Calls that were open at the same time and keep what had no room here: what each of them keeps may be this one's.
    pub with: Vec<Box<str>>,
    /// Things that are kept by calls that were open at the same time and are not named, because there were too many.
    pub elsewhere: u64,
    /// Things that nobody keeps, because there were too many.
    pub more: u64,
    /// How much noise there was, by [`NOISES`].
    pub noise: [u64; NOISES.len()],
    /// Things the kernel had no room to tell.
    pub lost: u64,
    /// What was odd, each kind once, whether it is kept or not.
    pub odd: Vec<Counted>,
    /// What policy says against it: each rule once.
    pub violations: Vec<Violation>,
    /// Bytes of names and arguments in `kept`.
    bytes: usize,
    /// And in `beside`.
    bytes_beside: usize,
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
    /// What is odd about it.
    pub odd: Vec<Oddity>,
    /// The rule of policy it violates.
    pub rule: Option<Box<str>>,
}

/// What became of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is noise, and counted.
    Noise,
    /// It is kept.
    Kept,
    /// There is no room for it. Nothing was counted.
    Full,
}

/// What is said of one thing that was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) odd: Vec<Odd>,
    pub(super) violation: Option<Violation>,
}

impl Collected {
    /// Nothing but noise is known, and nothing is missing.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.kept.is_empty()
            && self.beside.is_empty()
            && self.with.is_empty()
            && self.more == 0
            && self.lost == 0
    }

    /// Nothing at all is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_quiet() && self.noise.iter().all(|count| *count == 0)
    }

    /// Everything that is kept.
    pub fn all(&self) -> impl Iterator<Item = &Kept> {
        self.kept.iter().chain(&self.beside)
    }

    /// Takes in one thing, done while `among` calls were open, and what is said of it.
    pub(super) fn add(&mut self, effect: &SideEffect, among: u32, said: &Said) -> Taken {
        let is_odd = !said.odd.is_empty() || said.violation.is_some();
        if let Some(noise) = noise(effect).filter(|_| !is_odd) {
            self.add_noise(noise);
            return Taken::Noise;
        }
        said.odd.iter().for_each(|odd| count(&mut self.odd, *odd));
        if let Some(violation) = &said.violation {
            self.violated(violation);
        }
        let is_same = |kept: &&mut Kept| {
            kept.outcome == effect.outcome && kept.cut == effect.cut && kept.act == effect.act
        };
        let bytes = effect.act.bytes();
        if let Some(kept) = self.kept.iter_mut().chain(&mut self.beside).find(is_same) {
            kept.count = kept.count.saturating_add(1);
            kept.among = kept.among.min(among);
            for what in said.odd.iter().map(|odd| odd.what).filter(|_| is_odd) {
                if !kept.odd.contains(&what) {
                    kept.odd.push(what);
                }
            }
        } else if self.kept.len() < KEPT_MAX && self.bytes + bytes <= KEPT_BYTES {
            self.bytes += bytes;
            self.kept.push(Kept::new(effect, among, said));
        } else if is_odd && self.beside.len() < ODD_MAX && self.bytes_beside + bytes <= ODD_BYTES {
            self.bytes_beside += bytes;
            self.beside.push(Kept::new(effect, among, said));
        } else {
            return Taken::Full;
        }
        Taken::Kept
    }

    /// What had no room here: one of `keepers` keeps it, who were open at the same time; nobody where there are none.
    pub(super) fn refer(&mut self, keepers: &[&str]) {
        if keepers.iter().any(|keeper| self.with.iter().any(|named| **named == **keeper)) {
            return;
        }
        match keepers.first() {
            Some(keeper) if self.with.len() < WITH_MAX => self.with.push((*keeper).into()),
            Some(_) => self.elsewhere = self.elsewhere.saturating_add(1),
            None => self.more = self.more.saturating_add(1),
        }
    }

    pub(super) fn violated(&mut self, violation: &Violation) {
        let is_same = |known: &&mut Violation| (&known.rule, known.mode) == (&violation.rule, violation.mode);
        if let Some(known) = self.violations.iter_mut().find(is_same) {
            if violation.act > known.act {
                *known = violation.clone();
            }
            return;
        }
        if self.violations.len() < VIOLATIONS_MAX {
            return self.violations.push(violation.clone());
        }
        // What is worst is not lost for want of room.
        let mildest = self.violations.iter_mut().min_by_key(|known| known.act);
        if let Some(known) = mildest.filter(|known| known.act < violation.act) {
            *known = violation.clone();
        }
    }

    fn add_noise(&mut self, noise: Noise) {
        let place = NOISES.iter().position(|known| *known == noise);
        if let Some(count) = place.and_then(|place| self.noise.get_mut(place)) {
            *count = count.saturating_add(1);
        }
    }
}

impl Kept {
    fn new(effect: &SideEffect, among: u32, said: &Said) -> Self {
        let SideEffect { act, outcome, cut, .. } = effect.clone();
        let odd = said.odd.iter().map(|odd| odd.what).collect();
        let rule = said.violation.as_ref().map(|violation| violation.rule.clone());
        Self { act, outcome, cut, count: 1, among, odd, rule }
    }
}
