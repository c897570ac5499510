//! `mcpgw-agent wrap` between a real client and a real server process: everything must be as without it.
//!
//! Every wait has a deadline and ends on an event; where a test says "as directly", it runs the same command without
//! `wrap` and compares.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test support fails by panicking"
)]

#[path = "../support/analyzer.rs"]
mod analyzer;
mod bytes;
mod canaries;
mod confined;
mod detected;
mod escapes;
mod evaluated;
mod flow;
mod guardrails;
#[path = "../support/install.rs"]
mod install;
mod messages;
mod process;
mod refusals;
mod registration;
#[path = "../support/says.rs"]
mod says;
mod sdk;
mod signals;
mod site;
mod support;
