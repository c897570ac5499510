//! Readiness and liveness: is the agent ready to be relied on, and does its main loop still turn?
//!
//! Ready when every named latch has been released; a latch is released by dropping it, so a subsystem that
//! fails to start and drops its latch on the way out must also end the process (see [`crate::tasks`]). What is
//! still awaited can be listed at any time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// Named latches. A clone is the same set.
#[derive(Debug, Clone, Default)]
pub struct Ready {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<BTreeMap<u64, &'static str>>,
    next: AtomicU64,
    changed: watch::Sender<()>,
}

/// Holds readiness back until it is dropped.
#[derive(Debug)]
#[must_use = "dropping a latch releases it"]
pub struct Latch {
    id: u64,
    shared: Arc<Shared>,
}

impl Ready {
    /// Ready, until a latch is taken.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds readiness back until the latch is dropped. `name` says for what, as in "start-up scan".
    pub fn latch(&self, name: &'static str) -> Latch {
        let id = self.shared.next.fetch_add(1, Ordering::Relaxed);
        self.shared.lock().insert(id, name);
        Latch { id, shared: Arc::clone(&self.shared) }
    }

    /// Names of the latches still held, oldest first. Empty means ready.
    #[must_use]
    pub fn pending(&self) -> Vec<&'static str> {
        self.shared.lock().values().copied().collect()
    }

    /// Waits until no latch is held.
    pub async fn wait(&self) {
        let mut changed = self.shared.changed.subscribe();
        while !self.pending().is_empty() {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, &'static str>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Latch {
    fn drop(&mut self) {
        self.shared.lock().remove(&self.id);
        self.shared.changed.send_replace(());
    }
}

/// The main loop's sign of life. A clone is the same.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    born: Instant,
    /// Milliseconds after `born`.
    last_ms: Arc<AtomicU64>,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self::new()
    }
}

impl Heartbeat {
    /// Beats now, for the first time.
    #[must_use]
    pub fn new() -> Self {
        Self { born: Instant::now(), last_ms: Arc::default() }
    }

    /// The loop turned. Call it at every turn, and let it turn at least once a second.
    pub fn beat(&self) {
        let ms = u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.fetch_max(ms, Ordering::Relaxed);
    }

    /// Time since the last turn.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.born.elapsed().saturating_sub(Duration::from_millis(self.last_ms.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ready_when_the_last_latch_is_dropped() {
        let ready = Ready::new();
        ready.wait().await;
        let scan = ready.latch("start-up scan");
        let probes = ready.latch("probes");
        assert_eq!(ready.pending(), ["start-up scan", "probes"]);
        drop(scan);
        assert_eq!(ready.pending(), ["probes"]);
        let waiting = ready.clone();
        let (done, ()) = tokio::join!(async move { waiting.wait().await }, async move { drop(probes) });
        assert_eq!(done, ());
        assert!(ready.pending().is_empty());
    }

    #[test]
    fn two_latches_of_one_name_are_two() {
        let ready = Ready::new();
        let one = ready.latch("ring");
        let _two = ready.latch("ring");
        drop(one);
        assert_eq!(ready.pending(), ["ring"]);
    }

    #[test]
    fn a_beat_ends_the_silence() {
        let mut heart = Heartbeat::new();
        heart.born = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        assert!(heart.silence() >= Duration::from_secs(60));
        heart.clone().beat();
        assert!(heart.silence() < Duration::from_secs(30));
    }
}
