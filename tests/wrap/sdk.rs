//! Real MCP servers behind `wrap`, and a client that writes and reads lines.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::Peer;

/// A server that takes any arguments and writes each call it executes into a ledger; `echo` answers with its text.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    program: OsString,
    script: OsString,
    ledger: tempfile::TempDir,
}

impl Server {
    /// Its command line.
    pub(crate) fn command(&self) -> [OsString; 4] {
        [self.program.clone(), self.script.clone(), self.ledger().into_os_string(), "stdio".into()]
    }

    fn ledger(&self) -> PathBuf {
        self.ledger.path().join("ledger")
    }

    /// What was executed: each call's tool and text.
    pub(crate) fn executed(&self) -> Vec<(String, String)> {
        let text = fs::read_to_string(self.ledger()).unwrap_or_default();
        let calls = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        calls.map(|call| (word(&call[0]), word(&call[1]["text"]))).collect()
    }

    /// What was executed of what [`FORBIDDEN`] names.
    pub(crate) fn forbidden(&self) -> usize {
        self.executed().iter().filter(|(tool, _)| tool == FORBIDDEN).count()
    }
}

/// A tool of each server.
pub(crate) const FORBIDDEN: &str = "forbidden";

/// Tells which servers are tried, and which cannot be because `cargo xtask peers` was not run.
pub(crate) fn servers() -> Vec<Server> {
    let peers = peers_dir();
    let python = |environment: &str, script: &str| {
        let python = peers.join(environment).join("bin/python");
        (python.clone(), python.into_os_string(), scripts().join(script).into_os_string())
    };
    let node_modules = peers.join("node_modules/@modelcontextprotocol/sdk");
    let all = [
        ("py1", python("py1", "ledger_server_v1.py")),
        ("py2", python("py2", "ledger_server_v2.py")),
        ("ts", (node_modules, "node".into(), ledger_module().into_os_string())),
    ];
    let mut found = Vec::new();
    for (name, (needs, program, script)) in all {
        if peers_with(name, &needs) {
            found.push(Server { name, program, script, ledger: tempfile::tempdir().unwrap() });
        }
    }
    found
}

/// Says that `what` cannot be tried, or fails where that is not allowed.
pub(crate) fn skipped(what: &str, needs: &Path) {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| value != "0" && !value.is_empty());
    let strict = ["CI", "MCPGW_REQUIRE_PEERS"].iter().any(is_set);
    assert!(!strict, "{} is missing (`cargo xtask peers`)", needs.display());
    writeln!(std::io::stderr(), "\nSKIPPED: {what}: {} is missing", needs.display()).expect("stderr is open");
}

/// Whether server `name`, which needs `needs`, can be tried; tells where it cannot.
pub(crate) fn peers_with(name: &str, needs: &Path) -> bool {
    if !needs.exists() {
        skipped(&format!("server {name}"), needs);
    }
    needs.exists()
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

pub(crate) fn peers_dir() -> PathBuf {
    std::env::var_os("MCPGW_PEERS").map_or_else(|| workspace().join("target/peers"), PathBuf::from)
}

pub(crate) fn scripts() -> PathBuf {
    workspace().join("tests/peers")
}

/// The TypeScript server, copied to where its imports are found.
fn ledger_module() -> PathBuf {
    static COPIED: OnceLock<PathBuf> = OnceLock::new();
    COPIED.get_or_init(|| copied("ledger_server.mjs")).clone()
}

/// A JavaScript of `tests/peers`, copied beside the modules it imports.
pub(crate) fn copied(name: &str) -> PathBuf {
    static COPIES: AtomicUsize = AtomicUsize::new(0);
    let to = peers_dir().join("drivers").join(name);
    if peers_dir().is_dir() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        // Renamed into place: another test may be reading the old one.
        let copy = COPIES.fetch_add(1, Ordering::Relaxed);
        let fresh = to.with_extension(format!("{}.{copy}", std::process::id()));
        fs::copy(scripts().join(name), &fresh).unwrap();
        fs::rename(&fresh, &to).unwrap();
    }
    to
}

/// A client in the middle of a session.
pub(crate) struct Client {
    pub(crate) peer: Peer,
}

impl Client {
    /// Starts `command` and agrees on `revision`.
    pub(crate) fn open(command: Command, revision: &str) -> Self {
        let mut client = Self { peer: Peer::start(command) };
        let hello = json!({"protocolVersion": revision, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        let answer = client.ask(&request("init", "initialize", &hello));
        assert_eq!(answer["result"]["protocolVersion"], revision, "{answer}");
        client.peer.send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
        client
    }

    /// Sends `line` and waits for the answer to its id.
    #[track_caller]
    pub(crate) fn ask(&mut self, line: &str) -> Value {
        let id = serde_json::from_str::<Value>(line).unwrap()["id"].clone();
        self.peer.send(&format!("{line}\n"));
        self.answer(&id)
    }

    /// The next answer to `id`; what else comes is passed over.
    #[track_caller]
    pub(crate) fn answer(&mut self, id: &Value) -> Value {
        loop {
            let line = self.peer.line();
            assert!(!line.is_empty(), "the output ended before {id} was answered");
            let message: Value = serde_json::from_str(&line).unwrap();
            if message.get("method").is_none() && message["id"] == *id {
                return message;
            }
        }
    }
}

/// A request on one line.
pub(crate) fn request(id: impl Into<Value>, method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": id.into(), "method": method, "params": params}).to_string()
}

/// A call of `tool`.
pub(crate) fn call(id: impl Into<Value>, tool: &str, text: &str) -> String {
    request(id, "tools/call", &json!({"name": tool, "arguments": {"text": text}}))
}

/// The text a call returned.
pub(crate) fn text_of(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {answer:.300}"))
}
