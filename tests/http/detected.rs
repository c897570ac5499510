//! Real servers that say what they should not, behind `proxy`: over event streams and JSON answers.

use std::process::Command;

use serde_json::{Value, json};

use crate::client::{call, post};
use crate::peers::{Server, Skipped, module, python, reported, script, with_peers};
use crate::proxy::Proxy;
use crate::says::{CARD, PLACEHOLDER, POISONED, SHIPPED, TOOLS, halves, says, token};

/// A session by hand.
struct Session<'p> {
    proxy: &'p Proxy,
    id: String,
}

impl<'p> Session<'p> {
    fn open(proxy: &'p Proxy) -> Self {
        let hello = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {"elicitation": {}, "sampling": {}},
            "clientInfo": {"name": "t", "version": "1"},
        });
        let reply = post(proxy.address, &[], call(0, "initialize", &hello.to_string()));
        assert_eq!(reply.status, 200, "{}", reply.text());
        let id = reply.header("mcp-session-id").unwrap().to_owned();
        let session = Self { proxy, id };
        session.post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        session
    }

    fn post(&self, body: &str) -> String {
        let headers = [("MCP-Protocol-Version", "2025-06-18"), ("Mcp-Session-Id", &*self.id)];
        post(self.proxy.address, &headers, body).text()
    }

    /// The answer, and all that came with it.
    fn ask(&self, method: &str, params: &Value) -> (Value, String) {
        let text = self.post(&call(7, method, &params.to_string()));
        let data = text.lines().map(|line| line.strip_prefix("data:").unwrap_or(line).trim());
        let answers = data.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut answers = answers.filter(|message| message["id"] == 7 && message.get("method").is_none());
        let answer = answers.next_back();
        (answer.unwrap_or_else(|| panic!("no answer in {text:?}")), text)
    }

    fn call(&self, tool: &str, arguments: &Value) -> (Value, String) {
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))
    }
}

fn no_secret(text: &str, what: &str) {
    let [first, second] = halves();
    for secret in [&*first, &*second, CARD] {
        assert!(!text.contains(secret), "{what}: {text}");
    }
}

fn is_safe(kind: &str, answers: &str) -> Result<(), Skipped> {
    let what = format!("{kind}, {answers}");
    let server = Server::said(kind, &says(), answers)?;
    let proxy = Proxy::under(SHIPPED, &server.url("/mcp"));
    let session = Session::open(&proxy);
    let mut heard = String::new();
    let mut keep = |(answer, text): (Value, String)| {
        heard.push_str(&text);
        answer
    };
    let listed = keep(session.ask("tools/list", &json!({})));
    let names: Vec<&str> = listed["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, TOOLS, "{what}");
    let leak = &keep(session.call("leak", &json!({})))["result"];
    assert_eq!(leak["content"][1]["resource"]["text"], format!("token: {PLACEHOLDER}"), "{what}");
    assert_eq!(leak["structuredContent"]["config"]["github"][0]["key"], PLACEHOLDER, "{what}");
    assert_eq!(
        keep(session.call("base64", &json!({})))["result"]["content"][0]["text"],
        PLACEHOLDER,
        "{what}"
    );
    let split = &keep(session.call("split", &json!({})))["result"]["content"];
    assert_eq!(split[1]["text"], format!("{PLACEHOLDER} for it"), "{what}: {split}");
    for tool in ["injected", "fails"] {
        assert_eq!(keep(session.call(tool, &json!({})))["error"]["code"], 40302, "{what}");
    }
    assert_eq!(
        keep(session.ask("resources/read", &json!({"uri": "file:///notes.txt"})))["error"]["code"],
        40302,
        "{what}"
    );
    assert_eq!(keep(session.ask("prompts/get", &json!({"name": "greet"})))["error"]["code"], 40302, "{what}");
    let personal = keep(session.call("personal", &json!({})));
    assert_eq!(
        personal["result"]["content"][0]["text"], "card number <CREDIT_CARD>, mail joe@contoso.org",
        "{what}"
    );
    let sent = keep(session.call("send", &json!({"key": token()})));
    assert_eq!(sent["result"]["content"][0]["text"], "executed send", "{what}: {sent}");
    // JSON answers have no room for what comes before them.
    for tool in if answers == "sse" { &["logs", "asks", "samples"][..] } else { &[] } {
        let answer = keep(session.call(tool, &json!({})));
        assert_eq!(answer["result"]["content"][0]["text"], format!("executed {tool}"), "{what}: {answer}");
    }
    no_secret(&heard, &what);
    assert!(!heard.contains("gnore all previous") && !heard.contains(POISONED), "{what}: {heard}");
    let told = server.ledger();
    no_secret(&told, &what);
    assert!(told.contains(PLACEHOLDER), "{what}: {told}");
    assert_eq!(
        answers == "sse",
        told.contains(r#"["ask","40302"]"#) || told.contains(r#"["ask", "40302"]"#),
        "{told}"
    );
    no_secret(&proxy.written(), &what);
    assert!(proxy.audit().iter().any(|record| record["findings"].is_array()), "{what}");
    for (series, least) in [
        (r#"mcpgw_findings_total{detector="secrets",reaction="redact"}"#, 5.0),
        (r#"mcpgw_findings_total{detector="injection",reaction="deny"}"#, 4.0),
        (r#"mcpgw_decisions_total{action="block",cause="detector",direction="s2c"}"#, 4.0),
        (r#"mcpgw_decisions_total{action="redact",cause="detector",direction="s2c"}"#, 3.0),
        (r#"mcpgw_decisions_total{action="redact",cause="detector",direction="c2s"}"#, 1.0),
    ] {
        assert!(proxy.series(series) >= least, "{what}: {series} is {}", proxy.series(series));
    }
    Ok(())
}

#[test]
fn what_servers_say_over_event_streams_reaches_the_client_only_as_policy_says() {
    with_peers(|| is_safe("node", "sse"));
    with_peers(|| is_safe("py1", "sse"));
}

#[test]
fn what_servers_say_in_json_answers_reaches_the_client_only_as_policy_says() {
    with_peers(|| is_safe("node", "json"));
    with_peers(|| is_safe("py1", "json"));
}

#[test]
fn sdk_clients_read_what_is_left() {
    with_peers(|| {
        for (kind, answers) in [("node", "sse"), ("py1", "json")] {
            let server = Server::said(kind, &says(), answers)?;
            let proxy = Proxy::under(SHIPPED, &server.url("/mcp"));
            let mut clients = [
                Command::new(python("py1")?),
                Command::new(python("py2")?),
                Command::new(python("py2")?),
                Command::new("node"),
            ];
            let arguments = [
                vec![script("mcp_client_v1.py"), "http".into()],
                vec![script("mcp_client_v2.py"), "legacy".into(), "http".into()],
                vec![script("mcp_client_v2.py"), "auto".into(), "http".into()],
                vec![module("mcp_client.mjs")?, "http".into()],
            ];
            for (client, arguments) in clients.iter_mut().zip(&arguments) {
                let told = reported(client.args(arguments).arg(proxy.url("/mcp")));
                assert_eq!(told["call"], format!("hello {PLACEHOLDER} there"), "{kind}, {answers}: {told}");
                assert_eq!(told["tools"], TOOLS.len(), "{kind}, {answers}: {told}");
            }
            no_secret(&proxy.written(), kind);
        }
        Ok(())
    });
}
