//! A stdio session the test holds itself: no client to start, so times can be measured.

use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::agent::Agent;
use super::log::Log;
use super::site::Site;
use super::status::ServerQuery as _;

/// For one answer.
const ANSWER: Duration = Duration::from_secs(30);

/// A server started by the test process. Killed with the value.
#[derive(Debug)]
pub(crate) struct Session {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Log,
    calls: usize,
}

impl Session {
    /// Starts `command` in `site.server`, its stdin and stdout being pipes.
    pub(crate) fn start(site: &Site, command: &mut Command) -> Self {
        command.current_dir(&site.server).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}"));
        let stdout = Log::default();
        stdout.collect(child.stdout.take().expect("it is piped"));
        Self { stdin: child.stdin.take(), stdout, child, calls: 0 }
    }

    /// As [`Session::start`], once `agent` has the process in its list: all it says from now on is heard. An agent that
    /// looked at nobody begins to when it hears of the process, and what is said before that nobody hears.
    pub(crate) fn start_seen(agent: &Agent, site: &Site, command: &mut Command) -> Self {
        let session = Self::start(site, command);
        agent.wait_for("the new process is in the list", &[site.path()], ANSWER, |status| {
            status.of(session.pid()).map(|_| ())
        });
        session
    }

    /// The server's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// One request and its result.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Value {
        let id = self.calls;
        self.calls += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        // The servers of these tests write nothing but answers.
        let line = self.stdout.wait_for("", id, ANSWER);
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e} in {line:?}"));
        assert_eq!(answer["id"], id, "an answer to something else: {line}");
        answer["result"].clone()
    }

    fn send(&mut self, message: &Value) {
        let stdin = self.stdin.as_mut().expect("open until dropped");
        // One write, as real clients do.
        stdin.write_all(format!("{message}\n").as_bytes()).expect("the server reads");
    }

    /// `initialize`, and nothing after it: a server that is confirmed by its answer may not live to hear it.
    pub(crate) fn greet(&mut self) -> Value {
        let client = json!({"name": "e2e", "version": "1"});
        self.call(
            "initialize",
            &json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client}),
        )
    }

    /// `initialize`, `notifications/initialized`.
    pub(crate) fn initialize(&mut self) -> Value {
        let opened = self.greet();
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        opened
    }

    /// The whole opening: handshake and the list of tools.
    pub(crate) fn open(&mut self) {
        self.initialize();
        self.call("tools/list", &json!({}));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stdin = None;
        // The child is ours and may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
