//! What fails under way: the server, the disk, and the gateway's own end.

use std::io::Write;
use std::net::{Shutdown, TcpStream};

use crate::client::{Connection, call, post, request, tool};
use crate::proxy::{Proxy, eventually};
use crate::upstream::{Upstream, chunk, chunked, json, response, signal, wait, wait_closed};

const ANSWER: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
const EVENTS: &str = "text/event-stream";
const V2025: [(&str, &str); 1] = [("MCP-Protocol-Version", "2025-11-25")];
const V2026: [(&str, &str); 3] =
    [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "slow")];

/// A call of `slow` as 2026-07-28 has it.
fn modern(id: u32) -> String {
    call(
        id,
        "tools/call",
        r#"{"name":"slow","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}"#,
    )
}

/// A server that writes `said` and dies.
fn dying(said: Vec<u8>) -> Upstream {
    Upstream::start(move |_, stream| {
        stream.write_all(&said).unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
    })
}

#[test]
fn a_server_that_dies_under_a_call_is_an_error_for_it() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    for said in [
        Vec::new(),
        b"HTTP/1.1 200".to_vec(),
        [&head[..], b"Content-Length: 900\r\n\r\n{\"jsonrpc\""].concat(),
        [&head[..], b"Transfer-Encoding: chunked\r\n\r\n400\r\n{\"jsonrpc\""].concat(),
        [&head[..], b"Transfer-Encoding: chunked\r\n\r\n"].concat(),
    ] {
        let shown = String::from_utf8_lossy(&said).into_owned();
        let server = dying(said);
        let proxy = Proxy::observing(&server.url("/mcp"));
        for (headers, body) in [(&V2025[..], tool(7, "slow")), (&V2026[..], modern(7))] {
            let reply = post(proxy.address, headers, body);
            let error = reply.json();
            assert_eq!((reply.status, &error["id"]), (502, &7.into()), "after {shown:?}");
            assert_eq!(error["error"]["code"], 50201, "after {shown:?}");
        }
        assert_eq!(server.received().len(), 2, "nothing is sent twice");
    }
}

#[test]
fn a_stream_that_dies_ends_as_its_revision_can_go_on() {
    let here = "id: e-1\ndata:\n\n";
    for is_whole in [true, false] {
        let said = [chunked(EVENTS, ""), chunk(here.as_bytes())].concat();
        let server = dying(if is_whole { [said, chunk(b"")].concat() } else { said });
        // Each call has a connection of its own: one that is kept is closed before the next call, or while it is sent.
        let earlier = Proxy::observing(&server.url("/mcp"));
        let now = Proxy::observing(&server.url("/mcp"));
        // The client can ask for what it missed, by the id.
        let earlier = post(earlier.address, &V2025, tool(3, "slow"));
        assert_eq!(earlier.text(), here);
        // It cannot any more.
        let now = post(now.address, &V2026, modern(3)).text();
        let error = now.strip_prefix(here).unwrap();
        assert!(error.contains("\"id\":3") && error.contains("50201") && error.ends_with("\n\n"), "{now}");
    }
}

#[test]
fn a_stream_of_2024_that_dies_answers_everybody_who_waits() {
    let (posted, posts) = signal();
    let server = Upstream::start(move |request, stream| {
        if request.method == "GET" {
            stream.write_all(&chunked(EVENTS, "")).unwrap();
            stream.write_all(&chunk(b"event: endpoint\ndata: /m?s=1\n\n")).unwrap();
            wait(&posts);
            wait(&posts);
            stream.shutdown(Shutdown::Both).unwrap();
        } else {
            stream.write_all(&response("202 Accepted", "", b"")).unwrap();
        }
    });
    let proxy = Proxy::observing(&server.url("/sse"));
    let mut stream = Connection::send(proxy.address, &request("GET", "/sse", &[], b""));
    assert_eq!(stream.head().0, 200);
    stream.until("\n\n");
    for id in [1, 2] {
        let call = request("POST", "/m?s=1", &[], tool(id, "slow").as_bytes());
        assert_eq!(Connection::send(proxy.address, &call).reply().status, 202);
    }
    posted.send(()).unwrap();
    posted.send(()).unwrap();
    let mut ends = String::new();
    loop {
        let chunk = stream.chunk();
        if chunk.is_empty() {
            break;
        }
        ends.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    for id in [1, 2] {
        assert!(ends.contains(&format!("\"id\":{id},\"error\":{{\"code\":50201")), "{ends}");
    }
}

/// A server that says on `got` that it was asked, and answers nothing until its client leaves.
fn silent() -> (Upstream, std::sync::Mutex<std::sync::mpsc::Receiver<()>>) {
    let (asked, asks) = signal();
    let server = Upstream::start(move |_, stream: &mut TcpStream| {
        asked.send(()).unwrap();
        wait_closed(stream);
        asked.send(()).unwrap();
    });
    (server, asks)
}

#[test]
fn a_server_that_never_answers_holds_up_neither_others_nor_the_end() {
    let (server, asks) = silent();
    let mut proxy = Proxy::observing(&server.url("/mcp"));
    // One client gives up: the server is told.
    let gone = Connection::send(proxy.address, &request("POST", "/mcp", &V2025, tool(1, "slow").as_bytes()));
    wait(&asks);
    drop(gone);
    wait(&asks);
    // Another waits on, and learns that nothing comes.
    let waiting =
        Connection::send(proxy.address, &request("POST", "/mcp", &V2025, tool(2, "slow").as_bytes()));
    wait(&asks);
    proxy.terminate();
    let reply = waiting.reply();
    let error = reply.json();
    assert_eq!((reply.status, &error["id"], &error["error"]["code"]), (503, &2.into(), &50201.into()));
    assert_eq!(proxy.ended().0, Some(0));
    assert!(!proxy.log().contains("cut off"), "{}", proxy.log());
}

#[test]
fn a_call_under_way_at_the_end_is_still_answered() {
    let (asked, asks) = signal();
    let (go, gone) = signal();
    let server = Upstream::start(move |request, stream| {
        asked.send(()).unwrap();
        if request.json()["params"]["name"] == "stream" {
            stream.write_all(&chunked(EVENTS, "")).unwrap();
            stream.write_all(&chunk(b": here\n\n")).unwrap();
            wait(&gone);
            let answer = format!("data: {}\n\n", ANSWER.replace("\"id\":1", "\"id\":2"));
            stream.write_all(&[chunk(answer.as_bytes()), chunk(b"")].concat()).unwrap();
        } else {
            wait(&gone);
            stream.write_all(&json(ANSWER)).unwrap();
        }
    });
    let mut proxy = Proxy::observing(&server.url("/mcp"));
    let call =
        |body: String| Connection::send(proxy.address, &request("POST", "/mcp", &V2025, body.as_bytes()));
    let whole = call(tool(1, "slow"));
    wait(&asks);
    let stream = call(tool(2, "stream"));
    wait(&asks);
    proxy.terminate();
    eventually("nobody is let in any more", || TcpStream::connect(proxy.address).is_err().then_some(()));
    go.send(()).unwrap();
    go.send(()).unwrap();
    assert_eq!(whole.reply().text(), ANSWER);
    assert!(stream.reply().text().contains("\"id\":2,\"result\""));
    assert_eq!(proxy.ended().0, Some(0));
}

/// Calls until the log is full, and gives the answer to the call that found it so.
fn fill(proxy: &Proxy) -> serde_json::Value {
    (0..200)
        .map(|_| post(proxy.address, &V2025, tool(1, "echo")).json())
        .find(|_| proxy.series("mcpgw_audit_log_errors_total") > 0.0)
        .expect("the log fills up")
}

#[test]
fn a_log_that_is_full_denies_what_is_enforced_until_there_is_room() {
    let server = Upstream::saying(json(ANSWER));
    let proxy = Proxy::cramped(&server.url("/mcp"), "enforce", 16);
    fill(&proxy);
    let arrived = server.received().len();
    let denied = post(proxy.address, &V2025, tool(1, "echo"));
    let error = denied.json();
    assert_eq!((denied.status, &error["id"], &error["error"]["code"]), (200, &1.into(), &50301.into()));
    assert_eq!(server.received().len(), arrived, "it does not reach the server");
    assert_eq!(proxy.ask("/readyz"), (503, "the audit log cannot be written\n".to_owned()));
    assert_eq!(proxy.ask("/healthz").0, 200);
    assert!(proxy.series("mcpgw_audit_writing") < 0.5);
    assert!(
        proxy.series(r#"mcpgw_decisions_total{action="block",cause="unrecorded",direction="c2s"}"#) > 0.5
    );
    proxy.uncramp();
    // No message has to find out: looking does.
    assert_eq!(proxy.ask("/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(post(proxy.address, &V2025, tool(1, "echo")).text(), ANSWER);
    assert!(proxy.audit().iter().any(|line| line["event"] == "log.gap"), "what is missing is on record");
}

#[test]
fn a_log_that_is_full_stops_nothing_that_is_only_observed() {
    let server = Upstream::saying(json(ANSWER));
    let proxy = Proxy::cramped(&server.url("/mcp"), "audit", 16);
    assert_eq!(fill(&proxy)["result"], serde_json::json!({}));
    let lost = proxy.series("mcpgw_audit_log_errors_total");
    assert_eq!(post(proxy.address, &V2025, tool(1, "deny")).text(), ANSWER);
    assert!(proxy.series("mcpgw_audit_log_errors_total") > lost, "every loss is counted");
    assert_eq!(proxy.ask("/readyz").0, 200, "messages pass");
    assert!(proxy.series("mcpgw_audit_writing") < 0.5);
}
