use std::io::{Read, Write};
use std::net::TcpStream;

use tokio::sync::mpsc;

use super::*;
use crate::admin::peer::Peer;
use crate::admin::socket::Command;
use crate::admin::status::Status;
use crate::admin::status::tests::{agent, server};
use crate::inventory::ServerState;
use crate::proxy::gateway::Gateway;
use crate::ready::{Heartbeat, Ready};
use crate::tasks::Tasks;

const LONG: Duration = Duration::from_secs(30);

struct Server {
    address: SocketAddr,
    ready: Ready,
    tasks: Tasks,
    runtime: tokio::runtime::Runtime,
}

impl Server {
    /// A server whose daemon loop answers only if `answers`.
    fn start(answers: bool) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (tasks, ready) = (Tasks::new(), Ready::new());
        let (commands, mut asked) = mpsc::channel(1);
        let state = tempfile::tempdir().unwrap();
        let gateway = Gateway::open(&crate::config::Gateway::default(), state.path()).unwrap();
        let sources = Sources {
            commands,
            counters: Arc::default(),
            ready: ready.clone(),
            heartbeat: Heartbeat::new(),
            gateway,
        };
        let bound = runtime.block_on(HttpServer::bind(([127, 0, 0, 1], 0).into(), sources)).unwrap();
        let address = bound.address();
        assert_ne!(address.port(), 0);
        let _context = runtime.enter();
        tasks.spawn("loop", async move {
            while let Some(command) = asked.recv().await {
                let Command::Status { peer, reply } = command else { panic!("only the status is asked for") };
                assert_eq!(peer, Peer::myself());
                if answers {
                    drop(reply.send(Status::new(agent(), vec![server("1", ServerState::Unproxied)])));
                }
            }
        });
        tasks.supervise("http", bound.run(tasks.token().clone()));
        drop(_context);
        Self { address, ready, tasks, runtime }
    }

    /// The status line and the body of the answer to `request`.
    fn ask(&self, request: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }

    fn get(&self, path: &str) -> (String, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let report = self.runtime.block_on(self.tasks.shutdown(LONG));
        assert!(report.aborted.is_empty(), "{report:?}");
    }
}

#[test]
fn metrics_are_served_in_prometheus_text() {
    let server = Server::start(true);
    let (status, body) = server.get("/metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(body.contains("\nmcpgw_unproxied_servers 1\n"), "{body}");
    assert!(body.contains("\nprocess_resident_memory_bytes "), "{body}");
}

#[test]
fn a_loop_that_drops_the_question_gives_503_not_a_hang() {
    let server = Server::start(false);
    assert_eq!(server.get("/metrics").0, "HTTP/1.1 503 Service Unavailable");
}

#[test]
fn readiness_lists_what_is_awaited() {
    let server = Server::start(true);
    let _probes = server.ready.latch("probes");
    let scan = server.ready.latch("start-up scan");
    let waiting = "waiting for probes\nwaiting for start-up scan\n";
    assert_eq!(server.get("/readyz"), ("HTTP/1.1 503 Service Unavailable".to_owned(), waiting.to_owned()));
    drop(_probes);
    drop(scan);
    assert_eq!(server.get("/readyz"), ("HTTP/1.1 200 OK".to_owned(), "ready\n".to_owned()));
    assert_eq!(server.get("/healthz"), ("HTTP/1.1 200 OK".to_owned(), "ok\n".to_owned()));
}

#[test]
fn nothing_else_is_served() {
    let server = Server::start(true);
    for path in ["/", "/status", "/metrics/", "/metrics/..", "//metrics", "/debug/pprof"] {
        assert_eq!(server.get(path).0, "HTTP/1.1 404 Not Found", "{path}");
    }
    let post = "POST /metrics HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    assert_eq!(server.ask(post).0, "HTTP/1.1 405 Method Not Allowed");
}

#[test]
fn a_foreign_name_is_refused_on_every_path() {
    let server = Server::start(true);
    for path in ["/metrics", "/healthz", "/readyz", "/nothing"] {
        let (status, body) =
            server.ask(&format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"));
        assert_eq!(
            (status.as_str(), body.as_str()),
            ("HTTP/1.1 403 Forbidden", "This host is not served here.\n")
        );
    }
}

#[test]
fn idle_connections_lose_their_seat() {
    let server = Server::start(true);
    let _context = server.runtime.enter();
    let listener = server.runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let limited = io::Limited::with(listener, 2, Duration::from_secs(1));
    let token = server.tasks.token().clone();
    server.tasks.spawn("limited", async move {
        let router: Router = Router::new().route("/", get(|| async { "ok" }));
        let stop = async move { token.cancelled().await };
        axum::serve(limited, router).with_graceful_shutdown(stop).await.unwrap();
    });
    drop(_context);
    // Two that say half a request, and one that waits behind them.
    let mut slow: Vec<_> = (0..2).map(|_| TcpStream::connect(address).unwrap()).collect();
    for stream in &mut slow {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: ").unwrap();
    }
    let mut third = TcpStream::connect(address).unwrap();
    third.set_read_timeout(Some(LONG)).unwrap();
    third.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    third.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("ok"), "{answer}");
}
