//! What the model sees of a text: hashed words, stems, pairs and triples of words, in blocks. The trainer sees the same.

use super::lexicon::Lexicon;
use super::words::{self, Kind, Token, Visit};

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

    /// Several of them.
    #[inline(always)]
    fn features<const N: usize>(&mut self, indices: [usize; N]) {
        indices.into_iter().for_each(|index| self.feature(index));
    }

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
    let (lexicon, course) = (Lexicon::get(), Course::default());
    let mut eye =
        Eye { sink, lexicon, course, number: 0, start: 0, end: 0, last: CAPITALS, before: CAPITALS };
    words::each(text, &mut eye);
    let tokens = eye.number % BLOCK;
    if tokens > 0 {
        eye.sink.block(tokens, eye.start, eye.end);
    }
}

/// What looks at a text, token by token.
struct Eye<'s, S> {
    sink: &'s mut S,
    lexicon: &'static Lexicon,
    course: Course,
    /// Tokens so far.
    number: usize,
    /// Of the block.
    start: usize,
    end: usize,
    /// The last two tokens that are no marks.
    last: u32,
    before: u32,
}

impl<S: Sink> Visit for Eye<'_, S> {
    // What is known of a kind of token is known where it is cut.
    #[inline(always)]
    fn token(&mut self, token: &Token) {
        if self.number.is_multiple_of(BLOCK) {
            self.start = token.start;
        }
        self.number += 1;
        one(token, self.last, self.before, self.sink);
        let classes = self.lexicon.classes(token, self.last);
        if classes != 0 {
            self.course.word(self.number, classes, self.sink);
        }
        self.sink.token(token, classes);
        if token.kind != Kind::Mark {
            self.before = self.last;
            self.last = token.hash;
        }
        self.end = token.end;
        if self.number.is_multiple_of(BLOCK) {
            self.sink.block(BLOCK, self.start, self.end);
        }
    }
}

/// The classes of the last words that have one.
#[derive(Debug, Default)]
struct Course {
    classes: [u32; 3],
    /// Tokens up to each.
    places: [usize; 3],
}

/// Words farther apart have nothing to do with each other.
const NEAR: usize = 7;

impl Course {
    /// The word with this number, counted from 1, has classes.
    fn word(&mut self, number: usize, classes: u32, sink: &mut impl Sink) {
        let [one, two, three] = self.classes;
        let [age_one, age_two, age_three] = self.places.map(|place| number - place);
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
        self.places = [number, place_one, place_two];
    }
}

#[inline(always)]
fn one(token: &Token, last: u32, before: u32, sink: &mut impl Sink) {
    let hash = token.hash;
    match token.kind {
        Kind::Word | Kind::Number => {
            sink.features([
                index(hash),
                index(join(PAIR, last, hash)),
                index(join(join(TRIPLE, before, last), last, hash)),
                index(join(SKIP, before, hash)),
            ]);
            if let Some(stem) = token.stem {
                sink.features([index(stem ^ STEM), index(token.tail ^ TAIL)]);
            }
            if token.capitals {
                sink.feature(index(CAPITALS));
            }
        }
        Kind::Break | Kind::Mark => sink.feature(index(hash)),
    }
}

#[inline(always)]
fn join(kind: u32, left: u32, right: u32) -> u32 {
    (left.rotate_left(11) ^ kind).wrapping_mul(PAIR).wrapping_add(right)
}

/// Fibonacci hashing: the high bits of a multiplication by 2^32 divided by the golden ratio.
#[inline(always)]
fn index(hash: u32) -> usize {
    let mixed = (hash ^ (hash >> 15)).wrapping_mul(0x9E37_79B1) >> (32 - FEATURES.trailing_zeros());
    usize::try_from(mixed).unwrap_or(0)
}
