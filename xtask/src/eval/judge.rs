//! Answers of `inspect`, and what they are worth.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::sample::{Sample, Set};

/// One line of `inspect`.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    findings: Vec<Found>,
    action: String,
    /// Microseconds.
    pub(crate) us: f64,
}

#[derive(Debug, Clone)]
struct Found {
    detector: String,
    start: u64,
    end: u64,
}

impl Answer {
    /// # Errors
    /// When the line is none.
    pub(crate) fn read(line: &str) -> Result<Self> {
        let line: Value = serde_json::from_str(line)?;
        let findings = line.get("findings").and_then(Value::as_array).context("an answer has findings")?;
        let found = |found: &Value| {
            Some(Found {
                detector: found.get("detector")?.as_str()?.to_owned(),
                start: found.get("start")?.as_u64()?,
                end: found.get("end")?.as_u64()?,
            })
        };
        Ok(Self {
            findings: findings.iter().filter_map(found).collect(),
            action: line.get("action").and_then(Value::as_str).unwrap_or_default().to_owned(),
            us: line.get("us").and_then(Value::as_f64).unwrap_or_default(),
        })
    }

    /// A detector the set is about found something.
    pub(crate) fn is_flagged(&self, set: Set) -> bool {
        self.findings.iter().any(|found| set.detectors().contains(&&*found.detector))
    }

    /// It would not have passed as it is.
    pub(crate) fn is_acted_on(&self) -> bool {
        self.action != "allow"
    }

    /// Every character that is to be found was.
    pub(crate) fn covers(&self, set: Set, sample: &Sample) -> bool {
        let found = |at: u64| {
            let of_set = self.findings.iter().filter(|found| set.detectors().contains(&&*found.detector));
            of_set.into_iter().any(|found| (found.start..found.end).contains(&at))
        };
        sample.spans().into_iter().all(|(start, end)| (start..end).all(found))
    }
}

/// How samples were judged.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Score {
    found: u32,
    missed: u32,
    false_alarms: u32,
    rest: u32,
    spanned: u32,
    covered: u32,
    acted_on: u32,
    bytes: f64,
    us: f64,
    /// Microseconds for each KiB, of samples of at least that length.
    worst: f64,
}

impl Score {
    pub(crate) fn add(&mut self, set: Set, sample: &Sample, answer: &Answer) {
        let flagged = answer.is_flagged(set);
        match (sample.is_positive(), flagged) {
            (true, true) => self.found += 1,
            (true, false) => self.missed += 1,
            (false, true) => self.false_alarms += 1,
            (false, false) => self.rest += 1,
        }
        if sample.is_positive() && !sample.spans().is_empty() {
            self.spanned += 1;
            self.covered += u32::from(answer.covers(set, sample));
        }
        self.acted_on += u32::from(!sample.is_positive() && answer.is_acted_on());
        let bytes = f64::from(u32::try_from(sample.size()).unwrap_or(u32::MAX));
        self.bytes += bytes;
        self.us += answer.us;
        if bytes >= 1024.0 {
            self.worst = self.worst.max(answer.us / (bytes / 1024.0));
        }
    }

    /// Samples with, and without something to find.
    pub(crate) fn counts(&self) -> (u32, u32) {
        (self.found + self.missed, self.false_alarms + self.rest)
    }

    pub(crate) fn precision(&self) -> Option<f64> {
        share(self.found, self.found + self.false_alarms)
    }

    pub(crate) fn recall(&self) -> Option<f64> {
        share(self.found, self.found + self.missed)
    }

    /// False alarms by samples without anything to find.
    pub(crate) fn alarm_rate(&self) -> Option<f64> {
        share(self.false_alarms, self.false_alarms + self.rest)
    }

    /// Samples without anything to find that any detector would have changed or stopped.
    pub(crate) fn acted_on(&self) -> Option<f64> {
        share(self.acted_on, self.false_alarms + self.rest)
    }

    /// Samples of which all that is to be found was.
    pub(crate) fn covered(&self) -> Option<f64> {
        share(self.covered, self.spanned)
    }

    /// Megabytes a second.
    pub(crate) fn speed(&self) -> f64 {
        if self.us > 0.0 { self.bytes / self.us } else { 0.0 }
    }

    /// Microseconds for a KiB, of the slowest sample.
    pub(crate) fn worst(&self) -> f64 {
        self.worst
    }
}

fn share(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged_by_the_sets_own_detector() {
        let answer = Answer::read(
            r#"{"action":"redact","us":2.0,"findings":[{"detector":"secrets","start":2,"end":5},{"detector":"pii","start":0,"end":9}]}"#,
        )
        .unwrap();
        assert!(answer.is_flagged(Set::Secrets) && !answer.is_flagged(Set::Injection));
        let dir = std::env::temp_dir().join(format!("mcpgw-eval-{}", std::process::id()));
        std::fs::write(
            &dir,
            "{\"label\":\"secret\",\"text\":\"ab\",\"spans\":[{\"span\":[2,5]}]}\n{\"label\":\"secret\",\"text\":\"\",\"spans\":[{\"span\":[2,6]}]}\n{\"label\":\"clean\",\"text\":\"x\"}\n",
        )
        .unwrap();
        let samples = super::super::sample::read(&dir).unwrap();
        std::fs::remove_file(&dir).unwrap();
        let mut score = Score::default();
        for sample in &samples {
            score.add(Set::Secrets, sample, &answer);
        }
        assert_eq!(score.counts(), (2, 1));
        assert_eq!((score.recall(), score.alarm_rate(), score.covered()), (Some(1.0), Some(1.0), Some(0.5)));
    }
}
