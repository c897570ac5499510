//! The probes against the running kernel: real processes, pipes, sockets, and records compared with what they did.
//!
//! Needs root and an agent built with probes (`cargo xtask build` first). Where that is missing every test says so and
//! passes: there is nothing it could find out. Nothing here listens anywhere but on loopback.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "test support"
)]

mod confine;
mod effects;
mod exec;
mod guard;
mod hooks;
#[path = "../support/install.rs"]
mod install;
mod life;
mod loss;
mod lsm;
mod offsets;
mod restrain;
mod sockets;
mod support;
mod tap;
mod tcp;
