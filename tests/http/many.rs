//! Many of everything, and nothing left of it afterwards.

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::DEADLINE;
use crate::client::{Connection, call, post, request};
use crate::proxy::{Proxy, eventually};
use crate::upstream::{Upstream, chunk, chunked, response, signal, wait};

const EVENTS: &str = "text/event-stream";
const SESSIONS: usize = 1000;
const STREAMS: usize = 500;

/// Opens a session; gives its id.
fn open(proxy: &Proxy) -> String {
    let opened = post(proxy.address, &[], call(0, "initialize", r#"{"protocolVersion":"2025-11-25"}"#));
    assert_eq!(opened.status, 200);
    opened.header("mcp-session-id").unwrap().to_owned()
}

fn close(proxy: &Proxy, id: &str) {
    let end = request("DELETE", "/mcp", &[("Mcp-Session-Id", id)], b"");
    assert_eq!(Connection::send(proxy.address, &end).reply().status, 204);
}

#[test]
fn a_thousand_sessions_leave_nothing_behind() {
    let opened = AtomicUsize::new(0);
    let server = Upstream::start(move |request, stream| {
        let answer = match &*request.method {
            "DELETE" => response("204 No Content", "Connection: close\r\n", b""),
            "GET" => [chunked(EVENTS, "Connection: close\r\n"), chunk(b": here\n\n"), chunk(b"")].concat(),
            _ => {
                let id = opened.fetch_add(1, Ordering::Relaxed);
                let head = format!(
                    "Content-Type: application/json\r\nConnection: close\r\nMcp-Session-Id: s-{id}\r\n"
                );
                let body =
                    br#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}"#;
                response("200 OK", &head, body)
            }
        };
        stream.write_all(&answer).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let mut proxy = Proxy::measured(&server.url("/mcp"));
    // Whatever is opened once and kept is open now.
    let first = open(&proxy);
    close(&proxy, &first);
    let before = eventually("the first session's connections are closed", || {
        let (seen, again) = (proxy.descriptors(), proxy.descriptors());
        (seen == again && proxy.series("mcpgw_active_sessions") == 0.0).then_some(seen)
    });
    let ids: Vec<_> = (0..SESSIONS).map(|_| open(&proxy)).collect();
    assert!((proxy.series("mcpgw_active_sessions") - 1000.0).abs() < 0.5);
    for id in &ids {
        let listen = request("GET", "/mcp", &[("Mcp-Session-Id", id)], b"");
        assert_eq!(Connection::send(proxy.address, &listen).reply().text(), ": here\n\n");
    }
    ids.iter().for_each(|id| close(&proxy, id));
    assert!(proxy.series("mcpgw_active_sessions") == 0.0);
    eventually("as many descriptors as before", || (proxy.descriptors() <= before).then_some(()));
    let lines = proxy.audit();
    let count = |kind: &str| lines.iter().filter(|line| line["event"] == kind).count();
    assert_eq!((count("session.opened"), count("session.closed")), (SESSIONS + 1, SESSIONS + 1));
    assert_eq!(proxy.stop().0, Some(0));
    assert!(!proxy.log().contains("cut off"), "{}", proxy.log());
}

#[test]
fn five_hundred_streams_at_once_each_get_their_own() {
    // Both ends of every connection are in this process, some of them twice.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let opens = Arc::clone(&gate);
    let server = Upstream::start(move |request, stream| {
        stream.write_all(&chunked(EVENTS, "")).unwrap();
        stream.write_all(&chunk(b": here\n\n")).unwrap();
        let (is_open, changed) = &*opens;
        let (open, waited) =
            changed.wait_timeout_while(is_open.lock().unwrap(), DEADLINE, |open| !*open).unwrap();
        assert!(!waited.timed_out());
        drop(open);
        let number = request.header("last-event-id").unwrap();
        let event = format!(
            "id: {number}\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{\"level\":\"info\",\"data\":{number}}}}}\n\n"
        );
        stream.write_all(&chunk(event.as_bytes())).unwrap();
        stream.write_all(&chunk(b"")).unwrap();
    });
    let proxy = Proxy::measured(&server.url("/mcp"));
    let mut clients: Vec<_> = (0..STREAMS)
        .map(|number| {
            let number = number.to_string();
            Connection::send(proxy.address, &request("GET", "/mcp", &[("Last-Event-ID", &number)], b""))
        })
        .collect();
    for client in &mut clients {
        assert_eq!(client.head().0, 200);
        assert_eq!(client.until("\n\n"), ": here\n\n");
    }
    let open = proxy.descriptors();
    assert!(open > 2 * STREAMS, "{open}");
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    for (number, client) in clients.iter_mut().enumerate() {
        let event = client.until("\n\n");
        assert!(event.starts_with(&format!("id: {number}\n")), "{event}");
        assert!(event.contains(&format!("\"data\":{number}}}")), "{event}");
        assert!(client.chunk().is_empty());
    }
    drop(clients);
    // Those to the server may be kept, the clients' are gone.
    eventually("streams leave no descriptors", || (proxy.descriptors() < 120).then_some(()));
}

#[test]
fn who_never_reads_stops_the_server_and_takes_no_memory() {
    const EVENT: usize = 256 << 10;
    const ALL: usize = 1024;
    let filler = "x".repeat(EVENT);
    let event = format!(
        "data: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{\"level\":\"info\",\"data\":\"{filler}\"}}}}\n\n"
    );
    let (stuck, sticks) = signal();
    let server = Upstream::start(move |_, stream| {
        stream.write_all(&chunked(EVENTS, "")).unwrap();
        // Long enough for a proxy that does read; one that does not is seen all the same.
        stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
        let event = chunk(event.as_bytes());
        for _ in 0..ALL {
            match stream.write_all(&event) {
                Ok(()) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    stuck.send(()).unwrap();
                    return;
                }
                Err(error) => panic!("{error}"),
            }
        }
        panic!("all of {} MiB found room somewhere", (ALL * EVENT) >> 20);
    });
    let proxy = Proxy::observing(&server.url("/mcp"));
    let client = Connection::send(proxy.address, &request("GET", "/mcp", &[], b""));
    wait(&sticks);
    // A few events are under way; the rest is in the kernel's buffers.
    let peak = proxy.peak_memory();
    assert!(peak < 128 << 20, "{} MiB", peak >> 20);
    drop(client);
    let again = post(proxy.address, &[("Content-Type", "text/plain")], "{}");
    assert_eq!(again.status, 415, "others are served meanwhile");
}
