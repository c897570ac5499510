//! Bytes and headers: what is let through is what came, and what must not go on does not.

use std::io::Write;

use crate::client::{Connection, call, post, request, tool};
use crate::proxy::Proxy;
use crate::upstream::{Upstream, chunk, chunked, json, response};

/// A message no serialiser would write so.
const ODD: &str = "{ \"params\" :{\"name\":\"echo\",\"arguments\":{\"b\":1.0,\"a\":-0,\"n\":18446744073709551616,\"e\":1E5,\
                   \"s\":\"\\u00e9\\/\"},\"x-unknown\":[ ]},\n\t\"id\":7,\"method\":\"tools/call\",\"jsonrpc\":\"2.0\"}\r\n";
const ODD_ANSWER: &str = "{\"result\":{\"structuredContent\":{\"z\":1.50,\"a\":1e400},\"content\":[]} , \"id\":7,\"jsonrpc\":\"2.0\"}";

#[test]
fn bodies_go_on_byte_for_byte() {
    let server = Upstream::saying(json(ODD_ANSWER));
    let proxy = Proxy::observing(&server.url("/mcp"));
    let reply = post(proxy.address, &[], ODD);
    assert_eq!((reply.status, reply.text()), (200, ODD_ANSWER.to_owned()));
    assert_eq!(server.received()[0].body, ODD.as_bytes());
}

#[test]
fn a_chunked_answer_is_the_same_text() {
    let server = Upstream::start(|_, stream| {
        stream.write_all(&chunked("application/json; charset=utf-8", "")).unwrap();
        let mut parts: Vec<_> = ODD_ANSWER.as_bytes().chunks(3).map(chunk).collect();
        // An end that comes long after the text makes it a stream.
        parts.last_mut().unwrap().extend(chunk(b""));
        for part in parts {
            stream.write_all(&part).unwrap();
        }
    });
    let proxy = Proxy::observing(&server.url("/mcp"));
    let reply = post(proxy.address, &[], ODD);
    assert_eq!((reply.status, reply.text()), (200, ODD_ANSWER.to_owned()));
    assert_eq!(reply.header("content-type"), Some("application/json"));
}

#[test]
fn fifteen_mebibytes_go_both_ways() {
    let filler = "x".repeat(15 << 20);
    let big = json(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"text":"{filler}"}}}}"#));
    let server = Upstream::saying(big.clone());
    let proxy = Proxy::observing(&server.url("/mcp"));
    let sent = call(1, "tools/call", &format!(r#"{{"name":"echo","arguments":{{"text":"{filler}"}}}}"#));
    let reply = post(proxy.address, &[], &sent);
    assert_eq!(reply.status, 200);
    assert!(big.ends_with(&reply.body) && reply.body.len() > 15 << 20);
    assert!(server.received()[0].body == sent.as_bytes());
}

#[test]
fn one_path_and_query_go_to_the_server_whatever_is_asked_for() {
    let server = Upstream::saying(json(ODD_ANSWER));
    let proxy = Proxy::observing(&server.url("/base/mcp?key=1"));
    for target in ["/mcp", "/", "/MCP/../x?y=2", "/mcp%00?key=evil", "//other"] {
        let request = request("POST", target, &[], ODD.as_bytes());
        assert_eq!(Connection::send(proxy.address, &request).reply().status, 200, "{target}");
    }
    assert!(server.received().iter().all(|request| request.target == "/base/mcp?key=1"));
    assert_eq!(server.received()[0].header("host"), Some(&*server.address.to_string()));
}

#[test]
fn credentials_stay_here_and_protocol_headers_go_on() {
    let server = Upstream::saying(json(ODD_ANSWER));
    let proxy = Proxy::observing(&server.url("/mcp"));
    let carried = [
        ("mcp-protocol-version", "2025-11-25"),
        ("accept", "application/json, text/event-stream"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ];
    let dropped = [
        ("authorization", "Bearer secret"),
        ("cookie", "session=secret"),
        ("proxy-authorization", "Basic secret"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-host", "evil.example"),
        ("forwarded", "for=203.0.113.9"),
    ];
    let headers: Vec<_> = carried.iter().chain(&dropped).copied().collect();
    assert_eq!(post(proxy.address, &headers, ODD).status, 200);
    let received = &server.received()[0];
    for (name, value) in carried {
        assert_eq!(received.header(name), Some(value));
    }
    for (name, _) in dropped {
        assert_eq!(received.header(name), None);
    }
    assert!(!format!("{received:?}").contains("secret"), "{received:?}");
}

#[test]
fn what_a_server_sets_for_browsers_does_not_come_back() {
    let headers = "Content-Type: application/json\r\nSet-Cookie: a=b\r\nAlt-Svc: h3=\":1\"\r\nRetry-After: 7\r\n\
                   WWW-Authenticate: Bearer scope=\"x\"\r\n";
    let body = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no"}}"#;
    let server = Upstream::saying(response("401 Unauthorized", headers, body.as_bytes()));
    let proxy = Proxy::observing(&server.url("/mcp"));
    let reply = post(proxy.address, &[], tool(1, "echo"));
    assert_eq!((reply.status, reply.text()), (401, body.to_owned()));
    assert_eq!(reply.header("retry-after"), Some("7"));
    assert_eq!(reply.header("www-authenticate"), Some("Bearer scope=\"x\""));
    assert_eq!((reply.header("set-cookie"), reply.header("alt-svc")), (None, None));
}

#[test]
fn redirects_are_not_followed() {
    let other = Upstream::saying(json(ODD_ANSWER));
    let location = format!("Location: {}\r\n", other.url("/mcp"));
    let server = Upstream::saying(response("307 Temporary Redirect", &location, b""));
    let proxy = Proxy::observing(&server.url("/mcp"));
    let reply = post(proxy.address, &[], tool(3, "echo"));
    assert_eq!((reply.status, reply.header("location")), (502, None));
    assert_eq!(reply.json()["id"], 3);
    assert!(other.received().is_empty());
}

#[test]
fn a_compressed_request_arrives_plain() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(ODD.as_bytes()).unwrap();
    let server = Upstream::saying(json(ODD_ANSWER));
    let proxy = Proxy::observing(&server.url("/mcp"));
    let reply = post(proxy.address, &[("Content-Encoding", "gzip")], encoder.finish().unwrap());
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(server.received()[0].body, ODD.as_bytes());
    assert_eq!(server.received()[0].header("content-encoding"), None);
}

#[test]
fn a_compressed_answer_is_read_and_comes_plain() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(ODD_ANSWER.as_bytes()).unwrap();
    let headers = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";
    let server = Upstream::saying(response("200 OK", headers, &encoder.finish().unwrap()));
    let proxy = Proxy::observing(&server.url("/mcp"));
    let reply = post(proxy.address, &[], ODD);
    assert_eq!((reply.text(), reply.header("content-encoding")), (ODD_ANSWER.to_owned(), None));
}

#[test]
fn one_connection_takes_many_requests_and_upstream_connections_are_kept() {
    let server = Upstream::saying(json(ODD_ANSWER));
    let proxy = Proxy::observing(&server.url("/mcp"));
    // Pipelined: each is decided on and answered by itself, in order.
    let one = request("POST", "/mcp", &[], ODD.as_bytes());
    let last = request("POST", "/mcp", &[("Connection", "close")], ODD.as_bytes());
    let mut connection = Connection::send(proxy.address, &[one.clone(), one, last].concat());
    for _ in 0..3 {
        let (status, headers) = connection.head();
        assert_eq!(status, 200);
        let length = headers.iter().find(|(name, _)| name == "content-length").unwrap().1.parse().unwrap();
        assert_eq!(connection.exactly(length), ODD_ANSWER.as_bytes());
    }
    assert_eq!(server.received().len(), 3);
}
