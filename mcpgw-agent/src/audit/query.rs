//! What somebody wants to see of a log: one [`Filter`] for `audit query`, `audit export` and `tail`.
//!
//! ```text
//! line ─▶ StoredRecord ─▶ Filter::matches        every record of a log, one after the other
//!                └─────▶ the index (facets, ids, words) ─▶ candidates ─▶ Filter::matches
//! ```
//!
//! A record is taken apart in one place, [`StoredRecord`], and a filter is what it is on a record; the index only spares
//! the records that cannot match.

mod filter;
mod record;
mod scan;
mod time;
mod words;

#[cfg(test)]
pub(super) mod tests;

pub use filter::{Filter, FilterError, Pattern};
pub use record::{Facet, StoredRecord};
pub use scan::{last, scan};
pub use time::{TimeError, moment};
pub(super) use words::{INSERT as WORDS_INSERT, TABLE as WORDS_TABLE, Texts};
pub use words::{Wording, WordsError};
