//! Inspection under attack: crafted texts, planted secrets.
//!
//! `crafted` makes the texts, for these tests and for `cargo xtask bench inspect`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed expectation is how a test reports"
)]

mod attacks;
mod canary;
mod crafted;
mod fields;
mod gate;
mod work;
