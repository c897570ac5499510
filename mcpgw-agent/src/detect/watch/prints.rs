//! What private data looked like, so that it is known again where it leaves: hashes of pieces, never the text.
//!
//! A text is letters and digits in lower case here: line ends, quotes and punctuation change nothing. Of all its pieces
//! of [`PIECE`] bytes every fourth is kept, chosen by its hash, so that the same piece is chosen wherever it stands. Where
//! the table is full every other entry goes and the choice is halved: a longer copy is needed to be seen, but nothing
//! that was read is forgotten altogether.

use std::collections::{HashMap, HashSet, hash_map::RandomState};
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use super::call::Home;

/// Bytes of a piece.
const PIECE: usize = 24;
/// Pieces that are kept.
const MAX_PIECES: usize = 1 << 16;
/// One in four to begin with.
const FIRST_MASK: u64 = 3;
/// Bytes copied in one call, as far as they can be counted, from which on data leaves.
const IN_ONE_CALL: usize = 28;
/// The same over all calls of a session.
const IN_ALL_CALLS: usize = 200;
/// Arguments whose end is remembered; the ends of further ones run into each other.
const MAX_TAILS: usize = 32;

/// Odd, and without a pattern.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

/// What the byte that leaves a piece has been multiplied by.
const LEAVING: u64 = {
    let (mut power, mut n) = (1_u64, 0);
    while n < PIECE {
        power = power.wrapping_mul(BASE);
        n += 1;
    }
    power
};

/// Bytes that are looked at together.
const CHUNK: usize = 4096;

/// What a byte counts as; 0 where it does not count.
fn letter(byte: u8) -> u8 {
    let counts = byte.is_ascii_alphanumeric() || !byte.is_ascii();
    if counts { byte.to_ascii_lowercase() } else { 0 }
}

/// The last [`PIECE`] bytes of a text, and their hash.
#[derive(Debug, Clone, Default)]
struct Roller {
    last: Vec<u8>,
    hash: u64,
}

impl Roller {
    /// Shows `visit` the hash of every piece that ends in `text`.
    fn text(&mut self, text: &str, mut visit: impl FnMut(u64)) {
        let mut buffer = [0_u8; PIECE + CHUNK];
        for chunk in text.as_bytes().chunks(CHUNK) {
            let had = self.last.len();
            let mut len = 0;
            let mut put = |letter: u8| {
                if let Some(slot) = buffer.get_mut(len) {
                    *slot = letter;
                }
                len += usize::from(letter != 0);
            };
            self.last.iter().for_each(|letter| put(*letter));
            for byte in chunk {
                put(letter(*byte));
            }
            let letters = buffer.get(..len).unwrap_or_default();
            let (first, behind) = letters.split_at_checked(PIECE).unwrap_or((letters, &[]));
            let fresh = first.get(had..).unwrap_or_default();
            self.hash = fresh
                .iter()
                .fold(self.hash, |hash, letter| hash.wrapping_mul(BASE).wrapping_add(u64::from(*letter)));
            if first.len() == PIECE && !fresh.is_empty() {
                visit(self.hash);
            }
            for (leaving, letter) in letters.iter().zip(behind) {
                let gone = u64::from(*leaving).wrapping_mul(LEAVING);
                self.hash = self.hash.wrapping_mul(BASE).wrapping_add(u64::from(*letter)).wrapping_sub(gone);
                visit(self.hash);
            }
            self.last.clear();
            self.last.extend(letters.get(len.saturating_sub(PIECE)..).unwrap_or_default());
        }
    }
}

fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 32)).wrapping_mul(BASE);
    hash ^ (hash >> 29)
}

/// The bits that choose are none of those that say where in the table it is.
fn counts(hash: u64, mask: u64) -> bool {
    (hash >> 32) & mask == 0
}

/// The hash of a piece is its place in the table: it is mixed already, and with a seed nobody outside knows.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

type Place = BuildHasherDefault<AsItIs>;

/// A piece of private data.
#[derive(Debug, Clone, Copy)]
struct Mark {
    home: Home,
    has_left: bool,
}

/// The pieces of what was read from private sources.
#[derive(Debug)]
pub(super) struct Prints {
    pieces: HashMap<u64, Mark, Place>,
    seed: u64,
    /// Pieces count whose hash has none of these bits, from the 33rd on.
    mask: u64,
    /// Of those that are kept, how many have left.
    left: usize,
    /// How the texts ended that left in an argument, so that what is split over calls is read as one.
    tails: HashMap<u64, Roller>,
}

impl Default for Prints {
    fn default() -> Self {
        let seed = RandomState::new().hash_one(PIECE);
        Self { pieces: HashMap::default(), seed, mask: FIRST_MASK, left: 0, tails: HashMap::new() }
    }
}

/// What is private in a call's arguments.
#[derive(Debug, Default)]
pub(super) struct Copied {
    pieces: HashSet<u64, Place>,
    /// How its texts end.
    tails: HashMap<u64, Roller>,
}

impl Prints {
    /// Remembers `text`, which belongs to `home`.
    pub(super) fn learn(&mut self, text: &str, home: Home) {
        let mut roller = Roller::default();
        let seed = self.seed;
        roller.text(text, |hash| {
            let hash = mix(hash ^ seed);
            if !counts(hash, self.mask) {
                return;
            }
            self.pieces.entry(hash).or_insert(Mark { home, has_left: false });
            if self.pieces.len() > MAX_PIECES {
                self.mask = (self.mask << 1) | 1;
                let mask = self.mask;
                self.pieces.retain(|hash, _| counts(*hash, mask));
                self.left = self.pieces.values().filter(|mark| mark.has_left).count();
            }
        });
    }

    /// Nothing private was read.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Adds to `copied` what is private in `text`, which goes to `to` in the argument `slot` and goes on where the
    /// argument's last text ended.
    pub(super) fn look(&self, text: &str, to: Home, slot: u64, copied: &mut Copied) {
        let slot = if self.tails.len() + copied.tails.len() < MAX_TAILS { slot } else { slot % 8 };
        let Copied { pieces, tails } = copied;
        let tail = tails.entry(slot).or_insert_with(|| self.tails.get(&slot).cloned().unwrap_or_default());
        tail.text(text, |hash| {
            let hash = mix(hash ^ self.seed);
            if counts(hash, self.mask)
                && let Some(mark) = self.pieces.get(&hash)
                && !mark.home.is_same(to)
            {
                pieces.insert(hash);
            }
        });
    }

    /// `copied` has left.
    pub(super) fn left(&mut self, copied: Copied) {
        for hash in &copied.pieces {
            if let Some(mark) = self.pieces.get_mut(hash)
                && !std::mem::replace(&mut mark.has_left, true)
            {
                self.left += 1;
            }
        }
        self.tails.extend(copied.tails);
    }

    /// `copied` is more than a name or an address, by itself or with what has left before.
    pub(super) fn is_much(&self, copied: &Copied) -> bool {
        let bytes =
            |pieces: usize| pieces.saturating_mul(usize::try_from(self.mask + 1).unwrap_or(usize::MAX));
        let fresh = |hash: &&u64| self.pieces.get(hash).is_some_and(|mark| !mark.has_left);
        let fresh = copied.pieces.iter().filter(fresh).count();
        // One piece alone is never more than a name, however few are kept.
        copied.pieces.len() > 1 && bytes(copied.pieces.len()) >= IN_ONE_CALL
            || fresh > 0 && self.left + fresh > 1 && bytes(self.left + fresh) >= IN_ALL_CALLS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text without repeats.
    fn words(seed: u64, len: usize) -> String {
        let mut state = seed;
        let mut text = String::new();
        while text.len() < len {
            state = mix(state.wrapping_add(BASE));
            text.push_str(&format!("{state:x} "));
        }
        text
    }

    fn is_seen(prints: &Prints, text: &str) -> bool {
        let mut copied = Copied::default();
        prints.look(text, Home::UNKNOWN, 1, &mut copied);
        prints.is_much(&copied)
    }

    #[test]
    fn a_copy_is_seen_whatever_stands_between_its_letters() {
        let mut prints = Prints::default();
        let text = words(1, 4000);
        prints.learn(&text, Home::UNKNOWN);
        assert!(is_seen(&prints, &text[1000..1200]));
        assert!(is_seen(&prints, &text[1000..1200].to_uppercase().replace(' ', "\n> ")));
        assert!(!is_seen(&prints, &words(2, 4000)));
        assert!(!is_seen(&prints, &text[1000..1030]), "a name is no copy");
    }

    #[test]
    fn pieces_of_a_few_bytes_add_up() {
        let mut prints = Prints::default();
        let text = words(1, 4000);
        prints.learn(&text, Home::UNKNOWN);
        let mut seen_after = None;
        for (number, part) in text.as_bytes().chunks(10).enumerate() {
            let part = std::str::from_utf8(part).unwrap();
            let mut copied = Copied::default();
            prints.look(part, Home::UNKNOWN, 7, &mut copied);
            if prints.is_much(&copied) {
                seen_after = Some(number * 10);
                break;
            }
            prints.left(copied);
        }
        assert!(seen_after.is_some_and(|bytes| bytes < 600), "{seen_after:?}");
    }

    #[test]
    fn what_is_full_asks_for_longer_copies_and_forgets_nothing_altogether() {
        let mut prints = Prints::default();
        let text = words(1, 3 << 20);
        prints.learn(&text, Home::UNKNOWN);
        assert!(prints.pieces.len() <= MAX_PIECES && prints.mask > FIRST_MASK);
        for start in [0, 1 << 20, 2 << 20] {
            assert!(is_seen(&prints, &text[start..start + 4000]), "{start}");
        }
    }

    #[test]
    fn what_goes_back_where_it_belongs_does_not_leave() {
        let (here, there) = (Home::of(["acme", "shop"].into_iter()), Home::of(["acme", "site"].into_iter()));
        let mut prints = Prints::default();
        let text = words(1, 400);
        prints.learn(&text, here);
        let copied = |to| {
            let mut copied = Copied::default();
            prints.look(&text, to, 1, &mut copied);
            prints.is_much(&copied)
        };
        assert!(!copied(here) && copied(there) && copied(Home::UNKNOWN));
    }
}
