//! Instructions addressed to the model, in what the model reads.
//!
//! A text is cut into words once. Of the words, of words of known classes (`lexicon`) and of both in order a linear model
//! makes a number for each window; the loudest window of the text is the hit. `docs/detection/injection.md` has what it
//! reaches, the model card beside the weights what it was made of.

pub mod features;
pub mod lexicon;
pub mod model;
pub mod rules;
pub mod words;

use std::ops::Range;
use std::sync::LazyLock;

use super::{Detector, Hit, Noticed, Place, Severity, Surface, TextDetector};
use crate::mcp::Role;
use model::Model;

/// As `cargo xtask train` wrote them.
static WEIGHTS: &[u8] = include_bytes!("injection/weights.bin");

static MODEL: LazyLock<Option<Model<'static>>> = LazyLock::new(|| Model::read(WEIGHTS));

/// Users give orders to models: what a client sends must be louder by this much, in logits.
const ARGUMENT: f32 = 0.75;

/// Bytes of ASCII that have room for an order.
const SHORTEST: usize = 12;

/// Finds instructions addressed to the model.
#[derive(Debug, Clone, Copy, Default)]
pub struct Injection;

impl TextDetector for Injection {
    fn detector(&self) -> Detector {
        Detector::Injection
    }

    fn needles(&self) -> &'static [&'static str] {
        &[]
    }

    fn find(&self, text: &str, place: &Place<'_>, noticed: &Noticed<'_>, hits: &mut Vec<Hit>) {
        let is_short = text.len() < SHORTEST && text.is_ascii();
        // Between words blanks are nothing.
        if is_short || noticed.respaced || matches!(place.role, Role::Name | Role::Opaque | Role::Blob) {
            return;
        }
        let Some(model) = &*MODEL else { return };
        let look = model.look(text);
        let off = if place.surface == Surface::Arguments { ARGUMENT } else { 0.0 };
        let score = look.loudest.as_ref().map_or(0.0, |loudest| model.score(loudest.value - off));
        if let Some(order) = look.order {
            // Where both see something each makes the other surer.
            let sure = if score >= WORTH { order.score.max(score) } else { order.score };
            if sure >= WORTH && (off == 0.0 || order.score >= SURE) {
                hits.push(hit(order.kind, sure, order.range, order.why));
            }
        }
        if let Some(loudest) = look.loudest
            && score >= WORTH
        {
            hits.push(hit("instruction", score, loudest.range, "reads like an order to the model"));
        }
    }
}

fn hit(kind: &'static str, score: f32, range: Range<usize>, why: &'static str) -> Hit {
    let severity = if score >= SURE { Severity::High } else { Severity::Medium };
    Hit { kind, severity, score, range, why }
}

/// Less is not even said where all is asked for.
const WORTH: f32 = 0.3;
/// From here on it should not pass unasked.
const SURE: f32 = 0.7;

#[cfg(test)]
mod tests;
