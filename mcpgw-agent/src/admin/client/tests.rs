use std::os::unix::net::UnixListener;
use std::thread;

use super::*;
use crate::admin::status::tests::{agent, server};
use crate::inventory::ServerState;

const LONG: Duration = Duration::from_secs(30);

/// Answers one connection with `answer`, whatever is asked, and hangs up.
fn answering(answer: Vec<u8>) -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("s");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).unwrap();
        assert_eq!(&chunk[..read], b"{\"op\":\"status\"}\n");
        stream.write_all(&answer).unwrap();
    });
    (temp, path)
}

#[test]
fn a_status_comes_back_whole() {
    let sent = Status::new(agent(), vec![server("1", ServerState::Unproxied); 500]);
    let (_temp, path) = answering(Response::status(sent.clone()).to_line());
    assert_eq!(status(&path, LONG).unwrap(), sent);
}

#[test]
fn no_socket_and_a_dead_socket_mean_no_daemon() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("s");
    assert!(matches!(status(&path, LONG), Err(ClientError::NoDaemon { .. })));
    drop(UnixListener::bind(&path).unwrap());
    // A child that another test has just forked listens there, too, until it executes.
    let deadline = Instant::now() + LONG;
    while UnixStream::connect(&path).is_ok() && Instant::now() < deadline {
        thread::yield_now();
    }
    assert!(matches!(status(&path, LONG), Err(ClientError::NoDaemon { .. })));
}

#[test]
fn an_agent_that_says_nothing_is_not_waited_for() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("s");
    let _listener = UnixListener::bind(&path).unwrap();
    let error = status(&path, Duration::from_millis(50)).unwrap_err();
    assert!(matches!(error, ClientError::Timeout { .. }), "{error:?}");
}

#[test]
fn a_full_backlog_is_not_waited_for() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("s");
    let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    nix::sys::socket::bind(fd.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
    nix::sys::socket::listen(&fd, nix::sys::socket::Backlog::new(0).unwrap()).unwrap();
    let mut held = Vec::new();
    let refused = loop {
        match Client::connect(&path, Duration::from_millis(50)) {
            Ok(client) => held.push(client),
            Err(error) => break error,
        }
        assert!(held.len() < 100, "the backlog has no end");
    };
    assert!(matches!(refused, ClientError::Timeout { .. }), "{refused:?}");
}

#[test]
fn refusals_and_nonsense_are_told_apart() {
    let refusal = Response::error(Code::Busy, "too many connections").to_line();
    let (_temp, path) = answering(refusal);
    assert!(matches!(status(&path, LONG), Err(ClientError::Refused { code: Code::Busy, .. })));

    for nonsense in ["hello\n", "{}\n", "{\"ok\":true}\n", "{\"ok\":false}\n"] {
        let (_temp, path) = answering(nonsense.into());
        let error = status(&path, LONG).unwrap_err();
        assert!(matches!(error, ClientError::Protocol { .. }), "{nonsense:?} gave {error:?}");
    }
    let (_temp, path) = answering(b"{\"ok\":tr".to_vec());
    assert!(matches!(status(&path, LONG), Err(ClientError::Io(_))));

    let mut later = Status::new(agent(), vec![]);
    later.schema = 2;
    let (_temp, path) = answering(Response::status(later).to_line());
    let error = status(&path, LONG).unwrap_err().to_string();
    assert!(error.contains("its schema is 2"), "{error}");
}
