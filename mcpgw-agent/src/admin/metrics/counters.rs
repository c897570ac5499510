//! What is counted and not part of the status document. Shared by reference; every count only rises.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::guard::GuardCounts;
use crate::inventory::Transport;

/// Counts by transport, and the tap's state.
#[derive(Debug, Default)]
pub struct Counters {
    first_seen: [AtomicU64; 4],
    tap_bytes: [AtomicU64; 4],
    tap_attached: AtomicBool,
    guard: Arc<GuardCounts>,
}

impl Counters {
    /// All zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the guard counts.
    #[must_use]
    pub fn guard(&self) -> &Arc<GuardCounts> {
        &self.guard
    }

    /// A server or candidate became known.
    pub fn first_seen(&self, transport: Transport) {
        of(&self.first_seen, transport).fetch_add(1, Ordering::Relaxed);
    }

    /// The tap brought `bytes` of traffic.
    pub fn tapped(&self, transport: Transport, bytes: u64) {
        of(&self.tap_bytes, transport).fetch_add(bytes, Ordering::Relaxed);
    }

    /// The system call tap was attached or detached.
    pub fn tap_attached(&self, attached: bool) {
        self.tap_attached.store(attached, Ordering::Relaxed);
    }

    pub(super) fn first_seen_total(&self, transport: Transport) -> u64 {
        of(&self.first_seen, transport).load(Ordering::Relaxed)
    }

    pub(super) fn tap_bytes_total(&self, transport: Transport) -> u64 {
        of(&self.tap_bytes, transport).load(Ordering::Relaxed)
    }

    pub(super) fn is_tap_attached(&self) -> bool {
        self.tap_attached.load(Ordering::Relaxed)
    }
}

fn of(counts: &[AtomicU64; 4], transport: Transport) -> &AtomicU64 {
    let [stdio, http, sse, unix] = counts;
    match transport {
        Transport::Stdio => stdio,
        Transport::Http => http,
        Transport::Sse => sse,
        Transport::Unix => unix,
    }
}
