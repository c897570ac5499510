//! `status` against an agent.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use mcpgw_agent::admin::Status;
use mcpgw_agent::inventory::ServerState;

use crate::agent::{Agent, server, status};
use crate::program::{program, run, transcript};

const LONG: Duration = Duration::from_secs(30);

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_table_in_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let servers = vec![server("files", ServerState::Proxied), server("shell", ServerState::Unproxied)];
    let _agent = Agent::start(dir.path().to_owned(), status(servers));
    let shown = transcript(dir.path(), &["status"]);
    // Days since a fixed date.
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d+d  ", "[days]  ");
    settings.add_filter("Only your own servers are shown; root sees all.\n", "");
    settings.bind(|| {
        insta::assert_snapshot!(shown, @r###"
    exit 0
    --- stdout
    STATE      SERVER     PID   USER  TRANSPORT  CLIENT  SINCE  COMMAND
    unproxied  shell 1.0  4242  lucy  stdio      -       [days]  node /opt/shell.js
    proxied    files 1.0  4242  lucy  stdio      -       [days]  node /opt/files.js

    2 MCP servers: 1 unproxied, 1 proxied.
    Agent 0.1.0 (pid 77): kernel probes; hooks 1/1 attached; no events lost.
    "###)
    });
}

#[test]
fn json_is_the_document_whole() {
    let dir = tempfile::tempdir().unwrap();
    let sent = status(vec![server("files", ServerState::Proxied), server("shell", ServerState::Unproxied)]);
    let _agent = Agent::start(dir.path().to_owned(), sent.clone());
    let output = run(dir.path(), &["status", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(serde_json::from_slice::<Status>(&output.stdout).unwrap(), sent);
}

#[test]
fn fail_on_unproxied_is_three_only_when_there_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let agent = Agent::start(dir.path().to_owned(), status(vec![server("files", ServerState::Proxied)]));
    assert_eq!(run(dir.path(), &["status", "--fail-on", "unproxied"]).status.code(), Some(0));
    drop(agent);
    let _agent = Agent::start(dir.path().to_owned(), status(vec![server("shell", ServerState::Unproxied)]));
    for arguments in
        [&["status", "--fail-on", "unproxied"][..], &["status", "--json", "--fail-on", "unproxied"]]
    {
        let output = run(dir.path(), arguments);
        assert_eq!(output.status.code(), Some(3));
        assert!(text(&output.stdout).contains("shell"), "the list is shown all the same");
        assert!(output.stderr.is_empty());
    }
    assert_eq!(run(dir.path(), &["status"]).status.code(), Some(0));
}

#[test]
fn names_cannot_reach_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let evil = "\u{1b}[2J\u{9b}2J\u{202e}\r\nunproxied  forged";
    let sent = status(vec![server(evil, ServerState::Unproxied)]);
    let _agent = Agent::start(dir.path().to_owned(), sent.clone());
    for arguments in [&["status"][..], &["status", "--all"], &["status", "--json"]] {
        let shown = text(&run(dir.path(), arguments).stdout);
        assert!(!shown.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{shown:?}");
        assert!(!shown.lines().any(|line| line.starts_with("unproxied  forged")), "{shown:?}");
    }
    let json = run(dir.path(), &["status", "--json"]).stdout;
    assert_eq!(serde_json::from_slice::<Status>(&json).unwrap(), sent, "and JSON loses nothing of them");
}

/// A running `status --watch`, killed when dropped.
struct Watch {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Watch {
    fn start(dir: &std::path::Path, arguments: &[&str]) -> Self {
        let mut child =
            program(dir, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// Reads on until a line that starts with `start`.
    fn until(&mut self, start: &str) -> String {
        let deadline = Instant::now() + LONG;
        loop {
            let mut line = String::new();
            // A line comes every second: what is waited for is its content.
            self.lines.read_line(&mut line).unwrap();
            if line.starts_with(start) {
                return line;
            }
            assert!(!line.is_empty() && Instant::now() < deadline, "no line starts with {start:?}");
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
        }
    }
}

#[test]
fn watch_waits_for_the_agent_outlives_it_and_ends_with_its_reader() {
    let dir = tempfile::tempdir().unwrap();
    let mut watch = Watch::start(dir.path(), &["status", "--watch"]);
    let waiting = watch.until("waiting for the agent");
    assert!(waiting.contains("no mcpgw-agent is running on"), "{waiting}");
    let agent = Agent::start(dir.path().to_owned(), status(vec![server("first", ServerState::Unproxied)]));
    assert!(watch.until("unproxied").contains("first 1.0"));
    drop(agent);
    watch.until("waiting for the agent");
    let _agent = Agent::start(dir.path().to_owned(), status(vec![server("second", ServerState::Proxied)]));
    assert!(watch.until("proxied").contains("second 1.0"));

    let (child, lines) = (&mut watch.child, &mut watch.lines);
    let mut stderr = child.stderr.take().unwrap();
    // Closes the pipe: the next frame finds nobody to read it.
    *lines = BufReader::new(empty_stdout());
    let mut said = String::new();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

/// Standard output of a program that is over.
fn empty_stdout() -> ChildStdout {
    let mut child = std::process::Command::new("true").stdout(Stdio::piped()).spawn().unwrap();
    child.wait().unwrap();
    child.stdout.take().unwrap()
}

#[test]
fn watched_json_is_an_object_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let sent = status(vec![server("files", ServerState::Proxied)]);
    let _agent = Agent::start(dir.path().to_owned(), sent.clone());
    let mut watch = Watch::start(dir.path(), &["status", "--watch", "--json"]);
    for _ in 0..2 {
        assert_eq!(serde_json::from_str::<Status>(&watch.until("{")).unwrap(), sent);
    }
}
