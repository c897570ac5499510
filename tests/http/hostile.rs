//! Requests and answers that two readers could read differently, byte for byte on the wire.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::DEADLINE;
use crate::client::{Connection, call, post, request, tool};
use crate::proxy::Proxy;
use crate::upstream::{Upstream, chunk, chunked, json, response};

const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
const EVENTS: &str = "text/event-stream";

/// Sends `bytes`, and reads until the proxy closes the connection.
#[track_caller]
fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// Statuses of the responses in `text`.
fn statuses(text: &str) -> Vec<&str> {
    let lines = text.split("HTTP/1.").skip(1);
    lines.map(|line| line.split(' ').nth(1).unwrap_or("none")).collect()
}

/// A POST with these header lines, written as they are, and this body.
fn lined(lines: &str, body: &str) -> String {
    format!("POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{lines}\r\n{body}")
}

#[test]
fn a_request_that_ends_in_two_places_is_refused_and_nothing_after_it_is_read() {
    let server = Upstream::saying(json(ANSWER));
    let proxy = Proxy::observing(&server.url("/mcp"));
    let body = tool(1, "echo");
    let length = body.len();
    let chunks = format!("{length:x}\r\n{body}\r\n0\r\n\r\n");
    let hidden = lined(&format!("Content-Length: {length}\r\n"), &body);
    for request in [
        lined(&format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"), &chunks),
        lined(&format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"), &chunks),
        lined(&format!("Content-Length: {length}\r\nContent-Length: {length}\r\n"), &body),
        lined(&format!("Content-Length: {length}\r\nContent-Length: 0\r\n"), &body),
        lined(&format!("Content-Length: {length}, {length}\r\n"), &body),
        lined(&format!("Content-Length: +{length}\r\n"), &body),
        lined("Transfer-Encoding: chunked, identity\r\n", &chunks),
        lined("Transfer-Encoding: xchunked\r\n", &chunks),
        lined("Transfer-Encoding : chunked\r\n", &chunks),
        lined("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", &chunks),
        lined(&format!("X: a\r\n Content-Length: 0\r\nContent-Length: {length}\r\n"), &body),
        lined(&format!("X: a\nContent-Length: {length}\r\n"), &body),
        lined(&format!("X: a\rContent-Length: 0\r\nContent-Length: {length}\r\n"), &body),
        lined(&format!("X: a\0b\r\nContent-Length: {length}\r\n"), &body),
        lined("Transfer-Encoding: chunked\r\n", &chunks).replace("HTTP/1.1", "HTTP/1.0"),
        format!("\r\n{hidden}"),
    ] {
        let answer = raw(proxy.address, format!("{request}{hidden}").as_bytes());
        assert_eq!(statuses(&answer), ["400"], "{request:?}");
        // In pieces too: the library looks at the second piece only once it sees an end of the head.
        let (first, second) = request.split_at(60);
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(first.as_bytes()).unwrap();
        stream.write_all(second.as_bytes()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(statuses(&String::from_utf8_lossy(&answer)), ["400"], "{request:?} in two pieces");
    }
    let h2 = raw(proxy.address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(statuses(&h2).is_empty(), "{h2}");
    assert!(server.received().is_empty());
}

#[test]
fn chunks_may_be_small_and_trailers_say_nothing() {
    let server = Upstream::saying(json(ANSWER));
    let proxy = Proxy::enforcing(&server.url("/mcp"));
    let body = tool(1, "echo");
    let chunks: String = body.chars().map(|byte| format!("1;a=\"b\"\r\n{byte}\r\n")).collect();
    let trailers = "0\r\nMcp-Session-Id: x\r\nAuthorization: secret\r\nContent-Length: 3\r\n\r\n";
    let head = "Transfer-Encoding: chunked\r\nConnection: close\r\nMCP-Protocol-Version: 2025-11-25\r\n";
    let answer = raw(proxy.address, lined(head, &format!("{chunks}{trailers}")).as_bytes());
    assert_eq!(statuses(&answer), ["200"], "{answer}");
    let received = server.received().remove(0);
    assert_eq!(received.body, body.as_bytes());
    assert_eq!((received.header("mcp-session-id"), received.header("authorization")), (None, None));
}

#[test]
fn a_request_behind_a_denied_one_is_decided_on_by_itself() {
    let server = Upstream::saying(json(ANSWER));
    let proxy = Proxy::enforcing(&server.url("/mcp"));
    let version = ("MCP-Protocol-Version", "2025-11-25");
    let denied = request("POST", "/mcp", &[version], tool(7, "deny").as_bytes());
    let allowed = request("POST", "/mcp", &[version], tool(1, "echo").as_bytes());
    let last = request("POST", "/mcp", &[version, ("Connection", "close")], tool(9, "deny").as_bytes());
    let answer = raw(proxy.address, &[denied, allowed, last].concat());
    assert_eq!(statuses(&answer), ["200", "200", "200"]);
    let place = |text: &str| answer.find(text).unwrap_or_else(|| panic!("no {text} in {answer}"));
    assert!(place("\"id\":7") < place(ANSWER) && place(ANSWER) < place("\"id\":9"));
    assert_eq!(server.received().len(), 1);
}

#[test]
fn a_client_that_asks_first_is_answered_first() {
    let server = Upstream::saying(json(ANSWER));
    let proxy = Proxy::observing(&server.url("/mcp"));
    let body = tool(1, "echo");
    let expecting = |more| {
        let headers = [("Expect", "100-continue"), ("Connection", "close"), more];
        raw(proxy.address, &request("POST", "/mcp", &headers, body.as_bytes()))
    };
    assert_eq!(statuses(&expecting(("X", "y"))), ["100", "200"]);
    assert_eq!(server.received()[0].header("expect"), None);
    assert_eq!(statuses(&expecting(("Origin", "http://evil.example"))), ["403"]);
    assert_eq!(server.received().len(), 1);
}

#[test]
fn no_other_protocol_and_no_other_method_comes_of_a_header() {
    let server = Upstream::saying(json(ANSWER));
    let proxy = Proxy::observing(&server.url("/mcp"));
    for (name, value) in [
        ("Upgrade", "h2c"),
        ("Upgrade", "websocket"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-Method-Override", "DELETE"),
        ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
    ] {
        let reply = post(proxy.address, &[(name, value), ("Connection", "Upgrade, close")], tool(1, "echo"));
        assert_eq!((reply.status, reply.text()), (200, ANSWER.to_owned()), "{name}: {value}");
        let received = server.received().pop().unwrap();
        assert_eq!((&*received.method, received.header(&name.to_lowercase())), ("POST", None));
    }
}

#[test]
fn targets_lead_nowhere_else() {
    let server = Upstream::saying(json(ANSWER));
    let proxy = Proxy::observing(&server.url("/mcp"));
    for (line, status) in [
        ("CONNECT 169.254.169.254:80 HTTP/1.1", "400"),
        ("CONNECT 127.0.0.1 HTTP/1.1", "405"),
        ("POST http://169.254.169.254/mcp HTTP/1.1", "400"),
        ("POST http://evil@127.0.0.1/mcp HTTP/1.1", "400"),
        ("OPTIONS * HTTP/1.1", "405"),
        ("TRACE /mcp HTTP/1.1", "405"),
        ("HEAD /mcp HTTP/1.1", "405"),
    ] {
        let answer =
            raw(proxy.address, format!("{line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").as_bytes());
        assert_eq!(statuses(&answer), [status], "{line}");
    }
    assert!(server.received().is_empty());
    let absolute = request("POST", "http://127.0.0.1/x", &[], tool(1, "echo").as_bytes());
    assert_eq!(Connection::send(proxy.address, &absolute).reply().status, 200);
    assert_eq!(server.received()[0].target, "/mcp");
}

#[test]
fn heads_have_their_bounds() {
    let server = Upstream::saying(json(ANSWER));
    let proxy = Proxy::observing(&server.url("/mcp"));
    let body = tool(1, "echo");
    let many: String = (0..1000).map(|number| format!("X-{number}: y\r\n")).collect();
    let length = format!("Content-Length: {}\r\nConnection: close\r\n", body.len());
    assert_eq!(statuses(&raw(proxy.address, lined(&format!("{many}{length}"), &body).as_bytes())), ["431"]);
    let target = format!("/{}", "x".repeat(63 << 10));
    let answer = raw(proxy.address, &request("POST", &target, &[("Connection", "close")], body.as_bytes()));
    assert!(["200", "414", "431"].contains(&statuses(&answer)[0]), "{answer}");
    assert!(server.received().iter().all(|request| request.target == "/mcp"));
}

#[test]
fn bodies_in_codings_nobody_can_check_are_refused() {
    let server = Upstream::saying(json(ANSWER));
    let proxy = Proxy::observing(&server.url("/mcp"));
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let body = tool(1, "echo");
    let bomb = gzip(&vec![b' '; 64 << 20]);
    let garbage = [&gzip(body.as_bytes())[..], b"{}"].concat();
    for (coding, body, status) in [
        ("zstd", body.clone().into_bytes(), 415),
        ("gzip, gzip", gzip(&gzip(body.as_bytes())), 415),
        ("identity, gzip", gzip(body.as_bytes()), 415),
        ("gzip", body.clone().into_bytes(), 400),
        ("br", body.clone().into_bytes(), 400),
        ("gzip", garbage, 400),
        ("gzip", gzip(body.as_bytes())[..20].to_vec(), 400),
        ("gzip", bomb, 413),
    ] {
        assert_eq!(post(proxy.address, &[("Content-Encoding", coding)], body).status, status, "{coding}");
    }
    assert!(server.received().is_empty());
    let known =
        [("GZIP", gzip(body.as_bytes())), ("x-gzip", gzip(body.as_bytes())), ("", body.clone().into_bytes())];
    for (coding, bytes) in known {
        assert_eq!(post(proxy.address, &[("Content-Encoding", coding)], bytes).status, 200, "{coding}");
        assert_eq!(server.received().last().unwrap().body, body.as_bytes());
    }
}

#[test]
fn an_answer_its_client_would_read_otherwise_does_not_come_through() {
    for headers in [
        "Content-Type: application/json; charset=utf-16le\r\n",
        "Content-Type: text/event-stream; charset=utf-7\r\n",
        "Content-Type: text/event-stream; charset*=us-ascii''utf-16le\r\n",
        "Content-Type: application/json\r\nContent-Type: text/event-stream\r\n",
        "Content-Type: application/json\r\nContent-Encoding: zstd\r\n",
        "Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Encoding: gzip\r\n",
        "Content-Type: application/json\r\nMcp-Session-Id: a\r\nMcp-Session-Id: b\r\n",
    ] {
        let server = Upstream::saying(response("200 OK", headers, ANSWER.as_bytes()));
        let proxy = Proxy::observing(&server.url("/mcp"));
        let reply = post(proxy.address, &[], tool(1, "echo"));
        assert_eq!((reply.status, &reply.json()["id"]), (502, &1.into()), "{headers}");
        assert!(!reply.text().contains("result"), "{headers}");
    }
}

#[test]
fn an_answer_in_another_charset_comes_through_where_it_is_the_same_in_utf8() {
    let said = |text: &str| format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"text":"{text}"}}}}"#);
    let (plain, accented) = (said("plain"), said("caf\u{e9}"));
    for (charset, body, comes) in [
        ("utf8", &accented, true),
        ("us-ascii", &accented, true),
        ("iso-8859-1", &plain, true),
        ("iso-8859-1", &accented, false),
    ] {
        for kind in ["application/json", "text/event-stream"] {
            let text = if kind.starts_with("text") { format!("data: {body}\n\n") } else { body.clone() };
            let headers = format!("Content-Type: {kind}; charset={charset}\r\n");
            let server = Upstream::saying(response("200 OK", &headers, text.as_bytes()));
            let proxy = Proxy::observing(&server.url("/mcp"));
            let reply = post(proxy.address, &[], tool(1, "echo"));
            assert_eq!(
                (reply.text() == text, reply.header("content-type")),
                (comes, Some(kind)),
                "{headers}"
            );
            assert!(comes || reply.text().contains("50201"), "{}", reply.text());
        }
    }
}

#[test]
fn an_answer_without_one_is_an_error_for_who_waits() {
    for status in ["101 Switching Protocols", "204 No Content", "200 OK", "202 Accepted"] {
        let server = Upstream::saying(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"));
        let proxy = Proxy::observing(&server.url("/mcp"));
        let reply = post(proxy.address, &[], tool(1, "echo"));
        assert_eq!((reply.status, &reply.json()["id"]), (502, &1.into()), "{status}");
    }
}

#[test]
fn events_that_only_some_readers_see_end_the_stream() {
    let evil = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"evil"}]}}"#;
    for text in [
        format!(": \u{2028}data: {evil}\u{2028}\u{2028}\n\n"),
        format!("id: 1\u{85}data: {evil}\n\n"),
        format!("event: x\ndata: \u{c}data: {evil}\n\n"),
        format!(": here\n\n\u{feff}data: {evil}\n\n"),
        format!("event:  x\ndata: data: {evil}\n\n"),
        // Without the blank line it is no event.
        format!("data: {evil}\n"),
    ] {
        let sent = text.clone();
        let server = Upstream::start(move |_, stream| {
            let parts = [chunked(EVENTS, ""), chunk(sent.as_bytes()), chunk(b"")];
            stream.write_all(&parts.concat()).unwrap();
        });
        let proxy = Proxy::enforcing(&server.url("/mcp"));
        let reply = post(proxy.address, &[("MCP-Protocol-Version", "2025-11-25")], tool(1, "echo"));
        assert!(!reply.text().contains("evil"), "{text:?} gave {}", reply.text());
        assert!(reply.text().contains("\"id\":1"), "whoever waits is told: {}", reply.text());
    }
}

#[test]
fn fields_that_only_some_readers_know_do_not_go_on() {
    let evil = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"evil"}]}}"#;
    for text in [
        // For the mark's bytes, decoded and written again; for one that passes over the end of a line; for other letters.
        format!("\u{ef}\u{bb}\u{bf}data: {evil}\n\n"),
        format!("data:\r{evil}\n\n"),
        format!("Data: {evil}\n\ndata : {evil}\n\n"),
    ] {
        let sent = format!("{text}id: 7\r\nevent: message\r\ndata: {ANSWER}\r\n\r\n");
        let server = Upstream::start(move |_, stream| {
            let kind = "text/event-stream; boundary=x; x=y";
            stream.write_all(&[chunked(kind, ""), chunk(sent.as_bytes()), chunk(b"")].concat()).unwrap();
        });
        let proxy = Proxy::enforcing(&server.url("/mcp"));
        let reply = post(proxy.address, &[("MCP-Protocol-Version", "2025-11-25")], tool(1, "echo"));
        assert_eq!(reply.header("content-type"), Some(EVENTS), "{text:?}");
        assert!(!reply.text().contains("evil"), "{text:?} gave {}", reply.text());
        let written = format!("event: message\nid: 7\ndata: {ANSWER}\n\n");
        assert!(reply.text().ends_with(&written), "{text:?} gave {}", reply.text());
    }
}

#[test]
fn messages_under_another_events_name_are_decided_on_too() {
    let spoofed = r#"{"jsonrpc":"2.0","id":99,"result":{"content":"evil"}}"#;
    let server = Upstream::start(move |_, stream| {
        let stream_of = format!("event: error\ndata: {spoofed}\n\ndata: {ANSWER}\n\n");
        let parts = [chunked(EVENTS, ""), chunk(stream_of.as_bytes()), chunk(b"")];
        stream.write_all(&parts.concat()).unwrap();
    });
    let proxy = Proxy::enforcing(&server.url("/mcp"));
    let reply = post(proxy.address, &[("MCP-Protocol-Version", "2025-11-25")], tool(1, "echo"));
    assert!(reply.text().ends_with(&format!("data: {ANSWER}\n\n")), "{}", reply.text());
    assert!(!reply.text().contains("evil"), "{}", reply.text());
}

const STRICT: &str =
    "{version: v1, mode: enforce, rules: [{name: all, action: allow, match: {methods: ['*']}}],
    detectors: {schema: {action: deny, strict: true}}}";

/// Answers every request alike: a session of 2025-06-18, and one tool, which takes a number.
fn lists_a_tool() -> Upstream {
    let list = r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18","tools":[{"name":"echo","inputSchema":{"type":"object",
        "properties":{"n":{"type":"integer"}}}}]}}"#;
    Upstream::saying(response(
        "200 OK",
        "Content-Type: application/json\r\nMcp-Session-Id: s-1\r\n",
        list.as_bytes(),
    ))
}

#[test]
fn what_a_client_without_sessions_was_told_of_tools_is_known_in_its_next_request() {
    let server = lists_a_tool();
    let proxy = Proxy::under(STRICT, &server.url("/mcp"));
    let ask = |method: &str, params: &str| {
        let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
        let body = call(1, method, &format!("{{{params}{meta}}}"));
        let named = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method), ("Mcp-Name", "echo")];
        let count = if method == "tools/call" { 3 } else { 2 };
        let more: Vec<_> = named.into_iter().take(count).chain([("Mcp-Session-Id", "any")]).collect();
        post(proxy.address, &more, body)
    };
    let listed = ask("tools/list", "");
    assert!(listed.json()["result"]["tools"].is_array(), "{}", listed.text());
    for (arguments, passes) in [(r#"{"n":1}"#, true), (r#"{"n":"x"}"#, false), (r#"{"n":1,"m":2}"#, false)] {
        let answer = ask("tools/call", &format!(r#""name":"echo","arguments":{arguments},"#));
        assert_eq!(!answer.text().contains("denied by policy"), passes, "{arguments}: {}", answer.text());
    }
    let received = server.received();
    assert_eq!(received.len(), 2);
    let ids = received.iter().filter(|request| request.header("mcp-session-id").is_some());
    assert_eq!(ids.count(), 0, "there are no sessions, whatever a client says");
}

#[test]
fn a_session_is_not_left_behind_by_naming_another_revision() {
    let server = lists_a_tool();
    let proxy = Proxy::under(STRICT, &server.url("/mcp"));
    let hello =
        r#"{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}"#;
    assert_eq!(post(proxy.address, &[], call(1, "initialize", hello)).status, 200);
    let id = ("Mcp-Session-Id", "s-1");
    let before = server.received().len();
    for (version, status) in [("2026-07-28", 400), ("2025-11-25", 200)] {
        let meta = format!(r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"{version}"}}"#);
        let body = call(2, "tools/call", &format!(r#"{{"name":"echo","arguments":{{"n":"x"}},{meta}}}"#));
        let headers =
            [id, ("MCP-Protocol-Version", version), ("Mcp-Method", "tools/call"), ("Mcp-Name", "echo")];
        let answer = post(proxy.address, &headers, body);
        assert_eq!(answer.status, status, "{version}: {}", answer.text());
        assert!(!answer.json()["error"].is_null(), "{version}: {}", answer.text());
    }
    assert_eq!(server.received().len(), before);
}
