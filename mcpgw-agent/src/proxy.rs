//! The message path between client and server: every message is decided on in [`gate`], whatever it came over.
//!
//! `wrap` starts the real server with a pipe on its standard input and one on its standard output, and lets [`stdio`] move
//! lines both ways through the gate; signals go to the server, and it ends as the server ended. Where nothing is refused it
//! must look to the client as if `wrap` were not there, so this module must never
//!
//! - write to standard output anything but what the server wrote and what the gateway answers in its stead;
//! - change the flags of an inherited descriptor: the client shares the open file (no `O_NONBLOCK`);
//! - change what the server inherits: arguments, environment, directory, standard error, process group, signal
//!   mask and dispositions;
//! - need the daemon: registration is told, waited for briefly, and given up without a word.
//!
//! ```text
//! client ─ fd 0 ─▶ lines ─▶ gate ─▶ pipe ─▶ server        one thread a direction
//! client ◀─ fd 1 ─ gate ◀─ lines ◀─ pipe ◀─ server
//! signals ─▶ wrap ─▶ server ─▶ exit status ─▶ wrap's exit code
//! ```

pub mod effects;
pub mod gate;
pub mod gateway;
pub mod guardrail;
pub mod handover;
pub mod hold;
pub mod http;
mod register;
pub mod reply;
mod room;
pub mod stdio;
mod wrap;

pub use register::announce;
pub use wrap::{GATEWAY_GONE, NOT_TAKEN, WrapError, WrapOptions, wrap};

/// Text from elsewhere for a terminal: short, and nothing in it that a terminal would act on.
fn printable(text: &str) -> String {
    let safe = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().take(200).map(safe).collect()
}
