//! One number for all issues of a server. Pure.
//!
//! 100 and nothing to say is the best. An issue costs by its severity; a second one of its rule half of that, a third a
//! quarter, and so on: fifty tools that each lack one word are not fifty times as bad. What is critical or high sets a
//! most, whatever else is well.

use std::collections::BTreeMap;

use super::issue::Issue;
use crate::detect::Severity;

/// The most a server with a critical issue gets.
const MOST_CRITICAL: u8 = 20;
/// The most one with a high issue gets.
const MOST_HIGH: u8 = 60;
/// From here on the risk is low.
const LOW_FROM: u8 = 80;
/// From here on it is medium.
const MEDIUM_FROM: u8 = 50;

/// How a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    /// From 0, the worst, to 100.
    pub points: u8,
    /// What that amounts to.
    pub level: Level,
}

/// How much risk there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// 80 points or more.
    Low,
    /// 50 points or more.
    Medium,
    /// 21 points or more.
    High,
    /// Something is critical.
    Critical,
}

impl Level {
    /// All there are, the least first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Points an issue of the severity costs.
fn cost(severity: Severity) -> f64 {
    match severity {
        Severity::Low => 2.0,
        Severity::Medium => 10.0,
        Severity::High => 40.0,
        Severity::Critical => 80.0,
    }
}

/// What issues amount to.
#[must_use]
pub(crate) fn score(issues: &[Issue]) -> Score {
    let mut costs: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for issue in issues {
        costs.entry(&issue.rule).or_default().push(cost(issue.severity));
    }
    let mut points = 100.0_f64;
    for costs in costs.values_mut() {
        costs.sort_by(|one, other| other.total_cmp(one));
        let mut share = 1.0;
        for cost in costs {
            points -= *cost * share;
            share /= 2.0;
        }
    }
    let worst = issues.iter().map(|issue| issue.severity).max();
    let most = match worst {
        Some(Severity::Critical) => MOST_CRITICAL,
        Some(Severity::High) => MOST_HIGH,
        Some(Severity::Low | Severity::Medium) | None => 100,
    };
    let whole = (0..=most).rev().find(|whole| f64::from(*whole) <= points.max(0.0)).unwrap_or(0);
    let level = match whole {
        _ if worst == Some(Severity::Critical) => Level::Critical,
        LOW_FROM.. => Level::Low,
        MEDIUM_FROM.. => Level::Medium,
        _ => Level::High,
    };
    Score { points: whole, level }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::issue::of_server;

    fn points(issues: &[(&'static str, Severity)]) -> (u8, Level) {
        let issues: Vec<_> =
            issues.iter().map(|(rule, severity)| of_server(rule, *severity, "why", "do")).collect();
        let score = score(&issues);
        (score.points, score.level)
    }

    #[test]
    fn what_is_worse_counts_more_and_what_repeats_less() {
        use Severity::{Critical, High, Low, Medium};
        assert_eq!(points(&[]), (100, Level::Low));
        assert_eq!(points(&[("a", Low); 50]), (96, Level::Low));
        assert_eq!(points(&[("a", Medium)]), (90, Level::Low));
        assert_eq!(points(&[("a", Medium); 50]), (80, Level::Low));
        assert_eq!(points(&[("a", Medium), ("b", Medium), ("c", Medium)]), (70, Level::Medium));
        assert_eq!(points(&[("a", High)]), (60, Level::Medium));
        assert_eq!(points(&[("a", High), ("b", High)]), (20, Level::High));
        assert_eq!(points(&[("a", Critical)]), (20, Level::Critical));
        assert_eq!(points(&[("a", Critical), ("b", High)]), (0, Level::Critical));
    }
}
