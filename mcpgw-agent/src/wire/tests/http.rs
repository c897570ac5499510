//! MCP over HTTP, and other things over HTTP.

use super::*;

fn post(headers: &str, body: &str) -> String {
    format!(
        "POST /mcp?x=1 HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: node\r\n{headers}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn answer(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

fn chunked(pieces: &[&str]) -> String {
    let mut coded = String::new();
    for piece in pieces {
        coded.push_str(&format!("{:x};ext=1\r\n{piece}\r\n", piece.len()));
    }
    coded + "0\r\nTrailer: x\r\n\r\n"
}

const EVENTS: &str = "Content-Type: text/event-stream; charset=utf-8\r\n";

#[test]
fn a_streamable_http_session() {
    let mut tap = Tap::new();
    tap.send(tcp(false), post("", REQUEST));
    let events = [
        "id: 1\r\nretry: 5\r\ndata: \r\n\r\n",
        &format!(": keep-alive\r\nevent: message\r\ndata: {ANSWER}\r\n\r\n"),
    ];
    tap.send(
        tcp(true),
        format!(
            "HTTP/1.1 200 OK\r\n{EVENTS}mcp-session-id: abc\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            chunked(&events)
        ),
    );
    tap.send(tcp(false), post("mcp-protocol-version: 2025-06-18\r\nmcp-session-id: abc\r\n", LIST));
    tap.send(tcp(true), answer("Content-Type: application/json\r\n", TOOLS));
    assert_eq!(
        tap.told(),
        [
            "POST /mcp unmarked",
            "+initialize",
            "answered with Mcp-Session-Id",
            "+answer of s",
            "POST /mcp MCP-Protocol-Version",
            "+tools/list",
            "+answer with 1 tools",
        ]
    );
}

#[test]
fn a_request_names_its_host_and_agent() {
    let mut tap = Tap::new();
    tap.send(tcp(false), post("", LIST));
    assert_eq!(
        tap.seen[0].seen,
        Seen::Http(HttpSign::Request {
            method: "POST".to_owned(),
            path: "/mcp".to_owned(),
            host: Some("localhost:8000".to_owned()),
            user_agent: Some("node".to_owned()),
            mcp_header: None,
        })
    );
}

#[test]
fn the_stateless_era() {
    let mut tap = Tap::new();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#;
    tap.send(tcp(false), post("Mcp-Method: tools/call\r\nMcp-Name: t\r\n", body));
    tap.send(tcp(true), answer("", r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[{"type":"text","text":"x"}]}}"#));
    assert_eq!(tap.told(), ["POST /mcp Mcp-Method", "+tools/call", "+answer"]);
}

#[test]
fn a_legacy_sse_session() {
    let mut tap = Tap::new();
    tap.send(tcp(false), "GET /sse HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n");
    assert!(tap.seen.is_empty());
    tap.send(tcp(true), format!("HTTP/1.1 200 OK\r\n{EVENTS}\r\n"));
    tap.send(tcp(true), "event: endpoint\ndata: /messages/?session_id=1\n\n");
    tap.send_on(2, tcp(false), post("", REQUEST).replace("/mcp?x=1", "http://h:1/messages/?session_id=1"));
    tap.send(tcp(true), format!("event: message\ndata: {ANSWER}\n\n"));
    assert_eq!(
        tap.told(),
        [
            "GET /sse unmarked",
            "endpoint /messages/",
            "POST /messages/ unmarked",
            "+initialize",
            "+answer of s"
        ]
    );
}

#[test]
fn event_streams_of_every_line_end() {
    for end in ["\n", "\r\n", "\r"] {
        let body = [
            "event: message",
            "data: {\"jsonrpc\":\"2.0\",",
            "data:\"id\":1,\"method\":\"roots/list\"}",
            "",
            "",
        ]
        .join(end);
        let mut tap = Tap::new();
        let head = format!("HTTP/1.1 200 OK\r\n{EVENTS}\r\n");
        tap.send(tcp(true), head);
        for byte in body.as_bytes() {
            tap.send(tcp(true), [*byte]);
        }
        assert_eq!(tap.told(), ["+roots/list"], "{end:?}");
    }
}

#[test]
fn bodies_that_never_end_are_read_value_by_value() {
    let mut tap = Tap::new();
    tap.send(
        tcp(true),
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    let pretty = TOOLS.replace(',', ",\n  ");
    for value in [ANSWER, "\n", &pretty] {
        tap.send(tcp(true), format!("{:x}\r\n{value}\r\n", value.len()));
    }
    assert_eq!(tap.told(), ["+answer of s", "+answer with 1 tools"]);
}

#[test]
fn until_close() {
    let mut tap = Tap::new();
    tap.send(tcp(true), format!("HTTP/1.0 200 OK\r\n{EVENTS}\r\ndata: {ANSWER}\n"));
    assert!(tap.seen.is_empty());
    let end = tap.offsets[&(1 << 32, 0, true)];
    let seen = tap.table.push(Chunk { end: true, ..chunk(tcp(true), end, b"") });
    assert_eq!(seen.iter().map(tell).collect::<Vec<_>>(), ["+answer of s"]);
}

#[test]
fn compressed_answers_are_skipped_but_their_heads_tell() {
    let mut tap = Tap::new();
    tap.send(tcp(true), "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nMcp-Session-Id: 1\r\nContent-Length: 4\r\n\r\n\x1f{}\x08");
    tap.send(tcp(true), answer("", TOOLS));
    assert_eq!(tap.told(), ["answered with Mcp-Session-Id", "+answer with 1 tools"]);
}

#[test]
fn answers_without_the_body_they_announce() {
    let mut tap = Tap::new();
    tap.send(tcp(true), "HTTP/1.1 100 Continue\r\n\r\n");
    tap.send(tcp(true), "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
    tap.send(tcp(true), "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    tap.send(
        tcp(true),
        format!("HTTP/1.1 204 No Content\r\nContent-Length: 10\r\n\r\n{}", answer("", TOOLS)),
    );
    assert_eq!(tap.told(), ["+answer with 1 tools"]);
}

#[test]
fn pipelined_requests() {
    let mut tap = Tap::new();
    tap.send(tcp(false), format!("{}{}", post("", LIST), post("", PING)));
    assert_eq!(tap.told(), ["POST /mcp unmarked", "+tools/list", "=ping"]);
}

#[test]
fn other_services_are_given_up_after_some_exchanges() {
    let mut tap = Tap::new();
    for _ in 0..4 {
        tap.send(tcp(false), "GET /api HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(tap.seen.is_empty());
        tap.send(tcp(true), answer("Content-Type: application/json\r\n", r#"{"a":[1,2,3]}"#));
    }
    assert_eq!(tap.told(), ["OtherHttp"]);
    tap.send(tcp(false), post("", LIST));
    assert!(tap.seen.is_empty());
}

#[test]
fn large_downloads_are_given_up() {
    let mut tap = Tap::new();
    tap.send(tcp(false), "GET /big HTTP/1.1\r\n\r\n");
    tap.send(tcp(true), "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    for _ in 0..20 {
        tap.send(tcp(true), [0u8; 4096]);
    }
    assert_eq!(tap.told(), ["OtherHttp"]);
}

#[test]
fn what_showed_mcp_is_never_given_up() {
    let mut tap = Tap::new();
    tap.send(tcp(false), post("", LIST)).send(tcp(true), answer("", TOOLS));
    for _ in 0..50 {
        tap.send(tcp(false), "GET /health HTTP/1.1\r\n\r\n").send(tcp(true), answer("", &"x".repeat(4000)));
    }
    assert_eq!(tap.told(), ["POST /mcp unmarked", "+tools/list", "+answer with 1 tools"]);
}

#[test]
fn other_json_rpc_over_http() {
    let mut tap = Tap::new();
    for _ in 0..4 {
        tap.send(tcp(false), post("", r#"{"jsonrpc":"2.0","id":1,"method":"message/send","params":{}}"#));
        tap.send(tcp(true), answer("", r#"{"jsonrpc":"2.0","id":1,"result":{"kind":"task"}}"#));
    }
    let told = tap.told();
    assert_eq!(told.last().unwrap(), "OtherHttp");
    assert!(told.iter().all(|told| !told.starts_with('+') && !told.starts_with("POST")), "{told:?}");
}

#[test]
fn joined_in_the_middle() {
    // of an event stream
    let mut tap = Tap::new();
    tap.send(tcp(true), "e of a message\"}}\r\n\r\n\r\n");
    tap.send(tcp(true), format!("a5\r\nevent: message\r\ndata: {ANSWER}\r\n\r\n\r\n"));
    assert_eq!(tap.told(), ["+answer of s"]);
    // of a request, between head and body
    let mut tap = Tap::new();
    tap.send(tcp(false), LIST);
    tap.send(tcp(false), post("", PING.replace("ping", "prompts/list").as_str()));
    assert_eq!(tap.told(), ["+tools/list", "POST /mcp unmarked", "+prompts/list"]);
}

#[test]
fn gaps_inside_and_outside_bodies() {
    let mut table = StreamTable::new(Limits::default());
    let mut told = Vec::new();
    let mut sequence = 0u64;
    let mut send = |bytes: &str, skipped: u32| {
        let piece = Chunk { skipped, ..chunk(tcp(true), sequence, bytes.as_bytes()) };
        sequence += bytes.len() as u64 + u64::from(skipped);
        told.extend(table.push(piece).iter().map(tell));
    };
    // Within a body whose length is known the framing survives, even where the next head shares a segment.
    send("HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n{\"a\":", 1000);
    send(&format!("{}{}", "x".repeat(995), answer("", TOOLS)), 0);
    send(&format!("HTTP/1.1 200 OK\r\n{EVENTS}Transfer-Encoding: chunked\r\n\r\n1000\r\ndata: {{"), 4000);
    send(&format!("{}\r\n{:x}\r\n\n\ndata: {TOOLS}\n\n\r\n0\r\n\r\n", "x".repeat(89), TOOLS.len() + 10), 0);
    // Elsewhere the next head is looked for.
    send("HTTP/1.1 200 OK\r\nX: ", 100);
    send("garbage\r\n\r\n", 0);
    send(&answer("", ANSWER), 0);
    assert_eq!(
        told,
        ["gap 1000", "+answer with 1 tools", "gap 4000", "+answer with 1 tools", "gap 100", "+answer of s"]
    );
}

#[test]
fn more_headers_than_most_and_a_head_too_long() {
    let mut tap = Tap::new();
    tap.send(tcp(false), post(&"X-Filler: 1\r\n".repeat(500), LIST));
    assert_eq!(tap.told(), ["POST /mcp unmarked", "+tools/list"]);
    tap.send(tcp(false), format!("POST / HTTP/1.1\r\nX: {}", "a".repeat(40_000)));
    assert!(tap.table.buffered_bytes() < 1000);
    tap.send(tcp(false), "\r\n\r\n").send(tcp(false), post("", PING));
    assert_eq!(tap.told(), ["=ping"]);
}
