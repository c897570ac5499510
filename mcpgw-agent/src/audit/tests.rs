//! The log as its users meet it: what is in the file, what happens when it cannot be written, who may continue it.

mod faults;
mod files;
mod records;
mod sealing;

use std::path::Path;

use bytes::Bytes;
use serde_json::Value;

use super::*;
use crate::json::Edit;
use crate::mcp::{Decoded, Direction, Message, decode};
use crate::policy::{Context, Effect, Evaluation, Mode, Principal, Transport};
use crate::session::Standing;
use crate::verdict::{Cause, Verdict, decide, refuse};

/// A message on its way to be recorded.
pub(super) struct Case {
    context: Context,
    standing: Standing,
    direction: Direction,
    message: Option<Message>,
    bytes: Bytes,
    verdict: Verdict,
    mode: Mode,
    effects: Option<crate::effects::Collected>,
}

impl Case {
    /// `text` from the client, under a rule `r` with this effect and mode.
    fn new(text: &str, effect: Effect, mode: Mode) -> Self {
        let bytes = Bytes::copy_from_slice(text.as_bytes());
        let message = match decode(bytes.clone(), &crate::json::Limits::default()) {
            Ok(Decoded::One(message)) => Some(message),
            _ => None,
        };
        let evaluation = Evaluation { effect, ..Evaluation::passing("r".into(), mode) };
        let verdict = decide(evaluation);
        let bytes = crate::json::apply(&bytes, verdict.edits().to_vec());
        let standing = Standing::default();
        let direction = Direction::ToServer;
        Self { context: context(), standing, direction, message, bytes, verdict, mode, effects: None }
    }

    /// A call the policy allows.
    pub(super) fn call(arguments: &str) -> Self {
        Self::new(&call(arguments), Effect::Allow, Mode::Enforce)
    }

    /// Something that is no message.
    fn malformed(text: &str, reason: crate::mcp::Reason) -> Self {
        let case = Self::new(text, Effect::Allow, Mode::Enforce);
        let verdict = refuse(Cause::Malformed(reason), Mode::Enforce);
        Self { message: None, verdict, ..case }
    }

    pub(super) fn record(&self, log: &AuditLog) -> Result<Recorded, AuditError> {
        let session = SessionMembers::of("s-1", &self.context);
        let entry = Entry {
            decision: "d-2",
            session: &session,
            direction: self.direction,
            message: self.message.as_ref(),
            size_bytes: self.message.as_ref().map_or(self.bytes.len(), |message| message.bytes().len()),
            standing: &self.standing,
            verdict: &self.verdict,
            held: None,
            mode: self.mode,
            policy_generation: 3,
            policy_hash: "cafe",
            latency_us: 12,
            answered_us: self.standing.answers.as_ref().map(|_| 345),
            effects: self.effects.as_ref(),
        };
        log.record(&entry, self.bytes.clone())
    }

    /// Its record, alone in a log.
    fn recorded(&self) -> Value {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        let log = AuditLog::open(&Options::at(&path)).unwrap();
        let _permit = self.record(&log).unwrap();
        drop(log);
        lines(&path).remove(1)
    }
}

fn context() -> Context {
    Context {
        server: "files".into(),
        upstream: Some("https://me:secret@host.example:8/mcp?token=secret#secret".into()),
        tapped: None,
        transport: Transport::Http,
        principal: Principal { subject: Some("mallory".into()), ..Principal::default() },
        client: Some("/usr/bin/client".into()),
    }
}

fn call(arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":"7","method":"tools/call","params":{{"name":"exec","arguments":{arguments}}}}}"#
    )
}

/// Every line of a log, as JSON.
fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn events(path: &Path) -> Vec<String> {
    lines(path).iter().map(|line| line["event"].as_str().unwrap_or("message").to_owned()).collect()
}

fn verify(path: &Path) -> Report {
    Verifier::new(&Key::read(&Key::beside(path)).unwrap()).file(path).unwrap()
}
