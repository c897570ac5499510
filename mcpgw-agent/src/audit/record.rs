//! A decision's record: what of a message is written down, and what is not.
//!
//! What policy takes out of a message, or would in enforce mode, is not in its record either: where a verdict has edits,
//! everything is read from the edited bytes. So it is with what detectors found of secrets and personal data. Contents of answers and bytes that are no message are never copied.

use std::borrow::Cow;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::Entry;
use super::effects;
use super::line::Line;
use crate::detect::Detector;
use crate::effects::Collected;
use crate::hex;
use crate::json::{self, Value};
use crate::mcp::{Message, MessageKind, RequestId};
use crate::policy::{Context, End, Mode, Weighed};
use crate::session::{OpenRequest, Target};
use crate::verdict::{Action, Shown, Verdict};

/// Longest arguments that are copied, in bytes as they came.
pub(super) const ARGS_MAX: usize = 64 << 10;
/// Most errors, and most rules on trial, that are listed.
const LIST_MAX: usize = 16;

/// Writes what is to be known of a decision. `outgoing` is what goes on, or would.
pub(super) fn write(line: &mut Line, entry: &Entry<'_>, outgoing: &Bytes) {
    let verdict = entry.verdict;
    let seen = entry.message.map(|message| verdict.shown(message));
    let shown = seen.as_ref().and_then(Shown::message);
    line.word("direction", entry.direction.as_str());
    let answers = entry.standing.answers.as_ref();
    line.maybe("method", shown.and_then(Message::method).or(answers.and_then(OpenRequest::shown_method)));
    match shown.and_then(Message::id) {
        Some(RequestId::Integer(number)) => line.number("id", *number),
        Some(RequestId::String(text)) => line.text("id", text),
        None => {}
    }
    line.word("kind", entry.message.map_or("unknown", |message| message.kind().as_str()));
    line.number("size", count(entry.size_bytes));
    decision(line, entry);
    line.append(entry.session.as_bytes());
    line.maybe("revision", entry.standing.revision.map(crate::mcp::Revision::as_str));
    let asks = entry.message.is_some_and(|message| message.kind() == MessageKind::Request);
    line.maybe("request_id", answers.map(|open| &*open.decision).or(asks.then_some(entry.decision)));
    line.text("decision_id", entry.decision);
    line.maybe("answers", answers.map(|open| &*open.decision));
    target(line, shown, answers);
    match (entry.message, shown) {
        (None, _) => line.text("sha256", &short_hash(outgoing)),
        (Some(_), Some(shown)) => {
            arguments(line, shown);
            outcome(line, shown);
        }
        (Some(_), None) => line.object("tool_args_omitted", |line| line.text("why", "unreadable")),
    }
    if let Some(message) = entry.message {
        findings(line, message, verdict, entry.effects);
    }
    line.object("policy", |line| {
        line.number("generation", entry.policy_generation);
        line.text("hash", entry.policy_hash);
    });
    line.number("latency_us", entry.latency_us);
    if let Some(answered_us) = entry.answered_us {
        line.number("answered_us", answered_us);
    }
    if let Some(done) = entry.effects {
        effects::write(line, done);
    }
}

/// What detectors found: the first of each kind in each text.
fn findings(line: &mut Line, message: &Message, verdict: &Verdict, done: Option<&Collected>) {
    if verdict.findings().is_empty() {
        return;
    }
    // Names of members may hold what was found. Concealing leaves every value where it is in the index, but where
    // arguments were not looked at: then a place in the one says nothing about the other.
    let concealed = verdict.concealed_in(message);
    let values = |message: &Message| message.document().root().end();
    let shown = concealed.message().filter(|concealed| values(concealed) == values(message));
    line.array(
        "findings",
        verdict.findings().iter().take(LIST_MAX),
        |line, Weighed { finding, reaction }| {
            line.element(|line| {
                line.text("detector", finding.detector.as_str());
                line.text("type", finding.kind);
                line.text("severity", finding.severity.as_str());
                line.number("score_percent", percent(finding.score));
                if let Some(message) = shown {
                    line.text("path", &json::path_to(message.document().root(), finding.node));
                }
                line.number(
                    "count",
                    match done.filter(|_| finding.detector == Detector::Effects) {
                        Some(done) => effects::count(done, finding.kind),
                        None => count(finding.ranges.len()),
                    },
                );
                if finding.detector == Detector::External {
                    line.text("why", finding.why);
                }
                line.text("reaction", reaction.as_str());
            });
        },
    );
    if !verdict.origins().is_empty() {
        line.array("origins", verdict.origins().iter().take(LIST_MAX), |line, origin| line.value(origin));
    }
    if verdict.findings().len() > LIST_MAX {
        line.number("findings_total", count(verdict.findings().len()));
    }
}

pub(super) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Observe => "observe",
        Mode::Enforce => "enforce",
    }
}

/// A score from 0 to 1 in hundredths.
fn percent(score: f32) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "from 0 to 100 after clamping")]
    let percent = (score.clamp(0.0, 1.0) * 100.0).round() as i64;
    percent
}

/// A session's id and circumstances.
pub(super) fn session(line: &mut Line, id: &str, circumstances: &Context) {
    context(line, circumstances);
    line.text("session", id);
}

/// The circumstances of a session.
pub(super) fn context(line: &mut Line, context: &Context) {
    line.maybe("subject", context.principal.subject.as_deref());
    if !context.principal.labels.is_empty() {
        line.object("labels", |line| {
            context.principal.labels.iter().for_each(|(name, value)| line.named(name, value));
        });
    }
    line.text("server", &context.server);
    if let Some(upstream) = &context.upstream {
        line.text("upstream", &without_secrets(upstream));
    }
    line.word("transport", context.transport.as_str());
    line.maybe("client", context.client.as_deref());
    if let Some(ends) = &context.tapped {
        line.word("source", "tap");
        line.object("processes", |line| {
            if let Some(server) = &ends.server {
                line.object("server", |line| end(line, server));
            }
            if let Some(client) = &ends.client {
                line.object("client", |line| end(line, client));
            }
        });
    }
}

fn end(line: &mut Line, end: &End) {
    line.number("pid", end.pid);
    line.text("started", &end.started.to_string());
    line.text("exe", &end.exe);
    line.text("user", &end.user);
}

fn decision(line: &mut Line, entry: &Entry<'_>) {
    let verdict = entry.verdict;
    line.word("action", verdict.action().as_str());
    if let Some(cause) = verdict.cause() {
        line.text("reason", &cause.reason());
    }
    line.maybe("would", verdict.would().map(Action::as_str));
    line.maybe("rule", verdict.rule());
    if let Some(hold) = verdict.hold() {
        line.text("hold", hold.as_str());
        if let Some(uid) = hold.by() {
            line.number("decided_by", u64::from(uid));
        }
    }
    line.maybe("held", entry.held);
    if !verdict.dry_run().is_empty() {
        line.array("dry_run", verdict.dry_run().iter().take(LIST_MAX), |line, (rule, action)| {
            line.element(|line| {
                line.text("rule", rule);
                line.text("action", action.as_str());
            });
        });
    }
    if !verdict.errors().is_empty() {
        line.array("errors", verdict.errors().iter().take(LIST_MAX), |line, error| line.value(error));
    }
    line.word("mode", mode(entry.mode));
}

/// What the message is about. Of an answer the tool alone: what else its request named may have been taken out there.
fn target(line: &mut Line, message: Option<&Message>, answers: Option<&OpenRequest>) {
    match (message.and_then(Target::of), answers.and_then(OpenRequest::shown_target)) {
        (Some(Target::Tool(name)), _) => line.text("tool_name", &name),
        (Some(Target::Prompt(name)), _) => line.text("prompt", &name),
        (Some(Target::Resource(uri)), _) => line.text("resource", &uri),
        (Some(Target::Task(id)), _) => line.text("task", &id),
        (None, Some(Target::Tool(name))) => line.text("tool_name", name),
        (None, Some(Target::Prompt(_) | Target::Resource(_) | Target::Task(_)) | None) => {}
    }
}

/// The arguments of a call, as JSON, or why they are not there.
fn arguments(line: &mut Line, message: &Message) {
    let Some(arguments) = message.params().and_then(|params| params.get("arguments")) else { return };
    let raw = arguments.raw();
    if raw.len() > ARGS_MAX {
        line.object("tool_args_omitted", |line| {
            line.text("why", "too-long");
            line.number("size", count(raw.len()));
            line.text("sha256", &hex::encode(&Sha256::digest(raw.as_bytes())));
        });
    } else {
        line.json("tool_args", raw);
    }
}

/// How a call ended.
fn outcome(line: &mut Line, answer: &Message) {
    if let Some(error) = answer.error() {
        line.word("outcome", "error");
        let code = error.get("code").and_then(Value::as_number).and_then(|code| code.parse::<i64>().ok());
        if let Some(code) = code {
            line.number("error_code", code);
        }
    } else if let Some(result) = answer.result() {
        let is_error = result.get("isError").and_then(Value::as_bool) == Some(true);
        line.word("outcome", if is_error { "tool_error" } else { "ok" });
    }
}

/// Enough to recognise a text by.
fn short_hash(bytes: &[u8]) -> String {
    let mut hash = hex::encode(&Sha256::digest(bytes));
    hash.truncate(16);
    hash
}

/// A URL without what may be a secret: user and password, query and fragment.
fn without_secrets(url: &str) -> Cow<'_, str> {
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = bare.split_once("://") else { return bare.into() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        None => bare.into(),
        Some((_user, host)) => format!("{scheme}://{host}{path}").into(),
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
