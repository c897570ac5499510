//! What a proxy tells whoever watches it.

use std::fs;

use tempfile::TempDir;

use crate::client::{call, post, tool};
use crate::proxy::{Proxy, command, eventually};
use crate::upstream::{Upstream, json, response};

const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
const SESSION: [(&str, &str); 1] = [("MCP-Protocol-Version", "2025-11-25")];

#[test]
fn what_is_decided_is_counted() {
    let server = Upstream::start(|request, stream| {
        use std::io::Write;
        if request.json()["method"] == "initialize" {
            let head = "Content-Type: application/json\r\nMcp-Session-Id: s-1\r\n";
            let body =
                br#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}"#;
            stream.write_all(&response("200 OK", head, body)).unwrap();
        } else if request.json()["params"]["name"] == "break" {
            stream.shutdown(std::net::Shutdown::Both).unwrap();
        } else {
            stream.write_all(&json(ANSWER)).unwrap();
        }
    });
    let proxy = Proxy::cramped(&server.url("/mcp"), "enforce", 1 << 20);
    assert_eq!(proxy.ask("/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(proxy.ask("/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(proxy.ask("/mcp").0, 404, "messages do not go this way");
    post(proxy.address, &[], call(0, "initialize", r#"{"protocolVersion":"2025-11-25"}"#));
    assert_eq!(post(proxy.address, &SESSION, tool(1, "echo")).text(), ANSWER);
    assert_eq!(post(proxy.address, &SESSION, tool(2, "deny")).json()["error"]["code"], 40301);
    assert_eq!(post(proxy.address, &SESSION, tool(3, "break")).status, 502);
    for (series, value) in [
        ("mcpgw_active_sessions", 1.0),
        (r#"mcpgw_requests_total{action="pass",method="tools/call"}"#, 2.0),
        (r#"mcpgw_requests_total{action="block",method="tools/call"}"#, 1.0),
        (r#"mcpgw_decisions_total{action="block",cause="policy",direction="c2s"}"#, 1.0),
        (r#"mcpgw_request_duration_seconds_count{method="tools/call"}"#, 1.0),
        (r#"mcpgw_added_latency_seconds_count{direction="c2s"}"#, 4.0),
        ("mcpgw_upstream_errors_total", 1.0),
        ("mcpgw_audit_writing", 1.0),
        ("mcpgw_audit_log_errors_total", 0.0),
        ("mcpgw_policy_generation", 1.0),
    ] {
        assert!((proxy.series(series) - value).abs() < 1e-9, "{series} is {}", proxy.series(series));
    }
    let (_, text) = proxy.ask("/metrics");
    assert!(text.contains("\nprocess_open_fds "), "{text}");
    assert!(!text.contains("mcpgw_servers"), "what only the agent knows is not told:\n{text}");
}

#[test]
fn a_policy_that_breaks_is_seen_and_the_one_before_stays() {
    let server = Upstream::saying(json(ANSWER));
    let proxy = Proxy::cramped(&server.url("/mcp"), "enforce", 1 << 20);
    let code = || post(proxy.address, &SESSION, tool(1, "deny")).json()["error"]["code"].as_i64();
    assert_eq!(code(), Some(40301));
    proxy.replace_policy("version: v1\nmode: enforce\nrules:\n  - name: half a fi");
    eventually("the bad file is counted", || {
        (proxy.series(r#"mcpgw_policy_reloads_total{outcome="failed"}"#) > 0.0).then_some(())
    });
    assert_eq!(code(), Some(40301));
    assert!(proxy.series("mcpgw_policy_generation") < 1.5);
    let (status, text) = proxy.ask("/readyz");
    assert_eq!(status, 200, "the policy before does its work");
    assert!(text.contains("the policy file cannot be loaded"), "{text}");
    assert!(proxy.log().contains("was not reloaded"), "{}", proxy.log());
    proxy.replace_policy("version: v1\nmode: enforce\nrules:\n  - name: all\n    match:\n      methods: [\"*\"]\n    action: allow\n");
    eventually("the next good file is in force", || (code().is_none()).then_some(()));
    assert!(proxy.series("mcpgw_policy_generation") > 1.5);
    assert_eq!(proxy.ask("/readyz"), (200, "ready\n".to_owned()));
}

#[test]
fn a_policy_file_that_changes_is_read_and_that_is_on_record() {
    let server = Upstream::saying(json(ANSWER));
    let proxy = Proxy::cramped(&server.url("/mcp"), "enforce", 1 << 20);
    let recorded = |event: &str| {
        let generation = |line: serde_json::Value| line["policy"]["generation"].as_u64();
        proxy.audit().into_iter().find(|line| line["event"] == event).and_then(generation)
    };
    proxy.write_policy("version: v1\nmode: enforce\nrules:\n  - name: none\n    match:\n      methods: [\"*\"]\n    action: deny\n");
    assert_eq!(eventually("the change is on record", || recorded("policy.loaded")), 2);
    assert_eq!(post(proxy.address, &SESSION, tool(1, "echo")).json()["error"]["code"], 40301);
    proxy.write_policy("version: v1\nmode: enfor");
    assert_eq!(eventually("the failure is on record", || recorded("policy.failed")), 2);
    assert_eq!(post(proxy.address, &SESSION, tool(1, "echo")).json()["error"]["code"], 40301);
}

#[test]
fn metrics_stay_on_loopback_unless_told() {
    let dir = TempDir::new().unwrap();
    let mut command = command(&dir, "http://127.0.0.1:1/mcp", "127.0.0.1:0");
    let output = command.args(["--metrics", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--expose") && output.stdout.is_empty(), "{said}");
    assert!(fs::exists(dir.path()).unwrap());
}
