//! `redact:`: replacing what should not pass, within strings, so that the result is always JSON.

use regex::Regex;

use super::glob::Glob;
use super::pattern::Pattern;
use super::text::{Readings, Side, fold};
use crate::json::{Edit, Value, quote};
use crate::mcp::{Message, MessageKind};

/// Members directly in `params` or `result` that decide what the message does: they stay.
const STRUCTURE: [&str; 12] = [
    "name",
    "uri",
    "cursor",
    "nextCursor",
    "requestState",
    "taskId",
    "ref",
    "protocolVersion",
    "resultType",
    "requestId",
    "progressToken",
    "level",
];

/// What a rule replaces.
#[derive(Debug, Default)]
pub(super) struct Redact {
    /// `patterns`: regexes by name; what they find becomes `[REDACTED:name]`.
    pub(super) patterns: Vec<Wanted>,
    /// `fields`: globs on members' names, at any depth; their whole value becomes `"[REDACTED:field]"`.
    pub(super) fields: Box<[Glob]>,
}

/// A regex, and what it finds is called.
#[derive(Debug)]
pub(super) struct Wanted {
    name: Box<str>,
    regex: Regex,
    pattern: Pattern,
}

impl Wanted {
    /// Compiled at once: what is to be replaced must be found.
    pub(super) fn new(name: Box<str>, pattern: Pattern) -> Result<Self, String> {
        Ok(Self { name, regex: pattern.regex()?, pattern })
    }
}

impl Redact {
    /// The changes `message` needs.
    pub(super) fn edits(&self, message: &Message) -> Vec<Edit> {
        let mut pass = Pass { redact: self, edits: Vec::new(), renamed: 0 };
        let body = match message.kind() {
            MessageKind::Request | MessageKind::Notification => message.params(),
            MessageKind::Result => message.result(),
            MessageKind::Error => message.error(),
        };
        let Some(body) = body else { return pass.edits };
        if !body.is_object() {
            pass.beneath(body);
            return pass.edits;
        }
        for (key, value) in body.members() {
            let name = key.as_str().unwrap_or_default();
            let is_code = message.kind() == MessageKind::Error && name == "code";
            if !is_code && !STRUCTURE.contains(&&*name) {
                pass.member(key, value);
            }
        }
        pass.edits
    }
}

struct Pass<'r> {
    redact: &'r Redact,
    edits: Vec<Edit>,
    /// Keys replaced so far: each gets a name of its own.
    renamed: usize,
}

impl Pass<'_> {
    /// `value` and what is beneath it. The document's depth is bounded, and with it the recursion.
    fn beneath(&mut self, value: Value<'_>) {
        if let Some(text) = value.as_str() {
            if let Some(changed) = self.changed(&text) {
                self.replace(value, &changed);
            }
        } else if let Some(number) = value.as_number() {
            // A number cannot hold a placeholder.
            if let Some(name) = self.found(number) {
                self.replace(value, &placeholder(name));
            }
        }
        for (key, value) in value.members() {
            self.member(key, value);
        }
        for element in value.elements() {
            self.beneath(element);
        }
    }

    fn member(&mut self, key: Value<'_>, value: Value<'_>) {
        let name = key.as_str().unwrap_or_default();
        if Readings::new(&*name).match_globs(&self.redact.fields, Side::Wide).unwrap_or(true) {
            self.replace(value, &placeholder("field"));
            return;
        }
        if let Some(changed) = self.changed(&name) {
            self.renamed += 1;
            let number = if self.renamed > 1 { format!(" {}", self.renamed) } else { String::new() };
            self.replace(key, &format!("{changed}{number}"));
        }
        self.beneath(value);
    }

    fn replace(&mut self, value: Value<'_>, text: &str) {
        self.edits.push(Edit { span: value.span(), with: quote(text) });
    }

    fn found(&self, text: &str) -> Option<&str> {
        let mut patterns = self.redact.patterns.iter();
        patterns.find(|wanted| wanted.regex.is_match(text)).map(|wanted| &*wanted.name)
    }

    /// `text` without what the patterns find; `None` where they find nothing.
    fn changed(&self, text: &str) -> Option<String> {
        let mut changed: Option<String> = None;
        for Wanted { name, regex, .. } in &self.redact.patterns {
            let now = changed.as_deref().unwrap_or(text);
            if let Some(next) = replace_all(regex, now, &placeholder(name)) {
                changed = Some(next);
            }
        }
        if changed.is_some() || text.is_ascii() {
            return changed;
        }
        // What is found only without invisible characters and look-alikes has no place of its own.
        let seen = fold(text);
        let mut patterns = self.redact.patterns.iter();
        patterns.find(|wanted| wanted.pattern.matches_any_case(&seen)).map(|wanted| placeholder(&wanted.name))
    }
}

fn replace_all(regex: &Regex, text: &str, with: &str) -> Option<String> {
    let mut out = String::new();
    let mut at = 0;
    for found in regex.find_iter(text).filter(|found| !found.is_empty()) {
        out.push_str(text.get(at..found.start()).unwrap_or_default());
        out.push_str(with);
        at = found.end();
    }
    (at > 0).then(|| out + text.get(at..).unwrap_or_default())
}

fn placeholder(name: &str) -> String {
    format!("[REDACTED:{name}]")
}
