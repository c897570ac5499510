//! What a server's definitions and what it does amount to: issues, and one number for all of them. Pure.
//!
//! The same for [`scan`](crate::scan), which looks at a server before it is used, and for the gate, which judges it while
//! it is. Nothing a server says of itself makes it better.

mod assessment;
mod behaviour;
mod capability;
mod definition;
mod issue;
mod score;

pub use assessment::{Assessment, Decided, Known};
pub use behaviour::Behaviour;
pub use issue::{Issue, Subject};
pub use score::{Level, Score};

pub(crate) use behaviour::asks;
pub(crate) use definition::{judge, many};
pub(crate) use issue::of_server;
pub(crate) use score::score;
