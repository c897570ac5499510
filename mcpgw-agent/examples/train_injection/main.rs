//! Trains the model of the `injection` detector: `cargo xtask train --data DIR`.
//!
//! It sees texts through the detector's own code, and does the same arithmetic in the same order every time: the same
//! data give the same file, byte for byte.
#![expect(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a tool for developers: it talks to them and may stop at what cannot be"
)]

mod corpus;
mod grammar;
mod judge;
mod learn;
mod random;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use mcpgw_agent::detect::injection::features::FEATURES;

use corpus::Sample;
use learn::{Learned, Lesson, Plan, Seen};

const GRAMMAR: &str = include_str!("grammar.txt");
const WEIGHTS: &str = "src/detect/injection/weights.bin";

/// Sentences of each form of the grammar.
const SENTENCES: usize = 16;
const PLAN: Plan = Plan { rounds: 4, rate: 1.0, epochs: 15, loud: 10, length: 0.1 };
/// Texts without attack that may be reported, out of fold.
const ALARMS: f32 = 0.009;
/// More than any model says.
const SURE: f32 = 100.0;
/// How fast the score leaves 0.5.
const SLOPE: f32 = 2.0;
/// Where a weight is cut off: the few that are heavier would leave the others no steps.
const HEAVIEST: f32 = 0.9998;

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).context("which folder has the data?")?;
    let samples = Samples::read(Path::new(&folder))?;
    let folds = judge::folds(&samples, PLAN);
    let threshold = judge::threshold(&samples, &folds, ALARMS);
    judge::table("out of fold", &samples, &folds, threshold);
    judge::table("source left out", &samples, &judge::sources(&samples, PLAN), threshold);
    let learned = samples.learn(|_| true, PLAN);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(WEIGHTS);
    std::fs::write(&path, bytes(&learned, threshold)?).with_context(|| path.display().to_string())?;
    println!("threshold {threshold:.4}; written: {WEIGHTS}");
    Ok(())
}

/// All there is to learn from.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) all: Vec<Sample>,
    pub(crate) seen: Vec<Seen>,
    weights: Vec<f32>,
}

impl Samples {
    fn read(folder: &Path) -> Result<Self> {
        let mut all = corpus::read(folder)?;
        all.extend(grammar::Grammar::read(GRAMMAR).samples(SENTENCES));
        let seen = all.iter().map(|sample| Seen::new(&sample.text)).collect();
        let mut counts: BTreeMap<(&str, bool), u16> = BTreeMap::new();
        for sample in &all {
            *counts.entry((&sample.source, sample.attack)).or_default() += 1;
        }
        // A large source counts for more than a small one, but not by its size; the grammar and the other corpora for less.
        let weights = all.iter().map(|sample| {
            let count = f32::from(counts[&(&*sample.source, sample.attack)]);
            let share = (10.0 / count.sqrt()).sqrt().min(3.0);
            share
                * match &*sample.tier {
                    "grammar" => 0.3,
                    "side" => 0.5,
                    _ => 1.0,
                }
        });
        let weights = weights.collect();
        Ok(Self { all, seen, weights })
    }

    /// What is said of one text: above all thresholds where a rule is sure.
    pub(crate) fn said(&self, index: usize, learned: &Learned) -> f32 {
        let seen = &self.seen[index];
        if seen.order >= 0.5 { SURE } else { learned.value(seen) }
    }

    /// Learns from those `wanted`, by index.
    pub(crate) fn learn(&self, wanted: impl Fn(usize) -> bool, plan: Plan) -> Learned {
        let lessons = (0..self.all.len()).filter(|index| wanted(*index)).map(|index| Lesson {
            seen: &self.seen[index],
            attack: self.all[index].attack,
            weight: self.weights[index],
        });
        learn::learn(&lessons.collect::<Vec<_>>(), plan)
    }
}

/// The file: numbers, then a byte for each weight.
fn bytes(learned: &Learned, threshold: f32) -> Result<Vec<u8>> {
    let mut sizes: Vec<f32> = learned.weights.iter().map(|weight| weight.abs()).collect();
    sizes.sort_by(f32::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a count"
    )]
    let heaviest = sizes[(sizes.len() as f32 * HEAVIEST) as usize];
    if heaviest <= 0.0 {
        bail!("nothing was learned");
    }
    let step = heaviest / f32::from(i8::MAX);
    let mut bytes = Vec::with_capacity(20 + FEATURES);
    for number in [step, learned.bias, learned.length, threshold, SLOPE] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    for weight in &learned.weights {
        #[expect(clippy::cast_possible_truncation, reason = "rounded and within a byte")]
        let steps = (weight / step).round().clamp(-127.0, 127.0) as i8;
        bytes.extend_from_slice(&steps.to_le_bytes());
    }
    Ok(bytes)
}
