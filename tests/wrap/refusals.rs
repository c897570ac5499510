//! Real servers behind `wrap` with a policy: what it denies does not happen, and the session lives on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::sdk::{Client, FORBIDDEN, call, servers, text_of};
use crate::support::{Peer, python, wrapped_with};

const POLICY: &str = "version: v1
mode: enforce
rules:
  - {name: not-that, match: {methods: [tools/call], tools: [forbidden]}, action: deny}
  - {name: the-rest, match: {methods: ['*']}, action: allow}
";

/// A policy file and an audit log.
struct Site {
    dir: tempfile::TempDir,
}

impl Site {
    fn new(policy: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("policy.yaml"), policy).unwrap();
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn wrapped<S: AsRef<std::ffi::OsStr>>(&self, command: impl IntoIterator<Item = S>) -> Command {
        let (policy, log) = (self.path("policy.yaml"), self.path("audit.jsonl"));
        wrapped_with([Path::new("--policy"), &policy, Path::new("--audit-log"), &log], command)
    }

    /// Records of messages: their fields.
    fn records(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("audit.jsonl")).unwrap();
        let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.filter(|record| record.get("direction").is_some()).collect()
    }

    fn blocked(&self) -> usize {
        self.records().iter().filter(|record| record["action"] == "block").count()
    }
}

#[test]
fn a_denied_call_is_answered_and_not_executed() {
    for server in servers() {
        let (name, site) = (server.name, Site::new(POLICY));
        let mut client = Client::open(site.wrapped(server.command()), "2025-06-18");
        for id in [json!(1), json!("1")] {
            let error = client.ask(&call(id, FORBIDDEN, "no"));
            assert_eq!(error["error"]["code"], 40301, "{name}: {error}");
            assert!(error["error"]["data"]["decision_id"].is_string(), "{name}: {error}");
            assert!(!error.to_string().contains("not-that"), "{name}: the rule's name is nobody's business");
        }
        assert_eq!(text_of(&client.ask(&call(2, "echo", "yes"))), "yes", "{name}");
        drop(client.peer.stdin.take());
        assert_eq!((client.peer.code(), site.blocked()), (0, 2), "{name}");
        assert_eq!(server.executed(), [("echo".to_owned(), "yes".to_owned())], "{name}");
    }
}

/// Ways to say `forbidden` that one parser reads and another does not. `CALL` is a call of it with id 7.
fn disguises() -> Vec<(&'static str, Vec<u8>)> {
    let plain = call(7, FORBIDDEN, "disguised");
    let envelope = |extra: &str| plain.replacen('{', &format!("{{{extra},"), 1).into_bytes();
    let at_end = |extra: &str| format!("{},{extra}}}", plain.strip_suffix('}').unwrap()).into_bytes();
    let swap = |from: &str, to: &str| {
        assert!(plain.contains(from), "{plain}");
        plain.replace(from, to).into_bytes()
    };
    let name = "\"name\":\"forbidden\"";
    let mut all = vec![
        ("case-folded METHOD after", at_end("\"METHOD\":\"ping\"")),
        ("case-folded METHOD before", envelope("\"Method\":\"ping\"")),
        ("case-folded JSONRPC", at_end("\"JSONRPC\":1")),
        ("case-folded ERROR", at_end("\"ERROR\":1")),
        ("case-folded NAME", swap(name, "\"name\":\"forbidden\",\"NAME\":\"echo\"")),
        ("case-folded Arguments", swap(name, "\"Arguments\":{},\"name\":\"forbidden\"")),
        ("long s in params", at_end("\"param\u{17f}\":{\"name\":\"echo\"}")),
        ("error of the wrong type", at_end("\"error\":1")),
        ("result beside method", at_end("\"result\":{}")),
        ("jsonrpc as a number", swap("\"jsonrpc\":\"2.0\"", "\"jsonrpc\":2.0")),
        ("method twice", envelope("\"method\":\"ping\"")),
        ("name twice, denied first", swap(name, "\"name\":\"forbidden\",\"name\":\"echo\"")),
        ("name twice, denied last", swap(name, "\"name\":\"echo\",\"name\":\"forbidden\"")),
        ("name twice, one escaped", swap(name, "\"name\":\"echo\",\"n\\u0061me\":\"forbidden\"")),
        ("escaped tool", swap("\"forbidden\"", "\"f\\u006frbidden\"")),
        ("escaped key", swap("\"name\"", "\"n\\u0061me\"")),
        ("byte order mark", [b"\xef\xbb\xbf", plain.as_bytes()].concat()),
        ("utf-16", plain.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("invalid utf-8", [&swap("disguised", "disg")[..], b"\xff"].concat()),
        ("trailing bytes", format!("{plain} x").into_bytes()),
        ("two messages on a line", format!("{plain}{plain}").into_bytes()),
        ("behind a carriage return", format!("{{}}\r{plain}").into_bytes()),
        ("batch", format!("[{plain}]").into_bytes()),
        (
            "batch behind an innocent one",
            format!("[{},{plain}]", plain.replace(FORBIDDEN, "echo")).into_bytes(),
        ),
        ("nested batch", format!("[[{plain}]]").into_bytes()),
        ("batch with a wrong element", format!("[{plain},{{\"jsonrpc\":\"2.0\",\"error\":1}}]").into_bytes()),
        ("id null", swap("\"id\":7", "\"id\":null")),
        ("id as a fraction", swap("\"id\":7", "\"id\":1.5")),
        ("no id", swap("\"id\":7,", "")),
        ("lone surrogate", swap("disguised", "\\ud800")),
        ("blanks around", format!(" \t{plain} ").into_bytes()),
        ("comment", format!("/**/{plain}").into_bytes()),
        ("control character", swap("disguised", "\u{1}")),
        ("deep", swap("\"disguised\"", &format!("{}{}", "[".repeat(500), "]".repeat(500)))),
    ];
    all.push(("longer than the limit", swap("disguised", &"x".repeat(17 << 20))));
    all
}

#[test]
fn no_disguise_gets_a_denied_call_executed() {
    for server in servers() {
        let (name, site) = (server.name, Site::new(POLICY));
        let mut client = Client::open(site.wrapped(server.command()), "2025-06-18");
        for (i, (disguise, line)) in disguises().into_iter().enumerate() {
            let blocked = site.blocked();
            let mut stdin = client.peer.stdin.take().unwrap();
            let writing = std::thread::spawn(move || {
                std::io::Write::write_all(&mut stdin, &[&line[..], b"\n"].concat()).unwrap();
                stdin
            });
            client.peer.stdin = Some(writing.join().unwrap());
            let text = format!("after {i}");
            let answer = client.ask(&call(format!("e{i}"), "echo", &text));
            assert_eq!(text_of(&answer), text, "{name}: {disguise}: the session lives on");
            assert!(site.blocked() > blocked, "{name}: {disguise}: on record");
            assert_eq!(server.forbidden(), 0, "{name}: {disguise}");
        }
        drop(client.peer.stdin.take());
        // Nothing was only delayed.
        assert_eq!((client.peer.code(), server.forbidden()), (0, 0), "{name}");
    }
}

#[test]
fn in_a_batch_of_a_revision_that_has_them_each_message_is_decided_on() {
    let site = Site::new(POLICY);
    let server = python(
        "
import sys
hello = sys.stdin.readline()
print('{\"jsonrpc\":\"2.0\",\"id\":\"init\",\"result\":{\"protocolVersion\":\"2025-03-26\",\"capabilities\":{},\"serverInfo\":{\"name\":\"s\",\"version\":\"1\"}}}')
for line in sys.stdin: print(line, end='', file=sys.stderr)
",
    );
    let mut client = Client::open(site.wrapped(server), "2025-03-26");
    let echo = call(1, "echo", "a");
    client.peer.send(&format!("[ {echo}, {} ]\n", call(2, FORBIDDEN, "b")));
    assert_eq!(client.answer(&json!(2))["error"]["code"], 40301);
    drop(client.peer.stdin.take());
    let got = client.peer.stderr_rest();
    assert!(got.ends_with(&format!("\n[{echo}]\n")), "{got}");
}

#[test]
fn log_text_on_standard_output_is_dropped_and_recorded() {
    let site = Site::new(POLICY);
    let server =
        python("print('Starting...'); print('{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}')");
    let mut peer = Peer::start(site.wrapped(server));
    assert_eq!(peer.line(), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}");
    assert_eq!((peer.rest(), peer.code(), site.blocked()), (vec![], 0, 1));
}

#[test]
fn a_policy_that_cannot_be_used_starts_nothing() {
    for policy in ["version: v1\nmode: enforce\nrules: [{name: x, match: {tols: [a]}, action: deny}]\n", "{"]
    {
        let site = Site::new(policy);
        let mark = site.path("started");
        let mut peer = Peer::start(site.wrapped(["touch".as_ref(), mark.as_os_str()]));
        assert_eq!((peer.rest(), peer.code()), (vec![], 125));
        let told = peer.stderr_rest();
        assert!(told.contains("policy.yaml"), "{told}");
        assert!(!mark.exists());
    }
    let mut peer = Peer::start(wrapped_with(["--policy", "/nonexistent/policy.yaml"], ["true"]));
    assert_eq!(peer.code(), 125);
}

#[test]
fn a_log_that_cannot_be_opened_stops_what_enforces_and_nothing_else() {
    let site = Site::new(POLICY);
    let policy = site.path("policy.yaml");
    let log = Path::new("/nonexistent/audit.jsonl");
    let flag = Path::new("--audit-log");
    let mut peer = Peer::start(wrapped_with([Path::new("--policy"), &policy, flag, log], ["cat"]));
    assert_eq!(peer.code(), 125);
    assert!(peer.stderr_rest().contains("/nonexistent/audit.jsonl"));

    let mut peer = Peer::start(wrapped_with([flag, log], ["cat"]));
    assert!(peer.stderr_line().contains("nothing is recorded"));
    peer.send("{}\n");
    assert_eq!(peer.line(), "{}");
    drop(peer.stdin.take());
    assert_eq!((peer.code(), peer.stderr_rest()), (0, String::new()));
}

#[test]
fn a_hangup_loads_the_policy_anew_and_reaches_the_server() {
    let site = Site::new(POLICY);
    let server = python(
        "
import os, signal, sys
signal.signal(signal.SIGHUP, lambda *_: print('hup', file=sys.stderr))
print('up', file=sys.stderr)
for line in sys.stdin: print(line, end='', flush=True)
",
    );
    let mut peer = Peer::start(site.wrapped(server));
    assert_eq!(peer.stderr_line(), "up");
    let note = |method: &str| format!("{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/{method}\"}}");
    peer.send(&format!("{}\n", note("one")));
    assert_eq!(peer.line(), note("one"));
    // A broken file leaves the policy before in force.
    for (policy, next) in [("{", "two"), (&*POLICY.replace("['*']", "[notifications/four]"), "four")] {
        fs::write(site.path("policy.yaml"), policy).unwrap();
        peer.signal(nix::sys::signal::Signal::SIGHUP);
        let mut told = peer.stderr_line();
        // Where the signal comes late, whoever watches the file has told it as well.
        while told != "hup" {
            assert!(told.contains("the policy before stays in force"), "{told}");
            told = peer.stderr_line();
        }
        peer.send(&format!("{}\n{}\n", note("three"), note(next)));
        if next == "two" {
            assert_eq!(peer.line(), note("three"));
        }
        assert_eq!(peer.line(), note(next));
    }
}

#[test]
fn the_configuration_says_what_flags_do_not() {
    let site = Site::new(POLICY);
    let config = site.path("agent.yaml");
    let text = format!(
        "gateway:\n  policy: {}\n  audit: {{path: {}}}\n  limits: {{message-bytes: 4096}}\n",
        site.path("policy.yaml").display(),
        site.path("audit.jsonl").display()
    );
    fs::write(&config, text).unwrap();
    let mut peer = Peer::start(wrapped_with([Path::new("--config"), &config], ["cat"]));
    peer.send(&format!("{}\n", call(1, "echo", &"x".repeat(5000))));
    let error: Value = serde_json::from_str(&peer.line()).unwrap();
    assert_eq!((&error["id"], &error["error"]["code"]), (&json!(1), &json!(-32700)), "{error}");
    drop(peer.stdin.take());
    assert_eq!((peer.rest(), peer.code(), site.blocked()), (vec![], 0, 1));
}

#[test]
fn without_a_policy_everything_passes_and_is_on_record() {
    let site = Site::new(POLICY);
    let log = site.path("audit.jsonl");
    let mut peer = Peer::start(wrapped_with([Path::new("--audit-log"), &log], ["cat"]));
    peer.send("no json\n");
    assert_eq!(peer.line(), "no json");
    drop(peer.stdin.take());
    assert_eq!(peer.code(), 0);
    let records = site.records();
    let seen: Vec<_> = records.iter().map(|r| (r["direction"].as_str(), r["action"].as_str())).collect();
    assert_eq!(seen, [(Some("c2s"), Some("pass")), (Some("s2c"), Some("pass"))]);
    assert!(records.iter().all(|record| record["would"] == "block"), "{records:?}");
}

#[test]
fn two_wraps_that_were_told_one_audit_log_have_a_log_each() {
    let site = Site::new(POLICY);
    let mut wraps = [Peer::start(site.wrapped(["cat"])), Peer::start(site.wrapped(["cat"]))];
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    // Both are at work at the same time: none has been told that its input ends.
    for wrap in &mut wraps {
        wrap.send(&format!("{ping}\n"));
        assert_eq!(wrap.line(), ping);
    }
    for wrap in &mut wraps {
        drop(wrap.stdin.take());
        assert_eq!((wrap.code(), wrap.stderr_rest()), (0, String::new()));
    }
    let named = fs::read_dir(site.dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let logs: Vec<_> = named.filter(|path| path.extension().is_some_and(|kind| kind == "jsonl")).collect();
    assert_eq!(logs.len(), 2, "{logs:?}");
    for log in &logs {
        let text = fs::read_to_string(log).unwrap();
        assert_eq!(text.matches("\"method\":\"ping\"").count(), 2, "there and back: {text}");
    }
    let mut verify = Command::new(env!("CARGO_BIN_EXE_mcpgw-agent"));
    let verified = verify.args(["audit", "verify"]).args(&logs).output().unwrap();
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn a_key_file_that_is_named_needs_no_key_in_the_environment() {
    let site = Site::new(POLICY);
    let (config, log, key) = (site.path("config.yaml"), site.path("audit.jsonl"), site.path("k"));
    let write = |key: &str| {
        let policy = site.path("policy.yaml");
        let audit = format!("{{path: {}{key}}}", log.display());
        fs::write(&config, format!("gateway:\n  policy: {}\n  audit: {audit}\n", policy.display())).unwrap();
    };
    let wrap = || {
        let mut wrap = wrapped_with([Path::new("--config"), &config], ["cat"]);
        wrap.env("MCPGW_AUDIT_SIGNING_KEY", "too short");
        wrap
    };
    write(&format!(", signing-key-file: {}", key.display()));
    let mut named = Peer::start(wrap());
    drop(named.stdin.take());
    assert_eq!((named.code(), named.stderr_rest()), (0, String::new()));
    assert!(key.exists(), "the key is made where it was named");

    write("");
    let mut unnamed = Peer::start(wrap());
    assert_eq!(unnamed.code(), 125);
    assert!(unnamed.stderr_rest().contains("MCPGW_AUDIT_SIGNING_KEY has 9 bytes"));
}

#[test]
fn a_server_behind_runners_goes_by_the_name_of_what_they_start() {
    let deny = "{name: none, match: {methods: ['*'], servers: [weather.py]}, action: deny}";
    let allow = "{name: rest, match: {methods: ['*']}, action: allow}";
    let site = Site::new(&format!("version: v1\nmode: enforce\nrules: [{deny}, {allow}]\n"));
    let script = site.path("weather.py");
    fs::write(&script, "while True: print(input())").unwrap();
    let command: [&std::ffi::OsStr; 5] =
        ["env".as_ref(), "A=1".as_ref(), "python3".as_ref(), "-u".as_ref(), script.as_ref()];
    let mut peer = Peer::start(site.wrapped(command));
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}).to_string();
    peer.send(&format!("{ping}\n"));
    let refused: Value = serde_json::from_str(&peer.line()).unwrap();
    assert_eq!(refused["error"]["code"], 40301, "{refused}");
    drop(peer.stdin.take());
    peer.rest();
    assert_eq!(site.records()[0]["server"], "weather.py");
}

#[test]
fn a_request_that_hides_a_line_is_answered_to_its_id() {
    let site = Site::new(POLICY);
    let mut peer = Peer::start(site.wrapped(["cat"]));
    peer.send("{\"jsonrpc\":\"2.0\",\r\"id\":\"nine\",\"method\":\"ping\"}\n");
    let error: Value = serde_json::from_str(&peer.line()).unwrap();
    assert_eq!((&error["id"], error["error"].is_object()), (&json!("nine"), true), "{error}");
    drop(peer.stdin.take());
    assert_eq!((peer.rest(), site.blocked()), (Vec::new(), 1));
}
