//! What the daemon is told, and that the server does not depend on it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Peer, python, within, wrapped, wrapped_with};

/// A daemon of ours: it accepts one connection at a time and answers by hand.
struct Daemon {
    listener: UnixListener,
}

struct Connection(BufReader<UnixStream>);

impl Daemon {
    fn start(runtime_dir: &Path) -> Self {
        Self { listener: UnixListener::bind(runtime_dir.join("control.sock")).unwrap() }
    }

    fn accept(&self) -> Connection {
        let listener = self.listener.try_clone().unwrap();
        within(move || Connection(BufReader::new(listener.accept().unwrap().0)))
    }
}

impl Connection {
    /// The next request, `None` when the other side closed.
    fn request(self) -> (Option<Value>, Self) {
        let mut reader = self.0;
        within(move || {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let request = (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap());
            (request, Self(reader))
        })
    }

    fn answer(&mut self, answer: &Value) {
        writeln!(self.0.get_mut(), "{answer}").unwrap();
    }
}

/// A gateway of its own: what the daemon does not take it decides itself.
fn wrapped_under(runtime_dir: &Path, server: &[&str]) -> Command {
    let log = runtime_dir.join("audit.jsonl");
    let mut command = wrapped_with([Path::new("--audit-log"), &log], server);
    command.env("MCPGW_RUNTIME_DIR", runtime_dir);
    command
}

/// What becomes of a wrap with nothing of its own: the daemon gives each of its connections the next of `answers`, and says
/// nothing where there is none left. The exit code, and standard error.
fn left_to_the_daemon(answers: Vec<Vec<&'static str>>) -> (i32, String) {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path());
    let mut command = wrapped(["sh", "-c", "echo the server runs >&2; cat"]);
    command.env("MCPGW_RUNTIME_DIR", dir.path());
    let mut peer = Peer::start(command);
    let serve = move || {
        let mut held = Vec::new();
        for answers in answers {
            let mut connection = daemon.accept();
            for answer in answers {
                connection = connection.request().1;
                writeln!(connection.0.get_mut(), "{answer}").unwrap();
            }
            held.push(connection);
        }
        (daemon, held)
    };
    let _daemon = within(serve);
    (peer.code(), peer.stderr_rest())
}

#[test]
fn a_daemon_that_does_not_take_the_session_lets_nothing_start() {
    const YES: &str = r#"{"ok":true}"#;
    const NO: &str =
        r#"{"ok":false,"error":{"code":"busy","message":"this user has too many sessions open"}}"#;
    for (answers, why) in [
        // It says no at once, or when it comes to the session.
        (vec![vec![NO]], "too many sessions"),
        (vec![vec![YES, YES], vec![NO]], "too many sessions"),
        // It says nothing, or nothing that makes sense.
        (vec![vec![YES, YES], vec![]], "does not answer"),
        (vec![vec![], vec![]], "does not answer"),
        (vec![vec!["{}"], vec!["[]"]], "does not answer"),
    ] {
        let (code, said) = left_to_the_daemon(answers.clone());
        assert_eq!(code, 123, "{answers:?}: {said}");
        assert!(said.contains("has not taken the session") && said.contains(why), "{answers:?}: {said}");
        assert!(!said.contains("the server runs"), "{answers:?}: {said}");
    }
}

/// A server that tells which pipes it has, and echoes.
const TELLS_PIPES: &str = "
import os
print(os.stat(0).st_ino, os.stat(1).st_ino)
while True: print(input())
";

#[test]
fn the_pipes_are_registered_before_the_server_runs() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path());
    let mut peer = Peer::start(wrapped_under(dir.path(), &python(TELLS_PIPES)));

    let (first, mut connection) = daemon.accept().request();
    assert_eq!(first.unwrap(), json!({"op": "register", "name": null, "channels": []}));
    connection.answer(&json!({"ok": true}));
    let (second, mut connection) = connection.request();
    let children = format!("/proc/{0}/task/{0}/children", peer.pid());
    assert_eq!(fs::read_to_string(children).unwrap(), "", "the server waits for the answer");
    connection.answer(&json!({"ok": true}));

    let inodes: Vec<u64> = peer.line().split(' ').map(|ino| ino.parse().unwrap()).collect();
    let channels = json!([{"kind": "fifo", "ino": inodes[0]}, {"kind": "fifo", "ino": inodes[1]}]);
    assert_eq!(second.unwrap(), json!({"op": "register", "name": null, "channels": channels}));

    peer.send("still connected\n");
    assert_eq!(peer.line(), "still connected");
    drop(peer.stdin.take());
    let (end, _) = connection.request();
    assert_eq!(end, None, "the connection ends with wrap, not before");
}

#[test]
fn a_new_daemon_is_told_again() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path());
    let mut peer = Peer::start(wrapped_under(dir.path(), &python(TELLS_PIPES)));
    let (_, mut connection) = daemon.accept().request();
    connection.answer(&json!({"ok": true}));
    let (before, mut connection) = connection.request();
    connection.answer(&json!({"ok": true}));
    peer.line();

    drop((connection, daemon));
    peer.send("without a daemon\n");
    assert_eq!(peer.line(), "without a daemon");

    fs::remove_file(dir.path().join("control.sock")).unwrap();
    let daemon = Daemon::start(dir.path());
    let (after, mut connection) = daemon.accept().request();
    assert_eq!(after, before);
    connection.answer(&json!({"ok": true}));
    peer.send("with the new one\n");
    assert_eq!(peer.line(), "with the new one");
}

#[test]
fn a_daemon_that_starts_later_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut peer = Peer::start(wrapped_under(dir.path(), &python(TELLS_PIPES)));
    let inodes = peer.line();
    let (request, _connection) = Daemon::start(dir.path()).accept().request();
    let request = request.unwrap();
    let told = format!("{} {}", request["channels"][0]["ino"], request["channels"][1]["ino"]);
    assert_eq!(told, inodes);
}

#[test]
fn a_daemon_that_does_not_answer_delays_nothing_but_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path());
    let mut peer = Peer::start(wrapped_under(dir.path(), &["cat"]));
    let _connection = daemon.accept();
    peer.send("hello\n");
    assert_eq!(peer.line(), "hello");
    drop(peer.stdin.take());
    assert_eq!(peer.code(), 0);
    assert_eq!(peer.stderr_rest(), "", "nothing a user must know");
}

#[test]
fn a_refusal_is_told_once_and_harmlessly() {
    let dir = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(dir.path());
    let mut peer = Peer::start(wrapped_under(dir.path(), &["cat"]));
    let (_, mut connection) = daemon.accept().request();
    let message = "not this\u{1b}[31m program\nsecond line";
    connection.answer(&json!({"ok": false, "error": {"code": "forbidden", "message": message}}));
    peer.send("hello\n");
    assert_eq!(peer.line(), "hello");
    drop(peer.stdin.take());
    assert_eq!(peer.code(), 0);
    let stderr = peer.stderr_rest();
    assert_eq!(stderr.lines().count(), 1, "{stderr:?}");
    assert!(stderr.contains("not registered") && stderr.contains("not this"), "{stderr}");
    assert!(!stderr.contains('\u{1b}'), "{stderr:?}");
}

#[test]
fn an_answer_that_makes_no_sense_is_survived() {
    for answer in [&b"\xff\xfe}{\n"[..], b"[]\n", b"{}\n", &[b'x'; 200_000]] {
        let dir = tempfile::tempdir().unwrap();
        let daemon = Daemon::start(dir.path());
        let mut peer = Peer::start(wrapped_under(dir.path(), &["cat"]));
        let mut connection = daemon.accept();
        // It may hang up on us in the middle.
        connection.0.get_mut().write_all(answer).ok();
        peer.send("hello\n");
        assert_eq!(peer.line(), "hello");
    }
}
