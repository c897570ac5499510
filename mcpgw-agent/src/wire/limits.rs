//! Bounds of the table, and the count of what they cost.

use std::time::Duration;

/// How much the table may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Channel streams and TCP connections together; beyond it the least useful is evicted.
    pub streams: usize,
    /// Bytes of one line, JSON body or SSE event; a longer one is skipped to its end and counted. What is longer
    /// than [`crate::mcp::MAX_TEXT_BYTES`] is not understood anyway.
    pub message_bytes: usize,
    /// Bytes of one HTTP head.
    pub head_bytes: usize,
    /// Bytes that wait in one TCP direction for an earlier segment.
    pub reorder_bytes: usize,
    /// How long they wait.
    pub reorder_wait: Duration,
    /// Bytes buffered by all streams together; beyond it the largest buffers are given up.
    pub total_bytes: usize,
    /// A stream without a byte for so long is forgotten by [`super::StreamTable::expire`].
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            streams: 4096,
            message_bytes: 1024 * 1024,
            head_bytes: 32 * 1024,
            reorder_bytes: 64 * 1024,
            reorder_wait: Duration::from_secs(1),
            total_bytes: 16 * 1024 * 1024,
            idle: Duration::from_secs(600),
        }
    }
}

/// What was lost or given up so far; only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Gaps seen in streams.
    pub gaps: u64,
    /// Bytes missing in them.
    pub gap_bytes: u64,
    /// Lines, bodies and events longer than [`Limits::message_bytes`].
    pub oversized: u64,
    /// Streams evicted because of [`Limits::streams`].
    pub evicted: u64,
    /// Buffers given up because of [`Limits::total_bytes`].
    pub shed: u64,
}
