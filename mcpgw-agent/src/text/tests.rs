//! Every trick that hid a text from other tools, and what holds of all readings.

mod bounds;
mod layers;
mod origin;
mod tricks;

use super::*;

/// Layers and text.
type Seen = (Vec<Layer>, String);

fn all(text: &str) -> Vec<Seen> {
    let mut budget = Budget::of_message(text.len());
    let mut found = Vec::new();
    readings(text, &mut budget, &mut |reading| {
        found.push((reading.layers().to_vec(), reading.text().to_owned()));
    });
    found
}

/// Some reading of `text` has `what` in it, in any case.
fn is_read(text: &str, what: &str) -> bool {
    all(text).iter().any(|(_, read)| read.to_lowercase().contains(what))
}
