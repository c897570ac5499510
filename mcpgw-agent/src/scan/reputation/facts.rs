//! What is known of a package, and what is to be said of that. Pure.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::detect::Severity;

/// Days from which on a package is no longer new.
const NEW_DAYS: u64 = 30;
/// Days below which it is hardly there.
const FRESH_DAYS: u64 = 7;
/// Downloads a month below which hardly anybody uses it.
const FEW: u64 = 200;
/// Downloads a month, and days, from which on many have used it for long.
const MANY: u64 = 10_000;
const LONG_DAYS: u64 = 365;

/// What is known of a package.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Days since its first release.
    pub age_days: Option<u64>,
    /// Days since its last.
    pub last_days: Option<u64>,
    /// Releases.
    pub releases: u64,
    /// People who may publish it; nothing where the registry does not say.
    pub maintainers: Option<u64>,
    /// Downloads in the last month; nothing where nobody says.
    pub downloads: Option<u64>,
    /// Its author asks not to use it, or its last release was withdrawn.
    pub is_withdrawn: bool,
    /// It says where its source is.
    pub has_repository: bool,
}

/// Something to be said of a package: rule, severity, why, remedy.
pub(in crate::scan) type Concern = (&'static str, Severity, Cow<'static, str>, &'static str);

impl Facts {
    /// Many have used it for long.
    pub(in crate::scan) fn is_established(&self) -> bool {
        self.downloads.is_some_and(|downloads| downloads >= MANY)
            && self.age_days.is_some_and(|days| days >= LONG_DAYS)
            && !self.is_withdrawn
    }

    /// What is to be said of it.
    pub(in crate::scan) fn concerns(&self) -> Vec<Concern> {
        let mut concerns: Vec<Concern> = Vec::new();
        if let Some(days) = self.age_days.filter(|days| *days < NEW_DAYS) {
            let severity = if days < FRESH_DAYS { Severity::High } else { Severity::Medium };
            let why = format!("it was first published {days} days ago");
            let remedy = "Wait until others have read it, or read it yourself.";
            concerns.push(("young-package", severity, why.into(), remedy));
        }
        if let Some(downloads) = self.downloads.filter(|downloads| *downloads < FEW) {
            let why = format!("it was downloaded {downloads} times in a month");
            let remedy = "Make sure that it is the package that is meant.";
            concerns.push(("rare-package", Severity::Low, why.into(), remedy));
        }
        if self.is_withdrawn {
            let why = "its author asks not to use it, or has withdrawn its last release".into();
            concerns.push((
                "withdrawn-package",
                Severity::Medium,
                why,
                "Use what its author names in its place.",
            ));
        }
        if !self.has_repository {
            let why = "it does not say where its source is".into();
            concerns.push((
                "no-source",
                Severity::Low,
                why,
                "Read what is published: it is all there is to read.",
            ));
        }
        if self.maintainers == Some(0) {
            let why = "nobody keeps it any more".into();
            concerns.push(("no-maintainer", Severity::Medium, why, "Use another that somebody keeps."));
        }
        concerns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_rare_or_withdrawn_is_told() {
        let good = Facts {
            age_days: Some(800),
            last_days: Some(3),
            releases: 40,
            maintainers: Some(3),
            downloads: Some(90_000),
            is_withdrawn: false,
            has_repository: true,
        };
        let rules = |facts: &Facts| facts.concerns().iter().map(|(rule, ..)| *rule).collect::<Vec<_>>();
        assert!(good.is_established() && good.concerns().is_empty());
        let young = Facts { age_days: Some(3), downloads: Some(12), ..good.clone() };
        assert_eq!(rules(&young), ["young-package", "rare-package"]);
        assert_eq!(young.concerns().first().map(|(_, severity, ..)| *severity), Some(Severity::High));
        let left = Facts { is_withdrawn: true, has_repository: false, maintainers: Some(0), ..good.clone() };
        assert_eq!(rules(&left), ["withdrawn-package", "no-source", "no-maintainer"]);
        let unknown = Facts { age_days: None, downloads: None, maintainers: None, ..good };
        assert!(unknown.concerns().is_empty() && !unknown.is_established());
    }
}
