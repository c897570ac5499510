//! What the guard counts. Shared by reference; every count only rises, but for the longest hold.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus::{Gauge, IntCounter, Registry};

use super::{add, counters, gauges};
use crate::admin::guard::GuardStatus;
use crate::guard::{Action, Mode};

/// What came of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It would have been.
    Would,
    /// Too many were done lately.
    Limited,
    /// It may never be done to that process.
    Untouchable,
    /// There was no decision in time: the program runs.
    Undecided,
    /// The system refused.
    Failed,
}

impl Outcome {
    /// All there are.
    pub const ALL: [Self; 6] =
        [Self::Done, Self::Would, Self::Limited, Self::Untouchable, Self::Undecided, Self::Failed];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Would => "would",
            Self::Limited => "limited",
            Self::Untouchable => "untouchable",
            Self::Undecided => "undecided",
            Self::Failed => "failed",
        }
    }
}

/// How a client's file changed.
pub(super) const CHANGES: [&str; 3] = ["added", "changed", "removed"];

/// Counts of acts, of held programs and of changes in clients' files.
#[derive(Debug, Default)]
pub struct GuardCounts {
    acts: [[AtomicU64; 6]; 5],
    held: AtomicU64,
    held_us: AtomicU64,
    longest_us: AtomicU64,
    unread: AtomicU64,
    changes: [AtomicU64; 3],
}

impl GuardCounts {
    /// Something was done, or not.
    pub fn act(&self, action: Action, outcome: Outcome, times: u64) {
        if let Some(count) = self.of(action, outcome) {
            count.fetch_add(times, Ordering::Relaxed);
        }
    }

    /// A program waited for so long.
    pub fn held(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.held.fetch_add(1, Ordering::Relaxed);
        self.held_us.fetch_add(micros, Ordering::Relaxed);
        self.longest_us.fetch_max(micros, Ordering::Relaxed);
    }

    /// A program's arguments could not be read: what could be said against it was.
    pub fn unread(&self) {
        self.unread.fetch_add(1, Ordering::Relaxed);
    }

    /// A client's file changed.
    pub fn changed(&self, change: &str) {
        if let Some(count) =
            CHANGES.iter().position(|known| *known == change).and_then(|at| self.changes.get(at))
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How often an act had an outcome.
    #[must_use]
    pub fn acts(&self, action: Action, outcome: Outcome) -> u64 {
        self.of(action, outcome).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Programs that waited, how long all of them together, and how long the longest, in microseconds.
    #[must_use]
    pub fn holds(&self) -> (u64, u64, u64) {
        let [held, total, longest] =
            [&self.held, &self.held_us, &self.longest_us].map(|count| count.load(Ordering::Relaxed));
        (held, total, longest)
    }

    fn of(&self, action: Action, outcome: Outcome) -> Option<&AtomicU64> {
        let action = Action::ALL.iter().position(|known| *known == action)?;
        let outcome = Outcome::ALL.iter().position(|known| *known == outcome)?;
        self.acts.get(action)?.get(outcome)
    }
}

/// The guard's part of a scrape.
pub(super) fn register(
    registry: &Registry,
    status: Option<&GuardStatus>,
    counts: &GuardCounts,
) -> Result<(), prometheus::Error> {
    let modes = gauges("mcpgw_guard_mode", "1 for the mode the guard is in, 0 for the others.", &["mode"])?;
    for mode in Mode::ALL {
        let is_it = status.is_some_and(|status| status.in_force == mode.as_str());
        modes.with_label_values(&[mode.as_str()]).set(i64::from(is_it));
    }
    add(registry, modes)?;
    let acts = counters(
        "mcpgw_guard_acts_total",
        "What the guard did about programs, servers and connections, by what came of it.",
        &["act", "outcome"],
    )?;
    for action in Action::ALL {
        for outcome in Outcome::ALL {
            acts.with_label_values(&[action.as_str(), outcome.as_str()]).inc_by(counts.acts(action, outcome));
        }
    }
    add(registry, acts)?;
    let (held, total, longest) = counts.holds();
    let programs =
        IntCounter::new("mcpgw_guard_held_total", "Programs that waited for a decision at their start.")?;
    programs.inc_by(held);
    add(registry, programs)?;
    #[expect(clippy::cast_precision_loss, reason = "microseconds of waiting stay far below 2^52")]
    let seconds = |micros: u64| micros as f64 / 1e6;
    let waited =
        prometheus::Counter::new("mcpgw_guard_held_seconds_total", "How long they waited together.")?;
    waited.inc_by(seconds(total));
    add(registry, waited)?;
    let most = Gauge::new("mcpgw_guard_held_seconds_max", "How long the longest of them waited.")?;
    most.set(seconds(longest));
    add(registry, most)?;
    let unread = IntCounter::new(
        "mcpgw_guard_unread_total",
        "Programs whose arguments nobody could read: refused where a rule or an order could have meant them.",
    )?;
    unread.inc_by(counts.unread.load(Ordering::Relaxed));
    add(registry, unread)?;
    let changes = counters(
        "mcpgw_client_file_changes_total",
        "Servers that were added to, changed in or removed from clients' configuration files.",
        &["change"],
    )?;
    for (change, count) in CHANGES.iter().zip(&counts.changes) {
        changes.with_label_values(&[change]).inc_by(count.load(Ordering::Relaxed));
    }
    add(registry, changes)
}
