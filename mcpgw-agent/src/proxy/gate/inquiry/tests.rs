//! What is asked is decided on as it was asked about, or not at all.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::audit::{AuditLog, Options};
use crate::config::Config;
use crate::json::Limits;
use crate::policy::{Context, Principal, Transport};
use crate::proxy::gate::{Framing, Passed};
use crate::reload::PolicyStore;

const POLICY: &str = r#"version: v1
mode: enforce
rules:
  - name: no-deny
    action: deny
    match: {methods: [tools/call], tools: [deny]}
  - name: all
    action: allow
    match: {methods: ["*"]}
detectors: {external: deny}
"#;
const CALL: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{"a":"text"}}}"#;
const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"text"}]}}"#;

/// A gate whose guardrail never has anything to say, and a session.
struct Site {
    gate: Gate,
    party: Party,
    policies: Arc<PolicyStore>,
    dir: TempDir,
}

impl Site {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/analyze", listener.local_addr().unwrap());
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let mut reader = BufReader::new(stream);
                while let Some(length) = head(&mut reader) {
                    reader.read_exact(&mut vec![0; length]).unwrap();
                    reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]").unwrap();
                }
            }
        });
        let entry = format!("{{name: g, preset: presidio, url: '{url}', timeout: 25s}}");
        let config = format!("gateway: {{guardrails: [{entry}]}}");
        let config = Config::parse(Path::new("agent.yaml"), &config).unwrap();
        let dir = TempDir::new().unwrap();
        let audit = AuditLog::open(&Options::at(dir.path().join("audit.jsonl"))).unwrap();
        let policy = dir.path().join("policy.yaml");
        std::fs::write(&policy, POLICY).unwrap();
        let policies = Arc::new(PolicyStore::load(&policy).unwrap());
        let gate = Gate::new(Arc::clone(&policies), Arc::new(audit), Limits::default());
        let gate = gate.guarded_by(Guardrails::open(&config.gateway.guardrails).unwrap().unwrap());
        let context = Context {
            server: "s".into(),
            upstream: None,
            transport: Transport::Stdio,
            principal: Principal::default(),
            client: None,
            tapped: None,
        };
        Self { gate, party: Party::new("p", context), policies, dir }
    }

    fn decoded(&self, text: &'static str) -> Result<Decoded, Malformed> {
        self.gate.decode(Bytes::from_static(text.as_bytes()), Framing::Line)
    }

    fn inquire(&self, direction: Direction, text: &'static str) -> Inquiry {
        self.gate.inquire(&self.party, direction, &self.decoded(text), None).unwrap()
    }

    fn judge(&self, direction: Direction, text: &'static str, advice: Option<Advice>) -> Passed {
        let bytes = Bytes::from_static(text.as_bytes());
        let decoded = self.decoded(text);
        self.gate.judge(&self.party, direction, &bytes, decoded, None, advice, Instant::now()).wait()
    }
}

/// Length of the body behind the next head.
fn head(reader: &mut impl BufRead) -> Option<usize> {
    let mut length = None;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line == "\r\n" {
            return length;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok();
        }
    }
}

fn cause(passed: &Passed) -> Option<Cause> {
    assert_eq!(passed.refused, usize::from(passed.cause.is_some()));
    passed.cause.clone()
}

#[test]
fn what_was_asked_about_passes_and_what_was_not_does_not() {
    let site = Site::new();
    let unavailable = Some(Cause::Detector(Detector::External, "guardrail_unavailable"));
    assert_eq!(cause(&site.judge(Direction::ToServer, CALL, None)), unavailable);
    let inquiry = site.inquire(Direction::ToServer, CALL);
    assert!(inquiry.asks());
    assert_eq!(cause(&site.judge(Direction::ToServer, CALL, inquiry.wait())), None);
}

#[test]
fn an_answer_that_came_before_its_question_is_not_let_through_unasked() {
    let site = Site::new();
    // When it comes nobody waits for it, so it would be refused, and nobody is asked about it.
    let early = site.inquire(Direction::ToClient, ANSWER);
    assert!(!early.asks());
    let early = early.wait();
    let call = site.inquire(Direction::ToServer, CALL).wait();
    assert_eq!(cause(&site.judge(Direction::ToServer, CALL, call)), None);
    let unavailable = Some(Cause::Detector(Detector::External, "guardrail_unavailable"));
    assert_eq!(cause(&site.judge(Direction::ToClient, ANSWER, early)), unavailable);
}

#[test]
fn nobody_is_asked_about_what_is_denied() {
    let site = Site::new();
    let denied =
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"deny","arguments":{"a":"b"}}}"#;
    let inquiry = site.inquire(Direction::ToServer, denied);
    assert!(!inquiry.asks());
    let rule = Some(Cause::Policy("no-deny".into()));
    assert_eq!(cause(&site.judge(Direction::ToServer, denied, inquiry.wait())), rule);
}

#[test]
fn a_message_is_decided_by_the_policy_it_was_asked_about_under() {
    let site = Site::new();
    let advice = site.inquire(Direction::ToServer, CALL).wait();
    std::fs::write(site.dir.path().join("policy.yaml"), POLICY.replace("[deny]", "[t]")).unwrap();
    site.policies.reload().unwrap();
    assert_eq!(cause(&site.judge(Direction::ToServer, CALL, advice)), None);
    let next = CALL.replace("\"id\":1", "\"id\":2").leak();
    let advice = site.inquire(Direction::ToServer, next).wait();
    assert_eq!(cause(&site.judge(Direction::ToServer, next, advice)), Some(Cause::Policy("no-deny".into())));
}

#[test]
fn a_batch_is_asked_about_message_by_message() {
    let site = Site::new();
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"deny","arguments":{"a":"b"}}},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"t","arguments":{"a":"b"}}}]"#;
    site.party.session().set_revision(Revision::R2025_03_26);
    let inquiry = site.inquire(Direction::ToServer, batch);
    assert!(inquiry.asks());
    let passed = site.judge(Direction::ToServer, batch, inquiry.wait());
    assert_eq!((passed.forward.len(), passed.cause), (1, Some(Cause::Policy("no-deny".into()))));
}
