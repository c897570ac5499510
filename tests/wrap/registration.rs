//! What the daemon is told, and that the server does not depend on it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{Shutdown, getsockopt, shutdown, sockopt::PeerCredentials};
use serde_json::{Value, json};

use crate::support::{DEADLINE, Peer, python, wrapped, wrapped_with};

/// How long wrap waits for an answer before it goes on without one, and tries again later.
const PATIENCE: Duration = Duration::from_millis(200);
const YES: &str = "{\"ok\":true}\n";
const NO: &str =
    "{\"ok\":false,\"error\":{\"code\":\"busy\",\"message\":\"this user has too many sessions open\"}}\n";

/// What a daemon hears.
#[derive(Debug, PartialEq)]
enum Heard {
    /// A request; whether its answer was written while wrap still waited for it, for certain. On a busy machine it may have
    /// gone on, which is right.
    Request(Value, bool),
    /// The other side closed a connection.
    End,
}

/// A daemon of ours: it waits for connections before there are any, and what it answers it knows.
struct Daemon {
    listener: UnixListener,
    streams: Arc<Mutex<Vec<UnixStream>>>,
    heard: Receiver<Heard>,
}

impl Daemon {
    /// One that answers what `answer` says to each request, if anything; it is told which process asks.
    fn start<A>(runtime_dir: &Path, answer: impl FnMut(i32, &Value) -> Option<A> + Send + 'static) -> Self
    where
        A: Into<Vec<u8>>,
    {
        let listener = UnixListener::bind(runtime_dir.join("control.sock")).unwrap();
        let (tell, heard) = channel();
        let this = Self { listener: listener.try_clone().unwrap(), streams: Arc::default(), heard };
        let streams = Arc::clone(&this.streams);
        // When wrap can have begun to wait, at the earliest.
        let answer = Arc::new(Mutex::new((answer, Instant::now())));
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                streams.lock().unwrap().push(stream.try_clone().unwrap());
                let (tell, answer) = (tell.clone(), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &tell, &answer));
            }
        });
        this
    }

    fn next(&self) -> Heard {
        self.heard.recv_timeout(DEADLINE).expect("wrap says something")
    }

    /// The next request with channels.
    fn channels(&self) -> Value {
        loop {
            match self.next() {
                Heard::Request(request, _) if request["channels"] != json!([]) => return request,
                Heard::Request(..) | Heard::End => {}
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        shutdown(std::os::fd::AsRawFd::as_raw_fd(&self.listener), Shutdown::Both).unwrap();
        for stream in self.streams.lock().unwrap().iter() {
            // Wrap may have closed it.
            stream.shutdown(std::net::Shutdown::Both).ok();
        }
    }
}

/// Answers all that comes over a connection.
fn serve<A: Into<Vec<u8>>>(
    stream: UnixStream,
    tell: &Sender<Heard>,
    answer: &Mutex<(impl FnMut(i32, &Value) -> Option<A>, Instant)>,
) {
    let pid = getsockopt(&stream, PeerCredentials).unwrap().pid();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|length| length > 0) {
        let request = serde_json::from_str(&line).unwrap();
        let mut answer = answer.lock().unwrap();
        let said = (answer.0)(pid, &request);
        let begun = std::mem::replace(&mut answer.1, Instant::now());
        let is_written = said.is_none_or(|said| {
            // Whoever does not wait any more has closed it.
            reader.get_mut().write_all(&said.into()).is_ok()
        });
        tell.send(Heard::Request(request, is_written && begun.elapsed() < PATIENCE)).ok();
        line.clear();
    }
    tell.send(Heard::End).ok();
}

/// A gateway of its own: what the daemon does not take it decides itself.
fn wrapped_under(runtime_dir: &Path, server: &[&str]) -> Command {
    let log = runtime_dir.join("audit.jsonl");
    let mut command = wrapped_with([Path::new("--audit-log"), &log], server);
    command.env("MCPGW_RUNTIME_DIR", runtime_dir);
    command
}

/// What becomes of a wrap with nothing of its own and a daemon that answers so. The exit code, and standard error.
fn left_to_the_daemon(
    mut answer: impl FnMut(&str) -> Option<&'static str> + Send + 'static,
) -> (i32, String) {
    let dir = tempfile::tempdir().unwrap();
    let _daemon = Daemon::start(dir.path(), move |_, request| answer(request["op"].as_str().unwrap()));
    let mut command = wrapped(["sh", "-c", "echo the server runs >&2; cat"]);
    command.env("MCPGW_RUNTIME_DIR", dir.path());
    let mut peer = Peer::start(command);
    (peer.code(), peer.stderr_rest())
}

/// What a daemon says to a request.
type Answer = Box<dyn FnMut(&str) -> Option<&'static str> + Send>;

#[test]
fn a_daemon_that_does_not_take_the_session_lets_nothing_start() {
    let to_handover = |answer: Option<&'static str>| -> Answer {
        Box::new(move |request| if request == "register" { Some(YES) } else { answer })
    };
    let mut senseless = ["{}\n", "[]\n"].into_iter();
    let cases: [(&str, Answer, &str); 5] = [
        ("no at once", Box::new(|_| Some(NO)), "too many sessions"),
        ("no when it comes to the session", to_handover(Some(NO)), "too many sessions"),
        ("nothing when it comes to the session", to_handover(None), "does not answer"),
        ("nothing", Box::new(|_| None), "does not answer"),
        ("nothing that makes sense", Box::new(move |_| senseless.next()), "does not answer"),
    ];
    for (it_says, answer, why) in cases {
        let (code, said) = left_to_the_daemon(answer);
        assert_eq!(code, 123, "{it_says}: {said}");
        assert!(said.contains("has not taken the session") && said.contains(why), "{it_says}: {said}");
        assert!(!said.contains("the server runs"), "{it_says}: {said}");
    }
}

/// A server that tells which pipes it has, and echoes.
const TELLS_PIPES: &str = "
import os
print(os.stat(0).st_ino, os.stat(1).st_ino)
while True: print(input())
";

/// The processes that `pid` started.
fn children(pid: i32) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let is_child = |stat: String| {
        let parent = stat.rsplit_once(") ").unwrap().1.split(' ').nth(1).unwrap().parse();
        parent == Ok(pid)
    };
    let stats = entries.filter_map(|entry| fs::read_to_string(entry.join("stat")).ok());
    stats.filter(|stat| is_child(stat.clone())).collect()
}

/// Whether the pipes were registered before the server ran. They need not be where the daemon may have been too late.
fn are_registered_before_the_server_runs() -> bool {
    let dir = tempfile::tempdir().unwrap();
    let running = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&running);
    let daemon = Daemon::start(dir.path(), move |pid, _| {
        seen.lock().unwrap().extend(children(pid));
        Some(YES)
    });
    let mut peer = Peer::start(wrapped_under(dir.path(), &python(TELLS_PIPES)));
    let inodes: Vec<u64> = peer.line().split(' ').map(|ino| ino.parse().unwrap()).collect();
    let told = [daemon.next(), daemon.next()];
    peer.send("still connected\n");
    assert_eq!(peer.line(), "still connected");
    let is_open = daemon.heard.try_recv() == Err(TryRecvError::Empty);
    drop(peer.stdin.take());
    let end = daemon.next();

    let channels = json!([{"kind": "fifo", "ino": inodes[0]}, {"kind": "fifo", "ino": inodes[1]}]);
    let requests =
        [json!([]), channels].map(|channels| json!({"op": "register", "name": null, "channels": channels}));
    let in_time = requests.clone().map(|request| Heard::Request(request, true));
    let anyhow = requests.map(|request| Heard::Request(request, false));
    let running = running.lock().unwrap();
    let is_right = told.iter().zip(in_time.iter().zip(&anyhow)).all(|(told, (a, b))| told == a || told == b)
        && running.is_empty()
        && is_open
        && end == Heard::End;
    let is_late = told.iter().any(|told| !matches!(told, Heard::Request(_, true)));
    assert!(is_right || is_late, "{told:?} {running:?} {is_open} {end:?}");
    is_right
}

#[test]
fn the_pipes_are_registered_before_the_server_runs() {
    let begun = Instant::now();
    while !are_registered_before_the_server_runs() {
        assert!(begun.elapsed() < 4 * DEADLINE, "this machine never answers in time");
    }
}

#[test]
fn a_new_daemon_is_told_again() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), |_, _| Some(YES));
    let mut peer = Peer::start(wrapped_under(dir.path(), &python(TELLS_PIPES)));
    peer.line();
    let before = daemon.channels();

    drop(daemon);
    peer.send("without a daemon\n");
    assert_eq!(peer.line(), "without a daemon");

    fs::remove_file(dir.path().join("control.sock")).unwrap();
    let daemon = Daemon::start(dir.path(), |_, _| Some(YES));
    let Heard::Request(after, _) = daemon.next() else { panic!("it says nothing") };
    assert_eq!(after, before);
    peer.send("with the new one\n");
    assert_eq!(peer.line(), "with the new one");
}

#[test]
fn a_daemon_that_starts_later_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut peer = Peer::start(wrapped_under(dir.path(), &python(TELLS_PIPES)));
    let inodes = peer.line();
    let daemon = Daemon::start(dir.path(), |_, _| None::<&str>);
    let Heard::Request(request, _) = daemon.next() else { panic!("it says nothing") };
    let told = format!("{} {}", request["channels"][0]["ino"], request["channels"][1]["ino"]);
    assert_eq!(told, inodes);
}

#[test]
fn a_daemon_that_does_not_answer_delays_nothing_but_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path(), |_, _| None::<&str>);
    let mut peer = Peer::start(wrapped_under(dir.path(), &["cat"]));
    assert!(matches!(daemon.next(), Heard::Request(..)));
    peer.send("hello\n");
    assert_eq!(peer.line(), "hello");
    drop(peer.stdin.take());
    assert_eq!(peer.code(), 0);
    assert_eq!(peer.stderr_rest(), "", "nothing a user must know");
}

#[test]
fn a_refusal_is_told_once_and_harmlessly() {
    let dir = tempfile::tempdir().unwrap();
    let message = "not this\u{1b}[31m program\nsecond line";
    let refusal = json!({"ok": false, "error": {"code": "forbidden", "message": message}});
    let _daemon = Daemon::start(dir.path(), move |_, _| Some(format!("{refusal}\n")));
    let mut peer = Peer::start(wrapped_under(dir.path(), &["cat"]));
    let told = peer.stderr_line();
    assert!(told.contains("not registered") && told.contains("not this"), "{told}");
    assert!(!told.contains('\u{1b}'), "{told:?}");
    peer.send("hello\n");
    assert_eq!(peer.line(), "hello");
    drop(peer.stdin.take());
    assert_eq!(peer.code(), 0);
    assert_eq!(peer.stderr_rest(), "", "once");
}

#[test]
fn an_answer_that_makes_no_sense_is_survived() {
    for answer in [&b"\xff\xfe}{\n"[..], b"[]\n", b"{}\n", &[b'x'; 200_000]] {
        let dir = tempfile::tempdir().unwrap();
        let _daemon = Daemon::start(dir.path(), move |_, _| Some(answer));
        let mut peer = Peer::start(wrapped_under(dir.path(), &["cat"]));
        peer.send("hello\n");
        assert_eq!(peer.line(), "hello");
    }
}
