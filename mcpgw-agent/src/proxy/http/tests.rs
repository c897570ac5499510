//! Clients that take their time, against a proxy that has little patience.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use super::*;
use crate::config;
use crate::proxy::gateway::Gateway;

/// Longest wait for anything.
const DEADLINE: Duration = Duration::from_secs(30);
/// Much longer than any test waits.
const LONG: Duration = Duration::from_secs(3600);

/// A proxy before nothing.
struct Proxy {
    address: SocketAddr,
    tasks: Tasks,
    runtime: tokio::runtime::Runtime,
    _state: tempfile::TempDir,
}

impl Proxy {
    fn with(patience: Patience) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let state = tempfile::tempdir().unwrap();
        let gateway = Gateway::open(&config::Gateway::default(), state.path()).unwrap();
        let options = HttpOptions {
            upstream: Url::parse("http://127.0.0.1:1/mcp").unwrap(),
            listen: ([127, 0, 0, 1], 0).into(),
            expose: false,
            hosts: Vec::new(),
            origins: Vec::new(),
            server: "none".into(),
            gate: Arc::clone(gateway.gate()),
            audit: Arc::clone(gateway.audit()),
            sessions: SessionLimits::default(),
            patience,
            auth: None,
            tls: None,
            upstream_tls: None,
            followed: None,
            lanes: Vec::new(),
        };
        let tasks = Tasks::new();
        let proxy = runtime.block_on(HttpProxy::bind(options, &tasks)).unwrap();
        let address = proxy.address();
        let context = runtime.enter();
        tasks.supervise("proxy", proxy.run());
        drop(context);
        Self { address, tasks, runtime, _state: state }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let report = self.runtime.block_on(self.tasks.shutdown(DEADLINE));
        assert!(report.aborted.is_empty(), "{report:?}");
    }
}

/// What comes until the proxy closes.
fn rest(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    match stream.read_to_end(&mut text) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the connection stays open: {error}"),
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn a_header_block_that_drips_in_ends_with_the_patience_for_all_of_it() {
    let proxy = Proxy::with(Patience { head: Duration::from_millis(300), body: LONG });
    let mut stream = proxy.connect();
    // A byte now and then: each comes well within the time, all of them never do.
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let (mut byte, end) = ([0], std::time::Instant::now() + DEADLINE);
    let mut drip =
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'a'));
    loop {
        assert!(std::time::Instant::now() < end, "the connection stays open");
        if stream.write_all(&[*drip.next().unwrap()]).is_err() {
            return;
        }
        match stream.read(&mut byte) {
            Ok(0) => return,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
            // An answer: it is over.
            Ok(_) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let proxy = Proxy::with(Patience { head: Duration::from_millis(50), body: LONG });
    assert_eq!(rest(proxy.connect()), "");
}

#[test]
fn a_body_that_stalls_is_answered_and_not_waited_for() {
    let proxy = Proxy::with(Patience { head: LONG, body: Duration::from_millis(50) });
    let mut stream = proxy.connect();
    let head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    stream.write_all(head.as_bytes()).unwrap();
    let answer = rest(stream);
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("did not come in time"), "{answer}");
}
