//! What a server can do while it is looked at.

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::Value;

use super::{scan, script};

/// What the server saw, as it says in the description of its tool.
fn seen(dir: &Path, flags: &[&str], port: u16) -> Value {
    let pins = dir.join("pins");
    fs::remove_dir_all(&pins).ok();
    let place = pins.display().to_string();
    let flags = [&["--pin", "--pins", &place, "--timeout", "20"], flags].concat();
    let command = ["python3", &script(), "sandbox", &port.to_string()];
    let output = scan(dir, &flags, &command).env("MY_TOKEN", "secret").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let files =
        fs::read_dir(&pins).unwrap().filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok());
    let book: Value = files.filter_map(|text| serde_json::from_str(&text).ok()).next().unwrap();
    let all = book["pins"].as_array().unwrap();
    let tool = all.iter().find(|pin| pin["kind"] == "tool").unwrap();
    serde_json::from_str(tool["approved"]["definition"]["description"].as_str().unwrap()).unwrap()
}

#[test]
fn a_server_has_no_network_no_privileges_and_no_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let inside = seen(dir.path(), &[], port);
    assert_eq!(
        (inside["pid"].as_u64(), inside["uid"].as_u64()),
        (Some(1), Some(nix::unistd::getuid().as_raw().into()))
    );
    assert_eq!(
        (inside["outside"].as_str(), inside["loopback"].as_str()),
        (Some("ConnectionRefusedError"), Some("reached"))
    );
    let variables = inside["variables"].to_string();
    assert!(variables.contains("PATH") && !variables.contains("MY_TOKEN"), "{variables}");
    assert!(!variables.contains("MCPGW"), "{variables}");
    let privileges = inside["privileges"].as_str().unwrap();
    assert!(privileges.contains("NoNewPrivs:\t1"), "{privileges}");
    assert!(privileges.contains("CapBnd:\t0000000000000000"), "{privileges}");
    let told = seen(dir.path(), &["--network", "--env", "MY_TOKEN"], port);
    assert_eq!((told["pid"].as_u64(), told["outside"].as_str()), (Some(1), Some("reached")));
    assert!(told["variables"].to_string().contains("MY_TOKEN"));
    let free = seen(dir.path(), &["--no-sandbox"], port);
    assert_ne!(free["pid"].as_u64(), Some(1));
    assert_eq!(free["outside"], "reached");
}

#[test]
fn nothing_a_server_started_outlives_the_scan() {
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    mkfifo(&fifo, Mode::S_IRWXU).unwrap();
    let mut end = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&fifo).unwrap();
    let path = fifo.display().to_string();
    let command = ["python3", &script(), "orphan", &path];
    let output = scan(dir.path(), &["--timeout", "20"], &command).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut said = Vec::new();
    loop {
        let mut ready = [PollFd::new(end.as_fd(), PollFlags::POLLIN)];
        let left = deadline.saturating_duration_since(Instant::now());
        assert!(!left.is_zero(), "it lives on");
        poll(&mut ready, PollTimeout::try_from(left).unwrap()).unwrap();
        let mut buffer = [0; 16];
        match end.read(&mut buffer) {
            // Nobody holds the other end any more.
            Ok(0) => break,
            Ok(count) => said.extend_from_slice(&buffer[..count]),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
    // Started twice: once for each handshake.
    assert!(said.starts_with(b"x"), "{said:?}");
}
