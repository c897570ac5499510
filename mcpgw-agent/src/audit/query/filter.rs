//! Which records are wanted.

use globset::{GlobBuilder, GlobMatcher};
use jiff::Timestamp;

use super::record::{Facet, StoredRecord};
use super::words::{Wording, WordsError};

/// Longest pattern, in bytes.
const PATTERN_MAX: usize = 2048;

/// What is wrong with a filter.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// A pattern is no glob.
    #[error("`{pattern}` is no pattern")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// Why.
        source: globset::Error,
    },
    /// A pattern is too long.
    #[error("a pattern has more than {PATTERN_MAX} bytes")]
    TooLong,
    /// A label without a name.
    #[error("`{0}` is no label: NAME=VALUE, or NAME alone for any value")]
    Label(String),
    /// The words are no query.
    #[error(transparent)]
    Words(#[from] WordsError),
}

/// What a value must be: the text itself, or a glob in which `*` is any text.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// Exactly this.
    Text(String),
    /// What it matches.
    Glob(Box<GlobMatcher>),
}

impl Pattern {
    /// `*` is any text, `?` any character, `[a-z]` one of these, `{a,b}` either; `\` takes a character as it is.
    ///
    /// # Errors
    /// It is no glob, or too long.
    pub fn new(pattern: &str) -> Result<Self, FilterError> {
        if pattern.len() > PATTERN_MAX {
            return Err(FilterError::TooLong);
        }
        if !pattern.contains(['*', '?', '[', '{', '\\']) {
            return Ok(Self::Text(pattern.to_owned()));
        }
        let glob = GlobBuilder::new(pattern).backslash_escape(true).build();
        let glob = glob.map_err(|source| FilterError::Pattern { pattern: pattern.to_owned(), source })?;
        Ok(Self::Glob(Box::new(glob.compile_matcher())))
    }

    /// `NAME=VALUE`, where VALUE may be a glob, or `NAME` for any value.
    ///
    /// # Errors
    /// There is no name, or the value is no pattern.
    pub fn label(label: &str) -> Result<Self, FilterError> {
        let (name, value) = label.split_once('=').unwrap_or((label, "*"));
        if name.is_empty() {
            return Err(FilterError::Label(label.to_owned()));
        }
        match Self::new(value)? {
            Self::Text(_) => Ok(Self::Text(format!("{name}={value}"))),
            Self::Glob(_) => Self::new(&format!("{}={value}", globset::escape(name))),
        }
    }

    /// It is the pattern's.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Text(wanted) => wanted == text,
            Self::Glob(glob) => glob.is_match(text),
        }
    }
}

/// Which records are wanted: those for which everything holds that is asked for.
#[derive(Debug, Default)]
pub struct Filter {
    /// Written then or later.
    pub since: Option<Timestamp>,
    /// Written before.
    pub until: Option<Timestamp>,
    /// For each facet patterns, one of which must match one of the record's values.
    pub facets: Vec<(Facet, Vec<Pattern>)>,
    /// How the id of a decision begins that the record is, answers, held or comes from.
    pub decision: Option<String>,
    /// Words it must have.
    pub words: Option<Wording>,
}

impl Filter {
    /// It wants everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { since, until, facets, decision, words } = self;
        since.is_none() && until.is_none() && facets.is_empty() && decision.is_none() && words.is_none()
    }

    /// `record` is wanted.
    #[must_use]
    pub fn matches(&self, record: &StoredRecord) -> bool {
        self.matches_but_words(record) && self.words.as_ref().is_none_or(|words| words.matches(record))
    }

    /// [`matches`](Self::matches), without a look at the words.
    pub(in crate::audit) fn matches_but_words(&self, record: &StoredRecord) -> bool {
        let time = record.time();
        if self.since.is_some_and(|since| time < since) || self.until.is_some_and(|until| time >= until) {
            return false;
        }
        if !self.facets.is_empty() {
            let mut found = vec![false; self.facets.len()];
            record.facets(|facet, text| {
                for ((wanted, patterns), found) in self.facets.iter().zip(&mut found) {
                    *found =
                        *found || *wanted == facet && patterns.iter().any(|pattern| pattern.matches(text));
                }
            });
            if found.contains(&false) {
                return false;
            }
        }
        self.decision.as_ref().is_none_or(|wanted| {
            let mut found = false;
            record.decisions(|id| found |= id.starts_with(&**wanted));
            found
        })
    }
}
