//! The policy in force: loaded whole, checked, and swapped at once.
//!
//! Every message takes one [`Loaded`] for its whole life. A file that cannot be loaded leaves the one before in force.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::policy::Policy;

/// A policy and its place in the sequence of those loaded.
#[derive(Debug)]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// 1 for the first.
    pub generation: u64,
}

/// The policy in force.
#[derive(Debug)]
pub struct PolicyStore {
    current: ArcSwap<Loaded>,
}

impl PolicyStore {
    /// A store with `policy` in force.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { current: ArcSwap::from_pointee(Loaded { policy, generation: 1 }) }
    }

    /// The policy in force now.
    #[must_use]
    pub fn current(&self) -> Arc<Loaded> {
        self.current.load_full()
    }
}
