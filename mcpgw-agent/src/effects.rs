//! What processes of servers do to the host: files, programs, addresses; and which tool call did it.
//!
//! ```text
//! kernel record ─▶ SideEffect ─▶ Ledger (of one server) ─▶ Collected (of one call) ─▶ the record that closes the call
//!                                   ▲ calls opened and closed      └ noise is counted, not listed
//! ```

mod collected;
mod conceal;
mod ledger;
mod noise;
mod path;
mod side_effect;
#[cfg(test)]
mod tests;

pub use collected::{Collected, KEPT_BYTES, KEPT_MAX, Kept};
pub use ledger::{CALLS_MAX, Ledger, Stray};
pub use noise::{NOISES, Noise, is_noise};
pub use path::{Part, joined};
pub use side_effect::{Access, Act, Outcome, Protocol, SideEffect};
