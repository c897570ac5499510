//! The table, by source.

use std::collections::BTreeMap;
use std::fmt;

use super::judge::{Answer, Score};
use super::sample::{Sample, Set};

/// Scores of one file.
#[derive(Debug)]
pub(crate) struct Table {
    all: Score,
    groups: BTreeMap<(&'static str, String), Score>,
}

impl Table {
    pub(crate) fn new(set: Set, samples: &[Sample], answers: &[Answer]) -> Self {
        let mut table = Self { all: Score::default(), groups: BTreeMap::new() };
        for (sample, answer) in samples.iter().zip(answers) {
            table.all.add(set, sample, answer);
            for key in ["source", "class", "tier"] {
                let group = sample.text(key);
                if !group.is_empty() {
                    let score = table.groups.entry((key, group.to_owned())).or_default();
                    score.add(set, sample, answer);
                }
            }
        }
        table
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns =
            ["pos", "neg", "precision", "recall", "alarms", "covered", "acted on", "MB/s", "worst us/KiB"];
        write!(f, "{:38}", "")?;
        columns.iter().try_for_each(|column| write!(f, "{column:>13}"))?;
        writeln!(f)?;
        row(f, "all", &self.all)?;
        self.groups.iter().try_for_each(|((key, group), score)| row(f, &format!("{key}: {group}"), score))
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, score: &Score) -> fmt::Result {
    let (positive, negative) = score.counts();
    let short: String = name.chars().take(37).collect();
    write!(f, "{short:38}{positive:>13}{negative:>13}")?;
    for share in [score.precision(), score.recall(), score.alarm_rate(), score.covered(), score.acted_on()] {
        match share {
            Some(share) => write!(f, "{share:>13.3}")?,
            None => write!(f, "{:>13}", "-")?,
        }
    }
    writeln!(f, "{:>13.1}{:>13.1}", score.speed(), score.worst())
}

/// The samples that were judged wrongly, a line each.
pub(crate) fn errors(set: Set, samples: &[Sample], answers: &[Answer]) -> Vec<String> {
    let wrong =
        samples.iter().zip(answers).filter(|(sample, answer)| sample.is_positive() != answer.is_flagged(set));
    wrong
        .map(|(sample, _)| {
            format!("{}\t{}", if sample.is_positive() { "missed" } else { "alarm" }, sample.text("id"))
        })
        .collect()
}
