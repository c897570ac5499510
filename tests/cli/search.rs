//! `audit query`, `show`, `export`, `index` and `tail` on the log of a real session, and on logs somebody made up.

mod hostile;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::program::{program, run};
use crate::scan::{peer, workspace};

/// For anything that should happen at once, on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

const POLICY: &str = "version: v1
mode: enforce
rules:
  - name: no-forbidden
    action: deny
    match:
      methods: [tools/call]
      arguments:
        message: ['*forbidden*']
  - {name: all, action: allow, match: {methods: ['*']}}
";

/// The log of a session with a real server, where the peers are installed: a call that passed, one that was refused, and one
/// whose argument a spreadsheet would calculate.
fn session(dir: &Path) -> Option<PathBuf> {
    let python = peer("py1/bin/python")?;
    fs::write(dir.join("policy.yaml"), POLICY).unwrap();
    let script = workspace().join("tests/peers/mcp_server_v1.py").display().to_string();
    let flags = ["wrap", "--name", "echoes", "--policy", "policy.yaml", "--audit-log", "audit.jsonl", "--"];
    let mut wrap = program(dir, &flags);
    wrap.args([&python, &script, "stdio"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut wrap = wrap.spawn().unwrap();
    let (mut to, mut from) =
        (wrap.stdin.take().unwrap(), BufReader::new(wrap.stdout.take().unwrap()).lines());
    let client = json!({"name": "cli", "version": "1"});
    let call = |message: &str| json!({"name": "echo", "arguments": {"message": message}});
    for (id, method, params) in [
        (1, "initialize", json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})),
        (2, "tools/call", call("a quarterly report")),
        (3, "tools/call", call("something forbidden")),
        (4, "tools/call", call("=1+1")),
    ] {
        writeln!(to, "{}", json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).unwrap();
        let answer: Value = serde_json::from_str(&from.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer["id"], id);
        if id == 1 {
            writeln!(to, "{}", json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).unwrap();
        }
    }
    drop(to);
    assert!(wrap.wait().unwrap().success());
    Some(dir.join("audit.jsonl"))
}

/// The records `arguments` print.
fn records(dir: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = run(dir, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A program that goes on, and the lines it prints.
struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("there is a line before the deadline")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn a_real_session_is_searched_shown_and_exported() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let Some(log) = session(dir) else { return };
    let whole: Vec<Value> =
        fs::read_to_string(&log).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(records(dir, &["audit", "query", "audit.jsonl", "--json"]), whole);
    let reversed = records(dir, &["audit", "query", "audit.jsonl", "--json", "--reverse", "--limit", "0"]);
    assert_eq!(reversed.into_iter().rev().collect::<Vec<_>>(), whole);
    let refused = records(dir, &["audit", "query", "audit.jsonl", "--json", "--action", "block"]);
    assert_eq!(refused.len(), 1);
    assert_eq!((&refused[0]["rule"], &refused[0]["tool_name"]), (&json!("no-forbidden"), &json!("echo")));
    for (options, count) in [
        (&["--tool", "echo"][..], 5),
        (&["--tool", "ec*", "--direction", "c2s"], 3),
        (&["--text", "quarterly"], 1),
        (&["--text", "quarterly OR forbidden", "--rule", "all"], 1),
        (&["--server", "echoes", "--event", "session.opened"], 1),
        (&["--method", "initialize"], 2),
        (&["--since", "1h", "--until", "0s", "--method", "initialize"], 2),
        (&["--until", "2020-01-01"], 0),
        (&["--session", "nobody"], 0),
    ] {
        let options = [&["audit", "query", "audit.jsonl", "--json"], options].concat();
        assert_eq!(records(dir, &options).len(), count, "{options:?}");
        assert_eq!(
            records(dir, &[&options[..], &["--scan"]].concat()).len(),
            count,
            "{options:?} without the index"
        );
        let tail = [&["tail", "audit.jsonl", "--json", "-n", "100"], &options[4..]].concat();
        assert_eq!(records(dir, &tail).len(), count, "{tail:?}");
    }
    shown(dir, &whole, &refused[0]);
    exported(dir, &log);
}

/// `audit show` of the call that passed, and of the one that was refused.
fn shown(dir: &Path, whole: &[Value], refused: &Value) {
    let passed = whole.iter().find(|record| record["tool_args"]["message"] == "a quarterly report").unwrap();
    let answer = whole.iter().find(|record| record["answers"] == passed["decision_id"]).unwrap();
    let opened = whole.iter().find(|record| record["event"] == "session.opened").unwrap();
    let id = passed["decision_id"].as_str().unwrap();
    let story = records(dir, &["audit", "show", id, "audit.jsonl", "--json"]).remove(0);
    assert_eq!(story["decision"], passed["decision_id"]);
    assert_eq!((&story["records"], &story["session"]), (&json!([passed, answer]), opened));
    // By the answer's id, too: it is the same message's story.
    let of_answer =
        records(dir, &["audit", "show", answer["decision_id"].as_str().unwrap(), "audit.jsonl", "--json"]);
    assert_eq!(of_answer[0]["records"], story["records"]);
    let text = run(dir, &["audit", "show", refused["decision_id"].as_str().unwrap(), "audit.jsonl"]);
    let text = String::from_utf8(text.stdout).unwrap();
    for part in [
        "request c2s tools/call",
        "no-forbidden",
        "something forbidden",
        "session.opened",
        "\"hash\"",
        "latency_us",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let stem = id.get(..17).unwrap();
    let several = run(dir, &["audit", "show", stem, "audit.jsonl"]);
    assert_eq!(several.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&several.stderr).contains("several decisions begin with"), "{several:?}");
    let none = run(dir, &["audit", "show", "x", "audit.jsonl"]);
    assert!(String::from_utf8_lossy(&none.stderr).contains("no decision of the log"), "{none:?}");
}

fn exported(dir: &Path, log: &Path) {
    let output = run(dir, &["audit", "export", "audit.jsonl", "--format", "jsonl", "-o", "out.jsonl"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read(dir.join("out.jsonl")).unwrap(), fs::read(log).unwrap());
    assert_eq!(fs::metadata(dir.join("out.jsonl")).unwrap().permissions().mode() & 0o777, 0o600);
    let again = run(dir, &["audit", "export", "audit.jsonl", "-o", "out.jsonl"]);
    assert_eq!(again.status.code(), Some(1), "nothing is overwritten");
    let output = run(dir, &["audit", "export", "audit.jsonl", "--tool", "echo", "-o", "out.csv"]);
    assert!(output.status.success(), "{output:?}");
    let script =
        "import csv, json, sys\nprint(json.dumps(list(csv.DictReader(open('out.csv', newline='')))))";
    let python = Command::new("python3").args(["-c", script]).current_dir(dir).output().unwrap();
    let rows: Vec<Value> = serde_json::from_slice(&python.stdout).unwrap();
    assert_eq!(rows.len(), 5);
    assert_eq!(rows[2]["action"], "block");
    assert_eq!(rows[0]["tool_args"], r#"{"message":"a quarterly report"}"#);
    assert!(rows[0]["policy_hash"].as_str().unwrap().len() >= 16, "{}", rows[0]);
}

#[test]
fn tail_follows_from_before_the_log_is_there_and_ends_when_interrupted() {
    use mcpgw_agent::audit::{AuditLog, Event, Options};
    let dir = tempfile::tempdir().unwrap();
    let mut tail = Running::start(program(
        dir.path(),
        &["tail", "--follow", "--event", "policy.*", "--json", "a.jsonl"],
    ));
    let log = AuditLog::open(&Options::at(dir.path().join("a.jsonl"))).unwrap();
    for generation in 0..3 {
        log.note(&Event::PolicyLoaded { generation, hash: "cafe", mode: mcpgw_agent::policy::Mode::Enforce })
            .unwrap();
        let record: Value = serde_json::from_str(&tail.line()).unwrap();
        assert_eq!(record["policy"]["generation"], generation);
    }
    kill(Pid::from_raw(tail.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(tail.child.wait().unwrap().code(), Some(0));
    // Whoever reads has gone: it ends although nothing is added.
    let mut command = program(dir.path(), &["tail", "-f", "a.jsonl"]);
    let mut tail = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(tail.stdout.take());
    assert_eq!(tail.wait().unwrap().code(), Some(0));
}

#[test]
fn which_log_is_read_where_nobody_says() {
    use mcpgw_agent::audit::{AuditLog, Options};
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("state/mcpgw/audit");
    fs::create_dir_all(&own).unwrap();
    drop(AuditLog::open(&Options::at(own.join("20260101T000000Z-x-1.jsonl"))).unwrap());
    let mut query = program(dir.path(), &["audit", "query"]);
    let output = query.env("XDG_STATE_HOME", dir.path().join("state")).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.contains("20260101T000000Z-x-1.jsonl"), "{said}");
    drop(AuditLog::open(&Options::at(dir.path().join("audit.jsonl"))).unwrap());
    let mut query = program(dir.path(), &["audit", "query"]);
    let output = query.env("XDG_STATE_HOME", dir.path().join("state")).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.trim(), format!("log {}", dir.path().join("audit.jsonl").display()));
    let none = run(dir.path(), &["audit", "query", "none.jsonl"]);
    assert_eq!(none.status.code(), Some(1));
}
