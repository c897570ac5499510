//! `mcpgw-agent proxy` between clients and servers over HTTP.
//!
//! Scripted peers, byte for byte, where the wire itself is the matter; real SDK servers and clients (`tests/peers`) for
//! everything else. Every wait ends on an event and has a deadline.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed expectation is how a test reports"
)]

#[path = "../support/analyzer.rs"]
mod analyzer;
mod authenticated;
mod bytes;
mod client;
mod detected;
mod events;
mod faults;
mod guardrails;
mod hostile;
mod legacy;
mod limits;
mod many;
mod metrics;
mod peers;
mod places;
#[path = "../support/port.rs"]
mod port;
mod proxy;
mod refusals;
#[path = "../support/says.rs"]
mod says;
mod sdk;
mod secured;
mod ship;
mod upstream;

use std::time::Duration;

/// Longest wait for anything that should happen at once, on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
