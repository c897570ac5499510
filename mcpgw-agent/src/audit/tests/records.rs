//! What a record says, and what it must not say.

use super::*;
use crate::effects::{Collected, Ended, Killed};
use crate::mcp::{Reason, RequestId, Revision};
use crate::pins::{Act, ActKind};
use crate::session::{OpenRequest, Target};
use jiff::Timestamp;

fn answered(text: &str) -> Case {
    let case = Case::new(text, Effect::Allow, Mode::Enforce);
    let open = OpenRequest {
        method: "tools/call".into(),
        target: Some(Target::Tool("exec".into())),
        decision: "d-1".into(),
        since_us: 0,
        revision: None,
        from_start: true,
        shown: None,
    };
    let standing =
        Standing { answers: Some(open), revision: Some(Revision::R2025_06_18), ..Standing::default() };
    Case { standing, direction: Direction::ToClient, ..case }
}

#[test]
fn a_request_has_every_field() {
    let mut record = Case::call(r#"{"command":"rm"}"#).recorded();
    let fields = record.as_object_mut().unwrap();
    for field in ["timestamp", "prev", "sig"] {
        assert!(fields.remove(field).is_some_and(|value| value.as_str().is_some_and(|text| text.len() > 26)));
    }
    assert_eq!(
        record,
        serde_json::json!({
            "direction": "c2s", "method": "tools/call", "id": "7", "kind": "request", "size": 102,
            "action": "pass", "rule": "r", "mode": "enforce", "subject": "mallory", "server": "files",
            "upstream": "https://host.example:8/mcp", "transport": "http", "client": "/usr/bin/client",
            "session": "s-1", "request_id": "d-2", "decision_id": "d-2", "tool_name": "exec",
            "tool_args": {"command": "rm"}, "policy": {"generation": 3, "hash": "cafe"}, "latency_us": 12,
            "seq": 2
        })
    );
}

#[test]
fn an_answer_names_what_it_answers_and_how_it_ended() {
    for (text, outcome, code) in [
        (r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"CANARY"}]}}"#, "ok", None),
        (r#"{"jsonrpc":"2.0","id":7,"result":{"isError":true,"x":"CANARY"}}"#, "tool_error", None),
        (r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32602,"message":"CANARY"}}"#, "error", Some(-32602)),
    ] {
        let record = answered(text).recorded();
        assert!(!record.to_string().contains("CANARY"), "contents are not copied: {record}");
        assert_eq!((&record["outcome"], record["error_code"].as_i64()), (&Value::from(outcome), code));
        for (field, value) in [
            ("direction", "s2c"),
            ("kind", "response"),
            ("method", "tools/call"),
            ("tool_name", "exec"),
            ("request_id", "d-1"),
            ("answers", "d-1"),
            ("revision", "2025-06-18"),
        ] {
            assert_eq!(record[field], value, "{field}");
        }
        assert_eq!((&record["id"], &record["answered_us"]), (&Value::from(7), &Value::from(345)));
    }
}

#[test]
fn what_is_redacted_is_not_recorded() {
    for canary in ["CANARY", "C\\u0041NARY"] {
        let text = call(&format!(r#"{{"key":"{canary}","n":[1,"{canary}"]}}"#)).replace("exec", canary);
        let spans: Vec<_> = text.match_indices(canary).map(|(at, _)| at..at + canary.len()).collect();
        let edits: Vec<_> = spans.into_iter().map(|span| Edit { span, with: "[gone]".into() }).collect();
        for (mode, action) in [(Mode::Enforce, "redact"), (Mode::Observe, "pass")] {
            let case = Case::new(&text, Effect::Redact(edits.clone()), mode);
            let record = case.recorded();
            assert!(!record.to_string().contains("CANARY"), "{record}");
            assert_eq!(record["action"], action);
            assert_eq!(record["tool_name"], "[gone]");
            assert_eq!(record["tool_args"], serde_json::json!({"key": "[gone]", "n": [1, "[gone]"]}));
        }
    }
    let edits = vec![Edit { span: 0..1, with: "[broken".into() }];
    let record = Case::new(&call(r#"{"key":"CANARY"}"#), Effect::Redact(edits), Mode::Enforce).recorded();
    assert!(!record.to_string().contains("CANARY"), "{record}");
    assert_eq!(record["tool_args_omitted"]["why"], "unreadable");
}

#[test]
fn what_an_answers_request_named_is_not_repeated() {
    let mut case = answered(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
    case.standing.answers.as_mut().unwrap().target = Some(Target::Resource("file:///CANARY".into()));
    assert!(!case.recorded().to_string().contains("CANARY"));
}

#[test]
fn the_longest_record_is_one_a_reader_takes() {
    let hidden = "\u{85}".repeat(70 << 10);
    let text = call(&format!(r#"{{"a":"{}"}}"#, "\u{85}".repeat(30 << 10))).replace("exec", &hidden);
    let mut case = Case::new(&text, Effect::Allow, Mode::Enforce);
    let list = || vec![Box::from(&*hidden); 99];
    let evaluation = Evaluation {
        effect: Effect::Deny { as_result: false },
        dry_run: list().into_iter().map(|rule| (rule, Effect::Allow)).collect(),
        errors: list(),
        ..Evaluation::passing(hidden.clone().into(), Mode::Enforce)
    };
    case.verdict = decide(evaluation);
    let subject = Some(hidden.clone().into());
    case.context = Context {
        server: hidden.clone().into(),
        upstream: Some(hidden.clone().into()),
        principal: Principal { subject, ..Principal::default() },
        client: Some(hidden.into()),
        ..case.context
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    let log = AuditLog::open(&Options::at(&path)).unwrap();
    let _blocked = case.record(&log).unwrap();
    drop(log);
    let longest = std::fs::read(&path).unwrap().split(|byte| *byte == b'\n').map(<[u8]>::len).max();
    assert!((250 << 10..chain::LINE_MAX / 2).contains(&longest.unwrap()), "{longest:?}");
    assert_eq!(verify(&path).outcome, Outcome::Valid);
}

#[test]
fn what_is_no_message_is_not_copied() {
    let record = Case::malformed("{\"CANARY\u{7}", Reason::Neither).recorded();
    assert!(!record.to_string().contains("CANARY"), "{record}");
    assert_eq!((&record["kind"], &record["size"]), (&Value::from("unknown"), &Value::from(9)));
    assert_eq!(record["reason"], "malformed: neither-request-nor-response");
    assert_eq!(record["action"], "block");
    assert_eq!(record["sha256"].as_str().unwrap().len(), 16);
}

#[test]
fn arguments_are_kept_whole_or_left_out() {
    let args = |length: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(length - 8));
    let longest = record::ARGS_MAX;
    let record = Case::call(&args(longest)).recorded();
    assert_eq!(record["tool_args"]["a"].as_str().unwrap().len(), longest - 8);
    let record = Case::call(&args(longest + 1)).recorded();
    assert_eq!(record["tool_args"], Value::Null);
    assert_eq!(record["tool_args_omitted"]["size"], longest + 1);
    assert_eq!(record["tool_args_omitted"]["sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn nothing_a_peer_sends_ends_the_line() {
    let hostile = "{\n \"a\\n\" : \"\u{2028}\u{85}\u{202e}\\\"},{\\\"seq\\\":9\" ,\r\n\t\"b\":[ ] }";
    let mut case =
        Case::new(&call(hostile).replace("exec", r#"\n\"},\u001b[2J"#), Effect::Allow, Mode::Enforce);
    case.context.server = "a\n\"b\u{9b}".into();
    let record = case.recorded();
    assert_eq!(record["tool_args"]["a\n"], "\u{2028}\u{85}\u{202e}\"},{\"seq\":9");
    assert_eq!(
        (&record["tool_name"], &record["server"]),
        (&Value::from("\n\"},\u{1b}[2J"), &Value::from("a\n\"b\u{9b}"))
    );
    assert_eq!(record["seq"], 2);
}

#[test]
fn ids_keep_their_type() {
    let of = |id: &str| {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        let case = Case::new(&text, Effect::Allow, Mode::Enforce);
        (case.recorded()["id"].clone(), case.message.unwrap().id().map(RequestId::to_json).unwrap())
    };
    for id in ["1", "\"1\"", "-9007199254740991", "9007199254740991", "\"\\u0000\""] {
        let (recorded, decoded) = of(id);
        assert_eq!(recorded, serde_json::from_str::<Value>(&decoded).unwrap());
    }
}

#[test]
fn events_are_records_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jsonl");
    let log = AuditLog::open(&Options::at(&path)).unwrap();
    let (session, context, hash) = ("s", &context(), "h");
    let by = &Operator { uid: 1000, pid: 7, exe: Some("/usr/bin/mcpgw-agent".into()) };
    let act = &Act { number: 1, kind: ActKind::Block, by: 1000, at: Timestamp::UNIX_EPOCH };
    for event in [
        Event::PolicyLoaded { generation: 1, hash, mode: Mode::Enforce },
        Event::AdminHold { by, decision: "d-1", approve: true, error: None },
        Event::AdminReload { by: None, error: Some("line 1") },
        Event::AdminServer { server: "mail", hash, act },
        Event::HostGap { lost: &[("streams", 3)] },
        Event::AuthFailed { remote: None, why: "missing", count: 4 },
        Event::ShipLost { receiver: "siem", first: 2, last: 9, count: 8, why: "deleted" },
        Event::SessionOpened { session, context },
        Event::ServerEffects {
            session,
            context,
            call: None,
            after: Some("d-1"),
            done: &Collected::default(),
            findings: &[],
        },
        Event::ServerKilled {
            session,
            context,
            killed: &Killed {
                rule: "effects.open".into(),
                ended: Ended { processes: 2, is_incomplete: false },
            },
        },
        Event::SessionRequest { session, context, verb: Verb::Delete, status: 204 },
        Event::SessionClosed { session, context, exit: Some(Exit::Signal(9)) },
        Event::PolicyFailed { generation: 1, hash, error: "line 1:\n  bad" },
    ] {
        log.note(&event).unwrap();
    }
    assert_eq!(log.health(), Health { writing: true, written: 13, lost: 0, last_error: None });
    drop(log);
    assert_eq!(
        events(&path),
        [
            "log.opened",
            "policy.loaded",
            "admin.hold",
            "admin.reload",
            "admin.server",
            "host.gap",
            "auth.failed",
            "ship.lost",
            "session.opened",
            "server.effects",
            "server.killed",
            "session.request",
            "session.closed",
            "policy.failed",
            "log.closed"
        ]
    );
    let lines = lines(&path);
    assert_eq!(lines[0]["format"], 1);
    assert_eq!(lines[0]["key_id"].as_str().unwrap().len(), 16);
    assert_eq!(lines[0]["pid"], std::process::id());
    assert_eq!((&lines[9]["after"], &lines[9]["effects"]), (&Value::from("d-1"), &serde_json::json!([])));
    assert_eq!(
        (&lines[10]["rule"], &lines[10]["processes"]),
        (&Value::from("effects.open"), &Value::from(2))
    );
    assert_eq!((&lines[12]["signal"], &lines[12]["subject"]), (&Value::from(9), &Value::from("mallory")));
    assert_eq!((&lines[1]["mode"], &lines[2]["by"]["uid"]), (&Value::from("enforce"), &Value::from(1000)));
    assert_eq!((&lines[2]["act"], &lines[5]["lost"]["streams"]), (&Value::from("approve"), &Value::from(3)));
    let server =
        serde_json::json!([lines[4]["server"], lines[4]["act"], lines[4]["by"]["uid"], lines[4]["at"]]);
    assert_eq!(server, serde_json::json!(["mail", "block", 1000, "1970-01-01T00:00:00Z"]));
    assert_eq!(verify(&path).outcome, Outcome::Valid);
}

#[test]
fn what_a_call_did_is_listed_with_what_is_not_listed() {
    use crate::effects::{Access, Act, Kept, Oddity, Outcome, Protocol};
    let one =
        |act, outcome| Kept { act, outcome, cut: false, count: 1, among: 1, odd: Vec::new(), rule: None };
    let acts = [
        Kept {
            count: 3,
            among: 2,
            cut: true,
            ..one(Act::Open { path: "/a".into(), access: Access::ReadWrite }, Outcome::Done)
        },
        Kept {
            odd: vec![Oddity::SensitiveRead],
            rule: Some("effects.open".into()),
            ..one(Act::Open { path: "/etc/shadow".into(), access: Access::Unknown }, Outcome::Refused)
        },
        one(Act::Rename { from: "/a".into(), to: "/b\u{202e}".into() }, Outcome::Done),
        one(Act::Exec { path: "/bin/sh".into(), arguments: vec!["sh".into(), "-c".into()] }, Outcome::Done),
        one(Act::Connect { to: "[::1]:25".parse().unwrap(), protocol: Protocol::Tcp }, Outcome::Asked),
        one(Act::Send { to: "10.0.0.1:53".parse().unwrap(), protocol: Protocol::Other(132) }, Outcome::Asked),
    ];
    let mut done = Collected::default();
    (done.kept, done.more, done.noise, done.lost) = (acts.into(), 5, [2, 0, 0, 1], 7);
    (done.with, done.elsewhere) = (vec!["c1".into(), "c2".into()], 9);
    let case = answered(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
    let record = Case { effects: Some(done), ..case }.recorded();
    assert_eq!(
        record["effects"],
        serde_json::json!([
            {"act": "open", "path": "/a", "access": "read-write", "outcome": "done", "count": 3, "among": 2, "cut": true},
            {"act": "open", "path": "/etc/shadow", "outcome": "refused", "odd": ["sensitive_read"], "rule": "effects.open"},
            {"act": "rename", "from": "/a", "to": "/b\u{202e}", "outcome": "done"},
            {"act": "exec", "path": "/bin/sh", "argv": ["sh", "-c"], "outcome": "done"},
            {"act": "connect", "addr": "[::1]:25", "protocol": "tcp", "outcome": "asked"},
            {"act": "send", "addr": "10.0.0.1:53", "protocol": "132", "outcome": "asked"},
        ])
    );
    assert_eq!(
        (&record["effects_with"], &record["effects_elsewhere"]),
        (&serde_json::json!(["c1", "c2"]), &Value::from(9))
    );
    assert_eq!((&record["effects_more"], &record["effects_lost"]), (&Value::from(5), &Value::from(7)));
    assert_eq!(record["effects_noise"], serde_json::json!({"libraries": 2, "devices": 1}));
}
