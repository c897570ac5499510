//! The hand-over: a wrap gives the daemon its session's descriptors, and the daemon moves the bytes from then on.
//!
//! ```text
//! wrap                                     daemon
//!   {"op":"handover","name":…}      ─▶  same program? a place free?
//!                                   ◀─  {"ok":true}
//!   client in, client out,
//!   server in, server out, ledger   ─▶  what each of them is
//!                                   ◀─  {"ok":true}             up to here either may leave: nothing has been read
//!   go                              ─▶  ledger: begun           the commit point
//!                                   ◀─  {"ok":true}             wrap lets go of its copies
//!                                   ◀─  {"event":"output-done"} all that comes from the server is with the client
//!                                   ◀─  {"event":"ended",…}     the session is over
//! ```
//!
//! The daemon reads no byte before the ledger says `begun`, and wrap reads none after `go`. Where the connection breaks
//! before, nothing is started and not a byte is lost. Where it breaks after, the daemon is gone: wrap
//! answers the requests that the [`ledger`] says are open, and ends the server.

mod client;
mod descriptors;
mod ledger;
mod session;
mod sessions;
mod socket;

use serde::{Deserialize, Serialize};

pub(super) use client::{Handed, Heard, Kept, Offer, hand_over};
pub use ledger::Ledger;
pub use sessions::{Place, SessionView, Sessions, TooMany};
pub(super) use socket::{read_line, write_line};

/// What the daemon tells a wrap of its session, a line each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub(super) enum Notice {
    /// All that comes from the server is with the client, or the client reads no more.
    OutputDone,
    /// The session is over.
    Ended {
        /// Because the daemon stops, not because a side ended.
        stopped: bool,
    },
}
