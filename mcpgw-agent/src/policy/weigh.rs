//! What findings make of an evaluation.

use std::collections::BTreeSet;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::detectors::{Reaction, Whereabouts};
use super::evaluate::stronger;
use super::names::Names;
use super::{Effect, Evaluation, Policy, Request};
use crate::detect::external::is_personal;
use crate::detect::watch::Granted;
use crate::detect::{Allowed, Detector, DetectorSet, Finding, Findings, LISTS, Realm};
use crate::json::{self, Edit, Value, quote};
use crate::mcp::{Direction, Message, Role};

/// What stands in the record in the place of arguments that were not looked at to their end.
const NOT_INSPECTED: &str = r#"{"<NOT_INSPECTED>":true}"#;

/// A finding, and what it does to its message.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighed {
    /// What was found.
    pub finding: Finding,
    /// What it means here; never [`Reaction::Off`].
    pub reaction: Reaction,
}

impl Policy {
    /// What it makes of `request` and of what is found in it, by itself: without the session around it.
    pub fn judge(&self, request: &Request<'_>) -> Evaluation {
        let evaluation = self.evaluate(request);
        let wanted = evaluation.inspected_by(self.wants(request));
        self.weigh(request, evaluation, wanted, request.inspect(wanted))
    }

    /// The detectors that are not off for `request`.
    #[must_use]
    pub fn wants(&self, request: &Request<'_>) -> DetectorSet {
        self.detectors.everywhere().unwrap_or_else(|| {
            let tool = request.tool();
            self.detectors.wanted(&whereabouts(request, tool.as_deref()))
        })
    }

    /// Whether a session may be about `name`, as far as the policy says.
    #[must_use]
    pub fn scope(&self, realm: Realm, name: &str) -> Allowed {
        self.detectors.scope(realm, name)
    }

    /// What is said of the labels of the tool that `request` calls, or whose call it answers.
    #[must_use]
    pub fn granted(&self, request: &Request<'_>, tool: Option<&str>) -> Granted {
        tool.map(|tool| self.detectors.granted(&request.context.server, tool)).unwrap_or_default()
    }

    /// What other sessions of a client have read counts in each.
    #[must_use]
    pub fn shares_flow(&self) -> bool {
        self.detectors.shares_flow()
    }

    /// Arguments that a tool's schema does not declare are wrong.
    #[must_use]
    pub fn has_strict_schemas(&self) -> bool {
        self.detectors.is_strict()
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
        let method = request.message.document().root().get("method").map(Value::index);
        let mut weighed: Vec<Weighed> = Vec::new();
        let mut lists = Lists::of(request);
        let mut worst = None;
        for finding in findings.list {
            debug_assert!(
                finding.detector.gives(finding.kind),
                "{finding:?} is of a kind no policy can name"
            );
            let reaction = match self.detectors.reaction(&finding, &at) {
                Reaction::Off => continue,
                Reaction::Redact if is_state(&finding, request) => Reaction::Observe,
                Reaction::Redact if !is_replaceable(&finding, method, request) => Reaction::Deny,
                reaction @ (Reaction::Observe | Reaction::Redact | Reaction::Hold | Reaction::Deny) => {
                    reaction
                }
            };
            // One definition does not go on; the others of its list do.
            let is_removed = reaction > Reaction::Redact && lists.remove(&finding);
            let effect = if is_removed { Reaction::Redact } else { reaction };
            let cause = (finding.detector, finding.kind);
            worst = worst.max(Some((effect, finding.severity, cause)));
            weighed.push(Weighed { finding, reaction });
        }
        let mut reaction = worst.map_or(Reaction::Off, |(reaction, ..)| reaction);
        // What was not looked at may hold whatever is looked for.
        if !findings.is_complete && self.detectors.strictest(wanted, &at) > Reaction::Observe {
            (reaction, worst) = (Reaction::Deny, None);
        }
        let mut concealed = edits(request.message, &weighed, |weighed| {
            let Finding { detector, kind, .. } = weighed.finding;
            DetectorSet::private().has(detector) || detector == Detector::External && is_personal(kind)
        });
        if !findings.is_complete {
            let arguments = request.message.params().and_then(|params| params.get("arguments"));
            let edit = |arguments: Value<'_>| Edit { span: arguments.span(), with: NOT_INSPECTED.to_owned() };
            concealed.extend(arguments.map(edit));
        }
        if evaluation.is_denied() {
            return Evaluation { findings: weighed, concealed, ..evaluation };
        }
        let cause = worst.map(|(.., cause)| cause);
        let changes = || {
            let mut changes =
                edits(request.message, &weighed, |weighed| weighed.reaction == Reaction::Redact);
            changes.extend(lists.edits());
            changes
        };
        let (effect, once_approved) = match reaction {
            Reaction::Off | Reaction::Observe => (Effect::Allow, Vec::new()),
            Reaction::Redact => (Effect::Redact(changes()), Vec::new()),
            Reaction::Hold => (Effect::Hold, changes()),
            Reaction::Deny => (Effect::Deny { as_result: is_tool_call(request) }, Vec::new()),
        };
        let by_detectors = Evaluation {
            effect,
            once_approved,
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

/// Something else can stand in the place of what was found: it does not say what the message does. `method` is the
/// place of the message's method in its index.
fn is_replaceable(finding: &Finding, method: Option<usize>, request: &Request<'_>) -> bool {
    let names = matches!(finding.role, Role::Name | Role::Uri);
    // Where the protocol wants a number a placeholder would be none.
    let is_number = || Value::at(request.message.document(), finding.node).as_number().is_some();
    // Whoever gets it hands it back: another would be nobody's.
    let is_handed_back =
        finding.role == Role::Opaque || progress_token(request.message) == Some(finding.node);
    let decides = method == Some(finding.node)
        || is_handed_back
        || names && request.direction == Direction::ToServer
        || matches!(finding.role, Role::Name | Role::Error) && is_number();
    !finding.ranges.is_empty() && !decides
}

/// A signed token in a cursor, a task's id or the state of a request: whoever keeps state there makes it so. It is on its
/// way back to who gave it away, and not written down.
fn is_state(finding: &Finding, request: &Request<'_>) -> bool {
    let id = request.message.document().root().get("id").map(Value::index);
    finding.role == Role::Opaque && finding.kind == "jwt" && id != Some(finding.node)
}

/// The place of the request's progress token in its index.
fn progress_token(message: &Message) -> Option<usize> {
    Some(message.params()?.get("_meta")?.get("progressToken")?.index())
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
    let mut parts: Vec<(&Finding, &Range<usize>)> = Vec::new();
    for Weighed { finding, .. } in weighed.iter().filter(|weighed| meant(weighed)) {
        parts.extend(finding.ranges.iter().map(|range| (finding, range)));
    }
    // The sort is stable: of two that begin together, the kind found first stays.
    parts.sort_by_key(|(finding, range)| (finding.node, range.start));
    let mut names = Names::new(message, "<");
    let mut edits = Vec::new();
    for of_text in parts.chunk_by(|(a, _), (b, _)| a.node == b.node) {
        let Some((first, _)) = of_text.first() else { continue };
        let value = Value::at(message.document(), first.node);
        let with = placeholder(first.kind);
        let whole = match value.as_str() {
            Some(_) if first.is_key => names.fresh(&with),
            // What is base64 stays base64: clients refuse what is not.
            Some(_) if first.role == Role::Blob => STANDARD.encode(with),
            Some(_) => {
                edits.extend(in_part(value, of_text));
                continue;
            }
            // A number cannot hold a placeholder.
            None => with,
        };
        edits.push(Edit { span: value.span(), with: quote(&whole) });
    }
    edits
}

/// Changes within a string.
fn in_part(value: Value<'_>, found: &[(&Finding, &Range<usize>)]) -> Vec<Edit> {
    let mut apart: Vec<(Range<usize>, String)> = Vec::new();
    for (finding, range) in found {
        match apart.last_mut() {
            Some((last, _)) if range.start < last.end => last.end = last.end.max(range.end),
            _ => apart.push(((*range).clone(), placeholder(finding.kind))),
        }
    }
    json::replace(value, apart.iter().map(|(range, with)| (range.clone(), &**with)))
}

/// What stands where something of this kind was: `<GITHUB_TOKEN>`.
#[must_use]
pub fn placeholder(kind: &str) -> String {
    format!("<{}>", kind.to_ascii_uppercase())
}
