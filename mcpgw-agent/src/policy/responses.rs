//! What holds for servers' messages whatever the rules say: `response_patterns` and `allowed_tools`.

use regex::{RegexSet, RegexSetBuilder};

use super::glob::Glob;
use super::text::{Readings, Side, fold};
use crate::json::{Kind, Value};
use crate::mcp::Message;

/// Bytes all patterns together may compile to, and their cache.
const SIZE: usize = 16 << 20;

/// The two lists of a policy.
#[derive(Debug, Default)]
pub(super) struct Responses {
    /// `response_patterns`: regexes no message of a server may match: neither its text nor any string in it, decoded, nor
    /// the texts of a result's content put together.
    patterns: Option<Patterns>,
    /// `allowed_tools`: globs; tools that match none are taken out of lists. `None`: all may stay.
    allowed_tools: Option<Box<[Glob]>>,
}

#[derive(Debug)]
struct Patterns {
    exact: RegexSet,
    /// For folded texts.
    any_case: RegexSet,
}

impl Responses {
    pub(super) fn new(patterns: &[&str], allowed_tools: Option<Box<[Glob]>>) -> Result<Self, String> {
        let set = |any_case| {
            let mut builder = RegexSetBuilder::new(patterns);
            builder.case_insensitive(any_case).size_limit(SIZE).dfa_size_limit(SIZE);
            builder.build().map_err(|error| error.to_string())
        };
        let patterns = if patterns.is_empty() {
            None
        } else {
            Some(Patterns { exact: set(false)?, any_case: set(true)? })
        };
        Ok(Self { patterns, allowed_tools })
    }

    /// The number, from 1, of the first pattern `message` matches.
    pub(super) fn forbidden(&self, message: &Message) -> Option<usize> {
        let patterns = self.patterns.as_ref()?;
        let root = message.document().root();
        let found = patterns.first(root.raw());
        let found = found.or_else(|| strings(root).find_map(|text| patterns.first_read(&text.as_str()?)));
        let found = found.or_else(|| joined(message).and_then(|text| patterns.first_read(&text)));
        found.map(|index| index + 1)
    }

    /// The tool may stay in lists.
    pub(super) fn offers(&self, name: &str) -> bool {
        let Some(globs) = &self.allowed_tools else { return true };
        Readings::new(name).match_globs(globs, Side::Strict).unwrap_or(false)
    }
}

impl Patterns {
    fn first(&self, text: &str) -> Option<usize> {
        // Asking whether any matches is cheaper than asking which, and mostly none does.
        self.exact.is_match(text).then(|| self.exact.matches(text).iter().next()).flatten()
    }

    /// Also as it reads without invisible characters and look-alikes.
    fn first_read(&self, text: &str) -> Option<usize> {
        self.first(text).or_else(|| {
            if text.is_ascii() {
                return None;
            }
            self.any_case.matches(&fold(text)).iter().next()
        })
    }
}

/// Every string beneath `value`, members' names included.
fn strings(value: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    let mut open = vec![value];
    std::iter::from_fn(move || {
        loop {
            let value = open.pop()?;
            for (key, value) in value.members() {
                open.push(value);
                open.push(key);
            }
            open.extend(value.elements());
            if value.kind() == Kind::String {
                return Some(value);
            }
        }
    })
}

/// The texts of a result's content put together, where there are several: a text may be cut anywhere.
fn joined(message: &Message) -> Option<String> {
    let content = message.result().and_then(|result| result.get("content"));
    let texts: Vec<_> = content
        .into_iter()
        .flat_map(Value::elements)
        .filter_map(|item| item.get("text").and_then(Value::as_str))
        .collect();
    (texts.len() > 1).then(|| texts.concat())
}
