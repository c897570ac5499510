//! What is refused before anybody looks at a message, and how it ends.

use std::io::Write;
use std::time::Duration;

use tempfile::TempDir;

use crate::client::{Connection, post, request, tool};
use crate::port::reserved_port;
use crate::proxy::{Proxy, command};
use crate::upstream::{Upstream, chunk, chunked, json, response, signal, wait};

const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

#[test]
fn a_server_that_is_not_there_is_an_error_for_the_request() {
    let proxy = Proxy::observing(&format!("http://127.0.0.1:{}/mcp", reserved_port()));
    let reply = post(proxy.address, &[], tool(4, "echo"));
    assert_eq!((reply.status, reply.header("content-type")), (502, Some("application/json")));
    assert_eq!((reply.json()["id"].clone(), reply.json()["error"]["code"].clone()), (4.into(), 50201.into()));
    let listen = Connection::send(proxy.address, &request("GET", "/mcp", &[], b"")).reply();
    assert_eq!(listen.status, 502);
}

#[test]
fn only_json_in_utf8_is_taken() {
    let server = Upstream::saying(json(ANSWER));
    let proxy = Proxy::observing(&server.url("/mcp"));
    for kind in [
        "text/plain",
        "application/vnd.x+json",
        "application/json-rpc",
        "text/plain, application/json",
        "application/json; charset=utf-16le",
        "application/json; charset=utf-7",
        "application/json; charset=iso-8859-1",
        "multipart/form-data",
    ] {
        let reply = post(proxy.address, &[("Content-Type", kind)], tool(1, "echo"));
        assert_eq!(reply.status, 415, "{kind}");
    }
    for kind in [
        "application/json",
        "APPLICATION/JSON;charset=UTF-8",
        "application/json; charset=\"utf-8\"",
        "application/json; charset=utf8",
    ] {
        assert_eq!(post(proxy.address, &[("Content-Type", kind)], tool(1, "echo")).status, 200, "{kind}");
    }
    assert_eq!(server.received().len(), 4);
}

#[test]
fn methods_bodies_and_headers_have_their_bounds() {
    let server = Upstream::saying(json(ANSWER));
    let proxy = Proxy::observing(&server.url("/mcp"));
    for method in ["PUT", "OPTIONS", "TRACE", "PATCH"] {
        let reply = Connection::send(proxy.address, &request(method, "/mcp", &[], b"")).reply();
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, POST, DELETE")), "{method}");
    }
    let long = "a".repeat(65 << 10);
    assert_eq!(post(proxy.address, &[("X-Pad", &long)], tool(1, "echo")).status, 431);
    let huge = request("POST", "/mcp", &[("Content-Length", "17000000")], b"{");
    assert_eq!(Connection::send(proxy.address, &huge).reply().status, 413);
    let twice = [("Mcp-Session-Id", "a"), ("Mcp-Session-Id", "b")];
    assert_eq!(post(proxy.address, &twice, tool(1, "echo")).status, 400);
    assert!(server.received().is_empty());
}

#[test]
fn an_answer_that_is_too_long_is_an_error() {
    let server = Upstream::start(|_, stream| {
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n{";
        stream.write_all(head).unwrap();
    });
    let proxy = Proxy::observing(&server.url("/mcp"));
    let reply = post(proxy.address, &[], tool(6, "echo"));
    assert_eq!((reply.status, reply.json()["id"].clone()), (200, 6.into()));
    assert_eq!(reply.json()["error"]["code"], 50201);
}

#[test]
fn an_answer_cut_short_is_an_error() {
    let server = Upstream::start(|_, stream| {
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n";
        stream.write_all(&[head, ANSWER.as_bytes()].concat()).unwrap();
        stream.shutdown(std::net::Shutdown::Both).unwrap();
    });
    let proxy = Proxy::observing(&server.url("/mcp"));
    let reply = post(proxy.address, &[], tool(1, "echo"));
    assert_eq!((reply.status, reply.json()["error"]["code"].clone()), (502, 50201.into()));
}

#[test]
fn other_than_loopback_is_not_listened_on_unless_told() {
    let dir = TempDir::new().unwrap();
    let output = command(&dir, "http://127.0.0.1:1/mcp", "0.0.0.0:0").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("--expose"), "{output:?}");
}

#[test]
fn a_stream_that_listens_does_not_hold_up_the_end() {
    let (end, ends) = signal();
    let server = Upstream::start(move |request, stream| {
        if request.method == "GET" {
            stream.write_all(&chunked("text/event-stream", "")).unwrap();
            stream.write_all(&chunk(b": here\n\n")).unwrap();
            wait(&ends);
        } else {
            stream.write_all(&response("202 Accepted", "", b"")).unwrap();
        }
    });
    let mut proxy = Proxy::observing(&server.url("/mcp"));
    let mut client = Connection::send(proxy.address, &request("GET", "/mcp", &[], b""));
    client.head();
    client.until(": here\n\n");
    let (code, took) = proxy.stop();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(4), "it took {took:?}");
    end.send(()).unwrap();
}
