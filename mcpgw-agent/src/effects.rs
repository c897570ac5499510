//! What processes of servers do to the host: files, programs, sockets.
//!
//! ```text
//! kernel record ─▶ SideEffect
//! ```

mod path;
mod side_effect;

pub use path::{Part, joined};
pub use side_effect::{Access, Act, Outcome, Protocol, SideEffect};
