//! What processes of servers do to the host: files, programs, addresses; and which tool call did it.
//!
//! ```text
//! kernel record ─▶ SideEffect ─▶ Ledger (of one server) ─▶ Collected (of one call) ─▶ the record that closes the call
//!                                   ▲ calls opened and closed      └ noise is counted, not listed
//!        Measure: Baseline, rules ──┘ what is odd about it, what policy has against it
//! ```

mod baseline;
pub mod clients;
mod collected;
mod conceal;
mod killed;
mod late;
mod ledger;
mod noise;
mod odd;
mod path;
mod sensitive;
mod side_effect;
#[cfg(test)]
mod tests;

pub use baseline::{
    Baseline, Destination, Destinations, Malformed, NO_TOOL, NoDestination, Paths, Tool, Use,
};
pub use collected::{Collected, KEPT_BYTES, KEPT_MAX, Kept, ODD_BYTES, ODD_MAX, WITH_MAX};
pub use killed::{Ended, Killed};
pub use ledger::{CALLS_MAX, Done, LAUNCHER, Ledger, Measure, Stray};
pub use noise::{MODULES, NOISES, NOWHERE, Noise, everybody_reads, is_noise};
pub use odd::{Counted, Odd, Oddity};
pub use path::{Part, joined};
pub use side_effect::{Access, Act, Outcome, Protocol, SideEffect};
