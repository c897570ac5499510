//! Real servers that say what they should not, behind `wrap`: what the client gets, what the server is told, what is on
//! record.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::says::{CARD, PLACEHOLDER, POISONED, SHIPPED, TOOLS, halves, says, token};
use crate::sdk::{peers_dir, request, scripts, skipped};
use crate::support::{Peer, wrapped_with};

/// Everything by rule, and a reaction for each kind of finding.
const OWN: &str = "version: v1
mode: enforce
rules: [{name: all, action: allow, match: {methods: ['*']}}]
detectors:
  secrets: redact
  pii: {action: observe, kinds: {credit_card: redact}}
  injection: deny
  poisoning: deny
  destructive: hold
";

/// A server and what belongs to it.
struct Site {
    name: &'static str,
    program: OsString,
    script: OsString,
    dir: tempfile::TempDir,
}

impl Site {
    fn new(name: &'static str, program: OsString, script: OsString, policy: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("says.json"), says().to_string()).unwrap();
        fs::write(dir.path().join("policy.yaml"), policy).unwrap();
        fs::create_dir(dir.path().join("log")).unwrap();
        Self { name, program, script, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn wrapped(&self) -> Command {
        let (policy, log) = (self.path("policy.yaml"), self.path("log/audit.jsonl"));
        let server = [
            &self.program,
            &self.script,
            self.path("ledger").as_os_str(),
            self.path("says.json").as_os_str(),
            "stdio".as_ref(),
        ]
        .map(OsString::from);
        wrapped_with([Path::new("--policy"), &policy, Path::new("--audit-log"), &log], server)
    }

    /// What the server was told: each call's tool and arguments, and what became of its own requests.
    fn told(&self) -> Vec<(String, Value)> {
        let text = fs::read_to_string(self.path("ledger")).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|line| (line[0].as_str().unwrap().to_owned(), line[1].clone())).collect()
    }

    /// All that was logged, in whatever file.
    fn logged(&self) -> String {
        let files = fs::read_dir(self.path("log")).unwrap();
        files
            .map(|file| String::from_utf8_lossy(&fs::read(file.unwrap().path()).unwrap()).into_owned())
            .collect()
    }

    fn records(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("log/audit.jsonl")).unwrap();
        let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        records.filter(|record| record.get("direction").is_some()).collect()
    }
}

/// All servers there are, under `policy`.
fn sites(policy: &str) -> Vec<Site> {
    let peers = peers_dir();
    let python = |environment: &str| peers.join(environment).join("bin/python");
    let module = peers.join("drivers/said_server.mjs");
    let mut all = Vec::new();
    for (name, needs, program, script) in [
        ("py1", python("py1"), python("py1").into_os_string(), scripts().join("said_server_v1.py")),
        ("py2", python("py2"), python("py2").into_os_string(), scripts().join("said_server_v2.py")),
        ("ts", peers.join("node_modules/@modelcontextprotocol/sdk"), "node".into(), module),
    ] {
        if !needs.exists() {
            skipped(name, &needs);
            continue;
        }
        if name == "ts" {
            crate::sdk::copied("said_server.mjs");
        }
        all.push(Site::new(name, program, script.into_os_string(), policy));
    }
    all
}

/// A client that answers what it is asked, and keeps all it hears.
struct Client {
    peer: Peer,
    heard: Vec<String>,
    asked: u32,
}

impl Client {
    fn open(command: Command) -> Self {
        let mut client = Self { peer: Peer::start(command), heard: Vec::new(), asked: 0 };
        let hello = json!({
            "protocolVersion": "2025-06-18",
            "capabilities": {"elicitation": {}, "sampling": {}},
            "clientInfo": {"name": "t", "version": "1"},
        });
        let answer = client.ask("initialize", &hello);
        assert_eq!(answer["result"]["protocolVersion"], "2025-06-18", "{answer}");
        client.peer.send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
        client
    }

    /// The answer to a request.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let line = request(self.asked, method, params);
        self.ask_line(&line)
    }

    fn ask_line(&mut self, line: &str) -> Value {
        self.peer.send(&format!("{line}\n"));
        let id = serde_json::from_str::<Value>(line).unwrap()["id"].clone();
        loop {
            let line = self.peer.line();
            assert!(!line.is_empty(), "the output ended before {id} was answered; heard: {:?}", self.heard);
            self.heard.push(line.clone());
            let message: Value = serde_json::from_str(&line).unwrap();
            let result = match message["method"].as_str() {
                None if message["id"] == id => return message,
                Some("elicitation/create") => json!({"action": "decline"}),
                Some("sampling/createMessage") => {
                    json!({"role": "assistant", "content": {"type": "text", "text": "yes"}, "model": "m"})
                }
                None | Some(_) => continue,
            };
            let answer = json!({"jsonrpc": "2.0", "id": message["id"], "result": result});
            self.peer.send(&format!("{answer}\n"));
        }
    }

    fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.ask("tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    /// Everything a client does with these servers, by what was done; and a `\u`-escaped secret of its own.
    fn everything(&mut self) -> Vec<(&'static str, Value)> {
        let mut answers = vec![("list", self.ask("tools/list", &json!({})))];
        for tool in TOOLS {
            answers.push((tool, self.call(tool, &json!({}))));
        }
        for (name, uri) in [("notes", "file:///notes.txt"), ("plain", "file:///plain.txt")] {
            answers.push((name, self.ask("resources/read", &json!({"uri": uri}))));
        }
        answers.push(("greet", self.ask("prompts/get", &json!({"name": "greet"}))));
        answers.push(("greet plainly", self.ask("prompts/get", &json!({"name": "plain"}))));
        answers.push((
            "send",
            self.call("send", &json!({"key": token(), "list": [{"a": format!("x {} y", token())}]})),
        ));
        let spelled: String = token().chars().map(|letter| format!("\\u{:04x}", u32::from(letter))).collect();
        self.asked += 1;
        let line = request(self.asked, "tools/call", &json!({"name": "spelled", "arguments": {"key": "@"}}));
        answers.push(("spelled", self.ask_line(&line.replace('@', &spelled))));
        let drop = json!({"sql": "DROP TABLE customers;"});
        answers.push(("destroy", self.call("destroy", &drop)));
        answers
    }
}

fn of<'a>(answers: &'a [(&'static str, Value)], name: &str) -> &'a Value {
    &answers.iter().find(|(other, _)| *other == name).unwrap().1
}

fn no_secret(text: &str, what: &str) {
    let [first, second] = halves();
    for secret in [&*first, &*second, CARD, "4111111111111111"] {
        assert!(!text.contains(secret), "{what}: {text}");
    }
}

/// What the client got of everything.
fn is_safe(name: &str, answers: &[(&'static str, Value)]) {
    let listed = &of(answers, "list")["result"]["tools"];
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, TOOLS, "{name}");
    let leak = &of(answers, "leak")["result"];
    assert_eq!(
        leak["content"][0]["text"],
        format!("the key is {PLACEHOLDER}, \"keep\" it\n"),
        "{name}: {leak}"
    );
    assert_eq!(leak["content"][1]["resource"]["text"], format!("token: {PLACEHOLDER}"), "{name}: {leak}");
    assert_eq!(
        leak["structuredContent"],
        json!({"config": {"github": [{"key": PLACEHOLDER}], "n": 1}}),
        "{name}"
    );
    assert_eq!(of(answers, "base64")["result"]["content"][0]["text"], PLACEHOLDER, "{name}");
    let split = &of(answers, "split")["result"]["content"];
    assert_eq!(split[0]["text"], format!("use {PLACEHOLDER}"), "{name}: {split}");
    assert_eq!(split[1]["text"], format!("{PLACEHOLDER} for it"), "{name}: {split}");
    let personal = &of(answers, "personal")["result"]["content"][0]["text"];
    assert_eq!(*personal, "card number <CREDIT_CARD>, mail joe@contoso.org", "{name}");
    for refused in ["injected", "fails", "notes", "greet"] {
        assert_eq!(
            of(answers, refused)["error"]["code"],
            40302,
            "{name}: {refused}: {}",
            of(answers, refused)
        );
    }
    for executed in ["logs", "asks", "samples", "send", "spelled"] {
        let text = &of(answers, executed)["result"]["content"][0]["text"];
        assert_eq!(*text, format!("executed {executed}"), "{name}: {}", of(answers, executed));
    }
    assert_eq!(of(answers, "plain")["result"]["contents"][0]["text"], "plain", "{name}");
    assert_eq!(of(answers, "greet plainly")["result"]["messages"][0]["content"]["text"], "plain", "{name}");
    // Nobody is there to be asked.
    assert!(of(answers, "destroy").get("error").is_some(), "{name}: {}", of(answers, "destroy"));
}

#[test]
fn what_servers_say_reaches_the_client_only_as_policy_says() {
    for policy in [OWN, SHIPPED] {
        for site in sites(policy) {
            let name = site.name;
            let mut client = Client::open(site.wrapped());
            let answers = client.everything();
            is_safe(name, &answers);
            drop(client.peer.stdin.take());
            assert_eq!(client.peer.code(), 0, "{name}");
            let heard = client.heard.join("\n");
            no_secret(&heard, name);
            assert!(!heard.contains("gnore all previous") && !heard.contains(POISONED), "{name}: {heard}");
            let told = site.told();
            let of = |tool: &str| told.iter().find(|(other, _)| other == tool).map(|(_, told)| told.clone());
            assert_eq!(
                of("send"),
                Some(json!({"key": PLACEHOLDER, "list": [{"a": format!("x {PLACEHOLDER} y")}]})),
                "{name}"
            );
            assert_eq!(of("spelled"), Some(json!({"key": PLACEHOLDER})), "{name}");
            // What the server asked in vain it was told.
            assert_eq!((of("ask"), of("sample")), (Some(json!("40302")), Some(json!("40302"))), "{name}");
            assert_eq!(of("destroy"), None, "{name}");
            no_secret(&site.logged(), name);
            let records = site.records();
            let found = |detector: &str, action: &str| {
                records.iter().any(|record| {
                    let findings = record["findings"].as_array();
                    record["action"] == action
                        && findings.is_some_and(|all| all.iter().any(|one| one["detector"] == detector))
                })
            };
            for (detector, action) in
                [("secrets", "redact"), ("pii", "redact"), ("injection", "block"), ("poisoning", "redact")]
            {
                assert!(found(detector, action), "{name}: {detector} {action}: {records:?}");
            }
        }
    }
}

#[test]
fn where_policy_only_observes_all_of_it_passes_and_the_record_says_what_would_have_been() {
    for site in sites(&OWN.replace("mode: enforce", "mode: observe")) {
        let name = site.name;
        let mut client = Client::open(site.wrapped());
        let answers = client.everything();
        drop(client.peer.stdin.take());
        assert_eq!(client.peer.code(), 0, "{name}");
        assert_eq!(
            of(&answers, "list")["result"]["tools"].as_array().unwrap().len(),
            TOOLS.len() + 1,
            "{name}"
        );
        let leak = &of(&answers, "leak")["result"];
        assert_eq!(leak["structuredContent"]["config"]["github"][0]["key"], token(), "{name}");
        assert!(
            answers.iter().all(|(step, answer)| *step == "fails" || answer.get("error").is_none()),
            "{name}: {answers:?}"
        );
        let told = site.told();
        assert!(told.contains(&("ask".to_owned(), json!("answered"))), "{name}: {told:?}");
        assert!(
            told.contains(&("destroy".to_owned(), json!({"sql": "DROP TABLE customers;"}))),
            "{name}: {told:?}"
        );
        // What is not to be written down is not, all the same.
        no_secret(&site.logged(), name);
        let records = site.records();
        for would in ["redact", "block", "hold"] {
            assert!(records.iter().any(|record| record["would"] == would), "{name}: {would}: {records:?}");
        }
        assert!(records.iter().all(|record| record["action"] == "pass"), "{name}: {records:?}");
    }
}

/// Real clients read what is left.
#[test]
fn sdk_clients_read_what_is_left() {
    let peers = peers_dir();
    let python = |environment: &str| peers.join(environment).join("bin/python");
    crate::sdk::copied("mcp_client.mjs");
    let module = peers.join("drivers/mcp_client.mjs");
    for site in sites(OWN) {
        let clients: [(PathBuf, PathBuf, &[&str]); 4] = [
            (python("py1"), scripts().join("mcp_client_v1.py"), &["stdio"]),
            (python("py2"), scripts().join("mcp_client_v2.py"), &["legacy", "stdio"]),
            (python("py2"), scripts().join("mcp_client_v2.py"), &["auto", "stdio"]),
            ("node".into(), module.clone(), &["stdio"]),
        ];
        for (program, script, arguments) in clients {
            if program.components().count() > 1 && !program.exists() {
                skipped("client", &program);
                continue;
            }
            let wrap = site.wrapped();
            let mut command = Command::new(&program);
            command
                .arg(&script)
                .args(arguments)
                .arg(site.dir.path())
                .arg(wrap.get_program())
                .args(wrap.get_args());
            command.envs(wrap.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let output = command.stdin(Stdio::null()).output().unwrap();
            let text = String::from_utf8_lossy(&output.stderr);
            let facts = text.lines().find_map(|line| line.strip_prefix("READY "));
            let facts: Value =
                serde_json::from_str(facts.unwrap_or_else(|| panic!("{}: {output:?}", site.name))).unwrap();
            let what = format!("{} and {}", site.name, script.display());
            assert_eq!(facts["call"], format!("hello {PLACEHOLDER} there"), "{what}");
            assert_eq!(facts["tools"], TOOLS.len(), "{what}");
        }
        no_secret(&site.logged(), site.name);
    }
}
