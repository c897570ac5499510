//! What is wrong with a policy, and how that reads.

use std::fmt;
use std::path::Path;

use crate::yaml::{self, Place, Placed};

/// Why a text is no policy: everything that is wrong with it, by line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    text: String,
    problems: Vec<Problem>,
}

impl PolicyError {
    pub(super) fn new(text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.place.map(|place| (place.line, place.column)));
        Self { text: text.to_owned(), problems }
    }

    /// What is wrong; at least one.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// A few lines for each problem, with the line of the file at `path` and a caret beneath.
    #[must_use]
    pub fn render(&self, path: &Path) -> String {
        yaml::render(path, &self.text, &self.problems)
    }
}

impl std::error::Error for PolicyError {}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut problems = self.problems.iter();
        if let Some(first) = problems.next() {
            if let Some(place) = first.place {
                write!(f, "line {}: ", place.line)?;
            }
            write!(f, "{first}")?;
        }
        match problems.len() {
            0 => Ok(()),
            more => write!(f, " (and {more} more)"),
        }
    }
}

/// One thing wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, if that is known.
    pub place: Option<Place>,
    /// What, in one line.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Placed for Problem {
    fn place(&self) -> Option<Place> {
        self.place
    }
}

impl From<yaml::Fault> for Problem {
    fn from(fault: yaml::Fault) -> Self {
        let message = match fault.kind {
            yaml::FaultKind::Yaml(message) => message,
            yaml::FaultKind::UnknownKey { key, .. } => format!("unknown key `{key}`"),
        };
        Self { place: fault.place, message }
    }
}
