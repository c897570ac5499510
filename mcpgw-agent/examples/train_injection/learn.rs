//! A linear support vector machine over windows: of each attack the loudest window is what is learned from, of other
//! texts all that are loud.

use std::collections::BTreeSet;

use mcpgw_agent::detect::injection::features::{FEATURES, Sink, WINDOW, see};
use mcpgw_agent::detect::injection::model::{doublings, scale};
use mcpgw_agent::detect::injection::rules::Rules;
use mcpgw_agent::detect::injection::words::Token;

use crate::random::Random;

/// A text as the model sees it.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    features: Vec<u32>,
    /// For each block, behind its last feature, and its tokens.
    blocks: Vec<(usize, u16)>,
    rules: Rules,
    /// How sure the rules are of an order.
    pub(crate) order: f32,
}

impl Seen {
    pub(crate) fn new(text: &str) -> Self {
        let mut seen = Self::default();
        see(text, &mut seen);
        seen.order = std::mem::take(&mut seen.rules).best().map_or(0.0, |order| order.score);
        seen
    }

    fn features(&self, first: usize, last: usize) -> &[u32] {
        let start =
            first.checked_sub(1).and_then(|before| self.blocks.get(before)).map_or(0, |block| block.0);
        let end = self.blocks.get(last).map_or(0, |block| block.0);
        self.features.get(start..end).unwrap_or_default()
    }

    fn tokens(&self, first: usize, last: usize) -> u16 {
        self.blocks.get(first..=last).unwrap_or_default().iter().map(|block| block.1).sum()
    }
}

impl Sink for Seen {
    fn feature(&mut self, index: usize) {
        self.features.push(u32::try_from(index).unwrap_or(0));
    }

    fn token(&mut self, token: &Token, classes: u32) {
        self.rules.step(token, classes);
    }

    fn block(&mut self, tokens: usize, _: usize, _: usize) {
        self.blocks.push((self.features.len(), u16::try_from(tokens).unwrap_or(0)));
    }
}

/// A text to learn from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lesson<'a> {
    pub(crate) seen: &'a Seen,
    pub(crate) attack: bool,
    pub(crate) weight: f32,
}

/// How it is learned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    /// What an error costs.
    pub(crate) rate: f32,
    /// Passes over the windows of a round, at most.
    pub(crate) epochs: usize,
    /// Loud windows of a text without attack that are learned from in each round.
    pub(crate) loud: usize,
    /// What is taken off for each doubling of a text's length.
    pub(crate) length: f32,
}

/// Weights before they are made bytes.
#[derive(Debug, Clone)]
pub(crate) struct Learned {
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: f32,
    pub(crate) length: f32,
}

impl Learned {
    fn sum(&self, features: &[u32]) -> f32 {
        features.iter().map(|index| self.weights[*index as usize]).sum()
    }

    /// Value and place of every window, the loudest first.
    fn windows(&self, seen: &Seen, into: &mut Vec<(f32, usize, usize)>) {
        into.clear();
        let sums: Vec<f32> =
            (0..seen.blocks.len()).map(|block| self.sum(seen.features(block, block))).collect();
        for last in 0..sums.len() {
            let mut sum = 0.0;
            let mut tokens = 0;
            for first in (last.saturating_sub(WINDOW - 1)..=last).rev() {
                sum += sums[first];
                tokens += seen.blocks[first].1;
                into.push((self.bias + sum * scale(tokens), first, last));
            }
        }
        into.sort_by(|one, two| two.0.total_cmp(&one.0));
    }

    /// What the model says of a text.
    pub(crate) fn value(&self, seen: &Seen) -> f32 {
        let mut windows = Vec::new();
        self.windows(seen, &mut windows);
        windows.first().map_or(-9.0, |loudest| loudest.0 - self.length * doublings(seen.blocks.len()))
    }
}

/// A window: which text, its first block, its last.
type Window = (usize, usize, usize);

/// Windows of a text that are learned from before there are weights.
const FIRST: usize = 40;
/// What is as quiet as this need not be learned from.
const QUIET: f32 = -1.2;
/// Weight of the feature all windows have.
const BIAS: f32 = 1.0;
/// Once no row moves more than this, no epoch moves much.
const STILL: f32 = 1e-3;

/// Learns in rounds: by the weights of the last round the windows are chosen that the next learns from.
pub(crate) fn learn(lessons: &[Lesson<'_>], plan: Plan) -> Learned {
    let mut learned = Learned { weights: vec![0.0; FEATURES], bias: 0.0, length: plan.length };
    let mut random = Random::new(7);
    // Of texts without attack: what was loud in any round stays.
    let mut quiet: BTreeSet<Window> = BTreeSet::new();
    for round in 0..plan.rounds {
        let mut chosen = Vec::new();
        choose(lessons, plan, (round > 0).then_some(&learned), &mut chosen, &mut quiet);
        chosen.extend(quiet.iter().copied());
        let mut rows: Vec<Row> = chosen.iter().map(|window| Row::new(lessons, *window, plan)).collect();
        descend(&mut rows, plan, &mut random, &mut learned);
    }
    learned
}

/// The windows a round learns from; without weights those that part a text evenly.
fn choose(
    lessons: &[Lesson<'_>],
    plan: Plan,
    learned: Option<&Learned>,
    attacks: &mut Vec<Window>,
    quiet: &mut BTreeSet<Window>,
) {
    let mut windows = Vec::new();
    for (index, lesson) in lessons.iter().enumerate() {
        let blocks = lesson.seen.blocks.len();
        let Some(end) = blocks.checked_sub(1) else { continue };
        let Some(learned) = learned else {
            let first = end.min(WINDOW - 1);
            let others =
                (WINDOW..blocks).filter(|last| last % 2 == 1).map(|last| (index, last + 1 - WINDOW, last));
            let all = std::iter::once((index, 0, first)).chain(others);
            if lesson.attack {
                attacks.extend(all.take(3))
            } else {
                quiet.extend(all.take(FIRST))
            }
            continue;
        };
        learned.windows(lesson.seen, &mut windows);
        if lesson.attack {
            attacks.extend(windows.first().map(|(_, first, last)| (index, *first, *last)));
        } else {
            let loud = windows.iter().take(plan.loud).filter(|(value, ..)| *value > QUIET);
            quiet.extend(loud.map(|(_, first, last)| (index, *first, *last)));
        }
    }
}

/// A window as the descent sees it.
#[derive(Debug)]
struct Row {
    sign: f32,
    features: Vec<(u32, f32)>,
    /// What is taken off for the length of its text.
    off: f32,
    alpha: f32,
    square: f32,
    soft: f32,
}

impl Row {
    fn new(lessons: &[Lesson<'_>], (text, first, last): Window, plan: Plan) -> Self {
        let lesson = &lessons[text];
        let scale = scale(lesson.seen.tokens(first, last));
        let mut all = lesson.seen.features(first, last).to_vec();
        all.sort_unstable();
        let mut features: Vec<(u32, f32)> = Vec::new();
        for feature in all {
            match features.last_mut() {
                Some((last, value)) if *last == feature => *value += scale,
                _ => features.push((feature, scale)),
            }
        }
        let soft = 0.5 / (plan.rate * lesson.weight);
        let square = features.iter().map(|(_, value)| value * value).sum::<f32>() + BIAS * BIAS + soft;
        let off = plan.length * doublings(lesson.seen.blocks.len());
        Self { sign: if lesson.attack { 1.0 } else { -1.0 }, features, off, alpha: 0.0, square, soft }
    }
}

/// Squared hinge loss, by dual coordinate descent.
fn descend(rows: &mut [Row], plan: Plan, random: &mut Random, learned: &mut Learned) {
    learned.weights.fill(0.0);
    let mut bias = 0.0_f32;
    for _ in 0..plan.epochs {
        random.shuffle(rows);
        let mut most = 0.0_f32;
        for row in &mut *rows {
            let weighed = row.features.iter().map(|(index, value)| learned.weights[*index as usize] * value);
            let value = bias * BIAS + weighed.sum::<f32>() - row.off;
            let slope = row.sign * value - 1.0 + row.alpha * row.soft;
            let alpha = (row.alpha - slope / row.square).max(0.0);
            let step = (alpha - row.alpha) * row.sign;
            if step != 0.0 {
                most = most.max(step.abs());
                row.alpha = alpha;
                bias += step * BIAS;
                for (index, value) in &row.features {
                    learned.weights[*index as usize] += step * value;
                }
            }
        }
        if most < STILL {
            break;
        }
    }
    learned.bias = bias * BIAS;
}
