//! Receivers that refuse, lose and come back.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::*;
use crate::audit::{Event, Options};
use crate::config::{Receiver as To, Shipper, SyslogAddress};

const DEADLINE: Duration = Duration::from_secs(30);

struct Site {
    audit: Arc<AuditLog>,
    shippers: Shippers,
    tasks: Tasks,
    runtime: tokio::runtime::Runtime,
    dir: tempfile::TempDir,
}

impl Site {
    fn new(to: To) -> Self {
        Self::at(tempfile::tempdir().unwrap(), to)
    }

    fn at(dir: tempfile::TempDir, to: To) -> Self {
        let audit = Arc::new(AuditLog::open(&Options::at(dir.path().join("audit.jsonl"))).unwrap());
        let config = [Shipper { name: "r".into(), to, ca: None }];
        let shippers = Shippers::open(&config, audit.path()).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let (runtime, tasks) = (runtime.unwrap(), Tasks::new());
        let context = runtime.enter();
        shippers.start(&audit, &tasks);
        drop(context);
        Self { audit, shippers, tasks, runtime, dir }
    }

    fn note(&self, session: &str) {
        self.audit.note(&Event::PolicyFailed { generation: 1, hash: "h", error: session }).unwrap();
    }

    fn state(&self) -> ShipState {
        self.shippers.states().remove(0)
    }

    /// As soon as `is_so`.
    fn eventually(&self, what: &str, is_so: impl Fn(&ShipState) -> bool) {
        let until = std::time::Instant::now() + DEADLINE;
        while !is_so(&self.state()) {
            assert!(std::time::Instant::now() < until, "{what}: {:?}", self.state());
            thread::park_timeout(Duration::from_millis(10));
        }
    }

    fn end(self) -> tempfile::TempDir {
        drop(self.runtime.block_on(self.tasks.shutdown(DEADLINE)));
        self.dir
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.audit.path()).unwrap()
    }
}

/// A receiver of OTLP that gives each request the next status and then the last one.
fn otlp(statuses: &'static [u16]) -> (To, mpsc::Receiver<usize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/v1/logs", listener.local_addr().unwrap()).parse().unwrap();
    let (tell, asked) = mpsc::channel();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
            let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap();
            let mut body = vec![0; length.parse().unwrap()];
            stream.read_exact(&mut body).unwrap();
            let status = statuses.get(number).or(statuses.last()).unwrap();
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            if tell.send(body.len()).is_err() {
                return;
            }
        }
    });
    (To::Otlp { url, headers: Vec::new() }, asked)
}

#[test]
fn who_takes_nothing_at_all_is_wrong_and_not_the_records() {
    let (to, asked) = otlp(&[400]);
    let dir = tempfile::tempdir().unwrap();
    // Before anybody is sent anything there is much.
    let audit = AuditLog::open(&Options::at(dir.path().join("audit.jsonl"))).unwrap();
    for number in 0..20 {
        audit.note(&Event::PolicyFailed { generation: number, hash: "h", error: "e" }).unwrap();
    }
    drop(audit);
    let site = Site::at(dir, to);
    site.eventually("it is seen that nothing is taken", |state| state.error.is_some());
    assert_eq!((site.state().lost, site.state().delivered), (0, 0));
    assert!(!site.log().contains("ship.lost") && asked.recv_timeout(DEADLINE).is_ok());
    drop(asked);
    site.end();
}

#[test]
fn a_loss_is_recorded_once_and_not_the_loss_of_its_record() {
    let (to, asked) = otlp(&[400]);
    let site = Site::new(to);
    site.note("one");
    // The log's first record, this one, and what is recorded of them.
    site.eventually("all is lost", |state| state.lost >= 3);
    let before = site.log().matches("\"ship.lost\"").count();
    assert!((1..=2).contains(&before), "{}", site.log());
    drop(asked);
    site.end();
}

#[test]
fn what_was_deleted_before_it_was_sent_is_lost_and_on_record() {
    let (to, _asked) = otlp(&[200]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("audit.jsonl.r.cursor"), "3\n").unwrap();
    let path = dir.path().join("audit.jsonl");
    let audit = AuditLog::open(&Options::at(&path)).unwrap();
    for number in 0..10 {
        audit.note(&Event::PolicyFailed { generation: number, hash: "h", error: "e" }).unwrap();
    }
    drop(audit);
    // As retention does it: the first lines are gone.
    let text = std::fs::read_to_string(&path).unwrap();
    let rest: Vec<&str> = text.lines().skip(6).collect();
    std::fs::write(&path, format!("{}\n", rest.join("\n"))).unwrap();
    let site = Site::at(dir, to);
    site.eventually("the loss is counted", |state| state.lost == 3);
    site.eventually("the rest is sent", |state| state.delivered > 13);
    let lost: Vec<serde_json::Value> = site
        .log()
        .lines()
        .filter(|line| line.contains("ship.lost"))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lost.len(), 1);
    assert_eq!(
        (&lost[0]["first"], &lost[0]["last"], &lost[0]["why"]),
        (&4.into(), &6.into(), &"deleted".into())
    );
    site.end();
}

#[test]
fn what_was_sent_is_not_sent_again_after_a_restart() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let SocketAddr::V4(address) = socket.local_addr().unwrap() else { panic!() };
    let to = To::Syslog(SyslogAddress::Udp(address.into()));
    let read = || {
        let mut bytes = [0; 65_536];
        let length = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let site = Site::new(to.clone());
    site.note("first");
    assert!(read().contains("log.opened") && read().contains("first"));
    site.eventually("it is noted", |state| state.delivered == 2);
    let dir = site.end();
    let site = Site::at(dir, to);
    site.note("second");
    let (opened, second) = (read(), read());
    assert!(opened.contains("log.closed") || opened.contains("log.opened"), "{opened}");
    assert!(!opened.contains("first") && !second.contains("first"));
    site.end();
}
