//! Personal data that has a shape: numbers of cards, people, accounts and devices, addresses of mail and networks.
//!
//! Names, postal addresses and organisations have no shape and are not found here.
//!
//! Everything starts at an `@` or at a digit. A shape is evidence; check digits and words near by ([`topic`]) decide.

mod check;
mod email;
mod kind;
mod label;
mod net;
mod number;
mod phone;
mod scene;
mod spelled;
mod topic;
mod wallet;
mod word;

use self::scene::Scene;
use super::{Detector, Hit, Noticed, Place, TextDetector};

pub use kind::{alias, placeholder};

/// Finds personal data.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pii;

/// Digits written as words, and banks' codes, which have none.
const NEEDLES: &[&str] = &["three", "seven", "eight", "swift", "bic:", "bic code"];
/// The first needle that is no digit.
const BANKS: usize = 3;

impl TextDetector for Pii {
    fn detector(&self) -> Detector {
        Detector::Pii
    }

    fn needles(&self) -> &'static [&'static str] {
        NEEDLES
    }

    fn find(&self, text: &str, place: &Place<'_>, noticed: &Noticed<'_>, hits: &mut Vec<Hit>) {
        let first = hits.len();
        email::find(text, hits);
        let mails = hits.len();
        let mut scene = Scene::new(text, place, hits);
        let mut runs = noticed.digits.iter().peekable();
        let mut from = 0;
        while let Some(word) = word::next(text.as_bytes(), from) {
            from = word.end;
            while let Some(run) = runs.next_if(|run| run.start < word.end) {
                // A run that begins within a word with letters is part of that word, up to its first separator.
                word::look(&mut scene, word.clone());
                number::look(&mut scene, run.clone());
            }
            word::look(&mut scene, word);
        }
        for nominee in noticed.needles {
            if nominee.needle < BANKS { spelled::look(&mut scene, nominee.at) } else { word::bank(&mut scene, nominee.at) }
        }
        scene::settle(hits, first, mails);
    }
}
