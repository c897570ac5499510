//! Guardrails outside, asked by a wrap that is its own gateway.

use std::fs;

use tempfile::TempDir;

use crate::analyzer::{Analyzer, Mood, POLICY};
use crate::support::{DEADLINE, Peer, python, within, wrapped_with};

/// Answers every request with all that was sent.
const ECHO: &str = "
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if 'id' in asked:
        content = [{'type': 'text', 'text': json.dumps(asked['params'], ensure_ascii=False)}]
        print(json.dumps({'jsonrpc': '2.0', 'id': asked['id'], 'result': {'content': content}}, ensure_ascii=False))
";

fn call(id: u32, tool: &str, text: &str) -> String {
    let arguments = serde_json::json!({ "text": text });
    let params = serde_json::json!({ "name": tool, "arguments": arguments });
    format!(
        "{}\n",
        serde_json::json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
    )
}

/// A wrapped echo whose guardrail is `analyzer`.
fn guarded(analyzer: &Analyzer, more: &str) -> (Peer, TempDir) {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("policy.yaml"), POLICY).unwrap();
    fs::write(path("agent.yaml"), analyzer.config(&path("policy.yaml"), &path("audit.jsonl"), more)).unwrap();
    (Peer::start(wrapped_with(["--config", &path("agent.yaml")], python(ECHO))), dir)
}

fn audit(dir: &TempDir) -> String {
    fs::read_to_string(dir.path().join("audit.jsonl")).unwrap()
}

fn json(line: &str) -> serde_json::Value {
    serde_json::from_str(line).unwrap()
}

const PATIENT: &str = "      timeout: 25s\n";

#[test]
fn what_it_finds_is_replaced_both_ways_and_not_written_down() {
    let analyzer = Analyzer::start(Mood::Well);
    let (mut peer, dir) = guarded(&analyzer, PATIENT);
    peer.send(&call(1, "note", "é: Ann met Anna"));
    let answer = json(&peer.line());
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    // The server was not told the name, so it could not repeat it.
    assert!(text.contains("é: <PERSON> met <PERSON>a"), "{text}");
    assert!(analyzer.asked.recv().unwrap().contains("é: Ann met Anna"));
    drop(peer.stdin.take());
    assert_eq!(peer.code(), 0);
    let log = audit(&dir);
    assert!(log.contains(r#""detector":"external","type":"person""#), "{log}");
    assert!(log.contains("the guardrail `analyzer` says so"), "{log}");
    assert!(!log.contains("Ann met"), "{log}");
}

#[test]
fn what_is_denied_is_not_shown_and_what_is_taken_out_neither() {
    let analyzer = Analyzer::start(Mood::Well);
    let (mut peer, _dir) = guarded(&analyzer, PATIENT);
    let token = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    peer.send(&call(1, "deny", "Ann"));
    assert_eq!(json(&peer.line())["error"]["code"], 40301);
    peer.send(&call(2, "note", &format!("use {token} for Ann")));
    let answer = json(&peer.line());
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("<PERSON>") && text.contains("use <"), "{text}");
    let shown: Vec<String> = analyzer.asked.try_iter().collect();
    assert_eq!(shown.len(), 2, "the call and its answer, and nothing of what was denied: {shown:?}");
    assert!(shown[0].contains("for Ann") && !shown[0].contains(&token), "{}", shown[0]);
}

#[test]
fn without_an_answer_nothing_passes_or_everything_does() {
    let analyzer = Analyzer::start(Mood::Ill);
    let (mut peer, dir) = guarded(&analyzer, PATIENT);
    peer.send(&call(1, "note", "Ann"));
    let refusal = peer.line();
    assert!(refusal.contains("\"id\":1") && !refusal.contains("Ann"), "{refusal}");
    assert!(!refusal.contains("analyzer"), "{refusal}");
    assert!(audit(&dir).contains("guardrail_unavailable"), "{}", audit(&dir));
    // It is asked anew, and is well again.
    analyzer.is(Mood::Well);
    peer.send(&call(2, "note", "Bob"));
    assert!(peer.line().contains("Bob"));
    analyzer.is(Mood::Ill);
    let (mut peer, _dir) = guarded(&analyzer, "      timeout: 25s\n      on-failure: allow\n");
    peer.send(&call(1, "note", "Ann"));
    assert!(peer.line().contains("Ann"));
}

#[test]
fn whoever_waits_for_a_guardrail_holds_up_what_is_behind_and_not_what_was_before() {
    let analyzer = Analyzer::start(Mood::Slow);
    let (mut peer, _dir) = guarded(&analyzer, "      timeout: 25s\n      directions: [c2s]\n");
    // A ping has no text: nobody is asked about it.
    let ping = |id: u32| format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"ping\",\"params\":{{}}}}\n");
    peer.send(&format!("{}{}{}", ping(1), call(2, "note", "Ann"), ping(3)));
    assert_eq!(json(&peer.line())["id"], 1);
    assert!(
        within({
            let asked = analyzer.asked;
            move || asked.recv().unwrap()
        })
        .contains("Ann")
    );
    assert!(peer.lives());
    analyzer.go.send(()).unwrap();
    assert_eq!(json(&peer.line())["id"], 2);
    assert_eq!(json(&peer.line())["id"], 3);
}

#[test]
fn a_slow_guardrail_costs_its_time_out_and_no_more() {
    let analyzer = Analyzer::start(Mood::Slow);
    let (mut peer, _dir) =
        guarded(&analyzer, "      timeout: 2s\n      breaker: {failures: 1, cool-down: 1h}\n");
    peer.send(&call(1, "note", "Ann"));
    assert!(peer.line().contains("\"id\":1"));
    analyzer.asked.recv_timeout(DEADLINE).unwrap();
    peer.send(&call(2, "note", "Ann"));
    assert!(peer.line().contains("\"id\":2"));
    drop(peer.stdin.take());
    assert_eq!(peer.code(), 0);
    assert_eq!(analyzer.asked.try_iter().count(), 0, "behind an open breaker nobody is asked");
}

#[test]
fn a_guardrail_that_cannot_be_set_up_stops_the_start() {
    let analyzer = Analyzer::start(Mood::Well);
    let (mut peer, _dir) = guarded(&analyzer, "      headers: [{name: x-key, env: MCPGW_TEST_NOT_SET}]\n");
    assert_eq!(peer.code(), 125);
    assert!(peer.stderr_rest().contains("the variable `MCPGW_TEST_NOT_SET` is not set, or empty"));
}
