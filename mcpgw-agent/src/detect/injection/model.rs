//! The model: a weight for each hashed feature, summed over windows of a text. The window that speaks loudest counts.

use std::ops::Range;

use super::features::{FEATURES, Sink, WINDOW, see};
use super::rules::{Order, Rules};
use super::words::Token;

/// Before the weights: what a step of a weight is worth, what is added, what is taken off for length, where it is 0.5, and how steep.
const HEADER: usize = 20;

/// Weights as the trainer wrote them.
#[derive(Debug, Clone, Copy)]
pub struct Model<'a> {
    /// One for each feature.
    pub weights: &'a [i8; FEATURES],
    /// What a step of a weight is worth.
    pub step: f32,
    /// What every window has from the start.
    pub bias: f32,
    /// What is taken off for each doubling of the number of blocks: the more windows a text has, the louder its loudest is
    /// by chance.
    pub length: f32,
    /// What is reported by default.
    pub threshold: f32,
    /// How fast the score goes to 0 and 1 beside the threshold.
    pub slope: f32,
}

/// The window of a text that speaks loudest.
#[derive(Debug, Clone, PartialEq)]
pub struct Loudest {
    /// In logits, length taken off.
    pub value: f32,
    /// Bytes of the text.
    pub range: Range<usize>,
}

/// What is seen of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// `None` for a text without words.
    pub loudest: Option<Loudest>,
    /// What is explicit.
    pub order: Option<Order>,
}

impl<'a> Model<'a> {
    /// Reads what the trainer wrote; `None` where the length is not what it must be.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, weights) = bytes.split_first_chunk::<HEADER>()?;
        let weights: &[u8; FEATURES] = weights.try_into().ok()?;
        let mut numbers = header.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        Some(Self {
            weights: zerocopy::transmute_ref!(weights),
            step: numbers.next()?,
            bias: numbers.next()?,
            length: numbers.next()?,
            threshold: numbers.next()?,
            slope: numbers.next()?,
        })
    }

    /// The loudest window and the surest order.
    #[must_use]
    pub fn look(&self, text: &str) -> Look {
        let mut sums = Sums {
            weights: self.weights,
            sum: 0,
            blocks: [Block::default(); WINDOW],
            seen: 0,
            best: None,
            rules: Rules::default(),
        };
        see(text, &mut sums);
        let off = self.length * doublings(sums.seen);
        let loudest =
            sums.best.map(|(value, range)| Loudest { value: self.bias + value * self.step - off, range });
        Look { loudest, order: sums.rules.best() }
    }

    /// From 0 to 1; 0.5 at the threshold.
    #[must_use]
    pub fn score(&self, value: f32) -> f32 {
        let off = self.slope * (value - self.threshold);
        0.5 + 0.5 * off / (1.0 + off.abs())
    }
}

/// Longer texts have no more taken off: what is hidden in a long text must be found.
const DOUBLINGS: u16 = 4;

/// The whole number beneath the binary logarithm, up to a bound.
#[must_use]
pub fn doublings(blocks: usize) -> f32 {
    let whole = u16::try_from(blocks.max(1).ilog2()).unwrap_or(DOUBLINGS);
    f32::from(whole.min(DOUBLINGS))
}

/// Long windows may not be louder only because they are long.
#[must_use]
pub fn scale(tokens: u16) -> f32 {
    1.0 / f32::from(tokens + 4).sqrt()
}

#[derive(Debug, Clone, Copy, Default)]
struct Block {
    sum: i32,
    tokens: u16,
    start: usize,
}

struct Sums<'a> {
    weights: &'a [i8; FEATURES],
    sum: i32,
    /// The last blocks, the newest first.
    blocks: [Block; WINDOW],
    seen: usize,
    best: Option<(f32, Range<usize>)>,
    rules: Rules,
}

impl Sink for Sums<'_> {
    #[inline(always)]
    fn feature(&mut self, index: usize) {
        self.features([index]);
    }

    // One sum, so that no look-up waits for what is written of the last.
    #[inline(always)]
    fn features<const N: usize>(&mut self, indices: [usize; N]) {
        let weight = |index: usize| self.weights.get(index).map_or(0, |weight| i32::from(*weight));
        self.sum += indices.into_iter().map(weight).sum::<i32>();
    }

    #[inline(always)]
    fn token(&mut self, token: &Token, classes: u32) {
        self.rules.step(token, classes);
    }

    fn block(&mut self, tokens: usize, start: usize, end: usize) {
        self.blocks.rotate_right(1);
        let newest = Block { sum: self.sum, tokens: u16::try_from(tokens).unwrap_or(u16::MAX), start };
        if let Some(first) = self.blocks.first_mut() {
            *first = newest;
        }
        self.sum = 0;
        self.seen += 1;
        let (mut sum, mut tokens) = (0_i32, 0_u16);
        for block in self.blocks.iter().take(self.seen) {
            sum += block.sum;
            tokens = tokens.saturating_add(block.tokens);
            #[expect(clippy::cast_precision_loss, reason = "a block has fewer than 2^24 steps")]
            let value = sum as f32 * scale(tokens);
            if self.best.as_ref().is_none_or(|(best, _)| value > *best) {
                self.best = Some((value, block.start..end));
            }
        }
    }
}
