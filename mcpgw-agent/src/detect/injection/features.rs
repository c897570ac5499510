//! What the model sees of a text: hashed words, stems, pairs and triples of words, in blocks. The trainer sees the same.

use super::lexicon::Lexicon;
use super::words::{self, Kind, Token};

/// Different features.
pub const FEATURES: usize = 1 << 17;
/// Tokens a block has; the last of a text may have fewer.
pub const BLOCK: usize = 16;
/// Most blocks a window has.
pub const WINDOW: usize = 4;

/// Told what is seen.
pub trait Sink {
    /// A feature of the token that is being looked at, less than [`FEATURES`].
    fn feature(&mut self, index: usize);

    /// A token, with its classes.
    fn token(&mut self, token: &Token, classes: u32);

    /// A block is over: how many tokens it has, its first byte, behind its last byte.
    fn block(&mut self, tokens: usize, start: usize, end: usize);
}

const STEM: u32 = 0x9E37_79B9;
const TAIL: u32 = 0xB529_7A4D;
const PAIR: u32 = 0x85EB_CA6B;
const TRIPLE: u32 = 0xC2B2_AE35;
const SKIP: u32 = 0x27D4_EB2F;
const CLASS: u32 = 0x2545_F491;
const CAPITALS: u32 = 0x1656_67B1;

/// Tells `sink` all of `text`.
#[inline]
pub fn see(text: &str, sink: &mut impl Sink) {
    let (mut tokens, mut start, mut end) = (0, 0, 0);
    let (mut last, mut before) = (CAPITALS, CAPITALS);
    let lexicon = Lexicon::get();
    let mut course = Course::default();
    words::each(text, |token| {
        if tokens == 0 {
            start = token.start;
        }
        one(token, last, before, sink);
        let classes = lexicon.classes(token, last);
        course.step(classes, sink);
        sink.token(token, classes);
        if token.kind != Kind::Mark {
            before = last;
            last = token.hash;
        }
        end = token.end;
        tokens += 1;
        if tokens == BLOCK {
            sink.block(tokens, start, end);
            tokens = 0;
        }
    });
    if tokens > 0 {
        sink.block(tokens, start, end);
    }
}

/// The classes of the last words that have one.
#[derive(Debug, Default)]
struct Course {
    classes: [u32; 3],
    /// Tokens up to each.
    places: [usize; 3],
    /// Tokens so far.
    number: usize,
}

/// Words farther apart have nothing to do with each other.
const NEAR: usize = 7;

impl Course {
    #[inline(always)]
    fn step(&mut self, classes: u32, sink: &mut impl Sink) {
        self.number += 1;
        if classes != 0 {
            self.word(classes, sink);
        }
    }

    fn word(&mut self, classes: u32, sink: &mut impl Sink) {
        let [one, two, three] = self.classes;
        let [age_one, age_two, age_three] = self.places.map(|place| self.number - place);
        sink.feature(index(join(CLASS, 0, classes)));
        if age_one <= NEAR && one != 0 {
            sink.feature(index(join(CLASS, one, classes)));
            if age_two <= 2 * NEAR && two != 0 {
                sink.feature(index(join(join(CLASS, two, one), one, classes)));
                sink.feature(index(join(CLASS ^ SKIP, two, classes)));
                if age_three <= 2 * NEAR && three != 0 {
                    sink.feature(index(join(CLASS ^ PAIR, three, classes)));
                }
            }
        }
        self.classes = [classes, one, two];
        let [place_one, place_two, _] = self.places;
        self.places = [self.number, place_one, place_two];
    }
}

#[inline]
fn one(token: &Token, last: u32, before: u32, sink: &mut impl Sink) {
    sink.feature(index(token.hash));
    match token.kind {
        Kind::Word | Kind::Number => {
            sink.feature(index(join(PAIR, last, token.hash)));
            sink.feature(index(join(join(TRIPLE, before, last), last, token.hash)));
            sink.feature(index(join(SKIP, before, token.hash)));
            if let Some(stem) = token.stem {
                sink.feature(index(stem ^ STEM));
                sink.feature(index(token.tail ^ TAIL));
            }
            if token.capitals {
                sink.feature(index(CAPITALS));
            }
        }
        Kind::Break | Kind::Mark => {}
    }
}

#[inline]
fn join(kind: u32, left: u32, right: u32) -> u32 {
    (left.rotate_left(11) ^ kind).wrapping_mul(PAIR).wrapping_add(right)
}

/// Fibonacci hashing: the high bits of a multiplication by 2^32 divided by the golden ratio.
#[inline]
fn index(hash: u32) -> usize {
    let mixed = (hash ^ (hash >> 15)).wrapping_mul(0x9E37_79B1) >> (32 - FEATURES.trailing_zeros());
    usize::try_from(mixed).unwrap_or(0)
}
