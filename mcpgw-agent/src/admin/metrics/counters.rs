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
    /// By transport, then by direction.
    tap_messages: [[AtomicU64; 2]; 4],
    tap_gaps: [AtomicU64; 2],
    tap_dropped: [AtomicU64; 2],
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

    /// A message of a followed server was judged.
    pub fn tap_message(&self, transport: Transport, to_server: bool) {
        let [c2s, s2c] = of(&self.tap_messages, transport);
        let count = if to_server { c2s } else { s2c };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// `bytes` of a followed server's traffic are missing in one place.
    pub fn tap_gap(&self, bytes: u64) {
        count(&self.tap_gaps, 1, bytes);
    }

    /// So many `pieces` of `bytes` together could not be looked at in time.
    pub fn tap_dropped(&self, pieces: u64, bytes: u64) {
        count(&self.tap_dropped, pieces, bytes);
    }

    pub(super) fn tap_messages_total(&self, transport: Transport) -> [u64; 2] {
        of(&self.tap_messages, transport).each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    /// Places, and bytes missing there.
    pub(super) fn tap_gaps_total(&self) -> [u64; 2] {
        self.tap_gaps.each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    /// Pieces, and their bytes.
    pub(super) fn tap_dropped_total(&self) -> [u64; 2] {
        self.tap_dropped.each_ref().map(|count| count.load(Ordering::Relaxed))
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

fn count([times, total]: &[AtomicU64; 2], more: u64, bytes: u64) {
    times.fetch_add(more, Ordering::Relaxed);
    total.fetch_add(bytes, Ordering::Relaxed);
}

fn of<T>(counts: &[T; 4], transport: Transport) -> &T {
    let [stdio, http, sse, unix] = counts;
    match transport {
        Transport::Stdio => stdio,
        Transport::Http => http,
        Transport::Sse => sse,
        Transport::Unix => unix,
    }
}
