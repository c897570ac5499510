//! Many of everything, and nothing left of it afterwards.

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::DEADLINE;
use crate::client::{Connection, call, post, request};
use crate::proxy::{Proxy, eventually};
use crate::upstream::{Upstream, chunk, chunked, response, signal, wait};

const EVENTS: &str = "text/event-stream";
const SESSIONS: usize = 1000;
const STREAMS: usize = 10_000;

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

/// How many streams there can be: of each, this process has one end with the client and one with the server, as the proxy has.
fn streams() -> usize {
    const DESCRIPTORS: u64 = 2 * STREAMS as u64 + OTHERS;
    /// Those of the tests that run beside it.
    const OTHERS: u64 = 1500;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    // Root may raise what others may not.
    let most = if most < DESCRIPTORS && setrlimit(Resource::RLIMIT_NOFILE, DESCRIPTORS, DESCRIPTORS).is_ok() {
        DESCRIPTORS
    } else {
        setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
        most
    };
    let streams = STREAMS.min(usize::try_from(most.saturating_sub(OTHERS) / 2).unwrap());
    if streams < STREAMS {
        say(&format!(
            "SKIPPED in part: {streams} streams and not {STREAMS}: {most} descriptors are all this user may have"
        ));
    }
    streams
}

fn say(text: &str) {
    writeln!(std::io::stderr(), "\n{text}").expect("stderr is open");
}

/// What a stream says once `open` is.
async fn tell(mut stream: TcpStream, mut open: watch::Receiver<bool>) -> std::io::Result<()> {
    let head = head(&mut stream).await?;
    let number = head.lines().find_map(|line| line.strip_prefix("last-event-id: ")).unwrap().to_owned();
    stream.write_all(&[chunked(EVENTS, ""), chunk(b": here\n\n")].concat()).await?;
    open.wait_for(|open| *open).await.unwrap();
    let event = format!(
        "id: {number}\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{{\"level\":\"info\",\"data\":{number}}}}}\n\n"
    );
    stream.write_all(&[chunk(event.as_bytes()), chunk(b"")].concat()).await
}

/// The head of a message, in small letters.
async fn head(stream: &mut TcpStream) -> std::io::Result<String> {
    until(stream, "\r\n\r\n").await.map(|text| text.to_ascii_lowercase())
}

/// What comes, up to and with `end`, and what came along with it.
async fn until(stream: &mut TcpStream, end: &str) -> std::io::Result<String> {
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains(end) {
        if stream.read_buf(&mut text).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(String::from_utf8(text).unwrap())
}

#[test]
fn ten_thousand_streams_at_once_each_get_their_own() {
    let streams = streams();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (gate, opens) = watch::channel(false);
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let of_each = runtime.handle().clone();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            of_each.spawn(tell(stream, opens.clone()));
        }
    });
    let proxy = Proxy::measured(&url);
    let address = proxy.address;
    let mut clients = Vec::new();
    for number in 0..streams {
        let asked = async {
            let mut client = TcpStream::connect(address).await?;
            let number = number.to_string();
            client.write_all(&request("GET", "/mcp", &[("Last-Event-ID", &number)], b"")).await?;
            assert!(until(&mut client, ": here\n\n").await?.starts_with("HTTP/1.1 200 "));
            std::io::Result::Ok(client)
        };
        clients.push(runtime.block_on(async { timeout(DEADLINE, asked).await }).unwrap().unwrap());
    }
    let open = proxy.descriptors();
    assert!(open > 2 * streams, "{open}");
    say(&format!("MEASURED: {streams} streams at once: {} KiB each", proxy.peak_memory() / streams / 1024));
    gate.send(true).unwrap();
    for (number, client) in clients.iter_mut().enumerate() {
        let heard = runtime.block_on(async { timeout(DEADLINE, until(client, "0\r\n\r\n")).await });
        let heard = heard.unwrap().unwrap();
        assert!(heard.contains(&format!("id: {number}\n")), "{heard}");
        assert!(heard.contains(&format!("\"data\":{number}}}")), "{heard}");
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
