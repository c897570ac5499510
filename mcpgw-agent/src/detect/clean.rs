//! Texts of a message in which nothing was found: what is there again, in the same place, is not looked at again.
//!
//! What detectors say of a text depends on the text and its place alone. In lists of objects the names of members, and many
//! a value, are the same again and again.

use super::{Place, Surface};
use crate::mcp::Role;

/// Texts that are remembered: a power of two.
const SLOTS: usize = 128;
/// Longest text, and longest name of a member, in bytes as they came.
const MAX_BYTES: usize = 48;

/// Texts in which nothing was found. A new one may take the slot of another.
#[derive(Debug)]
pub(super) struct Clean<'m>(Vec<Option<Seen<'m>>>);

/// A text as it came, quotation marks included, and all of its place that detectors are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen<'m> {
    raw: &'m str,
    key: &'m str,
    surface: Surface,
    role: Role,
    /// Where it is remembered.
    slot: usize,
}

/// By where texts begin and end; a collision only makes a text be looked at again.
fn slot(texts: [&str; 2]) -> usize {
    // Fibonacci hashing.
    let mix = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let hash = texts.into_iter().map(str::as_bytes).fold(0, |hash, text| {
        let (first, last) = ends(text);
        mix(mix(hash, first), last)
    });
    usize::try_from(hash >> (u64::BITS - SLOTS.trailing_zeros())).unwrap_or(0)
}

/// The first and the last eight bytes, or as many as there are of both. Most that are shorter are numbers.
fn ends(text: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        return (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into());
    }
    (text.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0)
}

impl<'m> Clean<'m> {
    /// None yet. Of a message with few texts none is remembered.
    pub(super) fn new(bytes: usize) -> Self {
        Self(if bytes < LEAST { Vec::new() } else { vec![None; SLOTS] })
    }

    /// A text in `place`, whose key is `key` as it came; nothing where it cannot be remembered.
    pub(super) fn seen(&self, raw: &'m str, key: &'m str, place: &Place<'_>) -> Option<Seen<'m>> {
        let fits = !self.0.is_empty() && raw.len() <= MAX_BYTES && key.len() <= MAX_BYTES;
        let Place { surface, role, .. } = *place;
        fits.then(|| Seen { raw, key, surface, role, slot: slot([raw, key]) })
    }

    /// Nothing was found in it before.
    pub(super) fn has(&self, seen: &Seen<'m>) -> bool {
        self.0.get(seen.slot).is_some_and(|slot| slot.as_ref() == Some(seen))
    }

    /// Nothing was found in it.
    pub(super) fn add(&mut self, seen: Seen<'m>) {
        if let Some(slot) = self.0.get_mut(seen.slot) {
            *slot = Some(seen);
        }
    }
}

/// Bytes of a message from which on remembering is worth its while.
const LEAST: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    fn seen<'m>(raw: &'m str, key: &'m str, role: Role) -> Seen<'m> {
        let place = Place { surface: Surface::Content, role, key, tool: None };
        Clean::new(LEAST).seen(raw, key, &place).unwrap()
    }

    #[test]
    fn only_the_same_text_in_the_same_place_is_remembered() {
        let mut clean = Clean::new(LEAST);
        clean.add(seen("\"open\"", "\"state\"", Role::Structured));
        assert!(clean.has(&seen("\"open\"", "\"state\"", Role::Structured)));
        for other in [
            seen("\"open\"", "\"token\"", Role::Structured),
            seen("\"opens\"", "\"state\"", Role::Structured),
            seen("\"open\"", "\"state\"", Role::Prose),
        ] {
            assert!(!clean.has(&other), "{other:?}");
        }
        let place = Place { surface: Surface::Content, role: Role::Prose, key: "", tool: None };
        assert!(clean.seen(&"x".repeat(MAX_BYTES + 1), "", &place).is_none());
        assert!(Clean::new(LEAST - 1).seen("", "", &place).is_none());
    }

    #[test]
    fn a_slot_that_is_taken_again_forgets_and_mistakes_nothing() {
        let texts: Vec<String> = (0..1000).map(|number| format!("\"text {number}\"")).collect();
        let mut clean = Clean::new(LEAST);
        for (number, text) in texts.iter().enumerate() {
            assert!(!clean.has(&seen(text, "\"k\"", Role::Prose)), "{number}");
            clean.add(seen(text, "\"k\"", Role::Prose));
        }
        let kept = texts.iter().filter(|text| clean.has(&seen(text, "\"k\"", Role::Prose))).count();
        assert!(kept > SLOTS / 2 && kept <= SLOTS, "{kept}");
    }
}
