//! Guardrails outside, asked by a proxy.

use std::fs;
use std::thread;

use tempfile::TempDir;

use crate::DEADLINE;
use crate::analyzer::{Analyzer, Mood, POLICY};
use crate::client::{call, post};
use crate::proxy::{Proxy, command};
use crate::upstream::{Upstream, json};

const SESSION: [(&str, &str); 1] = [("MCP-Protocol-Version", "2025-11-25")];

fn guarded(analyzer: &Analyzer, upstream: &Upstream, more: &str) -> Proxy {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("policy.yaml"), POLICY).unwrap();
    fs::write(path("agent.yaml"), analyzer.config(&path("policy.yaml"), &path("audit.jsonl"), more)).unwrap();
    let mut command = command(&dir, &upstream.url("/mcp"), "127.0.0.1:0");
    command.args(["--metrics", "127.0.0.1:0", "--config", &path("agent.yaml")]);
    Proxy::start(dir, command)
}

fn note(id: u32, text: &str) -> String {
    call(id, "tools/call", &serde_json::json!({"name": "note", "arguments": {"text": text}}).to_string())
}

/// A server whose answers tell of Ann.
fn server() -> Upstream {
    Upstream::start(|request, stream| {
        use std::io::Write;
        let id = &request.json()["id"];
        let answer = format!(
            r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":"so says Ann"}}]}}}}"#
        );
        stream.write_all(&json(&answer)).unwrap();
    })
}

#[test]
fn both_ways_are_asked_about_and_counted() {
    let (analyzer, server) = (Analyzer::start(Mood::Well), server());
    let proxy = guarded(&analyzer, &server, "      timeout: 25s\n");
    let answer = post(proxy.address, &SESSION, note(1, "for Ann")).json();
    assert_eq!(answer["result"]["content"][0]["text"], "so says <PERSON>");
    assert_eq!(server.received()[0].json()["params"]["arguments"]["text"], "for <PERSON>");
    let outcome = |outcome: &str| {
        proxy
            .series(&format!(r#"mcpgw_guardrail_requests_total{{guardrail="analyzer",outcome="{outcome}"}}"#))
    };
    assert!((outcome("flagged") - 2.0).abs() < 1e-9);
    assert!(
        (proxy.series(r#"mcpgw_guardrail_duration_seconds_count{guardrail="analyzer"}"#) - 2.0).abs() < 1e-9
    );
    analyzer.is(Mood::Ill);
    assert!(post(proxy.address, &SESSION, note(2, "for Ann")).text().contains("\"id\":2"));
    assert_eq!(server.received().len(), 1, "what nobody answered for does not go on");
    assert!((outcome("status") - 1.0).abs() < 1e-9);
    let state = |state: &str| {
        proxy.series(&format!(r#"mcpgw_guardrail_breaker_state{{guardrail="analyzer",state="{state}"}}"#))
    };
    assert!(state("closed") > 0.5 && state("open") < 0.5);
    for id in 3..7 {
        post(proxy.address, &SESSION, note(id, "for Ann"));
    }
    assert!(state("open") > 0.5 && state("closed") < 0.5);
}

#[test]
fn while_one_session_waits_for_a_guardrail_others_go_on() {
    let (analyzer, server) = (Analyzer::start(Mood::Slow), server());
    let proxy = guarded(&analyzer, &server, "      timeout: 25s\n      directions: [c2s]\n");
    // More than there are threads to judge with.
    let address = proxy.address;
    let slow: Vec<_> =
        (0..12).map(|id| thread::spawn(move || post(address, &SESSION, note(id, "Ann")))).collect();
    for _ in 0..12 {
        analyzer.asked.recv_timeout(DEADLINE).unwrap();
    }
    // Nothing to be shown: nobody is asked.
    let ping = post(proxy.address, &SESSION, call(99, "ping", "{}"));
    assert!(ping.text().contains("\"id\":99"), "{}", ping.text());
    for _ in 0..12 {
        analyzer.go.send(()).unwrap();
    }
    for waiting in slow {
        assert!(waiting.join().unwrap().text().contains("so says Ann"));
    }
}
