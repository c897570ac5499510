//! End to end: the real agent, real MCP servers and clients, the real kernel. See `tests/README.md`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed expectation is how a test reports"
)]

#[path = "../support/support.rs"]
mod support;

mod alerts;
mod bypass;
mod client;
mod earlier;
mod gateway;
mod guard;
mod hostile;
mod lifecycle;
mod load;
mod lookalikes;
mod peers;
mod stdio;
mod tapped;
mod timing;
mod tls;
mod web;
