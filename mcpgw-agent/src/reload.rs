//! The policy in force: loaded whole, checked, and swapped at once.
//!
//! ```text
//! SIGHUP ─────────┐
//! control socket ─┼─▶ PolicyStore::reload: read, check, parse ─▶ swap, or keep the one before and say why
//! file watch ─────┘
//! ```
//!
//! Every message takes one [`Loaded`] for its whole life. A file that cannot be loaded leaves the one before in force
//! and is seen in [`PolicyStore::state`], which status, metrics and log go by.

mod places;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use state::mode_word;
pub use state::{PolicyState, ReloadCounts, ReloadFailure};
pub use store::{Change, Loaded, PolicyStore, ReloadError};
pub use watch::{WatchError, Watcher, watch};
