//! The proxy under test.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::DEADLINE;

/// Denies the tool `deny`, elicitation and one notification, and allows the rest.
const POLICY: &str = r#"version: v1
mode: enforce
rules:
  - name: no-deny
    match:
      methods: ["tools/call"]
      tools: ["deny"]
    action: deny
  - name: no-elicitation
    match:
      methods: ["elicitation/create", "notifications/denied"]
    action: deny
  - name: rest
    match:
      methods: ["*"]
    action: allow
"#;

/// A running proxy. Ends with the value.
#[derive(Debug)]
pub(crate) struct Proxy {
    child: Child,
    pub(crate) address: SocketAddr,
    dir: TempDir,
}

/// A command that starts a proxy, recording into `dir`.
pub(crate) fn command(dir: &TempDir, upstream: &str, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcpgw-agent"));
    command.args(["proxy", "--upstream", upstream, "--listen", listen, "--audit-log"]);
    command.arg(dir.path().join("audit.jsonl")).env("MCPGW_STATE_DIR", dir.path());
    command.env("MCPGW_RUNTIME_DIR", dir.path());
    command
}

impl Proxy {
    /// Before `upstream`, letting everything pass.
    pub(crate) fn observing(upstream: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let command = command(&dir, upstream, "127.0.0.1:0");
        Self::start(dir, command)
    }

    /// Before `upstream`, with a policy in force that denies the tool `deny`, elicitation and `notifications/denied`.
    pub(crate) fn enforcing(upstream: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let policy = dir.path().join("policy.yaml");
        fs::write(&policy, POLICY).unwrap();
        let mut command = command(&dir, upstream, "127.0.0.1:0");
        command.arg("--policy").arg(policy);
        Self::start(dir, command)
    }

    /// Starts `command`, whose files are in `dir`.
    pub(crate) fn start(dir: TempDir, mut command: Command) -> Self {
        let log = fs::File::create(dir.path().join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        // The line comes, or the process ends and with it its standard output.
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once("://").and_then(|(_, rest)| rest.strip_suffix("/mcp"));
        let address = address.unwrap_or_else(|| panic!("the proxy says {line:?}")).parse().unwrap();
        Self { child, address, dir }
    }

    /// URL of its endpoint.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The audit log's lines so far.
    pub(crate) fn audit(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.audit_path()).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn audit_path(&self) -> PathBuf {
        self.dir.path().join("audit.jsonl")
    }

    /// Writes another policy, and says so.
    pub(crate) fn replace_policy(&self, text: &str) {
        fs::write(self.dir.path().join("policy.yaml"), text).unwrap();
        kill(self.pid(), Signal::SIGHUP).unwrap();
    }

    /// What it said on standard error.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().unwrap())
    }

    /// Asks it to end, and tells how it did and how long it took.
    pub(crate) fn stop(&mut self) -> (Option<i32>, Duration) {
        let since = Instant::now();
        kill(self.pid(), Signal::SIGTERM).unwrap();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.code(), since.elapsed());
            }
            assert!(since.elapsed() < DEADLINE, "the proxy does not end");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The value of `look` as soon as there is one.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = look() {
            return value;
        }
        assert!(Instant::now() < end, "not before the deadline: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
