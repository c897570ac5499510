//! How good it is on texts it did not learn from.

use std::collections::BTreeMap;

use crate::Samples;
use crate::learn::Plan;

const FOLDS: u64 = 5;

/// What is said of each text by a model that learned from no text of its group.
pub(crate) fn folds(samples: &Samples, plan: Plan) -> Vec<f32> {
    let fold: Vec<u64> = samples.all.iter().map(|sample| hash(&sample.group) % FOLDS).collect();
    let mut values = vec![0.0; samples.all.len()];
    for out in 0..FOLDS {
        let learned = samples.learn(|index| fold[index] != out, plan);
        for (index, value) in values.iter_mut().enumerate().filter(|(index, _)| fold[*index] == out) {
            *value = samples.said(index, &learned);
        }
    }
    values
}

/// What is said of each text by a model that learned from no text of its source.
pub(crate) fn sources(samples: &Samples, plan: Plan) -> Vec<f32> {
    let mut values = vec![0.0; samples.all.len()];
    let mut sources: Vec<&str> =
        samples.all.iter().filter(|one| is_main(&one.tier)).map(|one| family(&one.source)).collect();
    sources.sort_unstable();
    sources.dedup();
    for source in sources {
        let learned = samples.learn(|index| family(&samples.all[index].source) != source, plan);
        for (index, value) in values.iter_mut().enumerate() {
            if family(&samples.all[index].source) == source {
                *value = samples.said(index, &learned);
            }
        }
    }
    values
}

/// Both kinds of repository documents have the same texts.
fn family(source: &str) -> &str {
    source.strip_suffix("_triggerish").unwrap_or(source)
}

fn is_main(tier: &str) -> bool {
    !matches!(tier, "grammar" | "side")
}

/// Where no more than a share of `alarms` of the texts without attack are at or above.
pub(crate) fn threshold(samples: &Samples, values: &[f32], alarms: f32) -> f32 {
    let mut quiet: Vec<f32> = samples
        .all
        .iter()
        .zip(values)
        .filter(|(sample, _)| is_main(&sample.tier) && !sample.attack)
        .map(|(_, value)| *value)
        .collect();
    quiet.sort_by(|one, two| two.total_cmp(one));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a count"
    )]
    let at = (quiet.len() as f32 * alarms) as usize;
    quiet.get(at).copied().unwrap_or(0.0) + 1e-4
}

/// Prints what is reported at `threshold`, by source and tier.
pub(crate) fn table(title: &str, samples: &Samples, values: &[f32], threshold: f32) {
    let mut rows: BTreeMap<(bool, &str, &str), [usize; 2]> = BTreeMap::new();
    for (sample, value) in samples.all.iter().zip(values).filter(|(sample, _)| sample.tier != "grammar") {
        let all = if is_main(&sample.tier) { "all" } else { "beside" };
        let tier = if sample.attack { &*sample.tier } else { "" };
        for (source, tier) in [(&*sample.source, tier), (all, "")] {
            let row = rows.entry((sample.attack, source, tier)).or_default();
            row[0] += usize::from(*value >= threshold);
            row[1] += 1;
        }
    }
    println!("{title}");
    for ((attack, source, tier), [found, of]) in rows {
        let what = if attack { "attack" } else { "benign" };
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let share = found as f32 / of as f32;
        println!("  {what} {source:32} {tier:10} {found:4}/{of:4} {share:.3}");
    }
}

fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}
