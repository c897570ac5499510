//! What hides in messages: secrets, personal data, instructions to the model, commands that destroy. Pure.
//!
//! A detector looks at one *reading* of one text: as it came, with what hides its meaning taken away, or decoded. It says
//! what it found as [`Hit`]s in that reading; put where they stand in the message they are [`Finding`]s. Detectors find, policy weighs what is found, `verdict` decides.
//!
//! ```text
//! fields of a message ─▶ readings ─▶ nominate (one pass for all detectors) ─▶ detectors ─▶ hits ─▶ findings
//! ```

mod argument_injection;
mod clean;
mod destructive;
mod exfiltration;
pub mod external;
mod finding;
pub mod injection;
mod inspector;
mod kinds;
mod member;
mod nominate;
mod pii;
pub mod pins;
mod place;
mod poisoning;
mod scope;
mod secrets;
mod set;
mod split;
mod ssrf;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod traversal;
pub mod watch;

pub use argument_injection::ArgumentInjection;
pub use destructive::{Destructive, judge_call};
pub use exfiltration::Exfiltration;
pub use finding::{Detector, Finding, Hit, Severity};
pub use injection::Injection;
pub use inspector::{Findings, Inspector, LISTS, Subject, THRESHOLD, Work};
pub use nominate::{Nominations, Nominator, Nominee, Noticed};
pub use pii::Pii;
pub use place::{Place, Surface};
pub use poisoning::{Definition, DefinitionKind, Neighbours, poisoned};
pub use scope::{Allowed, Realm, Scope};
pub use secrets::Secrets;
pub use set::DetectorSet;
pub use ssrf::Ssrf;
pub use traversal::Traversal;

/// A detector of what stands in one text, whatever else is in its message.
pub trait TextDetector: Send + Sync {
    /// Who it is.
    fn detector(&self) -> Detector;

    /// Words of four to sixteen bytes of lower-case ASCII. [`find`](Self::find) is told where each stands in the text,
    /// in any case. A word that is common in ordinary text costs time in every message.
    fn needles(&self) -> &'static [&'static str];

    /// Texts of this part of the conversation are its business, wherever in a message they stand.
    fn is_for(&self, _surface: Surface) -> bool {
        true
    }

    /// Finds, in one reading of a text. What it does must be linear in the text's length: at each nominee a bounded look
    /// around, never a search to the end.
    fn find(&self, text: &str, place: &Place<'_>, noticed: &Noticed<'_>, hits: &mut Vec<Hit>);
}
