//! Messages that wait for a person: which there are, what is decided on them, and when waiting ends.
//!
//! ```text
//! gate ─ admit ─▶ Ticket (with whoever carries the session) ◀─ wake ─ Holds ◀─ decide ─ operator
//!                   └─ poll ─▶ approved, denied, timed out ─▶ Gate::settle ─▶ record ─▶ Permitted
//! ```
//!
//! This is a list of questions and answers only: bytes stay with whoever carries the session, and an approval is a word
//! that [`Gate::settle`](super::gate::Gate::settle) turns into a verdict and a record. A question whose ticket is dropped
//! is gone, so nothing waits longer than its session. Time comes in as an argument.

#[cfg(test)]
mod tests;
mod ticket;
mod view;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::verdict::Hold;
pub use ticket::Ticket;
pub use view::{HeldView, PREVIEW_MAX, Question};

/// Messages that may wait in all.
pub const MAX_HELD: usize = 256;
/// Of those, how many may be one session's.
pub const MAX_HELD_OF_SESSION: usize = 16;
/// Bytes they may have together.
pub const MAX_HELD_BYTES: usize = 64 << 20;

/// How waiting ended, counted, and how many wait now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HoldCounts {
    /// Messages that wait.
    pub waiting: u64,
    /// Those that went on because somebody said so.
    pub approved: u64,
    /// Those that somebody refused.
    pub denied: u64,
    /// Those on which nobody decided in time.
    pub timed_out: u64,
    /// Those that were cancelled, or whose session ended.
    pub ended: u64,
}

/// Why there is nothing to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undecidable {
    /// There is none of this id, or not any more.
    #[error("no message of this id waits")]
    Unknown,
    /// Somebody was faster.
    #[error("it is decided already")]
    Decided,
}

/// All messages that wait.
#[derive(Debug)]
pub struct Holds {
    /// How long one may wait.
    timeout: Duration,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    /// By the order in which they came.
    entries: BTreeMap<u64, Entry>,
    bytes: usize,
    counts: HoldCounts,
}

#[derive(Debug)]
struct Entry {
    view: HeldView,
    bytes: usize,
    until: Instant,
    decided: Option<Hold>,
    waker: Option<Waker>,
}

impl Holds {
    /// Nothing waits yet; what will, waits for `timeout` at most.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        Self { timeout, table: Mutex::default() }
    }

    /// A place for a message. `None` where as many wait as may.
    #[must_use]
    pub fn admit(self: &Arc<Self>, question: &Question<'_>, now: Instant) -> Option<Ticket> {
        let bytes = question.bytes;
        let mut table = self.table();
        let of_session =
            table.entries.values().filter(|entry| entry.view.session == question.session).count();
        let fits = table.entries.len() < MAX_HELD
            && of_session < MAX_HELD_OF_SESSION
            && table.bytes.saturating_add(bytes) <= MAX_HELD_BYTES;
        if !fits {
            return None;
        }
        let key = table.next;
        table.next += 1;
        table.bytes += bytes;
        let (view, until) = (HeldView::new(question, self.timeout), now + self.timeout);
        table.entries.insert(key, Entry { view, bytes, until, decided: None, waker: None });
        Some(Ticket::new(Arc::clone(self), key, until))
    }

    /// What waits for a decision, oldest first.
    #[must_use]
    pub fn list(&self, now: Instant) -> Vec<HeldView> {
        let table = self.table();
        let open = table.entries.values().filter(|entry| entry.decided.is_none() && now < entry.until);
        open.map(|entry| entry.view.clone()).collect()
    }

    /// The user `by` lets the message `id` pass, or refuses it.
    ///
    /// # Errors
    /// [`Undecidable`]
    pub fn decide(&self, id: &str, approve: bool, by: u32, now: Instant) -> Result<(), Undecidable> {
        let mut table = self.table();
        let entry = table.entries.values_mut().find(|entry| entry.view.id == id);
        let entry = entry.ok_or(Undecidable::Unknown)?;
        if entry.decided.is_some() {
            return Err(Undecidable::Decided);
        }
        if now >= entry.until {
            return Err(Undecidable::Unknown);
        }
        entry.decided = Some(if approve { Hold::Approved { by } } else { Hold::Denied { by } });
        if let Some(waker) = entry.waker.take() {
            waker.wake();
        }
        Ok(())
    }

    /// How many wait, and what became of those that did.
    #[must_use]
    pub fn counts(&self) -> HoldCounts {
        let table = self.table();
        let waiting = u64::try_from(table.entries.len()).unwrap_or(u64::MAX);
        HoldCounts { waiting, ..table.counts }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing is left half done while it is held.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is decided on the message at `key`. Where nothing is, `waker` is woken when it is; not when time is up.
    fn poll(&self, key: u64, waker: &Waker, now: Instant) -> Option<Hold> {
        let mut table = self.table();
        let Some(entry) = table.entries.get_mut(&key) else { return Some(Hold::Ended) };
        if entry.decided.is_some() {
            return entry.decided;
        }
        if now >= entry.until {
            return Some(Hold::TimedOut);
        }
        if !entry.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            entry.waker = Some(waker.clone());
        }
        None
    }

    /// The message at `key` waits no more.
    fn over(&self, key: u64, hold: Hold) {
        let mut table = self.table();
        let Some(entry) = table.entries.remove(&key) else { return };
        table.bytes = table.bytes.saturating_sub(entry.bytes);
        let counts = &mut table.counts;
        let count = match hold {
            Hold::Approved { .. } => &mut counts.approved,
            Hold::Denied { .. } => &mut counts.denied,
            Hold::TimedOut => &mut counts.timed_out,
            Hold::Waits | Hold::Nobody | Hold::Full | Hold::InBatch | Hold::Cancelled | Hold::Ended => {
                &mut counts.ended
            }
        };
        *count += 1;
    }
}
