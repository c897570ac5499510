//! Streams: every event as it comes, and nothing held back, lost or asked for twice.

use std::io::Write;
use std::sync::mpsc;

use crate::DEADLINE;
use crate::client::{Connection, call, post, request, tool};
use crate::proxy::Proxy;
use crate::upstream::{Upstream, chunk, chunked, json, response, signal, wait, wait_closed};

const EVENTS: &str = "text/event-stream";

#[test]
fn events_come_one_by_one_with_everything_that_stands_around_them() {
    let (go, gone) = signal();
    let server = Upstream::start(move |_, stream| {
        stream.write_all(&chunked(EVENTS, "Cache-Control: no-cache\r\n")).unwrap();
        let mut say = |text: &str| stream.write_all(&chunk(text.as_bytes())).unwrap();
        say("id: s-1\nretry: 250\ndata:\n\n");
        wait(&gone);
        say(": keep-alive\n\n");
        wait(&gone);
        say("event: message\r\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",");
        say("\"params\":{\"progressToken\":1,\"progress\":1.0}}\r\nid: s-2\r\n\r\n");
        wait(&gone);
        say("data: {\"jsonrpc\":\"2.0\",\ndata: \"id\":1,\"result\":{}}\n\n");
        say("");
    });
    let proxy = Proxy::observing(&server.url("/mcp"));
    let mut client =
        Connection::send(proxy.address, &request("POST", "/mcp", &[], tool(1, "slow").as_bytes()));
    let (status, headers) = client.head();
    assert_eq!(status, 200);
    assert!(headers.contains(&("content-type".into(), EVENTS.into())), "{headers:?}");
    assert_eq!(client.until("\n\n"), "id: s-1\nretry: 250\ndata:\n\n");
    go.send(()).unwrap();
    assert_eq!(client.until("alive\n\n").trim_start_matches('\n'), ": keep-alive\n\n");
    go.send(()).unwrap();
    let progress = client.until("}\n\n");
    assert!(progress.starts_with("event: message\nid: s-2\ndata: {\"jsonrpc\""), "{progress}");
    go.send(()).unwrap();
    assert_eq!(client.until("{}}\n\n"), "data: {\"jsonrpc\":\"2.0\",\ndata: \"id\":1,\"result\":{}}\n\n");
}

#[test]
fn a_client_that_leaves_takes_the_request_with_it() {
    let (told, tells) = mpsc::sync_channel(1);
    for answers_first in [true, false] {
        let told = told.clone();
        let (started, starts) = signal();
        let server = Upstream::start(move |_, stream| {
            if answers_first {
                stream.write_all(&chunked(EVENTS, "")).unwrap();
                stream.write_all(&chunk(b": here\n\n")).unwrap();
            }
            started.send(()).unwrap();
            wait_closed(stream);
            told.send(()).unwrap();
        });
        let proxy = Proxy::observing(&server.url("/mcp"));
        let headers =
            [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "slow")];
        let body = call(
            1,
            "tools/call",
            r#"{"name":"slow","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}"#,
        );
        let mut client = Connection::send(proxy.address, &request("POST", "/mcp", &headers, body.as_bytes()));
        wait(&starts);
        if answers_first {
            client.head();
            client.until(": here\n\n");
        }
        drop(client);
        tells.recv_timeout(DEADLINE).expect("the server is not told that the client left");
    }
}

#[test]
fn texts_that_follow_one_another_in_a_json_body_come_at_once() {
    let (go, gone) = signal();
    let server = Upstream::start(move |_, stream| {
        stream.write_all(&chunked("application/json", "")).unwrap();
        let mut say = |text: &str| stream.write_all(&chunk(text.as_bytes())).unwrap();
        say("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{}}\n");
        wait(&gone);
        say("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list");
        say("_changed\"}\n");
        wait(&gone);
    });
    let proxy = Proxy::observing(&server.url("/mcp"));
    let body = call(1, "subscriptions/listen", "{}");
    let mut client = Connection::send(proxy.address, &request("POST", "/mcp", &[], body.as_bytes()));
    assert_eq!(client.head().0, 200);
    assert!(client.until("}\n").contains("acknowledged"));
    go.send(()).unwrap();
    let changed = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n";
    assert_eq!(client.until("}\n"), changed);
    go.send(()).unwrap();
}

#[test]
fn a_stream_that_breaks_off_answers_who_waits() {
    let server = Upstream::start(|_, stream| {
        stream.write_all(&chunked(EVENTS, "")).unwrap();
        stream.write_all(&chunk(b": here\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":")).unwrap();
        stream.shutdown(std::net::Shutdown::Both).unwrap();
    });
    let proxy = Proxy::observing(&server.url("/mcp"));
    let reply = post(proxy.address, &[], tool(5, "echo"));
    let text = reply.text();
    let error = text.strip_prefix(": here\n\n").unwrap().strip_prefix("event: message\ndata: ").unwrap();
    let error: serde_json::Value = serde_json::from_str(error.trim()).unwrap();
    assert_eq!((&error["id"], &error["error"]["code"]), (&5.into(), &50201.into()));
}

#[test]
fn a_session_is_listened_to_taken_up_again_and_ended() {
    let server = Upstream::start(|request, stream| {
        let answer = match &*request.method {
            "GET" if request.header("last-event-id") == Some("e-1") => {
                let replay = b"id: e-2\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n";
                [chunked(EVENTS, ""), chunk(replay), chunk(b"")].concat()
            }
            "GET" => [
                chunked(EVENTS, ""),
                chunk(b"id: g-1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}\n\n"),
                chunk(b""),
            ]
            .concat(),
            "DELETE" => response("204 No Content", "", b""),
            _ if request.json()["method"] == "initialize" => response(
                "200 OK",
                "Content-Type: application/json\r\nMcp-Session-Id: s-1\r\n",
                br#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}"#,
            ),
            // The answer is left for later: the client shall come back for it.
            _ => [chunked(EVENTS, ""), chunk(b"id: e-1\nretry: 10\ndata:\n\n"), chunk(b"")].concat(),
        };
        stream.write_all(&answer).unwrap();
    });
    let proxy = Proxy::enforcing(&server.url("/mcp"));
    let opened = post(proxy.address, &[], call(0, "initialize", r#"{"protocolVersion":"2025-11-25"}"#));
    assert_eq!((opened.status, opened.header("mcp-session-id")), (200, Some("s-1")));
    let session = [("Mcp-Session-Id", "s-1"), ("MCP-Protocol-Version", "2025-11-25")];
    let asked = post(proxy.address, &session, tool(1, "slow"));
    assert_eq!(asked.text(), "id: e-1\nretry: 10\ndata:\n\n");
    let listen = request("GET", "/mcp", &session, b"");
    assert!(Connection::send(proxy.address, &listen).reply().text().contains("list_changed"));
    let resume = request("GET", "/mcp", &[&session[..], &[("Last-Event-ID", "e-1")]].concat(), b"");
    // Twice: a client that lost the answer under way asks for it again.
    for _ in 0..2 {
        let text = Connection::send(proxy.address, &resume).reply().text();
        assert_eq!(text, "id: e-2\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n");
    }
    let ended = Connection::send(proxy.address, &request("DELETE", "/mcp", &session, b"")).reply();
    assert_eq!(ended.status, 204);
}

#[test]
fn a_batch_of_the_revision_that_has_them_is_answered_as_one() {
    let answer = r#"[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","id":2,"result":{}}]"#;
    let server = Upstream::saying(json(answer));
    let proxy = Proxy::enforcing(&server.url("/mcp"));
    let batch = format!("[{}, {}]", tool(1, "a"), tool(2, "b"));
    let reply = post(proxy.address, &[("MCP-Protocol-Version", "2025-03-26")], &batch);
    assert_eq!((reply.status, reply.text()), (200, answer.to_owned()));
    assert_eq!(server.received()[0].body, batch.as_bytes());
    let refused = post(proxy.address, &[("MCP-Protocol-Version", "2025-06-18")], &batch);
    assert_eq!((refused.status, server.received().len()), (400, 1));
    let codes: Vec<_> =
        refused.json().as_array().unwrap().iter().map(|one| one["error"]["code"].clone()).collect();
    assert_eq!(codes, [-32600, -32600]);
}
