//! Messages that are to their receiver what others would be: calls with arguments that are JSON within a text, and what is told
//! of a task instead of in the answer to the call it was made of. Rules are asked about these as well.

use std::ops::Range;

use super::evaluate::stronger;
use super::explain::Step;
use super::facts::Facts;
use super::leaf::same_name;
use super::{Effect, Evaluation, Policy, Request};
use crate::detect::{Finding, Findings};
use crate::json::{Edit, Value};
use crate::mcp::{Direction, Message, Method, Names};

/// Where arguments cannot be followed to their end.
const UNREADABLE: &str = "(unreadable-arguments)";
/// Ways to read a call at most, of short arguments.
const MIXED: usize = 64;
/// Bytes of all of them together at most.
const MIXED_BYTES: usize = 64 << 20;

impl Policy {
    /// `evaluation`, and what the policy makes of `request` as a server sees it that takes texts which are JSON for what they
    /// mean. `steps` are those of the one that counts.
    pub(super) fn as_unpacked(
        &self,
        request: &Request<'_>,
        evaluation: Evaluation,
        mut steps: Option<&mut Vec<Step>>,
    ) -> Evaluation {
        let Some(unpacked) = request.message.unpacked() else { return evaluation };
        let unreadable = || {
            let effect = Effect::Deny { as_result: false };
            Evaluation { effect, ..Evaluation::passing(UNREADABLE.into(), self.mode) }
        };
        let Ok(message) = unpacked else { return stronger(evaluation, unreadable()) };
        let all: &dyn Fn(&str) -> bool = &|_| true;
        let mut evaluation = self.as_read(request, (message, all), evaluation, steps.as_deref_mut());
        let mixed = self.asked_about(request.message);
        let readings =
            1_usize.checked_shl(u32::try_from(mixed.len()).unwrap_or(u32::MAX)).unwrap_or(usize::MAX);
        if readings.saturating_mul(request.message.bytes().len().max(MIXED_BYTES / MIXED)) > MIXED_BYTES {
            return stronger(evaluation, unreadable());
        }
        // Each of them is a text or not by itself; none and all of them were looked at.
        for reading in 1..readings - 1 {
            let is_meant = |name: &str| {
                mixed.iter().position(|known| known == name).is_none_or(|at| reading >> at & 1 == 1)
            };
            evaluation = match request.message.unpacked_where(is_meant) {
                Some(Ok(message)) => {
                    self.as_read(request, (&message, &is_meant), evaluation, steps.as_deref_mut())
                }
                Some(Err(_)) => stronger(evaluation, unreadable()),
                None => evaluation,
            };
        }
        evaluation
    }

    /// Names of the arguments that are JSON within a text, where it is not the same to the rules which of them are read as what.
    fn asked_about(&self, message: &Message) -> Vec<String> {
        let conditions = || self.rules.iter().flat_map(|rule| &rule.conditions.arguments);
        let has_expressions = self.rules.iter().any(|rule| rule.conditions.when.is_some());
        if !has_expressions && conditions().nth(1).is_none() {
            return Vec::new();
        }
        let is_named = |name: &str, argument: &str| {
            let starts = name.match_indices('.').filter_map(|(at, _)| name.get(..at));
            name == "*" || starts.chain([name]).any(|start| same_name(argument, start, true))
        };
        let mut packed = message.packed();
        packed
            .retain(|argument| has_expressions || conditions().any(|known| is_named(&known.name, argument)));
        packed
    }

    /// `evaluation`, and what the policy makes of `request` as `message`, in which those arguments are read that `is_meant`.
    fn as_read(
        &self,
        request: &Request<'_>,
        (message, is_meant): (&Message, &dyn Fn(&str) -> bool),
        evaluation: Evaluation,
        steps: Option<&mut Vec<Step>>,
    ) -> Evaluation {
        let deny = Effect::Deny { as_result: false };
        let request_read = Request { message, ..*request };
        let mut more = Vec::new();
        let mut read = self.literally(&request_read, steps.is_some().then_some(&mut more));
        if matches!(read.effect, Effect::Redact(_)) {
            // Its edits are of another text than the one that goes on.
            let is_done = match &evaluation.effect {
                Effect::Redact(edits) => self.takes_out_all(request, edits, is_meant),
                Effect::Allow | Effect::Hold | Effect::Deny { .. } => false,
            };
            read.effect = if is_done { Effect::Allow } else { deny };
        }
        read.errors.retain(|error| !evaluation.errors.contains(error));
        read.dry_run.retain(|(rule, _)| evaluation.dry_run.iter().all(|(known, _)| known != rule));
        let rule = evaluation.rule.clone();
        let stronger = stronger(evaluation, read);
        if let Some(steps) = steps.filter(|_| stronger.rule != rule) {
            *steps = more;
        }
        stronger
    }

    /// With `edits` there is nothing left of `request` to be taken out, as it is read by such a server.
    fn takes_out_all(&self, request: &Request<'_>, edits: &[Edit], is_meant: &dyn Fn(&str) -> bool) -> bool {
        let Ok(changed) = request.message.changed(edits.to_vec()) else { return false };
        let Some(Ok(message)) = changed.unpacked_where(is_meant) else { return true };
        !matches!(self.literally(&Request { message: &message, ..*request }, None).effect, Effect::Redact(_))
    }

    /// `evaluation`, and what the policy makes of `request` as the answer to what became the task it is about.
    pub(super) fn as_answer_of_task(&self, request: &Request<'_>, mut evaluation: Evaluation) -> Evaluation {
        if !tells_of_task(request) {
            return evaluation;
        }
        // Calls are the client's; of what a server asks for, these may become tasks.
        let methods: &[&str] = match request.direction {
            Direction::ToClient => &["tools/call"],
            Direction::ToServer => &["sampling/createMessage", "elicitation/create"],
        };
        for method in methods {
            let facts = Facts::of_task(request, &self.words, method);
            evaluation = stronger(evaluation, self.by_rules(&facts, request.message, None));
        }
        evaluation
    }
}

/// `found` in `message`, and what is found, `more`, in it as `unpacked`: its place is where that stands in the text that unfolds to
/// it, or all of the text where it is spelled otherwise there.
pub(super) fn with_unpacked(
    mut found: Findings,
    message: &Message,
    more: Findings,
    unpacked: &Message,
) -> Findings {
    let arguments = |message| Message::params(message)?.get("arguments");
    let (Some(texts), Some(meant)) = (arguments(message), arguments(unpacked)) else { return found };
    let pairs: Vec<_> =
        texts.members().zip(meant.members()).map(|((_, text), (_, meant))| (text, meant)).collect();
    for finding in more.list {
        let place = pairs.iter().find(|(_, meant)| (meant.index()..meant.end()).contains(&finding.node));
        let Some((text, _)) = place.filter(|(text, meant)| text.kind() != meant.kind()) else { continue };
        let value = Value::at(unpacked.document(), finding.node);
        let ranges = ranges_in(&text.as_str().unwrap_or_default(), &finding, value);
        let is_known = found.list.iter().any(|known| {
            known.node == text.index()
                && known.detector == finding.detector
                && known.score >= finding.score
                && ranges.iter().all(|range| known.ranges.iter().any(|known| overlap(known, range)))
        });
        if !is_known {
            found.list.push(Finding { node: text.index(), is_key: false, ranges, ..finding });
        }
    }
    found.is_complete &= more.is_complete;
    found
}

/// Where in `text` there is what `finding` found in `value`.
fn ranges_in(text: &str, finding: &Finding, value: Value<'_>) -> Vec<Range<usize>> {
    let whole = 0..text.len();
    let found = value.as_str().unwrap_or_else(|| value.raw().into());
    let place = |range: &Range<usize>| {
        let part = found.get(range.clone()).filter(|part| !part.is_empty())?;
        text.find(part).map(|at| at..at + part.len())
    };
    let places: Option<Vec<_>> = finding.ranges.iter().map(place).collect();
    let mut places = places.filter(|places| !places.is_empty()).unwrap_or_else(|| vec![whole]);
    places.sort_by_key(|place| place.start);
    // They are to be apart; of what is there twice the first is meant.
    places.dedup_by(|next, last| overlap(last, next));
    places
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

/// It answers a request about a single task, or tells of one.
fn tells_of_task(request: &Request<'_>) -> bool {
    let method = match request.answers {
        Some(open) => &*open.method,
        None if request.message.id().is_none() => request.message.method().unwrap_or_default(),
        None => return false,
    };
    Method::named(method).and_then(Method::names) == Some(Names::Task)
}
