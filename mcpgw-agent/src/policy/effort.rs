//! What an evaluation may cost: a message may have millions of values, and a policy thousands of rules.

use std::cell::Cell;
use std::rc::Rc;

/// Looks an evaluation may take, rules and messages within one another put together: about a second at worst.
const MAX_LOOKS: usize = 8 << 20;
/// Bytes of a text that cost as much as one look.
const BYTES: usize = 64;

/// An evaluation took all it may; what is left cannot be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message has more than can be compared with all rules")]
pub(super) struct Exhausted;

/// What is left to an evaluation. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Effort(Rc<Cell<usize>>);

impl Default for Effort {
    fn default() -> Self {
        Self(Rc::new(Cell::new(MAX_LOOKS)))
    }
}

impl Effort {
    /// `looks` are taken, of which each read `length` bytes.
    pub(super) fn spend(&self, looks: usize, length: usize) -> Result<(), Exhausted> {
        let cost = looks.saturating_mul(1 + length / BYTES);
        let left = self.0.get().saturating_sub(cost);
        self.0.set(left);
        if left == 0 { Err(Exhausted) } else { Ok(()) }
    }
}
