//! Looking at a message before it is decided on.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::call::Home;
use super::circle::Roots;
use super::order::is_hidden_recipient;
use super::prints::{Copied, Prints};
use super::schema::{Checked, Fault, Schema};
use super::{Asked, Circle, LookedAt, Origin, View, Watch, Watched, address, each_text, hash, tells_of_task};
use crate::detect::{Detector, Finding, Severity};
use crate::json::Value;
use crate::mcp::{Direction, MessageKind, Revision, Role};
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
        self.name(view.server);
        let roots = match view.direction {
            Direction::ToServer => self.look_at_call(&mut findings),
            Direction::ToClient => {
                self.look_at_answer(&mut findings);
                Roots::default()
            }
        };
        let list = findings.list;
        Watched { origins: origins(&list, &roots), list }
    }

    fn look_at_call(&mut self, findings: &mut Findings<'_, '_>) -> Roots {
        let view = findings.view;
        let called = view.tool.map(|tool| self.tools.lock().call(tool));
        let nature = called.as_ref().map(|called| called.nature);
        let Some(asked) = self.asked(view, nature) else { return Roots::default() };
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
        let roots =
            if asked.call.labels.out { self.way_out(&asked, body, findings) } else { Roots::default() };
        let schema = called.and_then(|called| called.schema).filter(|_| view.wanted.has(Detector::Schema));
        schema.into_iter().for_each(|schema| arguments(&schema, &asked, body, findings));
        let Asked { call, hash, paths, .. } = asked;
        self.looked_at = Some(LookedAt { message: address(view.message), call, paths, hash });
        roots
    }

    /// Where it comes from that a way out may be dangerous: from this session, and from the client's others.
    fn roots(&self, view: &View<'_>, to: Home) -> Roots {
        let mut roots = Roots::default();
        roots.add(&self.taint, to);
        if let Some(circle) = self.circle(view) {
            circle.at(view.now_us, |halves| halves.iter().for_each(|half| roots.add(&half.taint, to)));
        }
        roots
    }

    /// An argument copies private data that this session or another of the client has read.
    fn is_copied(&self, view: &View<'_>, asked: &Asked<'_>) -> bool {
        let of_circle = |circle: &Circle| {
            circle.at(view.now_us, |halves| {
                halves.iter().filter(|half| !half.prints.is_empty()).any(|half| {
                    let mut found = Copied::default();
                    copied(&half.prints, view, asked, &mut found);
                    half.prints.is_much(&found)
                })
            })
        };
        self.prints.is_much(&self.copied(view, asked)) || self.circle(view).is_some_and(of_circle)
    }

    fn way_out(&self, asked: &Asked<'_>, body: usize, findings: &mut Findings<'_, '_>) -> Roots {
        let view = findings.view;
        let roots = self.roots(view, asked.call.home);
        if !roots.secret.is_empty() {
            findings.add(SECRET_THEN_NETWORK, body);
        }
        if !view.wanted.has(Detector::Flow) {
            return roots;
        }
        if !roots.untrusted.is_empty() && !roots.private.is_empty() {
            findings.add(TOXIC_FLOW, body);
        }
        if self.is_copied(view, asked) {
            findings.add(PRIVATE_DATA_LEAVES, body);
        }
        each_text(view, |said| {
            if is_hidden_recipient(&said.key()) && self.order.has_address(said.text) {
                findings.add(HIDDEN_RECIPIENT, said.node);
            }
        });
        roots
    }

    fn look_at_answer(&mut self, findings: &mut Findings<'_, '_>) {
        let view = findings.view;
        if view.message.kind() == MessageKind::Notification {
            let changes = view.message.method() == Some("notifications/tools/list_changed");
            if changes && self.order.just_approved(view.now_us) {
                findings.add(CHANGED_AFTER_APPROVAL, 0);
            }
        }
        let body = view.message.result().or_else(|| view.message.params());
        let Some(result) = body.filter(|_| view.wanted.has(Detector::Schema)) else { return };
        match (view.answers, view.tool) {
            (Some("tools/list"), _) => {
                let list = result.get("tools").filter(|list| list.is_array());
                list.into_iter().for_each(|list| {
                    self.tools.lock().look(list, |tool| findings.add(SCHEMA_UNUSABLE, tool.index()));
                });
            }
            (Some("tools/call"), Some(tool)) => {
                let schema = self.tools.lock().output(tool);
                if let Some(schema) = schema {
                    structured(&schema, result, self.is_deferred(view, result), findings);
                }
            }
            (_, Some(tool)) if tells_of_task(view) => {
                let is_whole = view.answers == Some("tasks/result");
                let came_to = if is_whole { Some(result) } else { result.get("result") };
                let schema = self.tools.lock().output(tool);
                if let (Some(schema), Some(came_to)) = (schema, came_to) {
                    structured(&schema, came_to, false, findings);
                }
            }
            _ => {}
        }
    }

    /// The call is answered later: it became a task, or wants input first. That is so where the protocol has it, and not by
    /// whatever member a server adds.
    fn is_deferred(&self, view: &View<'_>, result: Value<'_>) -> bool {
        let is_modern = view.revision.map(Revision::is_modern);
        let kind = result.get("resultType").and_then(Value::as_str);
        let is_later = matches!(kind.as_deref(), Some("task" | "input_required"));
        let asked = view.message.id().and_then(|id| self.calls.get(&hash(id)));
        let is_task =
            asked.is_some_and(|call| call.as_task) && result.get("task").is_some_and(Value::is_object);
        is_later && is_modern != Some(false) || is_task && is_modern != Some(true)
    }
}

fn arguments(schema: &Schema, asked: &Asked<'_>, body: usize, findings: &mut Findings<'_, '_>) {
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

fn structured(schema: &Schema, result: Value<'_>, is_deferred: bool, findings: &mut Findings<'_, '_>) {
    if result.get("isError").and_then(Value::as_bool) == Some(true) {
        return;
    }
    // Who reads it all the same reads what it should be.
    let Some(structured) = result.get("structuredContent") else {
        if !is_deferred {
            findings.add(RESULT_MISMATCH, result.index());
        }
        return;
    };
    let Checked { flaws, is_complete } = schema.check(structured, false);
    if let Some(flaw) = flaws.first() {
        findings.add(RESULT_MISMATCH, flaw.node);
    } else if !is_complete {
        findings.add(NOT_CHECKED, structured.index());
    }
}

/// The decisions that let through what makes `found` dangerous.
fn origins(found: &[Finding], roots: &Roots) -> Vec<Box<str>> {
    let has = |sign: &Sign| found.iter().any(|finding| finding.kind == sign.1);
    let of = |list: &[Origin], is_meant: bool| if is_meant { list.to_vec() } else { Vec::new() };
    let untrusted = of(&roots.untrusted, has(&TOXIC_FLOW));
    let private = of(&roots.private, has(&TOXIC_FLOW) || has(&PRIVATE_DATA_LEAVES));
    let secret = of(&roots.secret, has(&SECRET_THEN_NETWORK));
    let mut origins: Vec<Box<str>> = Vec::new();
    for origin in untrusted.into_iter().chain(private).chain(secret) {
        if !origins.contains(&origin.decision) {
            origins.push(origin.decision);
        }
    }
    origins
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
