//! Messages, circumstances and what a policy makes of them, in a few words.

use bytes::Bytes;

use crate::json::{Limits, apply};
use crate::mcp::{Decoded, Direction, Message, Revision, decode};
use crate::policy::{Context, Effect, Evaluation, Explanation, Mode, Policy, Principal, Request, Transport};
use crate::session::{OpenRequest, Session};

pub(super) fn policy(text: &str) -> Policy {
    Policy::parse(text)
        .unwrap_or_else(|error| panic!("{}", error.render(std::path::Path::new("policy.yaml"))))
}

/// A policy in enforce mode with `rules`, indented by nothing.
pub(super) fn rules(rules: &str) -> Policy {
    policy(&format!("version: v1\nmode: enforce\nrules:\n{rules}"))
}

/// What is wrong with a text, as `LINE:COLUMN MESSAGE`.
pub(super) fn problems(text: &str) -> Vec<String> {
    let error = Policy::parse(text).expect_err(text);
    let problem = |problem: &crate::policy::Problem| {
        let place = problem.place.map_or("?".to_owned(), |place| format!("{}:{}", place.line, place.column));
        format!("{place} {problem}")
    };
    error.problems().iter().map(problem).collect()
}

pub(super) fn message(text: &str) -> Message {
    match decode(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()) {
        Ok(Decoded::One(message)) => message,
        other => panic!("{text}: {other:?}"),
    }
}

pub(super) fn context() -> Context {
    Context {
        server: "files".into(),
        upstream: None,
        tapped: None,
        transport: Transport::Stdio,
        principal: Principal {
            subject: Some("ann".into()),
            roles: vec!["dev".into(), "ops".into()],
            ..Principal::default()
        },
        client: Some("/usr/bin/claude".into()),
    }
}

/// A message on its way, with what it answers.
pub(super) struct Sent {
    pub(super) direction: Direction,
    pub(super) message: Message,
    pub(super) answers: Option<OpenRequest>,
    pub(super) context: Context,
    pub(super) revision: Option<Revision>,
    pub(super) task_tool: Option<Box<str>>,
}

impl Sent {
    pub(super) fn request(&self) -> Request<'_> {
        Request {
            direction: self.direction,
            message: &self.message,
            answers: self.answers.as_ref(),
            revision: self.revision,
            task_tool: self.task_tool.as_deref(),
            context: &self.context,
        }
    }

    pub(super) fn under(&self, policy: &Policy) -> Evaluation {
        policy.evaluate(&self.request())
    }

    pub(super) fn explained(&self, policy: &Policy) -> Explanation {
        policy.explain(&self.request())
    }

    /// The bytes that go on.
    pub(super) fn outgoing(&self, policy: &Policy) -> String {
        let edits = match self.under(policy).effect {
            Effect::Redact(edits) => edits,
            Effect::Allow => Vec::new(),
            other @ (Effect::Deny { .. } | Effect::Hold) => panic!("{other:?}"),
        };
        String::from_utf8(apply(self.message.bytes(), edits).to_vec()).unwrap()
    }
}

pub(super) fn sent(direction: Direction, text: &str) -> Sent {
    let revision = Some(Revision::R2025_11_25);
    Sent { direction, message: message(text), answers: None, context: context(), revision, task_tool: None }
}

/// From the client: a request.
pub(super) fn ask(method: &str, params: &str) -> Sent {
    sent(
        Direction::ToServer,
        &format!(r#"{{"jsonrpc":"2.0","id":1,"method":{},"params":{params}}}"#, crate::json::quote(method)),
    )
}

/// From the client: a call.
pub(super) fn call(tool: &str, arguments: &str) -> Sent {
    ask("tools/call", &format!(r#"{{"name":{},"arguments":{arguments}}}"#, crate::json::quote(tool)))
}

/// From the server: a request, or a notification where `id` is missing.
pub(super) fn from_server(method: &str, params: &str, id: Option<u32>) -> Sent {
    let id = id.map_or_else(String::new, |id| format!(r#""id":{id},"#));
    sent(Direction::ToClient, &format!(r#"{{"jsonrpc":"2.0",{id}"method":"{method}","params":{params}}}"#))
}

/// The server's answer to `asked`.
pub(super) fn answer(asked: &Sent, result: &str) -> Sent {
    let mut session = Session::new();
    session.passed(asked.direction, &asked.message, &[], "d", 0);
    let text = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
    let mut sent = sent(asked.direction.opposite(), &text);
    let open = session.unanswered(asked.direction).next().map(|(_, open)| open.clone());
    sent.answers = open;
    sent
}

/// What happens in one word, with the rule; `~` before it where it is only recorded.
pub(super) fn word(evaluation: &Evaluation) -> String {
    let effect = match &evaluation.effect {
        Effect::Allow => "allow",
        Effect::Deny { as_result: false } => "deny",
        Effect::Deny { as_result: true } => "deny-result",
        Effect::Redact(_) => "redact",
        Effect::Hold => "hold",
    };
    let observed = if evaluation.mode == Mode::Observe { "~" } else { "" };
    format!("{observed}{effect} {}", evaluation.rule)
}
