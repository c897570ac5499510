//! An agent of the test's own: the real binary, its own directories.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde::Deserialize;
use serde_json::Value;

use super::host::{eventually, http_get, kill};
use super::log::Log;
use super::records::records;
use super::status::Status;

/// From start to the first answer; loading programs takes a while in a debug build.
const READY: Duration = Duration::from_secs(60);
/// From SIGTERM to the end.
const STOP: Duration = Duration::from_secs(20);
/// For one answer on the control socket.
const ANSWER: Duration = Duration::from_secs(20);

/// Metrics on any free port, or two agents of one host would quarrel over it.
const CONFIG: &str = "admin:\n  metrics-address: 127.0.0.1:0\n";

/// The program under test; `MCPGW_AGENT_BIN` names another build of it.
pub(crate) fn agent_binary() -> PathBuf {
    std::env::var_os("MCPGW_AGENT_BIN")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_mcpgw-agent")), PathBuf::from)
}

/// A running agent. Ends with the value.
#[derive(Debug)]
pub(crate) struct Agent {
    dirs: tempfile::TempDir,
    child: Child,
    log: Log,
}

/// What the control socket answers.
#[derive(Debug, Deserialize)]
struct Answer {
    status: Option<Status>,
    #[serde(default)]
    error: Value,
}

impl Agent {
    /// Starts an agent and waits until it answers and is ready.
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// As [`Agent::start`], with more lines of configuration.
    pub(crate) fn start_with(config: &str) -> Self {
        let dirs = tempfile::Builder::new().prefix("mcpgw-agent-").tempdir().expect("a temporary directory");
        // The path leads to the socket, whose own mode is what guards it.
        fs::set_permissions(dirs.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
        fs::write(dirs.path().join("agent.yaml"), format!("{CONFIG}{config}")).expect("it is writable");
        let (child, log) = spawn(dirs.path());
        let mut agent = Self { dirs, child, log };
        agent.wait_ready();
        agent
    }

    /// Kills it the hard way, reaps it, and starts another over what it left behind.
    pub(crate) fn kill_and_restart(mut self) -> Self {
        self.kill_hard();
        self.restart();
        self
    }

    /// Starts another over what this one, which must be reaped, left behind.
    pub(crate) fn restart(&mut self) {
        let (child, log) = spawn(self.dirs.path());
        self.child = child;
        self.log = log;
        self.wait_ready();
    }

    /// SIGKILL, and reap.
    pub(crate) fn kill_hard(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    /// SIGTERM; how it ended and how long it took.
    pub(crate) fn stop(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        kill(self.pid(), Signal::SIGTERM);
        let ended =
            eventually("the agent ends on SIGTERM", STOP, || self.child.try_wait().expect("it is our child"));
        (ended, start.elapsed())
    }

    fn wait_ready(&mut self) {
        let end = Instant::now() + READY;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                panic!("the agent ended before it was ready: {status}\n{}", self.log.text());
            }
            match self.try_status() {
                Ok(status) => {
                    // Without its probes the agent works, but none of these tests is about that.
                    assert_eq!(status.agent["mode"], "ebpf", "{}\n{}", status.agent, self.log.text());
                    return;
                }
                Err(error) => {
                    assert!(Instant::now() < end, "the agent is not ready: {error}\n{}", self.log.text())
                }
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it printed.
    pub(crate) fn output(&self) -> String {
        self.log.text()
    }

    /// The control socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.runtime_dir().join("control.sock")
    }

    /// `MCPGW_RUNTIME_DIR`.
    pub(crate) fn runtime_dir(&self) -> PathBuf {
        self.dirs.path().join("run")
    }

    /// Its audit log.
    pub(crate) fn audit_log(&self) -> PathBuf {
        self.dirs.path().join("state").join("audit.jsonl")
    }

    /// What it has on record.
    pub(crate) fn records(&self) -> Vec<Value> {
        records(&self.audit_log())
    }

    /// The program with this agent's directories in its environment.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        command(self.dirs.path(), args)
    }

    /// Runs the program to its end.
    pub(crate) fn cli(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().expect("the agent binary runs")
    }

    /// The list as `status --json` with `extra` arguments prints it.
    pub(crate) fn cli_status(&self, extra: &[&str]) -> Status {
        let out = self.cli(&[&["status", "--json"], extra].concat());
        let text = String::from_utf8_lossy(&out.stdout);
        serde_json::from_slice(&out.stdout).unwrap_or_else(|e| {
            panic!(
                "status --json {extra:?}: {e}: {}\n{text}\n{}",
                out.status,
                String::from_utf8_lossy(&out.stderr)
            )
        })
    }

    /// The status, by the control socket: cheap enough to poll.
    ///
    /// # Panics
    ///
    /// If the agent does not answer; that it is too busy at the moment is no answer.
    pub(crate) fn status(&self) -> Status {
        let end = Instant::now() + ANSWER;
        loop {
            match self.try_status() {
                Ok(status) => return status,
                Err(error) if error.contains("unavailable") && Instant::now() < end => {
                    std::thread::park_timeout(Duration::from_millis(10));
                }
                Err(error) => panic!("no status: {error}\n{}", self.log.text()),
            }
        }
    }

    fn try_status(&self) -> Result<Status, String> {
        let mut stream = UnixStream::connect(self.socket()).map_err(|e| format!("connect: {e}"))?;
        stream.set_read_timeout(Some(ANSWER)).map_err(|e| e.to_string())?;
        stream.write_all(b"{\"op\":\"status\"}\n").map_err(|e| format!("write: {e}"))?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).map_err(|e| format!("read: {e}"))?;
        let answer: Answer = serde_json::from_str(&line).map_err(|e| format!("{e} in {line}"))?;
        answer.status.ok_or_else(|| format!("refused: {}", answer.error))
    }

    /// The metrics, as they are scraped.
    ///
    /// # Panics
    ///
    /// If it has none; that it is too busy at the moment is waited for.
    pub(crate) fn scrape(&self) -> String {
        let address = self.status().agent["metrics_address"].as_str().expect("it is served").to_owned();
        eventually("metrics", ANSWER, || match http_get(&address, "/metrics") {
            Ok((200, text)) => Some(text),
            _not_now => None,
        })
    }

    /// Polls the status until `accept` finds what it wants.
    ///
    /// # Panics
    ///
    /// After `deadline`, with the last status (entries under `dirs` in full) and what the agent printed.
    pub(crate) fn wait_for<T>(
        &self,
        what: &str,
        dirs: &[&Path],
        deadline: Duration,
        mut accept: impl FnMut(&Status) -> Option<T>,
    ) -> T {
        let end = Instant::now() + deadline;
        loop {
            let status = self.status();
            if let Some(found) = accept(&status) {
                return found;
            }
            let late = Instant::now() >= end;
            assert!(
                !late,
                "not within {deadline:?}: {what}\n{}\nagent printed:\n{}",
                status.describe(dirs),
                self.log.text()
            );
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
            return;
        }
        kill(self.child.id(), Signal::SIGTERM);
        let end = Instant::now() + STOP;
        while Instant::now() < end {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        // A drop must not panic; a test that cares how it ends calls `stop`.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn command<S: AsRef<OsStr>>(dirs: &Path, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(agent_binary());
    command.args(args).env("MCPGW_RUNTIME_DIR", dirs.join("run")).env("MCPGW_STATE_DIR", dirs.join("state"));
    command
}

fn spawn(dirs: &Path) -> (Child, Log) {
    let config = dirs.join("agent.yaml");
    let mut command = command(dirs, ["run".as_ref(), "--config".as_ref(), config.as_os_str()]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the agent binary runs");
    let log = Log::default();
    log.collect(child.stderr.take().expect("it is piped"));
    log.collect(child.stdout.take().expect("it is piped"));
    (child, log)
}
