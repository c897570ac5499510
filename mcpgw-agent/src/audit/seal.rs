//! Keys that go one way: who takes the key of an epoch cannot make the one before.
//!
//! ```text
//! root M0 ──▶ M1 ──▶ M2 …                       one step a log of the directory
//!       └─▶ K0 of log 0 ──▶ K1 ──▶ K2 …          one step an epoch
//!                      └─▶ what signs records; what signs seals for those who have no key
//! ```
//!
//! Each arrow is HMAC-SHA256 under what it comes from. After a step the key before is wiped, from memory and from the disk,
//! so only M0, which is shown once and kept elsewhere, makes them all. `docs/audit-format.md` has the argument and its limits.

mod evolve;
mod file;
mod root;
mod sealer;
mod text;

pub use evolve::{Anchor, EpochKey, PublicKey, RootKey};
pub(super) use file::{read as read_key_file, state_path};
pub use root::{Initialised, ROOT_NAME, export, initialise};
pub use sealer::SealOptions;
pub(super) use sealer::Sealer;
pub use text::SealKey;
