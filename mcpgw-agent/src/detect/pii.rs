//! Personal data that has a shape: numbers of cards, people, accounts and devices, addresses of mail and networks.
//!
//! Names, postal addresses and organisations have no shape and are not found here.
//!
//! Everything starts at an `@` or at a digit. A shape is evidence; check digits and words near by ([`topic`]) decide.

mod age;
mod check;
mod email;
mod kind;
mod label;
mod net;
mod number;
mod phone;
mod pieces;
mod scene;
mod spelled;
mod street;
mod topic;
mod wallet;
mod word;

use self::scene::Scene;
use super::{Detector, Hit, Noticed, Place, Severity, TextDetector};

/// Finds personal data.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pii;

/// Digits written as words, then signs of what has no digits.
const NEEDLES: &[&str] = &[
    "three", "seven", "eight", "swift", "bic:", "bic code", "suite ", "apt. ", "apt ", "p.o. box", "po box",
    "[at]", "(at)", " dot com", " dot org", " dot net",
];
/// The first needle that is no digit.
const BANKS: usize = 3;
/// The first that names a part of a postal address.
const ADDRESSES: usize = 6;
/// The first of an address of mail.
const MAILS: usize = 11;

impl Pii {
    /// How bad it is that personal data of this kind is there.
    #[must_use]
    pub fn severity(kind: &str) -> Severity {
        kind::severity(kind)
    }

    /// All kinds, in order.
    pub fn all_kinds() -> impl Iterator<Item = &'static str> {
        kind::all()
    }

    /// The kinds a policy means by a name: a kind, an entity of Presidio, a pattern of the `pii` plugin of other gateways,
    /// or a family such as `payment`; in any case, with blanks or hyphens for underscores. `all` and `pii` are every kind.
    #[must_use]
    pub fn kinds(name: &str) -> Option<Vec<&'static str>> {
        kind::alias(name)
    }
}

impl TextDetector for Pii {
    fn detector(&self) -> Detector {
        Detector::Pii
    }

    fn needles(&self) -> &'static [&'static str] {
        NEEDLES
    }

    fn find(&self, text: &str, place: &Place<'_>, noticed: &Noticed<'_>, hits: &mut Vec<Hit>) {
        let first = hits.len();
        if noticed.may_have_at {
            email::find(text, hits);
        }
        if noticed.words.is_empty() && noticed.needles.is_empty() {
            return;
        }
        let mails = hits.len();
        let mut scene = Scene::new(text, place, hits);
        let mut runs = noticed.digits.iter().peekable();
        for word in noticed.words {
            // A run that begins within a word with letters is part of that word, up to its first separator.
            word::look(&mut scene, word.clone());
            while let Some(run) = runs.next_if(|run| run.start < word.end) {
                number::look(&mut scene, run.clone());
            }
        }
        if !noticed.needles.is_empty() {
            scene.again();
        }
        let mut spelled = 0;
        for nominee in noticed.needles {
            match nominee.needle {
                0..BANKS => spelled = spelled::look(&mut scene, nominee.at, spelled),
                BANKS..ADDRESSES => word::bank(&mut scene, nominee.at),
                ADDRESSES..MAILS => pieces::address(&mut scene, nominee.at),
                _ => email::spoken(&mut scene, nominee.at),
            }
        }
        scene::settle(hits, first, mails);
    }
}

#[cfg(test)]
mod tests;
