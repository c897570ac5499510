//! The byte path between client and server. In this version: [`wrap`], a faithful pass-through.
//!
//! `wrap` starts the real server with a pipe on its standard input and one on its standard output, moves bytes
//! both ways, passes signals on and ends as the server ended. To the client it must look as if `wrap` were not
//! there, so this module must never
//!
//! - write to standard output anything the server did not write, nor hold back what it did;
//! - change the flags of an inherited descriptor: the client shares the open file (no `O_NONBLOCK`);
//! - change what the server inherits: arguments, environment, directory, standard error, process group, signal
//!   mask and dispositions;
//! - need the daemon: registration is told, waited for briefly, and given up without a word.
//!
//! ```text
//! client ─ fd 0 ─▶ pump ─▶ pipe ─▶ server        one thread a direction, one chunk in flight
//! client ◀─ fd 1 ─ pump ◀─ pipe ◀─ server
//! signals ─▶ wrap ─▶ server ─▶ exit status ─▶ wrap's exit code
//! ```

mod embedded;
pub mod gate;
pub mod gateway;
mod handed;
pub mod handover;
mod register;
pub mod reply;
mod server;
mod signals;
pub mod stdio;
mod wrap;

pub use handed::GATEWAY_GONE;
pub use wrap::{WrapError, WrapOptions, wrap};
