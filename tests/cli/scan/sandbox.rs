//! What a server can do while it is looked at.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
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

/// A FIFO whose other end a server holds as long as it lives.
struct Held {
    end: File,
    path: String,
    deadline: Instant,
}

impl Held {
    fn new(dir: &Path) -> Self {
        let path = dir.join("fifo");
        mkfifo(&path, Mode::S_IRWXU).unwrap();
        let end = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(&path).unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        Self { end, path: path.display().to_string(), deadline }
    }

    /// What a server writes, or nothing once no server is left.
    fn next(&mut self) -> Vec<u8> {
        loop {
            let mut ready = [PollFd::new(self.end.as_fd(), PollFlags::POLLIN)];
            let left = self.deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "it lives on");
            poll(&mut ready, PollTimeout::try_from(left).unwrap()).unwrap();
            let mut buffer = [0; 16];
            match self.end.read(&mut buffer) {
                Ok(count) => return buffer[..count].to_vec(),
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
    }
}

#[test]
fn nothing_a_server_started_outlives_the_scan() {
    let dir = tempfile::tempdir().unwrap();
    let mut held = Held::new(dir.path());
    let command = ["python3", &script(), "orphan", &held.path];
    let output = scan(dir.path(), &["--timeout", "20"], &command).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // It is started twice, once for each handshake.
    assert!(held.next().starts_with(b"x"));
    while !held.next().is_empty() {}
}

#[test]
fn a_server_dies_with_a_scan_that_is_killed() {
    for flags in [&[][..], &["--no-sandbox"]] {
        let dir = tempfile::tempdir().unwrap();
        let mut held = Held::new(dir.path());
        let command = ["python3", &script(), "hold", &held.path];
        let mut scan = scan(dir.path(), flags, &command).stdout(Stdio::null()).spawn().unwrap();
        assert_eq!(held.next(), b"x");
        scan.kill().unwrap();
        scan.wait().unwrap();
        assert!(held.next().is_empty());
    }
}

#[test]
fn where_the_kernel_refuses_a_sandbox_nothing_is_started() {
    // A user namespace that may have none within it, and no privileges there.
    let script = format!(
        "echo 0 > /proc/sys/user/max_user_namespaces && \
         exec setpriv --bounding-set -all --inh-caps -all --ambient-caps -all \
         {} scan \"$@\" -- python3 {} good",
        env!("CARGO_BIN_EXE_mcpgw-agent"),
        script()
    );
    let dir = tempfile::tempdir().unwrap();
    let look = |flags: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["-U", "--map-user=1000", "--keep-caps", "sh", "-c", &script, "sh"]).args(flags);
        command.env("MCPGW_STATE_DIR", dir.path()).output().unwrap()
    };
    let refused = look(&[]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(said.contains("the kernel refuses a sandbox") && said.contains("--no-sandbox"), "{said}");
    assert_eq!(look(&["--no-sandbox"]).status.code(), Some(0));
}
