//! `redact:`: replacing what should not pass, within strings, so that the result is always JSON.

use std::ops::Range;

use regex::Regex;

use super::glob::Glob;
use super::names::Names;
use super::pattern::Pattern;
use super::text::{Readings, Side, fold};
use crate::json::{self, Edit, Value, quote};
use crate::mcp::{Message, MessageKind};

/// What every placeholder begins with.
const MARK: &str = "[REDACTED:";

/// Members directly in `params` that decide what the message does: they stay.
const STRUCTURE: [&str; 10] = [
    "name",
    "uri",
    "cursor",
    "requestState",
    "taskId",
    "ref",
    "protocolVersion",
    "requestId",
    "progressToken",
    "level",
];

/// The same of `result`.
const STRUCTURE_OF_RESULTS: [&str; 5] =
    ["nextCursor", "requestState", "taskId", "protocolVersion", "resultType"];

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
    /// The changes `message` needs; or `part` of it, a result that stands in it.
    pub(super) fn edits(&self, message: &Message, part: Option<Value<'_>>) -> Vec<Edit> {
        let mut pass = Pass { redact: self, edits: Vec::new(), names: Names::new(message, MARK) };
        if let Some(part) = part {
            pass.body(part, &STRUCTURE_OF_RESULTS);
            return pass.edits;
        }
        let (body, stays): (&str, &[&str]) = match message.kind() {
            MessageKind::Request | MessageKind::Notification => ("params", &STRUCTURE),
            MessageKind::Result => ("result", &STRUCTURE_OF_RESULTS),
            MessageKind::Error => ("error", &["code"]),
        };
        for (key, value) in message.document().root().members() {
            match &*key.as_str().unwrap_or_default() {
                "jsonrpc" | "id" | "method" => {}
                name if name == body => pass.body(value, stays),
                // Unknown, and somebody may read it all the same.
                _ => pass.member(key, value),
            }
        }
        pass.edits
    }
}

struct Pass<'r> {
    redact: &'r Redact,
    edits: Vec<Edit>,
    /// Of members that are renamed.
    names: Names<'r>,
}

impl Pass<'_> {
    fn body(&mut self, body: Value<'_>, stays: &[&str]) {
        if !body.is_object() {
            self.beneath(body);
        }
        for (key, value) in body.members() {
            if !stays.contains(&&*key.as_str().unwrap_or_default()) {
                self.member(key, value);
            }
        }
    }

    /// `value` and what is beneath it. The document's depth is bounded, and with it the recursion.
    fn beneath(&mut self, value: Value<'_>) {
        if let Some(text) = value.as_str() {
            match self.parts(&text) {
                Some(Parts::All(name)) => self.replace(value, &placeholder(name)),
                Some(Parts::Some(parts)) => {
                    let parts = parts.iter().map(|(range, with)| (range.clone(), &**with));
                    self.edits.extend(json::replace(value, parts));
                }
                None => {}
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
        let changed = self.parts(&name).map(|parts| match parts {
            Parts::All(found) => placeholder(found),
            Parts::Some(parts) => without(&name, &parts),
        });
        if let Some(changed) = changed {
            let renamed = self.names.fresh(&changed);
            self.replace(key, &renamed);
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

    /// What the patterns find in `text`; `None` where that is nothing.
    fn parts(&self, text: &str) -> Option<Parts<'_>> {
        let mut found: Vec<(Range<usize>, String)> = Vec::new();
        for Wanted { name, regex, .. } in &self.redact.patterns {
            let places = regex.find_iter(text).filter(|place| !place.is_empty());
            found.extend(places.map(|place| (place.range(), placeholder(name))));
        }
        if !found.is_empty() {
            return Some(Parts::Some(apart(found)));
        }
        // Blanks aside, folding takes control characters out of ASCII and nothing else.
        let is_hidden = |byte: u8| byte.is_ascii_control() && !matches!(byte, b'\t'..=b'\r');
        if text.is_ascii() && !text.bytes().any(is_hidden) {
            return None;
        }
        // What is found only without invisible characters and look-alikes has no place of its own.
        let seen = fold(text);
        let mut patterns = self.redact.patterns.iter();
        patterns.find(|wanted| wanted.pattern.matches_any_case(&seen)).map(|wanted| Parts::All(&wanted.name))
    }
}

/// What of a text is replaced.
enum Parts<'r> {
    /// All of it, for what is called this.
    All(&'r str),
    /// These ranges, in order and apart, by these placeholders.
    Some(Vec<(Range<usize>, String)>),
}

/// Ranges that overlap become one, by the name of the first.
fn apart(mut found: Vec<(Range<usize>, String)>) -> Vec<(Range<usize>, String)> {
    // The sort is stable: of two that begin together, the earlier pattern's name stays.
    found.sort_by_key(|(range, _)| range.start);
    let mut apart: Vec<(Range<usize>, String)> = Vec::with_capacity(found.len());
    for (range, with) in found {
        match apart.last_mut() {
            Some((last, _)) if range.start < last.end => last.end = last.end.max(range.end),
            _ => apart.push((range, with)),
        }
    }
    apart
}

fn without(text: &str, parts: &[(Range<usize>, String)]) -> String {
    let mut out = String::new();
    let mut at = 0;
    for (range, with) in parts {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(with);
        at = range.end;
    }
    out + text.get(at..).unwrap_or_default()
}

fn placeholder(name: &str) -> String {
    format!("{MARK}{name}]")
}
