//! A wrap of the test's own, whose client the test is.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Agent, Log, Site, agent_binary, eventually};

/// For one answer, and for an end.
const SOON: Duration = Duration::from_secs(30);

/// A wrap and its ends. Killed with the value.
pub(super) struct Wrapped {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Log,
    stderr: Log,
    heard: usize,
    calls: usize,
}

/// Parameters of `initialize`.
pub(super) fn hello() -> Value {
    let client = json!({"name": "e2e", "version": "1"});
    json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
}

/// What the control socket answers to `request`.
pub(super) fn ask(agent: &Agent, request: &Value) -> Value {
    let mut stream = UnixStream::connect(agent.socket()).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    writeln!(stream, "{request}").unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

impl Wrapped {
    /// Wraps `server` with the agent's own program.
    pub(super) fn start<S: AsRef<OsStr>>(agent: &Agent, site: &Site, server: &[S]) -> Self {
        Self::of(Command::new(agent_binary()), agent, site, server)
    }

    /// The same with `flags`.
    pub(super) fn start_with<S: AsRef<OsStr>>(
        agent: &Agent,
        site: &Site,
        flags: &[&OsStr],
        server: &[S],
    ) -> Self {
        Self::with(Command::new(agent_binary()), agent, site, (flags, server))
    }

    /// Wraps `server` with `program`.
    pub(super) fn of<S: AsRef<OsStr>>(program: Command, agent: &Agent, site: &Site, server: &[S]) -> Self {
        Self::with(program, agent, site, (&[], server))
    }

    fn with<S: AsRef<OsStr>>(
        mut program: Command,
        agent: &Agent,
        site: &Site,
        (flags, server): (&[&OsStr], &[S]),
    ) -> Self {
        // A wrap that is its own gateway records where its user keeps state; `nobody` has no such place.
        program
            .arg("wrap")
            .args(flags)
            .arg("--")
            .args(server)
            .env("XDG_STATE_HOME", site.path().join("state"));
        program.env("MCPGW_RUNTIME_DIR", agent.runtime_dir()).current_dir(&site.server);
        program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = program.spawn().unwrap();
        let (stdout, stderr) = (Log::default(), Log::default());
        stdout.collect(child.stdout.take().unwrap());
        stderr.collect(child.stderr.take().unwrap());
        Self { stdin: child.stdin.take(), child, stdout, stderr, heard: 0, calls: 0 }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it said on standard error so far.
    pub(super) fn errors(&self) -> String {
        self.stderr.text()
    }

    /// Writes a message.
    pub(super) fn say(&mut self, message: &Value) {
        let stdin = self.stdin.as_mut().expect("open until closed");
        stdin.write_all(format!("{message}\n").as_bytes()).unwrap();
    }

    /// The next line.
    pub(super) fn hear(&mut self) -> Value {
        let line = self.stdout.wait_for("", self.heard, SOON);
        self.heard += 1;
        serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e} in {line:?}"))
    }

    /// Asks, and does not wait for the answer. Gives the id.
    pub(super) fn ask(&mut self, method: &str, params: &Value) -> usize {
        let id = self.calls;
        self.calls += 1;
        self.say(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    /// Asks and waits.
    pub(super) fn call(&mut self, method: &str, params: &Value) -> Value {
        let id = self.ask(method, params);
        let answer = self.hear();
        assert_eq!(answer["id"], id, "{answer}");
        answer
    }

    /// Waits for its end.
    pub(super) fn wait(&mut self) -> ExitStatus {
        eventually("the wrap ends", SOON, || self.child.try_wait().unwrap())
    }

    /// Waits until it ends by itself, and gives its exit code and all it said on standard error.
    pub(super) fn refused(&mut self) -> (Option<i32>, String) {
        // Its end may be known before what it wrote is read.
        (self.wait().code(), self.stderr.whole(SOON))
    }

    /// Closes its input, and gives its exit code.
    pub(super) fn close(&mut self) -> Option<i32> {
        self.stdin = None;
        self.wait().code()
    }

    /// Waits until nothing more can come from it.
    pub(super) fn output_ends(&self) {
        eventually("its output ends", SOON, || self.stdout.has_ended().then_some(()));
    }
}

impl Drop for Wrapped {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
