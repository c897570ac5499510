//! Real SDK clients and servers with the gateway between them (`tests/peers`): as without it, but for what is denied.

use std::process::Command;

use serde_json::{Value, json};

use crate::peers::{Server, Skipped, module, python, reported, said, script, with_peers};
use crate::proxy::Proxy;

fn exercise(url: &str, without: &str) -> Result<Value, Skipped> {
    Ok(said(Command::new("node").arg(module("http_client.mjs")?).args([url, without])))
}

/// Everything a session can do, direct and through a gateway that only records.
fn as_directly(answers: &str, without: &str) -> Result<(), Skipped> {
    let server = Server::node(answers)?;
    let direct = exercise(&server.url("/mcp"), without)?;
    let proxy = Proxy::observing(&server.url("/mcp"));
    let proxied = exercise(&proxy.url("/mcp"), without)?;
    assert_eq!(proxied, direct);
    assert_eq!(
        (&direct["echo"], &direct["big"]),
        (&json!("h\u{e9}llo \u{1f980}\u{2028}"), &json!(2_000_000))
    );
    assert_eq!(direct["parallel"].as_array().unwrap().len(), 20);
    Ok(())
}

#[test]
fn a_whole_session_over_event_streams() {
    with_peers(|| as_directly("sse", ""));
}

#[test]
fn a_whole_session_over_json_answers() {
    // JSON answers have no way to ask the client in the middle of a call, nor to tell progress.
    with_peers(|| as_directly("json", "ask,confirm,slow,cut"));
}

#[test]
fn what_is_denied_does_not_run_and_the_session_goes_on() {
    with_peers(|| {
        let server = Server::node("sse")?;
        let proxy = Proxy::enforcing(&server.url("/mcp"));
        let told = exercise(&proxy.url("/mcp"), "")?;
        assert!(!server.is_marked(), "the denied tool ran: {told}");
        assert_eq!(told["deny"], json!({ "code": 40301 }));
        assert!(!told["list"].as_array().unwrap().contains(&json!("deny")), "{told}");
        assert!(told["confirm"].as_str().is_some_and(|text| text.contains("denied by policy")), "{told}");
        for (step, expected) in [
            ("ask", json!("sampled yes")),
            ("slow", json!("done")),
            ("progress", json!([1, 2, 3])),
            ("heard", json!("heard")),
            ("cut", json!("after the cut")),
            ("end", json!(false)),
        ] {
            assert_eq!(told[step], expected, "{step} in {told}");
        }
        let events: Vec<_> =
            proxy.audit().iter().filter_map(|line| line["event"].as_str().map(str::to_owned)).collect();
        for event in ["session.opened", "session.request", "session.closed"] {
            assert!(events.iter().any(|known| known == event), "{event} in {events:?}");
        }
        Ok(())
    });
}

macro_rules! pairs {
    ($($name:ident: $server:expr, $path:literal, $client:expr;)+) => {$(
        #[test]
        fn $name() {
            with_peers(|| {
                let server = $server?;
                let proxy = Proxy::enforcing(&server.url($path));
                let mut client: Command = $client?;
                let told = reported(client.arg(proxy.url($path)));
                assert_eq!(told["tools"], 1, "{told}");
                assert!(told["call"].as_str().is_some_and(|text| text.starts_with("hello from")), "{told}");
                assert!(proxy.audit().iter().any(|line| line["tool_name"] == "echo"));
                Ok(())
            });
        }
    )+};
}

fn python_client(environment: &str, name: &str, arguments: &[&str]) -> Result<Command, Skipped> {
    let mut command = Command::new(python(environment)?);
    command.arg(script(name)).args(arguments);
    Ok(command)
}

fn node_client(transport: &str) -> Result<Command, Skipped> {
    let mut command = Command::new("node");
    command.arg(module("mcp_client.mjs")?).arg(transport);
    Ok(command)
}

pairs! {
    python_1_server_and_client: Server::python("py1", "mcp_server_v1.py", "http"), "/mcp",
        python_client("py1", "mcp_client_v1.py", &["http"]);
    python_1_server_typescript_client: Server::python("py1", "mcp_server_v1.py", "http"), "/mcp", node_client("http");
    python_2_server_and_client_with_a_handshake: Server::python("py2", "mcp_server_v2.py", "http"), "/mcp",
        python_client("py2", "mcp_client_v2.py", &["legacy", "http"]);
    python_2_server_and_client_without_a_handshake: Server::python("py2", "mcp_server_v2.py", "http"), "/mcp",
        python_client("py2", "mcp_client_v2.py", &["auto", "http"]);
    older_transport_python: Server::python("py1", "mcp_server_v1.py", "sse"), "/sse",
        python_client("py1", "mcp_client_v1.py", &["sse"]);
    older_transport_typescript: Server::python("py1", "mcp_server_v1.py", "sse"), "/sse", node_client("sse");
}
