//! What holds for servers' messages whatever the rules say: `response_patterns` and `allowed_tools`.

use regex::{RegexSet, RegexSetBuilder};

use super::glob::Glob;
use super::text::{Readings, Side, fold};
use crate::json::Value;
use crate::mcp::Message;

/// Bytes all patterns together may compile to, and their cache.
const SIZE: usize = 16 << 20;

/// The two lists of a policy.
#[derive(Debug, Default)]
pub(super) struct Responses {
    /// `response_patterns`: regexes no message of a server may match, in its text or in any string, decoded.
    patterns: Option<RegexSet>,
    /// `allowed_tools`: globs; tools that match none are taken out of lists. `None`: all may stay.
    allowed_tools: Option<Box<[Glob]>>,
}

impl Responses {
    pub(super) fn new(patterns: &[&str], allowed_tools: Option<Box<[Glob]>>) -> Result<Self, String> {
        let set = || RegexSetBuilder::new(patterns).size_limit(SIZE).dfa_size_limit(SIZE).build();
        let patterns = (!patterns.is_empty()).then(set).transpose().map_err(|error| error.to_string())?;
        Ok(Self { patterns, allowed_tools })
    }

    /// The number, from 1, of the first pattern `message` matches.
    pub(super) fn forbidden(&self, message: &Message) -> Option<usize> {
        let patterns = self.patterns.as_ref()?;
        let first = |text: &str| patterns.matches(text).iter().next().map(|index| index + 1);
        let root = message.document().root();
        first(root.raw()).or_else(|| {
            let mut parts = String::new();
            let found = strings(root).find_map(|value| {
                let text = value.as_str().unwrap_or_default();
                let escaped = text.len() + 2 != value.raw().len();
                // What has no escapes has been looked at in the message's text, but for `^` and `$`.
                let found = first(&text);
                found.or_else(|| (escaped || !text.is_ascii()).then(|| first(&fold(&text))).flatten())
            });
            found.or_else(|| {
                joined(message, &mut parts);
                (!parts.is_empty()).then(|| first(&parts)).flatten()
            })
        })
    }

    /// The tool may stay in lists.
    pub(super) fn offers(&self, name: &str) -> bool {
        let Some(globs) = &self.allowed_tools else { return true };
        Readings::new(name).match_globs(globs, Side::Strict).unwrap_or(false)
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
            if value.kind() == crate::json::Kind::String {
                return Some(value);
            }
        }
    })
}

/// The text of a result's content, its items put together: a text may be cut anywhere.
fn joined(message: &Message, parts: &mut String) {
    let content = message.result().and_then(|result| result.get("content"));
    for item in content.into_iter().flat_map(Value::elements) {
        if let Some(text) = item.get("text").and_then(Value::as_str) {
            parts.push_str(&text);
        }
    }
}
