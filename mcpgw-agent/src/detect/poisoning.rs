//! Tool definitions that lie or instruct, and those of prompts, resources and servers: whole definitions, not only what
//! they describe.
//!
//! A definition goes into the model's context before anybody calls anything, and most of it no client shows. So every
//! text of it is judged, at any depth: what is hidden in it ([`hidden`], [`blob`]), what pretends to authority
//! ([`markup`]), and what it says ([`words`], [`rules`]). What is no text is judged too: annotations that contradict the
//! rest, parameters the tool has no use for, names another server has.
//!
//! ```text
//! definition ─▶ walk ─▶ each text ─▶ hidden · markup · blob ─▶ findings ─▶ weigh together
//!                                └▶ words ─▶ concepts ─▶ rules ┘
//! ```

mod annotations;
mod blob;
mod concept;
mod entries;
mod hidden;
mod judge;
mod lexicon;
mod markup;
mod names;
mod parameters;
mod rules;
mod walk;
mod words;

#[cfg(test)]
mod tests;

pub use names::Neighbours;

use std::ops::Range;

use super::{Detector, Finding, Severity};
use crate::json::Value;
use crate::mcp::Role;
use crate::text::fold;
use names::Likeness;
use walk::{Spot, Text};

/// Findings of one definition.
const FINDINGS_MAX: usize = 64;
/// Words of a property's name from which on it is read as a sentence.
const SENTENCE_MIN: usize = 5;
/// What weak signs count for together.
const TOGETHER: f32 = 0.95;
/// From here on a finding is reported by default.
const THRESHOLD: f32 = 0.5;

/// What is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DefinitionKind {
    /// A tool.
    Tool,
    /// A prompt.
    Prompt,
    /// A resource.
    Resource,
    /// A template of resources.
    ResourceTemplate,
    /// The server itself: its name, its instructions.
    Server,
}

impl DefinitionKind {
    /// All of them, in order.
    pub const ALL: [Self; 5] =
        [Self::Tool, Self::Prompt, Self::Resource, Self::ResourceTemplate, Self::Server];

    /// Its word in records and files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Prompt => "prompt",
            Self::Resource => "resource",
            Self::ResourceTemplate => "resource_template",
            Self::Server => "server",
        }
    }
}

/// One definition and where it comes from.
#[derive(Debug, Clone, Copy)]
pub struct Definition<'a> {
    /// What is defined.
    pub kind: DefinitionKind,
    /// All of it: an object; of a server what it answers to `initialize`, or its instructions as a string.
    pub value: Value<'a>,
    /// Whose it is, as [`Neighbours`] calls it.
    pub server: &'a str,
}

/// What is wrong with a definition: at most 64 findings, in the order of its bytes, those about all of it last. A
/// finding about a key or about all of it has an empty range: there is nothing that could be replaced.
#[must_use]
pub fn poisoned(definition: &Definition<'_>, others: &Neighbours) -> Vec<Finding> {
    let mut findings = Findings { found: Vec::new() };
    walk::walk(definition.value, |text| findings.judge(definition, others, text));
    findings.whole(definition, others);
    weigh_together(&mut findings.found);
    findings.found
}

struct Findings {
    found: Vec<Finding>,
}

/// Why something is a finding: kind, severity, score, why.
type Sign = (&'static str, Severity, f32, &'static str);

impl Findings {
    /// `range` of the text of `value`; empty where it is a key, or about all of a definition.
    fn add(
        &mut self,
        (kind, severity, score, why): Sign,
        value: Value<'_>,
        is_key: bool,
        range: Range<usize>,
    ) {
        if self.found.len() < FINDINGS_MAX {
            self.found.push(Finding {
                detector: Detector::Poisoning,
                kind,
                severity,
                score,
                why,
                role: Role::Definition,
                node: value.index(),
                is_key,
                ranges: if range.is_empty() { Vec::new() } else { vec![range] },
            });
        }
    }

    fn judge(&mut self, definition: &Definition<'_>, others: &Neighbours, text: &Text<'_>) {
        let Some(decoded) = text.value.as_str() else { return };
        let mut signs: Vec<(Sign, Range<usize>)> = Vec::new();
        hidden::hidden(&decoded, |(kind, severity, score, range, why)| {
            signs.push(((kind, severity, score, why), range))
        });
        match text.spot {
            Spot::Uri => {}
            Spot::Name => name(&decoded, &mut signs),
            Spot::Property => {
                name(&decoded, &mut signs);
                if let Some(score) = parameters::asks_for(&decoded, definition.value) {
                    let why = "it asks for what the tool has no use for";
                    signs.push((("out_of_scope_parameter", Severity::High, score, why), 0..0));
                }
                if decoded.split(|c: char| !c.is_alphanumeric()).count() >= SENTENCE_MIN {
                    prose(&decoded, &mut signs);
                }
            }
            Spot::Description | Spot::Prose | Spot::Choice | Spot::Other
                if text.is_key && decoded.len() < 24 => {}
            Spot::Description | Spot::Prose | Spot::Choice | Spot::Other => {
                let spoken_of = prose(&decoded, &mut signs);
                encoded(&decoded, &mut signs);
                if text.spot == Spot::Prose
                    && spoken_of & concept::CONVERSATION != 0
                    && !parameters::is_about_talk(definition.value)
                {
                    let why = "it asks for the conversation, which the tool has no use for";
                    signs.push((("out_of_scope_parameter", Severity::High, 0.55, why), 0..decoded.len()));
                }
                if let Some(range) = parameters::unknown_argument(&decoded, definition.value) {
                    let why = "it has something put into an argument the tool does not have";
                    signs.push((("unknown_argument", Severity::Medium, 0.35, why), range));
                }
                neighbours(&decoded, definition.server, others, &mut signs);
            }
        }
        if matches!(text.spot, Spot::Choice | Spot::Uri)
            && decoded.contains("://")
            && words::is_collector(&decoded)
        {
            let why = "it offers an address that collects what is sent there";
            signs.push((("exfiltration", Severity::High, 0.6, why), 0..decoded.len()));
        }
        for (sign, range) in signs {
            let range = if text.is_key { 0..0 } else { range };
            self.add(sign, text.value, text.is_key, range);
        }
    }

    /// What no single text says.
    fn whole(&mut self, definition: &Definition<'_>, others: &Neighbours) {
        if definition.kind != DefinitionKind::Tool {
            return;
        }
        if let Some((hint, score, why)) = annotations::lies(definition.value) {
            let sign = ("lying_annotation", Severity::High, score, why);
            let hint = definition.value.get("annotations").and_then(|annotations| annotations.get(hint));
            self.add(sign, hint.unwrap_or(definition.value), false, 0..0);
        }
        let named = definition.value.get("name").unwrap_or(definition.value);
        let name = named.as_str().unwrap_or_default();
        let (score, severity, why) = match others.like(definition.server, &name) {
            None => return,
            Some(Likeness::Confusable) => {
                (0.8, Severity::High, "another server has a tool whose name looks the same")
            }
            Some(Likeness::Same) => (0.5, Severity::Medium, "another server has a tool of this name"),
            Some(Likeness::Near) => {
                (0.5, Severity::Medium, "another server has a tool with nearly this name")
            }
        };
        self.add(("shadowing", severity, score, why), named, false, 0..name.len());
    }
}

fn name(name: &str, signs: &mut Vec<(Sign, Range<usize>)>) {
    if names::is_disguised(name) {
        let why = "its letters are not those they look like";
        signs.push((("disguised_name", Severity::High, 0.8, why), 0..name.len()));
    }
}

/// What a text says, as it came and, where it has other characters than those of ASCII, as it looks. Gives what it speaks
/// of as it came.
fn prose(text: &str, signs: &mut Vec<(Sign, Range<usize>)>) -> concept::Concepts {
    markup::tags(text, |(score, range)| {
        signs.push((("authority_tag", Severity::High, score, "it pretends to speak for the system"), range));
    });
    let spoken_of = judge::judge(text, |rule, range| {
        signs.push(((rule.kind, rule.severity, rule.score, rule.why), range))
    });
    if !text.is_ascii() {
        let known: Vec<_> = signs.iter().map(|((kind, ..), _)| *kind).collect();
        judge::judge(&fold(text), |rule, _| {
            if !known.contains(&rule.kind) {
                signs.push(((rule.kind, rule.severity, rule.score, rule.why), 0..text.len()));
            }
        });
    }
    spoken_of
}

fn encoded(text: &str, signs: &mut Vec<(Sign, Range<usize>)>) {
    blob::blobs(text, |range, decoded| {
        let mut says = false;
        judge::judge(decoded, |_, _| says = true);
        let score = if says { 0.9 } else { 0.6 };
        signs.push((("encoded_text", Severity::High, score, "it holds encoded text"), range));
    });
}

/// Names of tools that other servers have.
fn neighbours(text: &str, server: &str, others: &Neighbours, signs: &mut Vec<(Sign, Range<usize>)>) {
    if others.is_empty() {
        return;
    }
    let mut at = 0;
    for word in text.split(|character: char| !(character.is_alphanumeric() || matches!(character, '_' | '-')))
    {
        if others.has(server, word) {
            let why = "it speaks of another server's tool";
            signs.push((("names_other_tool", Severity::Medium, 0.45, why), at..at + word.len()));
            return;
        }
        at += word.len()
            + text.get(at + word.len()..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }
}

/// Several weak signs of different kinds are a strong one: the strongest takes what they are together.
fn weigh_together(found: &mut [Finding]) {
    let mut kinds: Vec<(&'static str, f32)> = Vec::new();
    for finding in found.iter() {
        match kinds.iter_mut().find(|(kind, _)| *kind == finding.kind) {
            Some((_, score)) => *score = score.max(finding.score),
            None => kinds.push((finding.kind, finding.score)),
        }
    }
    let together = 1.0 - kinds.iter().map(|(_, score)| 1.0 - TOGETHER * score).product::<f32>();
    let strongest = found.iter_mut().max_by(|one, other| one.score.total_cmp(&other.score));
    if let Some(strongest) = strongest
        && kinds.len() > 1
        && strongest.score < THRESHOLD
    {
        strongest.score = together.max(strongest.score);
    }
}
