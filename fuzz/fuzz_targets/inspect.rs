//! One message of a hostile peer, all the way: read, inspected, weighed, changed, read again.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use mcpgw_agent::detect::{DetectorSet, Inspector, Subject};
use mcpgw_agent::json::{Limits, Value, apply};
use mcpgw_agent::mcp::{Decoded, Direction, Message, decode};
use mcpgw_agent::policy::{Context, Effect, Evaluation, Mode, Policy, Principal, Request, Transport};
use mcpgw_agent::session::{OpenRequest, Session};

const LIMITS: Limits = Limits { bytes: 1 << 20, depth: 64, values: 10_000 };

const POLICY: &str = "version: v1
mode: enforce
rules: [{name: all, action: allow, match: {methods: ['*']}}]
detectors: {secrets: redact, pii: redact, injection: redact, destructive: redact, poisoning: deny}
";

static POLICIES: LazyLock<Policy> = LazyLock::new(|| Policy::parse(POLICY).expect("it is a policy"));

/// Open requests that a message from the server may answer.
static ASKED: LazyLock<Vec<OpenRequest>> = LazyLock::new(|| {
    let asked = ["tools/call", "tools/list", "initialize", "resources/read", "prompts/get"].map(|method| {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{"name":"a","uri":"a:b"}}}}"#);
        let Ok(Decoded::One(message)) = decode(Bytes::from(text), &LIMITS) else { return None };
        let mut session = Session::new();
        session.passed(Direction::ToServer, &message, &[], "d", 0);
        session.unanswered(Direction::ToServer).next().map(|(_, open)| open.clone())
    });
    asked.into_iter().flatten().collect()
});

fn context() -> Context {
    let principal = Principal::default();
    Context { server: "s".into(), upstream: None, transport: Transport::Stdio, principal, client: None, tapped: None }
}

fn judge(message: &Message, direction: Direction, answers: Option<&OpenRequest>) {
    let context = context();
    let request = Request { direction, message, answers, revision: None, task_tool: None, context: &context };
    let tool = request.tool();
    let answered = answers.map(|open| &*open.method);
    let subject = Subject { direction, server: "s", answers: answered, tool: tool.as_deref() };
    let findings = Inspector::shipped().message(message, &subject, DetectorSet::all());
    for finding in &findings.list {
        let value = Value::at(message.document(), finding.node);
        let text = value.as_str().map(|text| text.into_owned()).or(value.as_number().map(str::to_owned));
        for range in &finding.ranges {
            let found = text.as_ref().map(|text| text.get(range.clone()).is_some());
            assert_ne!(found, Some(false), "{finding:?} in {text:?}");
        }
        assert!(finding.ranges.windows(2).all(|pair| pair[0].end <= pair[1].start), "{finding:?}");
        assert!((0.0..=1.0).contains(&finding.score), "{finding:?}");
    }
    let passing = Evaluation::passing("r".into(), Mode::Enforce);
    let evaluation = POLICIES.weigh(&request, passing, DetectorSet::all(), findings);
    let concealed = apply(message.bytes(), evaluation.concealed);
    assert!(decode(concealed, &Limits::default()).is_ok());
    if let Effect::Redact(edits) = evaluation.effect {
        assert!(!edits.is_empty());
        let changed = apply(message.bytes(), edits);
        assert!(matches!(decode(changed, &Limits::default()), Ok(Decoded::One(_))));
    }
}

fuzz_target!(|text: &[u8]| {
    let messages = match decode(Bytes::copy_from_slice(text), &LIMITS) {
        Ok(Decoded::One(message)) => vec![message],
        Ok(Decoded::Batch(messages)) => messages,
        Err(_) => return,
    };
    for message in &messages {
        judge(message, Direction::ToServer, None);
        judge(message, Direction::ToClient, None);
        for asked in ASKED.iter() {
            judge(message, Direction::ToClient, Some(asked));
        }
    }
});
