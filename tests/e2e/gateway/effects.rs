//! What tool calls do to the host, in the records of their answers: real servers that do more than they say.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::SOON;
use super::wrapped::{Wrapped, hello};
use crate::support::{
    Agent, Company, Peers, Site, Skipped, agent_binary, eventually, kill, measured, scenario,
};

/// A server, its user's home, and the agent whose records are looked at.
struct Watched {
    wrap: Wrapped,
    home: PathBuf,
    /// Its session in the log.
    session: String,
}

/// An agent that finds new what a tool did not do in its first two calls.
fn agent() -> Agent {
    Agent::start_with("host:\n  effects: on\n  effects-learning: 2\n")
}

/// The same, under a policy that lets everything pass but for what `rest` says.
fn agent_under(site: &Site, rest: &str) -> Agent {
    let policy = site.path().join("policy.yaml");
    let text = format!(
        "version: v1\nmode: enforce\nrules:\n  - {{name: all, action: allow, match: {{methods: ['*']}}}}\n{rest}"
    );
    fs::write(&policy, text).unwrap();
    Agent::start_with(&format!(
        "host:\n  effects: on\n  effects-learning: 2\ngateway:\n  policy: {}\n",
        policy.display()
    ))
}

impl Watched {
    fn start(agent: &Agent, site: &Site) -> Result<Self, Skipped> {
        let home = site.path().join("home");
        fs::create_dir_all(home.join(".ssh")).unwrap();
        fs::write(home.join(".ssh/id_ed25519"), "a key").unwrap();
        fs::create_dir_all(home.join(".cursor")).unwrap();
        fs::write(home.join(".cursor/mcp.json"), r#"{"mcpServers":{}}"#).unwrap();
        let mut program = Command::new(agent_binary());
        program.env("HOME", &home);
        let server = [Peers::python("py2")?, Peers::script("effects_server.py")];
        let mut wrap = Wrapped::of(program, agent, site, &server);
        assert!(wrap.call("initialize", &hello())["result"].is_object());
        wrap.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        let opened = agent.records().into_iter().rfind(|record| record["event"] == "session.opened").unwrap();
        let session = opened["session"].as_str().unwrap().to_owned();
        let mut watched = Self { wrap, home, session };
        // What is loaded at the first call is over with.
        watched.call(agent, "touch", &json!({"path": site.path().join("first")}));
        Ok(watched)
    }

    /// Calls a tool, and gives the record of its answer.
    fn call(&mut self, agent: &Agent, tool: &str, arguments: &Value) -> Value {
        let answer = self.wrap.call("tools/call", &json!({"name": tool, "arguments": arguments}));
        assert_eq!(answer["result"]["isError"], false, "{answer}");
        self.answer(agent, &answer["id"])
    }

    /// The record of the answer `id`. It is there before the answer is.
    fn answer(&self, agent: &Agent, id: &Value) -> Value {
        let is_it = |record: &Value| {
            record["session"] == self.session.as_str() && record["direction"] == "s2c" && &record["id"] == id
        };
        agent.records().into_iter().find(is_it).unwrap_or_else(|| panic!("no record of answer {id}"))
    }

    fn key(&self) -> String {
        self.home.join(".ssh/id_ed25519").to_str().unwrap().to_owned()
    }
}

/// The first effect of `record` that has all members of `wanted`.
fn effect<'r>(record: &'r Value, wanted: &Value) -> Option<&'r Value> {
    let has = |effect: &&Value| wanted.as_object().unwrap().iter().all(|(key, value)| effect[key] == *value);
    record["effects"].as_array().unwrap_or_else(|| panic!("no effects in {record}")).iter().find(has)
}

fn has(record: &Value, wanted: &Value) {
    assert!(effect(record, wanted).is_some(), "{wanted} is not in {record:#}");
}

/// Kinds of findings of effects, with severity and reaction.
fn findings(record: &Value) -> Vec<String> {
    let all = record["findings"].as_array().cloned().unwrap_or_default();
    let own = all.iter().filter(|finding| finding["detector"] == "effects");
    let word = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    own.map(|finding| {
        format!("{} {} {}", word(finding, "type"), word(finding, "severity"), word(finding, "reaction"))
    })
    .collect()
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[test]
fn a_call_that_does_more_than_it_says_is_on_record_with_it() {
    scenario(Company::Shared, || {
        let (agent, site) = (agent(), Site::new());
        let mut server = Watched::start(&agent, &site)?;
        let connect =
            |port: u16| json!({"act": "connect", "addr": format!("127.0.0.1:{port}"), "protocol": "tcp"});
        let read = |path: &str| json!({"act": "open", "path": path, "access": "read", "outcome": "done"});

        // Reads what it was asked to, and phones home.
        let notes = site.path().join("notes.txt");
        fs::write(&notes, "notes").unwrap();
        let (_home, port) = listener();
        let record = server.call(&agent, "read_file", &json!({"path": notes, "port": port}));
        has(&record, &read(notes.to_str().unwrap()));
        has(&record, &connect(port));
        assert_eq!(findings(&record), [""; 0], "it is the first call");
        server.call(&agent, "read_file", &json!({"path": notes, "port": port}));
        let (_elsewhere, other) = listener();
        let phoned = server.call(&agent, "read_file", &json!({"path": notes, "port": other}));
        assert_eq!(findings(&phoned), ["new_destination medium observe"]);
        assert_eq!(effect(&phoned, &connect(other)).unwrap()["odd"], json!(["new_destination"]));
        assert_eq!((&record["tool_name"], &record["kind"]), (&json!("read_file"), &json!("response")));

        // Sends a message, and from some version on a copy of it elsewhere.
        let (_second, copy) = listener();
        for _ in 0..2 {
            let record =
                server.call(&agent, "send_mail", &json!({"text": "hi", "port": port, "second": port}));
            assert_eq!(findings(&record), [""; 0], "{record}");
        }
        let record = server.call(&agent, "send_mail", &json!({"text": "hi", "port": port, "second": copy}));
        has(&record, &connect(port));
        has(&record, &connect(copy));
        assert_eq!(findings(&record), ["new_destination medium observe"]);
        assert_eq!(effect(&record, &connect(port)).unwrap()["odd"], Value::Null);

        // Starts a shell. What it is given is not written down where it is a secret.
        let token = ["ghp_", "Zk3vQ9xLm2Tn8RbY5wHc", "7JdFs4GpAe6UiKo1"].concat();
        let record = server.call(&agent, "shell", &json!({"argument": format!("--token={token}")}));
        let run = effect(&record, &json!({"act": "exec", "path": "/bin/sh"})).unwrap();
        assert_eq!(run["argv"][2], "echo hidden", "{run}");
        assert!(!record.to_string().contains(&token), "{record}");
        assert!(run["argv"][3].as_str().unwrap().contains("<GITHUB_TOKEN>"), "{run}");

        // Reads the key: itself, by a grandchild, by io_uring.
        let record = server.call(&agent, "key", &json!({}));
        has(&record, &read(&server.key()));
        assert_eq!(findings(&record), ["sensitive_read high observe"]);
        let again = server.call(&agent, "key", &json!({}));
        assert_eq!(findings(&again), ["sensitive_read medium observe"], "it is known, and no better");
        let record = server.call(&agent, "key_of_grandchild", &json!({}));
        has(&record, &read(&server.key()));
        assert_eq!(findings(&record), ["sensitive_read high observe"]);
        let record = server.call(&agent, "key_by_io_uring", &json!({}));
        has(&record, &json!({"act": "open", "path": server.key(), "outcome": "asked"}));
        assert_eq!(findings(&record), ["sensitive_read high observe"]);
        assert!(record["effects_lost"].is_null(), "{record}");

        // Writes into another client's configuration: in the place of the file, and by a grandchild.
        for tool in ["configure", "configure_by_grandchild"] {
            let record = server.call(&agent, tool, &json!({"command": "/bin/evil"}));
            let found = findings(&record);
            assert!(found.contains(&"sensitive_write critical observe".to_owned()), "{found:?} {record:#}");
        }
        assert_eq!(server.wrap.close(), Some(0));
        Ok(())
    });
}

#[test]
fn what_is_done_after_the_answer_is_an_event_and_names_the_call_before() {
    scenario(Company::Shared, || {
        let (agent, site) = (agent(), Site::new());
        let mut server = Watched::start(&agent, &site)?;
        let gate = site.path().join("gate");
        nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let record = server.call(&agent, "key_later", &json!({"gate": gate}));
        let read = json!({"act": "open", "path": server.key()});
        assert_eq!(effect(&record, &read), None, "{record}");
        // Opens when the reader is there.
        drop(fs::File::options().write(true).open(&gate).unwrap());
        let event = eventually("what was done later is on record", SOON, || {
            agent
                .records()
                .into_iter()
                .find(|record| record["event"] == "server.effects" && effect(record, &read).is_some())
        });
        assert_eq!((&event["after"], &event["call"]), (&record["answers"], &Value::Null), "{event}");
        assert_eq!(findings(&event), ["sensitive_read high observe"], "{event}");
        assert_eq!(
            (&event["session"], &event["server"]),
            (&json!(server.session), &record["server"]),
            "{event}"
        );

        // A call that nobody answers: the server ends in it. What it did is told before the session's end is.
        let (_listener, port) = listener();
        let held = site.path().join("held");
        nix::unistd::mkfifo(&held, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let arguments = json!({"path": held, "port": port});
        server.wrap.ask("tools/call", &json!({"name": "read_file", "arguments": arguments}));
        let mut writer = fs::File::options().write(true).open(&held).unwrap();
        writer.write_all(b"x").unwrap();
        // It has the file open, and waits for the rest of it.
        eventually("the server reads", SOON, || {
            (rustix::io::ioctl_fionread(&writer).unwrap() == 0).then_some(())
        });
        kill(server.wrap.pid(), Signal::SIGKILL);
        eventually("the session is over", SOON, || {
            agent.records().iter().any(|record| record["event"] == "session.closed").then_some(())
        });
        drop(writer);
        let all = agent.records();
        let place = |wanted: &dyn Fn(&Value) -> bool| all.iter().position(wanted);
        let open = json!({"act": "open", "path": held});
        let told = place(&|record| {
            record["event"] == "server.effects"
                && record["call"].is_string()
                && effect(record, &open).is_some()
        });
        let closed = place(&|record| record["event"] == "session.closed");
        assert!(told.is_some() && told < closed, "{told:?} {closed:?} {:#?}", all.last());
        Ok(())
    });
}

#[test]
fn every_effect_is_given_to_the_call_that_had_it_and_to_no_other_server() {
    const CALLS: usize = 300;
    scenario(Company::Alone, || {
        let agent = agent();
        let sites = [Site::new(), Site::new()];
        let [mut one, mut other] = [Watched::start(&agent, &sites[0])?, Watched::start(&agent, &sites[1])?];
        let path = |site: &Site, number: usize| site.path().join(format!("file-{number}"));
        let opened = |record: &Value| -> BTreeSet<String> {
            let effects = record["effects"].as_array().unwrap_or_else(|| panic!("{record}"));
            effects.iter().map(|effect| effect["path"].as_str().unwrap_or_default().to_owned()).collect()
        };
        let name = |path: &Path| path.to_str().unwrap().to_owned();

        // One after the other: each has its own and nothing else.
        for number in 0..CALLS {
            let path = path(&sites[0], number);
            one.wrap.call("tools/call", &json!({"name": "touch", "arguments": {"path": path}}));
        }
        let all = agent.records();
        let of = |session: &str, all: &[Value]| -> Vec<Value> {
            let is_answer = |record: &&Value| {
                record["session"] == session && record["tool_name"] == "touch" && record["direction"] == "s2c"
            };
            all.iter().filter(is_answer).cloned().collect()
        };
        // The first was `first`.
        let serial = of(&one.session, &all);
        assert_eq!(serial.len(), CALLS + 1);
        for (number, record) in serial.iter().skip(1).enumerate() {
            assert_eq!(opened(record), [name(&path(&sites[0], number))].into(), "call {number}: {record:#}");
            let effect = &record["effects"][0];
            assert!(effect["among"].is_null() && effect["count"].is_null(), "{effect}");
        }

        // Many at once, of two servers: each has at least its own, and nobody has another server's.
        // As many at once as a call has room for the effects of: 64 are listed.
        for first in [CALLS, CALLS + 50] {
            for number in first..first + 50 {
                for (server, site) in [(&mut one, &sites[0]), (&mut other, &sites[1])] {
                    let arguments = json!({"path": path(site, number)});
                    server.wrap.ask("tools/call", &json!({"name": "touch", "arguments": arguments}));
                }
            }
            for _ in 0..50 {
                one.wrap.hear();
                other.wrap.hear();
            }
        }
        let all = agent.records();
        for (server, site, before) in [(&one, &sites[0], CALLS + 1), (&other, &sites[1], 1)] {
            let answers = of(&server.session, &all);
            assert_eq!(answers.len(), before + 100);
            let mut sure = 0;
            for record in answers.iter().skip(before) {
                let asked = all.iter().find(|asked| asked["decision_id"] == record["answers"]).unwrap();
                let own = asked["tool_args"]["path"].as_str().unwrap();
                assert!(opened(record).contains(own), "{own} is not in {record:#}");
                let root = name(site.path());
                assert!(opened(record).iter().all(|path| path.starts_with(&root)), "{root}: {record:#}");
                sure += usize::from(opened(record).len() == 1);
            }
            measured(&format!("{sure} of 100 parallel calls had their effect alone"));
        }
        let lost = all.iter().filter(|record| !record["effects_lost"].is_null()).count();
        assert_eq!(lost, 0);
        assert_eq!((one.wrap.close(), other.wrap.close()), (Some(0), Some(0)));
        Ok(())
    });
}

#[test]
fn nobody_looks_where_nobody_asked_and_nothing_is_degraded() {
    scenario(Company::Shared, || {
        let (agent, site) = (Agent::start(), Site::new());
        let status = agent.status();
        let degraded = status.agent["degraded"].as_array().unwrap();
        assert!(!degraded.iter().any(|what| what.to_string().contains("effects")), "{degraded:?}");
        let hooks = status.agent["hooks"].as_array().unwrap();
        let of_effects: Vec<_> =
            hooks.iter().filter(|hook| hook["name"].as_str().unwrap().ends_with("effects")).collect();
        assert_eq!(of_effects.len(), 3, "{hooks:?}");
        assert!(of_effects.iter().all(|hook| hook["state"] == "skipped"), "{of_effects:?}");
        let mut wrap = Wrapped::start(
            &agent,
            &site,
            &[crate::support::tiny().as_os_str(), "serve".as_ref(), "t".as_ref(), "1".as_ref()],
        );
        wrap.call("initialize", &hello());
        wrap.call("tools/call", &json!({"name": "echo", "arguments": {}}));
        assert_eq!(wrap.close(), Some(0));
        assert!(agent.records().iter().all(|record| record["effects"].is_null()));
        Ok(())
    });
}

#[test]
fn what_is_usual_is_known_over_restarts_until_it_is_reset() {
    scenario(Company::Shared, || {
        let (mut agent, site) = (agent(), Site::new());
        let mut server = Watched::start(&agent, &site)?;
        let quiet = |site: &Site, name: &str| json!({"path": site.path().join(name)});
        server.call(&agent, "shell", &json!({"argument": "x"}));
        server.call(&agent, "shell", &json!({"argument": "x"}));
        let record = server.call(&agent, "shell", &json!({"argument": "x"}));
        assert_eq!(findings(&record), [""; 0]);
        assert_eq!(server.wrap.close(), Some(0));
        agent.stop();
        agent.restart();
        let mut server = Watched::start(&agent, &site)?;
        let record = server.call(&agent, "shell", &json!({"argument": "x"}));
        assert_eq!(findings(&record), [""; 0], "it is known from before");
        let (_listener, port) = listener();
        let notes = site.path().join("notes.txt");
        fs::write(&notes, "notes").unwrap();
        for _ in 0..2 {
            server.call(&agent, "read_file", &json!({"path": notes, "port": port}));
        }
        let name = record["server"].as_str().unwrap();
        let run = |arguments: &[&str]| String::from_utf8(agent.cli(arguments).stdout).unwrap();
        let shown = eventually("it is kept", SOON, || {
            let shown = run(&["effects", "show", name, "--json"]);
            shown.contains(&format!("tcp:127.0.0.1:{port}")).then_some(shown)
        });
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let of =
            |name: &str| shown["tools"].as_array().unwrap().iter().find(|tool| tool["tool"] == name).unwrap();
        assert_eq!(of("shell")["programs"], json!(["/bin/sh"]));
        assert!(run(&["effects", "reset", name]).contains("forgotten"));
        eventually("it is forgotten", SOON, || {
            // Somebody has to look whether it was reset.
            server.call(&agent, "touch", &quiet(&site, "c"));
            let listed: Value = serde_json::from_str(&run(&["effects", "list", "--json"])).unwrap();
            (listed["servers"][0]["generation"] == 1 && !run(&["effects", "show", name]).contains("shell"))
                .then_some(())
        });
        assert_eq!(server.wrap.close(), Some(0));
        Ok(())
    });
}

#[test]
fn what_policy_does_not_allow_is_withheld_from_the_client() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let agent = agent_under(
            &site,
            "detectors: {effects: {kinds: {sensitive_write: deny}}}\n\
             effects: {mode: enforce, action: deny, prevent: false, open: {deny: ['*/.ssh/*']}}\n",
        );
        let mut server = Watched::start(&agent, &site)?;
        let refused = |server: &mut Watched, tool: &str, arguments: &Value, code: i64| {
            let answer = server.wrap.call("tools/call", &json!({"name": tool, "arguments": arguments}));
            assert_eq!(answer["error"]["code"], code, "{answer}");
            assert!(!answer.to_string().contains("configured"), "{answer}");
            server.answer(&agent, &answer["id"])
        };
        for _ in 0..2 {
            let record = refused(&mut server, "configure", &json!({"command": "/bin/evil"}), 40302);
            assert_eq!(record["reason"], "detector: effects: sensitive_write", "{record}");
            let found = findings(&record);
            // What is refused is not learned: it is as bad the second time.
            assert!(found.contains(&"sensitive_write critical deny".to_owned()), "{found:?}");
        }
        let record = refused(&mut server, "key", &json!({}), 40301);
        assert_eq!((&record["reason"], &record["action"]), (&json!("policy: effects.open"), &json!("block")));
        let open = effect(&record, &json!({"act": "open", "path": server.key()})).unwrap();
        assert_eq!(open["rule"], "effects.open");
        assert!(findings(&record).contains(&"not_allowed high deny".to_owned()), "{record}");
        // The session goes on.
        server.call(&agent, "touch", &json!({"path": site.path().join("after")}));
        assert_eq!(server.wrap.close(), Some(0));
        Ok(())
    });
}

#[test]
fn a_server_is_ended_with_all_it_started_where_policy_says_so() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let agent = agent_under(
            &site,
            "effects: {mode: enforce, action: kill, prevent: false, open: {deny: ['*/.ssh/*']}}\n",
        );
        let mut server = Watched::start(&agent, &site)?;
        let gate = site.path().join("gate");
        nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
        server.call(&agent, "key_later", &json!({"gate": gate}));
        // It was answered, and nobody asks anything: it ends all the same.
        drop(fs::File::options().write(true).open(&gate).unwrap());
        assert_ne!(server.wrap.wait().code(), Some(0));
        let event = eventually("it is on record", SOON, || {
            agent.records().into_iter().find(|record| record["event"] == "server.killed")
        });
        assert_eq!((&event["rule"], &event["session"]), (&json!("effects.open"), &json!(server.session)));
        assert!(event["processes"].as_u64().unwrap() >= 1 && event["incomplete"].is_null(), "{event}");
        Ok(())
    });
}

/// A server that wraps another for every call, and answers with that wrap's exit code.
const WRAPS: &str = r#"read line; echo '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}}'
while read line; do
    { : | "$0" wrap --name other -- cat "$1" 2>/dev/null; echo $? >"$2"; } | cat >/dev/null
    echo "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[],\"code\":$(cat "$2")}}"
done"#;

#[test]
fn a_server_within_a_server_stays_the_outer_ones_doing() {
    scenario(Company::Shared, || {
        for (is_held, code) in [(true, 123), (false, 0)] {
            let site = Site::new();
            let secret = site.path().join("secret");
            fs::write(&secret, "a secret").unwrap();
            let agent = if is_held { agent_under(&site, "") } else { agent() };
            let words = [OsStr::new("sh"), OsStr::new("-c"), OsStr::new(WRAPS)];
            let [said, program] = [site.path().join("code"), agent_binary()];
            let more = [program.as_os_str(), secret.as_os_str(), said.as_os_str()];
            let mut wrap = Wrapped::start(&agent, &site, &[&words[..], &more[..]].concat());
            assert!(wrap.call("initialize", &hello())["result"].is_object());
            let answer = wrap.call("tools/call", &json!({"name": "nest", "arguments": {}}));
            assert_eq!(answer["result"]["code"], code, "{answer}");
            // Nobody else is blamed: what was done is in the call that did it, where it could be done.
            let all = agent.records();
            let call =
                all.iter().find(|record| record["tool_name"] == "nest" && record["direction"] == "s2c");
            let opened = effect(call.expect("it is on record"), &json!({"act": "open", "path": secret}));
            assert_eq!(opened.is_some(), !is_held, "{call:?}");
            let others =
                |record: &&Value| record["server"] == "other" && record.to_string().contains("secret");
            assert_eq!(all.iter().find(others), None);
        }
        Ok(())
    });
}
