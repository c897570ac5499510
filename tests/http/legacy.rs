//! HTTP+SSE of 2024-11-05.

use std::io::Write;

use crate::client::{Connection, call, post, request, tool};
use crate::proxy::Proxy;
use crate::upstream::{Upstream, chunk, chunked, response, signal, wait};

#[test]
fn posts_go_to_the_servers_own_endpoint_and_answers_come_on_the_stream() {
    let (posted, posts) = signal();
    let server = Upstream::start(move |request, stream| {
        if request.method == "GET" {
            stream.write_all(&chunked("text/event-stream", "")).unwrap();
            stream.write_all(&chunk(b"event: endpoint\r\ndata: /messages/?session_id=s1\r\n\r\n")).unwrap();
            wait(&posts);
            let answer = b"event: message\r\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\r\n\r\n";
            stream.write_all(&chunk(answer)).unwrap();
            wait(&posts);
        } else {
            stream.write_all(&response("202 Accepted", "", b"Accepted")).unwrap();
            posted.send(()).unwrap();
        }
    });
    let proxy = Proxy::enforcing(&server.url("/sse"));
    let mut stream = Connection::send(proxy.address, &request("GET", "/sse", &[], b""));
    assert_eq!(stream.head().0, 200);
    let endpoint = stream.until("\n\n");
    assert_eq!(endpoint, "event: endpoint\ndata: /messages/?session_id=s1\n\n");
    let target = "/messages/?session_id=s1";
    let denied = request("POST", target, &[], tool(2, "deny").as_bytes());
    assert_eq!(Connection::send(proxy.address, &denied).reply().status, 202);
    let refusal = stream.until("\n\n");
    assert!(refusal.contains("40301") && refusal.contains("\"id\":2"), "{refusal}");
    let allowed = request("POST", target, &[], tool(1, "echo").as_bytes());
    assert_eq!(Connection::send(proxy.address, &allowed).reply().status, 202);
    assert!(stream.until("\n\n").contains("\"id\":1"));
    let received = server.received();
    assert_eq!(received.len(), 2, "{received:?}");
    assert_eq!((received[1].target.as_str(), received[1].json()["id"].as_u64()), (target, Some(1)));
}

#[test]
fn an_endpoint_elsewhere_is_refused() {
    for endpoint in [
        "endpoint\ndata: http://evil.example/messages",
        "endpoint\ndata: //evil.example/messages",
        "endpoint\ndata: .//evil.example/messages",
        "endpoint\ndata: /.//evil.example/messages",
        " endpoint\ndata: http://evil.example/messages",
        "endpoint \ndata: http://evil.example/messages",
    ] {
        let events = format!(
            "event: {endpoint}\n\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}}\n\n"
        );
        let server = Upstream::saying([chunked("text/event-stream", ""), chunk(events.as_bytes())].concat());
        let proxy = Proxy::observing(&server.url("/sse"));
        let reply = Connection::send(proxy.address, &request("GET", "/sse", &[], b"")).reply();
        assert_eq!((reply.status, reply.text().as_str()), (200, ""), "{endpoint:?}");
    }
}

#[test]
fn an_endpoint_on_a_requests_stream_ends_that_and_who_waits_is_told() {
    let body =
        b"event: endpoint\ndata: /messages?s=1\n\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n";
    let server = Upstream::saying(response("200 OK", "Content-Type: text/event-stream\r\n", body));
    let proxy = Proxy::observing(&server.url("/mcp"));
    let reply = post(proxy.address, &[], tool(1, "echo"));
    let text = reply.text();
    let error = text.strip_prefix("event: message\ndata: ").unwrap_or_else(|| panic!("{text}"));
    let error: serde_json::Value = serde_json::from_str(error.trim()).unwrap();
    assert_eq!((&error["id"], &error["error"]["code"]), (&1.into(), &50201.into()));
}

#[test]
fn an_answer_nobody_asked_for_does_not_reach_the_stream() {
    let server = Upstream::saying(
        [
            chunked("text/event-stream", ""),
            chunk(b"event: endpoint\ndata: /m?s=1\n\n"),
            chunk(b"data: {\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{}}\n\n"),
            chunk(b""),
        ]
        .concat(),
    );
    let proxy = Proxy::enforcing(&server.url("/sse"));
    let reply = Connection::send(proxy.address, &request("GET", "/sse", &[], b"")).reply();
    assert_eq!(reply.text(), "event: endpoint\ndata: /m?s=1\n\n");
    let blocked = proxy.audit().into_iter().filter(|line| line["action"] == "block").count();
    assert_eq!(blocked, 1);
    // The stream is over, and its endpoint with it.
    let late = call(1, "ping", "{}");
    Connection::send(proxy.address, &request("POST", "/m?s=1", &[], late.as_bytes())).reply();
    assert_eq!(server.received().last().unwrap().target, "/sse");
}
