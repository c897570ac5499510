//! What findings make of an evaluation.

use std::collections::BTreeSet;
use std::ops::Range;

use super::detectors::{Reaction, Whereabouts};
use super::evaluate::stronger;
use super::{Effect, Evaluation, Policy, Request};
use crate::detect::external::is_personal;
use crate::detect::{Detector, DetectorSet, Finding, Findings, LISTS};
use crate::json::{self, Edit, Value, quote};
use crate::mcp::{Direction, Message, Role};

/// A finding, and what it does to its message.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    /// What was found.
    pub finding: Finding,
    /// What it means here; never [`Reaction::Off`].
    pub reaction: Reaction,
}

impl Policy {
    /// The detectors that should look at `request`: none where `evaluation` denies it anyway.
    #[must_use]
    pub fn inspects(&self, request: &Request<'_>, evaluation: &Evaluation) -> DetectorSet {
        if evaluation.is_denied() { DetectorSet::default() } else { self.wants(request) }
    }

    /// The detectors that are not off for `request`.
    #[must_use]
    pub fn wants(&self, request: &Request<'_>) -> DetectorSet {
        let tool = request.tool();
        self.detectors.wanted(&whereabouts(request, tool.as_deref()))
    }

    /// `evaluation`, and what was found in the message by the detectors that were `wanted`. The stricter of both counts;
    /// where both change the message, all of it is changed.
    pub fn weigh(
        &self,
        request: &Request<'_>,
        evaluation: Evaluation,
        wanted: DetectorSet,
        findings: Findings,
    ) -> Evaluation {
        if findings.list.is_empty() && findings.is_complete {
            return evaluation;
        }
        let tool = request.tool();
        let at = whereabouts(request, tool.as_deref());
        let mut weighed: Vec<Weighed> = Vec::new();
        let mut lists = Lists::of(request);
        for finding in findings.list {
            let reaction = match self.detectors.reaction(&finding, &at) {
                Reaction::Off => continue,
                Reaction::Redact if !is_replaceable(&finding, request) => Reaction::Deny,
                reaction => reaction,
            };
            // One definition does not go on; the others of its list do.
            let is_removed = reaction > Reaction::Redact && lists.remove(&finding);
            let reaction = if is_removed { Reaction::Redact } else { reaction };
            weighed.push(Weighed { finding, reaction });
        }
        let mut worst = weighed.iter().max_by_key(|weighed| (weighed.reaction, weighed.finding.severity));
        let mut reaction = worst.map_or(Reaction::Off, |worst| worst.reaction);
        // What was not looked at may hold whatever is looked for.
        if !findings.is_complete && self.detectors.strictest(wanted, &at) > Reaction::Observe {
            (reaction, worst) = (Reaction::Deny, None);
        }
        let cause = worst.map(|worst| (worst.finding.detector, worst.finding.kind));
        let effect = match reaction {
            Reaction::Off | Reaction::Observe => Effect::Allow,
            Reaction::Redact => {
                let mut edits =
                    edits(request.message, &weighed, |weighed| weighed.reaction == Reaction::Redact);
                edits.extend(lists.edits());
                Effect::Redact(edits)
            }
            Reaction::Hold => Effect::Hold,
            Reaction::Deny => Effect::Deny { as_result: is_tool_call(request) },
        };
        let concealed = edits(request.message, &weighed, |weighed| {
            let Finding { detector, kind, .. } = weighed.finding;
            matches!(detector, Detector::Secrets | Detector::Pii)
                || (detector == Detector::External && is_personal(kind))
        });
        let by_detectors = Evaluation {
            effect,
            mode: self.mode,
            finding: Some(cause.unwrap_or((Detector::External, "not_inspected")))
                .filter(|_| reaction > Reaction::Observe),
            ..Evaluation::passing(evaluation.rule.clone(), self.mode)
        };
        Evaluation { findings: weighed, concealed, ..stronger(by_detectors, evaluation) }
    }
}

fn whereabouts<'a>(request: &Request<'a>, tool: Option<&'a str>) -> Whereabouts<'a> {
    Whereabouts { server: &request.context.server, tool, direction: request.direction }
}

/// The call, or the answer to one.
fn is_tool_call(request: &Request<'_>) -> bool {
    let method = request.message.method().or(request.answers.map(|open| &*open.method));
    method == Some("tools/call")
}

/// Something else can stand in the place of what was found: it does not say what the message does.
fn is_replaceable(finding: &Finding, request: &Request<'_>) -> bool {
    let method = request.message.document().root().get("method");
    let names = matches!(finding.role, Role::Name | Role::Uri);
    !finding.ranges.is_empty()
        && method.is_none_or(|method| method.index() != finding.node)
        && !(names && request.direction == Direction::ToServer)
}

/// Lists of definitions in a message, and those that are taken out.
struct Lists<'m>(Vec<List<'m>>);

struct List<'m> {
    value: Value<'m>,
    /// Places in the index where its elements begin.
    starts: Vec<usize>,
    /// Place in the index behind it.
    end: usize,
    removed: BTreeSet<usize>,
}

impl<'m> Lists<'m> {
    fn of(request: &Request<'m>) -> Self {
        let result = request.message.result().filter(|_| request.direction == Direction::ToClient);
        let list = |(member, _): &(&str, _)| {
            let value = result?.get(member).filter(|list| list.is_array())?;
            let starts = value.elements().map(Value::index).collect();
            Some(List { value, starts, end: value.end(), removed: BTreeSet::new() })
        };
        Self(LISTS.iter().filter_map(list).collect())
    }

    /// Takes out the definition that has what was found; `false` where it is in none.
    fn remove(&mut self, finding: &Finding) -> bool {
        for list in self.0.iter_mut().filter(|list| finding.node < list.end) {
            // An element has what follows it up to the next.
            if let Some(position) = list.starts.partition_point(|start| *start <= finding.node).checked_sub(1)
            {
                list.removed.insert(position);
                return true;
            }
        }
        false
    }

    fn edits(&self) -> Vec<Edit> {
        let positions = |list: &List<'_>| list.removed.iter().copied().collect::<Vec<_>>();
        self.0.iter().flat_map(|list| json::remove_elements(list.value, &positions(list))).collect()
    }
}

/// Changes that put placeholders in the place of what was found, of findings that are `meant`.
fn edits(message: &Message, weighed: &[Weighed], meant: impl Fn(&Weighed) -> bool) -> Vec<Edit> {
    let mut parts: Vec<(usize, bool, Range<usize>, &str)> = Vec::new();
    for Weighed { finding, .. } in weighed.iter().filter(|weighed| meant(weighed)) {
        let of = |range: &Range<usize>| (finding.node, finding.is_key, range.clone(), finding.kind);
        parts.extend(finding.ranges.iter().map(of));
    }
    // The sort is stable: of two that begin together, the kind found first stays.
    parts.sort_by_key(|(node, _, range, _)| (*node, range.start));
    let mut edits = Vec::new();
    for (number, of_text) in parts.chunk_by(|(a, ..), (b, ..)| a == b).enumerate() {
        let Some((node, is_key, ..)) = of_text.first() else { continue };
        let value = Value::at(message.document(), *node);
        let mut apart: Vec<(Range<usize>, String)> = Vec::new();
        for (_, _, range, kind) in of_text {
            match apart.last_mut() {
                Some((last, _)) if range.start < last.end => last.end = last.end.max(range.end),
                _ => apart.push((range.clone(), placeholder(kind))),
            }
        }
        match (value.as_str(), apart.first()) {
            // Keys stay different from each other. A number cannot hold a placeholder.
            (Some(_), Some((_, first))) if *is_key => {
                edits.push(Edit { span: value.span(), with: quote(&format!("{first} {number}")) });
            }
            (None, Some((_, first))) => edits.push(Edit { span: value.span(), with: quote(first) }),
            (_, _) => {
                let parts = apart.iter().map(|(range, with)| (range.clone(), &**with));
                edits.extend(json::replace(value, parts));
            }
        }
    }
    edits
}

/// What stands where something of this kind was: `<GITHUB_TOKEN>`.
#[must_use]
pub fn placeholder(kind: &str) -> String {
    format!("<{}>", kind.to_ascii_uppercase())
}
