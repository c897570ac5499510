//! Finds every MCP server on a host and says which run outside the gateway.
//!
//! Modules in reading order. The *pure core* does no I/O and sees no clock: no tokio, no files, no sockets,
//! no aya (`cargo xtask tidy` holds it to that). Time comes in as an argument, the world as
//! [`inventory::HostEvent`]s, and what should be done about it goes out as [`inventory::Effect`]s.
//!
//! ```text
//! kernel probes ─┐                                            ┌─ status, metrics, alerts
//! /proc, sock_diag ─┼─▶ wire (bytes → sightings) ─▶ inventory ─┤
//! wrap registrations ─┘        └ mcp (one message)              └─ effects ─▶ kernel (observe, release)
//! ```
#![forbid(unsafe_code)]

// pure core
pub mod detect;
pub mod effects;
pub mod guard;
mod hex;
pub mod inventory;
pub mod json;
pub mod mcp;
pub mod policy;
pub mod risk;
pub mod session;
pub mod text;
pub mod verdict;
pub mod wire;
pub mod yaml;
// shell
pub mod admin;
pub mod audit;
pub mod baselines;
pub mod cli;
pub mod config;
pub mod confine;
pub mod daemon;
pub mod destination;
mod fetch;
pub mod identity;
pub mod kernel;
pub mod pins;
mod private;
pub mod proc;
pub mod proxy;
pub mod ready;
pub mod reload;
pub mod scan;
pub mod secret;
pub mod systemd;
pub mod tasks;

#[cfg(test)]
mod tests;
