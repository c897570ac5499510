//! A client that sends what it likes to a wrapped server, and looks at everything that comes of it.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::case::{Case, Expect};
use crate::support::{Log, Site, agent_binary};

/// For everything that should happen at once, on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// The session. Ends with the value.
pub(super) struct Session {
    child: Child,
    stdin: Option<ChildStdin>,
    output: Log,
    site: Site,
    /// Lines of output, of the ledger and of the audit log seen so far.
    seen: [usize; 3],
    sentinels: usize,
}

impl Session {
    /// Starts `server` with its ledger behind `wrap` with `policy`, and shakes hands.
    pub(super) fn start(policy: &str, server: &[OsString]) -> Self {
        let site = Site::new();
        fs::write(site.path().join("policy.yaml"), policy).unwrap();
        let mut command = Command::new(agent_binary());
        command.arg("wrap").arg("--policy").arg(site.path().join("policy.yaml"));
        command.arg("--audit-log").arg(site.path().join("audit.jsonl")).arg("--").args(server);
        command.arg(site.path().join("ledger")).arg("stdio").current_dir(&site.server);
        command.env("MCPGW_RUNTIME_DIR", "/nonexistent").env("XDG_STATE_HOME", site.path());
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let output = Log::default();
        output.collect(child.stdout.take().unwrap());
        let mut session = Self { stdin: child.stdin.take(), child, output, site, seen: [0; 3], sentinels: 0 };
        session.send(
            json!({"jsonrpc": "2.0", "id": "open", "method": "initialize", "params": {
                "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "hostile", "version": "1"}
            }})
            .to_string()
            .as_bytes(),
        );
        session.output.wait_until(|lines| lines.iter().any(|line| line.contains("\"open\"")), DEADLINE);
        session.send(br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
        session.settle();
        session.seen = session.totals();
        session
    }

    /// Sends a line.
    pub(super) fn send(&mut self, line: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(&[line, b"\n"].concat()).unwrap();
    }

    /// Makes a plain call and waits for its answer: all that was sent before has been dealt with then.
    pub(super) fn settle(&mut self) {
        self.sentinels += 1;
        let id = format!("sentinel-{}", self.sentinels);
        let call = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {
            "name": "echo", "arguments": {"sentinel": id}
        }});
        self.send(call.to_string().as_bytes());
        let quoted = format!("\"{id}\"");
        self.output.wait_until(|lines| lines.iter().any(|line| line.contains(&quoted)), DEADLINE);
    }

    /// Lines of output, ledger and audit log there are.
    fn totals(&self) -> [usize; 3] {
        [self.output.lines().len(), self.file("ledger").len(), self.file("audit.jsonl").len()]
    }

    fn file(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.site.path().join(name)
    }

    /// What came since the last look: answers, executed calls, and records, the sentinel's left out.
    pub(super) fn news(&mut self) -> News {
        let is_news = |line: &String| !line.contains("sentinel-") && !line.trim().is_empty();
        let answers = self.output.lines().into_iter().skip(self.seen[0]).filter(is_news).collect();
        let executed = self.file("ledger").into_iter().skip(self.seen[1]).filter(is_news).collect();
        let records = self.file("audit.jsonl").into_iter().skip(self.seen[2]).filter(is_news);
        let records = records.map(|line| serde_json::from_str(&line).unwrap()).collect();
        self.seen = self.totals();
        News { answers, executed, records }
    }

    /// Tries one case.
    pub(super) fn try_case(&mut self, number: usize, case: &Case) -> Result<(), String> {
        let id = (1000 + number).to_string();
        let at = |line: &[u8]| -> Vec<u8> {
            line.iter()
                .flat_map(|byte| if *byte == b'@' { id.as_bytes().to_vec() } else { vec![*byte] })
                .collect()
        };
        self.send(&at(&case.line));
        self.settle();
        let news = self.news();
        news.check(case.expect).map_err(|what| format!("{what}; {news:.400?}"))
    }

    /// Closes the session; the calls the server executed, all of them.
    pub(super) fn end(mut self) -> Vec<String> {
        drop(self.stdin.take());
        let status = self.child.wait().unwrap();
        assert!(status.success(), "the server ended with {status}");
        self.file("ledger")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Of the calls a ledger holds, those the policy forbids by name or by resource.
pub(super) fn forbidden_of(executed: &[String]) -> Vec<String> {
    let is_forbidden = |line: &&String| {
        let call: Value = serde_json::from_str(line).unwrap();
        let name = call[0].as_str().unwrap().to_lowercase();
        let reads = name == "resources/read" && call[1].as_str().unwrap().to_lowercase().contains("etc");
        // The look-alikes of the cases, too: whatever is not `echo` was not asked for.
        reads || (name != "echo" && name != "resources/read")
    };
    executed.iter().filter(is_forbidden).cloned().collect()
}

/// What came of a case.
#[derive(Debug)]
pub(super) struct News {
    pub(super) answers: Vec<String>,
    pub(super) executed: Vec<String>,
    pub(super) records: Vec<Value>,
}

impl News {
    pub(super) fn check(&self, expect: Expect) -> Result<(), String> {
        match expect {
            Expect::Refused(code, reason) => {
                self.nothing_executed()?;
                self.error(code)?;
                self.record("block", reason)
            }
            Expect::Denied => {
                self.nothing_executed()?;
                self.error(40301)?;
                self.record("block", "policy")
            }
            Expect::Dropped(reason) => {
                self.nothing_executed()?;
                if !self.answers.is_empty() {
                    return Err("something was answered".to_owned());
                }
                self.record("block", reason)
            }
            Expect::Executed => {
                let [call] = self.executed.as_slice() else {
                    return Err("it was not executed once".to_owned());
                };
                if !call.contains("echo") {
                    return Err("something else was executed".to_owned());
                }
                self.passed()?;
                if self.answers.is_empty() { Err("its answer did not come".to_owned()) } else { Ok(()) }
            }
            Expect::Passed => self.passed(),
        }
    }

    fn nothing_executed(&self) -> Result<(), String> {
        if self.executed.is_empty() { Ok(()) } else { Err("something was executed".to_owned()) }
    }

    /// Every answer is this error, for the case's id or for none; nothing of the policy is told.
    fn error(&self, code: i64) -> Result<(), String> {
        if self.answers.is_empty() {
            return Err("nothing was answered".to_owned());
        }
        for line in &self.answers {
            let text: Value = serde_json::from_str(line).map_err(|error| format!("{error} in {line}"))?;
            let answers = text.as_array().cloned().unwrap_or_else(|| vec![text]);
            if let Some(other) = answers.iter().find(|answer| answer["error"]["code"] != code) {
                return Err(format!("another answer than {code}: {other}"));
            }
            if line.contains("no-forbidden") || line.contains("no-secret") || line.contains("no-dangerous") {
                return Err("the answer names the rule".to_owned());
            }
        }
        Ok(())
    }

    fn record(&self, action: &str, reason: &str) -> Result<(), String> {
        let fits = |record: &Value| {
            record["action"] == action && record["reason"].as_str().is_some_and(|text| text.contains(reason))
        };
        if self.records.iter().any(fits) {
            Ok(())
        } else {
            Err(format!("no record of {action} for `{reason}`"))
        }
    }

    fn passed(&self) -> Result<(), String> {
        if let Some(blocked) = self.records.iter().find(|record| record["action"] == "block") {
            return Err(format!("blocked: {}", blocked["reason"]));
        }
        let asked =
            self.records.iter().any(|record| record["direction"] == "c2s" && record["action"] == "pass");
        if asked { Ok(()) } else { Err("it did not come through".to_owned()) }
    }
}
