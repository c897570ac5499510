//! Looking at a message before it is decided on.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::order::is_hidden_recipient;
use super::prints::{Copied, Prints};
use super::schema::{Checked, Fault, Schema};
use super::{Asked, LookedAt, View, Watch, Watched, address, each_text};
use crate::detect::{Detector, Finding, Severity};
use crate::json::Value;
use crate::mcp::{Direction, MessageKind, Role};
use crate::text::{Budget, readings};

/// What is found: detector, kind, severity, score, why.
type Sign = (Detector, &'static str, Severity, f32, &'static str);

const TOXIC_FLOW: Sign = (
    Detector::Flow,
    "toxic_flow",
    Severity::High,
    0.9,
    "this session has read text of strangers and private data, and this call is a way out",
);
const PRIVATE_DATA_LEAVES: Sign = (
    Detector::Flow,
    "private_data_leaves",
    Severity::High,
    0.9,
    "an argument of a call that reaches others is a copy of private data this session has read",
);
const HIDDEN_RECIPIENT: Sign = (
    Detector::Flow,
    "hidden_recipient",
    Severity::High,
    0.8,
    "a copy goes unseen to an address that only the server has named",
);
const SECRET_THEN_NETWORK: Sign = (
    Detector::Sequence,
    "secret_then_network",
    Severity::High,
    0.8,
    "this session has read a file that holds secrets, and this call is a way out",
);
const PATH_FROM_RESULT: Sign = (
    Detector::Sequence,
    "path_from_result",
    Severity::High,
    0.7,
    "the call names a file of secrets that only an error or a stranger's text has named",
);
const MANY_DENIALS: Sign = (
    Detector::Sequence,
    "many_denials",
    Severity::Medium,
    0.7,
    "many messages of this session were refused within a minute",
);
const REPEATED_CALL: Sign = (
    Detector::Sequence,
    "repeated_call",
    Severity::Medium,
    0.6,
    "the same call with the same arguments is made over and over",
);
const CHANGED_AFTER_APPROVAL: Sign = (
    Detector::Sequence,
    "changed_after_approval",
    Severity::Medium,
    0.6,
    "the server's tools change right after a person let a call through",
);
const SCHEMA_UNUSABLE: Sign = (
    Detector::Schema,
    "schema_unusable",
    Severity::Low,
    0.5,
    "a schema of the tool cannot be used, or not all of it",
);
const NOT_CHECKED: Sign = (
    Detector::Schema,
    "not_checked",
    Severity::Low,
    0.5,
    "checking against the tool's schema takes too many steps",
);
const RESULT_MISMATCH: Sign = (
    Detector::Schema,
    "result_mismatch",
    Severity::Medium,
    0.7,
    "the structured result is not what the tool's output schema says",
);

impl Watch {
    /// What is wrong with a message in this session, before it is decided on.
    pub fn look(&mut self, view: &View<'_>) -> Watched {
        let mut findings = Findings { view, list: Vec::new() };
        self.looked_at = None;
        if self.catalogue.names().is_empty() {
            self.catalogue.name(view.server);
        }
        match view.direction {
            Direction::ToServer => self.look_at_call(&mut findings),
            Direction::ToClient => self.look_at_answer(&mut findings),
        }
        let list = findings.list;
        Watched { origins: self.origins(&list), list }
    }

    /// The decisions that let through what makes `found` dangerous.
    fn origins(&self, found: &[Finding]) -> Vec<Box<str>> {
        let has = |sign: &Sign| found.iter().any(|finding| finding.kind == sign.1);
        let taint = &self.taint;
        let untrusted = taint.untrusted().filter(|_| has(&TOXIC_FLOW));
        let private = taint.private().filter(|_| has(&TOXIC_FLOW) || has(&PRIVATE_DATA_LEAVES));
        let secret = taint.secret().filter(|_| has(&SECRET_THEN_NETWORK));
        let mut origins: Vec<Box<str>> = Vec::new();
        for origin in untrusted.into_iter().chain(private).chain(secret) {
            if !origins.contains(&origin.decision) {
                origins.push(origin.decision.clone());
            }
        }
        origins
    }

    fn look_at_call(&mut self, findings: &mut Findings<'_, '_>) {
        let view = findings.view;
        if let Some(tool) = view.tool {
            self.catalogue.read(tool);
        }
        let Some(asked) = self.asked(view) else { return };
        let body = view.message.params().map_or(0, Value::index);
        self.is_slowed = self.order.many_denials(view.now_us) && view.wanted.has(Detector::Sequence);
        if self.is_slowed {
            findings.add(MANY_DENIALS, body);
        }
        if self.order.is_loop(asked.hash) {
            findings.add(REPEATED_CALL, body);
        }
        if let Some(node) = asked.told {
            findings.add(PATH_FROM_RESULT, node);
        }
        if asked.call.labels.out {
            self.way_out(&asked, body, findings);
        }
        if let (Some(tool), true) = (view.tool, view.wanted.has(Detector::Schema)) {
            self.arguments(tool, &asked, body, findings);
        }
        let Asked { call, hash, paths, .. } = asked;
        self.looked_at = Some(LookedAt { message: address(view.message), call, paths, hash });
    }

    fn way_out(&self, asked: &Asked<'_>, body: usize, findings: &mut Findings<'_, '_>) {
        let view = findings.view;
        if self.taint.secret().is_some() {
            findings.add(SECRET_THEN_NETWORK, body);
        }
        if !view.wanted.has(Detector::Flow) {
            return;
        }
        if self.taint.untrusted().is_some() && self.taint.would_leave(asked.call.home) {
            findings.add(TOXIC_FLOW, body);
        }
        if self.prints.is_much(&self.copied(view, asked)) {
            findings.add(PRIVATE_DATA_LEAVES, body);
        }
        each_text(view, |said| {
            if is_hidden_recipient(&said.key()) && self.order.has_address(said.text) {
                findings.add(HIDDEN_RECIPIENT, said.node);
            }
        });
    }

    fn arguments(&self, tool: &str, asked: &Asked<'_>, body: usize, findings: &mut Findings<'_, '_>) {
        let Some(schema) = self.catalogue.input(tool) else { return };
        let Some(arguments) = asked.arguments else {
            if schema.needs_members() {
                findings.add(sign(Fault::Missing), body);
            }
            return;
        };
        let Checked { flaws, is_complete } = schema.check(arguments, findings.view.strict);
        flaws.iter().for_each(|flaw| findings.add(sign(flaw.fault), flaw.node));
        if !is_complete {
            findings.add(NOT_CHECKED, body);
        }
    }

    fn look_at_answer(&mut self, findings: &mut Findings<'_, '_>) {
        let view = findings.view;
        if view.message.kind() == MessageKind::Notification {
            let changes = view.message.method() == Some("notifications/tools/list_changed");
            if changes && self.order.just_approved(view.now_us) {
                findings.add(CHANGED_AFTER_APPROVAL, 0);
            }
            return;
        }
        let Some(result) = view.message.result().filter(|_| view.wanted.has(Detector::Schema)) else {
            return;
        };
        match (view.answers, view.tool) {
            (Some("tools/list"), _) => {
                let list = result.get("tools").filter(|list| list.is_array());
                list.into_iter().for_each(|list| {
                    self.catalogue.look(list, |tool| findings.add(SCHEMA_UNUSABLE, tool.index()));
                });
            }
            (Some("tools/call"), Some(tool)) => {
                if let Some(schema) = self.catalogue.output(tool) {
                    structured(schema, result, findings);
                }
            }
            _ => {}
        }
    }
}

fn structured(schema: &Schema, result: Value<'_>, findings: &mut Findings<'_, '_>) {
    let is_error = result.get("isError").and_then(Value::as_bool) == Some(true);
    // What becomes a task is answered later.
    if is_error || result.get("task").is_some() {
        return;
    }
    let Some(structured) = result.get("structuredContent") else {
        return findings.add(RESULT_MISMATCH, result.index());
    };
    let Checked { flaws, is_complete } = schema.check(structured, false);
    if let Some(flaw) = flaws.first() {
        findings.add(RESULT_MISMATCH, flaw.node);
    } else if !is_complete {
        findings.add(NOT_CHECKED, structured.index());
    }
}

/// What an argument that is wrong is called.
fn sign(fault: Fault) -> Sign {
    let (kind, why) = match fault {
        Fault::Missing => ("missing_required", "an argument the tool asks for is missing"),
        Fault::Type => ("wrong_type", "an argument is of another type than the tool says"),
        Fault::Unknown => ("unknown_property", "an argument is one the tool does not have"),
        Fault::Value => ("not_allowed_value", "an argument has a value the tool does not allow"),
    };
    (Detector::Schema, kind, Severity::Low, 0.7, why)
}

/// Adds to `copied` what is private in the texts of a call, however they are encoded. What is split over the elements of a
/// list, or over calls, is read on.
pub(super) fn copied(prints: &Prints, view: &View<'_>, asked: &Asked<'_>, copied: &mut Copied) {
    let mut budget = Budget::of_message(view.message.bytes().len());
    each_text(view, |said| {
        let key = said.key();
        readings(said.text, &mut budget, &mut |reading| {
            let mut slot = DefaultHasher::new();
            (asked.source, &*key, said.is_key, reading.layers()).hash(&mut slot);
            prints.look(reading.text(), asked.call.home, slot.finish(), copied);
        });
    });
}

struct Findings<'f, 'a> {
    view: &'f View<'a>,
    list: Vec<Finding>,
}

impl Findings<'_, '_> {
    fn add(&mut self, (detector, kind, severity, score, why): Sign, node: usize) {
        let is_known = self.list.iter().any(|finding| (finding.kind, finding.node) == (kind, node));
        if self.view.wanted.has(detector) && !is_known {
            let role = match self.view.direction {
                Direction::ToServer => Role::Argument,
                Direction::ToClient => Role::Structured,
            };
            let ranges = Vec::new();
            self.list.push(Finding {
                detector,
                kind,
                severity,
                score,
                why,
                role,
                node,
                is_key: false,
                ranges,
            });
        }
    }
}
