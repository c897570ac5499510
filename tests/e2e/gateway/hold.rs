//! Calls that policy holds: real servers execute what an operator approves, once, and nothing else.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::wrapped::{self, Wrapped};
use super::{NOBODY, SOON};
use crate::support::{Agent, Company, Peers, Site, Skipped, agent_binary, eventually, scenario};

const POLICY: &str = "version: v1
mode: enforce
rules:
  - {name: ask-first, action: hold, match: {methods: [tools/call], tools: [forbidden]}}
  - {name: rest, action: allow, match: {methods: ['*']}}
";

/// An agent with a policy that holds, and a session with a server that writes what it executes into a ledger.
struct Desk {
    agent: Agent,
    site: Site,
    wrap: Wrapped,
    ledger: PathBuf,
}

impl Desk {
    fn new(admin: &str, options: &str, environment: &str, script: &str) -> Result<Self, Skipped> {
        let site = Site::new();
        let policy = site.path().join("policy.yaml");
        fs::write(&policy, POLICY).unwrap();
        let agent = Agent::start_with(&format!("{admin}gateway:\n  policy: {}\n{options}", policy.display()));
        let ledger = site.path().join("ledger");
        let program = Command::new(agent_binary());
        let server: [OsString; 4] =
            [Peers::python(environment)?, Peers::script(script), ledger.clone().into(), "stdio".into()];
        let mut wrap = Wrapped::of(program, &agent, &site, &server);
        assert!(wrap.call("initialize", &wrapped::hello())["result"].is_object());
        wrap.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        Ok(Self { agent, site, wrap, ledger })
    }

    fn ask(&mut self, text: &str) -> usize {
        self.wrap.ask("tools/call", &json!({"name": "forbidden", "arguments": {"text": text}}))
    }

    fn list(&self) -> Vec<Value> {
        let output = self.agent.cli(&["hold", "list", "--json"]);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The one that waits.
    fn held(&self) -> Value {
        eventually("a call waits", SOON, || self.list().pop())
    }

    fn decide(&self, word: &str, id: &Value) -> (bool, String) {
        let output = self.agent.cli(&["hold", word, id.as_str().expect("a text")]);
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn executed(&self) -> String {
        fs::read_to_string(&self.ledger).unwrap_or_default()
    }
}

fn one_is_executed_and_one_is_not(environment: &str, script: &str) -> Result<(), Skipped> {
    let mut desk = Desk::new("", "", environment, script)?;
    let approved = desk.ask("approved");
    let held = desk.held();
    assert_eq!((&held["target"], &held["rule"]), (&json!("forbidden"), &json!("ask-first")), "{held}");
    assert_eq!(held["arguments"], r#"{"text":"approved"}"#, "{held}");
    assert!(desk.wrap.call("ping", &json!({}))["result"].is_object(), "others do not wait");
    assert_eq!(desk.agent.status().gateway["holds"]["waiting"], 1);
    assert!(desk.agent.scrape().lines().any(|line| line == "mcpgw_held_messages 1"));
    assert_eq!(desk.executed(), "", "nothing is executed before its time");
    assert_eq!(desk.decide("approve", &held["id"]), (true, String::new()));
    let answer = desk.wrap.hear();
    assert_eq!(answer["id"], approved, "{answer}");
    assert!(answer["result"].is_object(), "{answer}");
    let again = desk.decide("approve", &held["id"]);
    assert!(!again.0 && again.1.contains("no message of this id waits"), "{again:?}");

    let denied = desk.ask("denied");
    let held = desk.held();
    assert_eq!(desk.decide("deny", &held["id"]), (true, String::new()));
    let answer = desk.wrap.hear();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(denied), &json!(40304)), "{answer}");
    // The server has read all there was by now.
    assert!(desk.wrap.call("tools/list", &json!({}))["result"].is_object());
    assert_eq!(desk.executed(), "[\"forbidden\", {\"text\": \"approved\"}]\n", "once, and nothing else");
    let scrape = desk.agent.scrape();
    for line in [
        "mcpgw_held_messages 0",
        r#"mcpgw_hold_outcomes_total{outcome="approved"} 1"#,
        r#"mcpgw_hold_outcomes_total{outcome="denied"} 1"#,
    ] {
        assert!(scrape.lines().any(|found| found == line), "{line} is not in\n{scrape}");
    }
    let records = desk.agent.records();
    let of_holds: Vec<Value> = records.into_iter().filter(|record| record["hold"].is_string()).collect();
    let words: Vec<_> = of_holds.iter().map(|record| (&record["action"], &record["hold"])).collect();
    let word = |action: &str, hold: &str| (json!(action), json!(hold));
    let expected =
        [word("hold", "waits"), word("pass", "approved"), word("hold", "waits"), word("block", "denied")];
    assert_eq!(words, expected.iter().map(|(action, hold)| (action, hold)).collect::<Vec<_>>());
    for pair in of_holds.chunks(2) {
        assert_eq!(pair[1]["held"], pair[0]["decision_id"]);
        assert_eq!(pair[1]["decided_by"], nix::unistd::geteuid().as_raw());
    }
    assert_eq!(desk.wrap.close(), Some(0));
    Ok(())
}

#[test]
fn python_1_executes_what_is_approved_once() {
    scenario(Company::Shared, || one_is_executed_and_one_is_not("py1", "ledger_server_v1.py"));
}

#[test]
fn python_2_executes_what_is_approved_once() {
    scenario(Company::Shared, || one_is_executed_and_one_is_not("py2", "ledger_server_v2.py"));
}

#[test]
fn time_runs_out_and_ends_of_sessions_end_waiting() {
    scenario(Company::Shared, || {
        let mut desk = Desk::new("", "  hold-timeout: 1s\n", "py1", "ledger_server_v1.py")?;
        let late = desk.ask("late");
        let answer = desk.wrap.hear();
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(late), &json!(40304)), "{answer}");
        assert_eq!(desk.agent.status().gateway["holds"]["timed_out"], 1);

        let mut desk = Desk::new("", "", "py1", "ledger_server_v1.py")?;
        desk.ask("never");
        let held = desk.held();
        assert_eq!(desk.wrap.close(), Some(0), "the end does not wait for anybody");
        eventually("nothing waits", SOON, || desk.list().is_empty().then_some(()));
        assert!(!desk.decide("approve", &held["id"]).0);
        assert_eq!(desk.agent.status().gateway["holds"]["ended"], 1);
        assert_eq!(desk.executed(), "");
        Ok(())
    });
}

#[test]
fn only_an_operator_sees_and_decides() {
    scenario(Company::Shared, || {
        let group = "  socket-group: nogroup\n";
        let mut desk = Desk::new(group, "", "py1", "ledger_server_v1.py")?;
        desk.ask("secret");
        let held = desk.held();
        let program = super::reachable(&desk.site);
        for arguments in [&["list"][..], &["approve", held["id"].as_str().expect("a text")]] {
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid",
                &NOBODY.to_string(),
                "--regid",
                &NOBODY.to_string(),
                "--clear-groups",
                "--",
            ]);
            command.arg(&program).arg("hold").args(arguments);
            let output = command.env("MCPGW_RUNTIME_DIR", desk.agent.runtime_dir()).output().unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && errors.contains("only root"), "{output:?}");
            assert!(!String::from_utf8_lossy(&output.stdout).contains("secret"));
        }
        assert_eq!(desk.list().len(), 1, "it still waits");
        assert_eq!(desk.executed(), "");
        Ok(())
    });
}
