//! The readings of a text: as it came, with what hides its meaning taken away, and decoded. Pure.
//!
//! ```text
//! as it came ─┬─▶ folded      NFKC, no invisible characters, look-alikes, blanks
//!             ├─▶ spelled     letters set apart are words again
//!             ├─▶ hidden      what tag characters and variation selectors smuggle
//!             ├─▶ decoded in place   percent, HTML, escapes
//!             └─▶ decoded apart      base64, base32, hex, gzip      each decoded text is read in all these ways again
//! ```
//!
//! Where a text is plain nothing is made, and one pass says so. Every reading knows where its bytes come from in the
//! text as it came ([`Reading::origin`]), so that what is found can be replaced there. A [`Budget`] bounds what is made of
//! all texts of a message: once it is used up, something was not read, and the caller can see that.
//!
//! A reading need not be the whole text: of a long one it has what stands around each change. Case is kept.

mod base;
mod blob;
mod budget;
mod classes;
mod confusable;
mod edits;
mod entity;
mod fold;
mod hidden;
mod inflate;
mod join;
mod leet;
mod made;
pub(crate) mod percent;
mod plausible;
mod reading;
mod scan;
pub(crate) mod seek;
mod spelled;
#[cfg(test)]
mod tests;
mod unescape;
mod unmask;
mod walk;

pub use budget::Budget;
pub(crate) use fold::fold;
pub use join::{Joined, JoinedText, join};
pub use leet::leet;
pub use reading::{Layer, Reading};
pub use walk::readings;
