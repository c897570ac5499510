//! Regexes, bounded: the `regex` crate is linear in the text, and what it may compile to is limited here.

use regex::{Regex, RegexBuilder};

/// Bytes a regex may compile to, and its cache.
const SIZE: usize = 1 << 20;
/// Characters of a regex at most.
const MAX_LENGTH: usize = 4096;

/// A regex, searched for anywhere in a text.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    exact: Regex,
    /// Without regard to case.
    any_case: Regex,
}

impl Pattern {
    pub(super) fn new(written: &str) -> Result<Self, String> {
        if written.chars().count() > MAX_LENGTH {
            return Err(format!("a regex is longer than {MAX_LENGTH} characters"));
        }
        let build = |any_case| {
            let mut builder = RegexBuilder::new(written);
            builder.case_insensitive(any_case).size_limit(SIZE).dfa_size_limit(SIZE);
            builder.build().map_err(|error| format!("`{written}` is no regex: {}", reason(&error)))
        };
        Ok(Self { exact: build(false)?, any_case: build(true)? })
    }

    /// As it is written.
    pub(super) fn as_str(&self) -> &str {
        self.exact.as_str()
    }

    /// The regex, which regards case.
    pub(super) fn regex(&self) -> &Regex {
        &self.exact
    }

    /// Somewhere in `text`, as it came.
    pub(super) fn matches(&self, text: &str) -> bool {
        self.exact.is_match(text)
    }

    /// Somewhere in `text`, whatever its case.
    pub(super) fn matches_any_case(&self, text: &str) -> bool {
        self.any_case.is_match(text)
    }
}

/// The last line of what the crate says; those before draw the regex, which the policy's error draws in its place.
fn reason(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}
