//! What the tools of servers behind no gateway do to the host, in the records of their answers.

use std::net::TcpListener;

use super::*;
use crate::client::Client as Poster;
use crate::support::{Process, eventually, reserved_port};

/// A server whose tools do more than they say, as its client's own child.
fn doer(site: &Site) -> Result<Session, Skipped> {
    let home = site.path().join("home");
    fs::create_dir_all(home.join(".ssh")).unwrap();
    fs::write(home.join(".ssh/id_ed25519"), "a key").unwrap();
    let mut command = Command::new(Peers::python("py2")?);
    command.arg(Peers::script("effects_server.py")).env("HOME", home);
    let mut server = Session::start(site, &mut command);
    server.open();
    Ok(server)
}

/// Calls a tool, and gives the record of its answer.
fn call(agent: &Agent, server: &mut Session, tool: &str, arguments: &Value) -> Value {
    let answers = |server: &Session| -> Vec<Value> {
        records(agent, server.pid()).into_iter().filter(|record| is_answer(record, tool)).collect()
    };
    let before = answers(server).len();
    let answer = server.call("tools/call", &json!({"name": tool, "arguments": arguments}));
    assert_eq!(answer["isError"], false, "{answer}");
    eventually("the answer is on record", SOON, || answers(server).into_iter().nth(before))
}

fn has(record: &Value, wanted: &Value) -> bool {
    let effects = record["effects"].as_array().unwrap_or_else(|| panic!("no effects in {record:#}"));
    let fits = |effect: &Value| wanted.as_object().unwrap().iter().all(|(key, value)| effect[key] == *value);
    effects.iter().any(fits)
}

fn finds(record: &Value, kind: &str) -> bool {
    record["findings"].as_array().is_some_and(|all| all.iter().any(|finding| finding["type"] == kind))
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[test]
fn what_a_call_did_is_in_its_answers_record_and_in_no_other_servers() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let agent = agent(&site, "  observe: messages\n  effects: on\n");
        let (mut one, mut other) = (doer(&site)?, doer(&site)?);
        for server in [&one, &other] {
            wait_followed(&agent, &site, server.pid());
        }
        let notes = site.path().join("notes.txt");
        fs::write(&notes, "notes").unwrap();
        let (_home, port) = listener();
        let read = json!({"act": "open", "path": notes, "access": "read", "outcome": "done"});
        let connect = json!({"act": "connect", "addr": format!("127.0.0.1:{port}"), "protocol": "tcp"});
        let made = |number: usize| site.path().join(format!("made-{number}"));
        let touch = |number| json!({"act": "open", "path": made(number), "access": "write"});
        for number in 0..10 {
            let read_it = call(&agent, &mut one, "read_file", &json!({"path": notes, "port": port}));
            assert!(has(&read_it, &read) && has(&read_it, &connect), "{read_it:#}");
            assert!(!has(&read_it, &touch(number)), "{read_it:#}");
            let touched = call(&agent, &mut other, "touch", &json!({"path": made(number)}));
            assert!(has(&touched, &touch(number)), "{touched:#}");
            assert!(!has(&touched, &read) && !has(&touched, &connect), "{touched:#}");
            assert_eq!((&touched["source"], &touched["effects_lost"]), (&json!("tap"), &Value::Null));
            // Of one server, too, each call has its own.
            let touched = call(&agent, &mut one, "touch", &json!({"path": made(100 + number)}));
            assert!(has(&touched, &touch(100 + number)) && !has(&touched, &connect), "{touched:#}");
        }
        // By a child of a child of the server.
        let key = json!({"act": "open", "path": site.path().join("home/.ssh/id_ed25519")});
        let record_of = call(&agent, &mut one, "key_of_grandchild", &json!({}));
        assert!(has(&record_of, &key), "{record_of:#}");
        assert!(finds(&record_of, "sensitive_read"), "{record_of:#}");

        // After the answer.
        let gate = site.path().join("gate");
        nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let later = call(&agent, &mut one, "key_later", &json!({"gate": gate}));
        assert!(!has(&later, &key), "{later:#}");
        drop(fs::File::options().write(true).open(&gate).unwrap());
        let event = record(&agent, one.pid(), "what was done later", |record| {
            record["event"] == "server.effects" && has(record, &key)
        });
        assert_eq!((&event["after"], &event["session"]), (&later["answers"], &later["session"]), "{event}");
        Ok(())
    });
}

#[test]
fn what_policy_has_against_it_is_on_record_and_the_server_goes_on() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let policy = site.path().join("policy.yaml");
        let text = "version: v1\nmode: enforce\nrules:\n  - {name: all, action: allow, match: {methods: ['*']}}\n\
                    effects: {mode: enforce, action: kill, prevent: false, open: {deny: ['*/.ssh/*']}}\n";
        fs::write(&policy, text).unwrap();
        let settings = "host:\n  observe: messages\n  effects: on\ngateway:\n  policy";
        let agent = Agent::start_with(&format!("{settings}: {}\n", policy.display()));
        let mut server = doer(&site)?;
        wait_followed(&agent, &site, server.pid());
        let refused = call(&agent, &mut server, "key", &json!({}));
        assert_eq!(
            (&refused["action"], &refused["would"], &refused["reason"]),
            (&json!("pass"), &json!("block"), &json!("policy: effects.open")),
            "{refused:#}"
        );
        assert!(finds(&refused, "not_allowed"), "{refused:#}");
        // It lives, and nothing says that it was ended.
        let touched = call(&agent, &mut server, "touch", &json!({"path": site.path().join("after")}));
        assert_eq!((&touched["action"], &touched["would"]), (&json!("pass"), &Value::Null), "{touched:#}");
        let all = records(&agent, server.pid());
        assert!(!all.iter().any(|record| record["event"] == "server.killed"), "{all:#?}");
        Ok(())
    });
}

#[test]
fn what_descends_from_a_server_before_it_is_known_is_its_own() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let agent = agent(&site, "  observe: messages\n  effects: on\n");
        let (gate, notes) = (site.path().join("gate"), site.path().join("notes.txt"));
        fs::write(&notes, "notes").unwrap();
        nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
        // A child that waits, and whose child does something when it is told to.
        let child = "(read line < \"$1\"; (cat \"$2\"; true)) > /dev/null 2>&1 & exec \"$3\" \"$4\"";
        let mut command = Command::new("/bin/sh");
        command.args(["-c", child, "sh"]).args([&gate, &notes]);
        command.args([Peers::python("py2")?, Peers::script("effects_server.py")]);
        let mut server = Session::start(&site, &mut command);
        server.open();
        wait_followed(&agent, &site, server.pid());
        fs::write(&gate, "now\n").unwrap();
        let read = json!({"act": "open", "path": notes});
        record(&agent, server.pid(), "what the child did", |record| {
            record["event"] == "server.effects" && has(record, &read)
        });
        Ok(())
    });
}

#[test]
fn nobody_looks_where_nobody_asked() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let agent = agent(&site, "  observe: messages\n");
        let mut server = doer(&site)?;
        wait_followed(&agent, &site, server.pid());
        let touched = call(&agent, &mut server, "touch", &json!({"path": site.path().join("file")}));
        assert_eq!((&touched["effects"], &touched["effects_noise"]), (&Value::Null, &Value::Null));
        Ok(())
    });
}

/// The server of [`doer`] on a port.
fn on_port(site: &Site) -> Result<Process, Skipped> {
    let home = site.path().join("home");
    fs::create_dir_all(home.join(".ssh")).unwrap();
    fs::write(home.join(".ssh/id_ed25519"), "a key").unwrap();
    let port = reserved_port();
    let command =
        [Peers::python("py2")?, Peers::script("effects_server.py"), "http".into(), port.to_string().into()];
    let mut server = Process::start(site, &command, &[("HOME", home.to_str().unwrap())]);
    assert!(server.listens(port), "the port was free");
    server.port = port;
    Ok(server)
}

/// Calls a tool over HTTP, and gives the record of its answer.
fn post(agent: &Agent, server: u32, client: &Poster, tool: &str, arguments: &Value) -> Value {
    let answers = || -> Vec<Value> {
        records(agent, server).into_iter().filter(|record| is_answer(record, tool)).collect()
    };
    let before = answers().len();
    let answer = client.call(7, tool, arguments);
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    eventually("the answer is on record", SOON, || answers().into_iter().nth(before))
}

#[test]
fn what_clients_of_a_server_on_a_port_have_it_do_is_in_the_records_of_their_answers() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let agent = agent(&site, "  observe: messages\n  effects: on\n");
        let server = on_port(&site)?;
        let pid = server.pid();
        let (one, other) = (Poster::open(&server.address()), Poster::open(&server.address()));
        wait_followed(&agent, &site, pid);
        let made = |name: &str| site.path().join(name);
        let touch = |name: &str| json!({"act": "open", "path": made(name), "access": "write"});
        eventually("it is followed", SOON, || {
            post(&agent, pid, &one, "touch", &json!({"path": made("first")}))["effects"].as_array().map(drop)
        });
        for number in 0..10 {
            for (client, name) in [(&one, format!("a-{number}")), (&other, format!("b-{number}"))] {
                let record = post(&agent, pid, client, "touch", &json!({"path": made(&name)}));
                assert!(has(&record, &touch(&name)), "{record:#}");
                let effects = record["effects"].as_array().unwrap();
                assert!(effects.iter().all(|effect| effect["among"].is_null()), "{record:#}");
                assert_eq!((&record["source"], &record["effects_lost"]), (&json!("tap"), &Value::Null));
            }
        }
        let (gate, held) = (made("gate"), made("held"));
        let (waiting, arguments) = (one.clone(), json!({"gate": gate, "path": held}));
        let waiting = std::thread::spawn(move || waiting.call(8, "hold", &arguments));
        record(&agent, pid, "the call is open", |record| is_call(record, "hold"));
        let second = post(&agent, pid, &other, "touch", &json!({"path": made("between")}));
        let mut shared = touch("between");
        shared["among"] = json!(2);
        assert!(has(&second, &shared), "{second:#}");
        fs::write(&gate, "").unwrap();
        assert_eq!(waiting.join().unwrap()["result"]["isError"], false);
        let first = record(&agent, pid, "its answer", |record| is_answer(record, "hold"));
        assert!(has(&first, &shared) && has(&first, &touch("held")), "{first:#}");
        assert_ne!(first["session"], second["session"]);

        let gate = made("pipe");
        nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let later = post(&agent, pid, &other, "key_later", &json!({"gate": gate}));
        drop(fs::File::options().write(true).open(&gate).unwrap());
        let key = json!({"act": "open", "path": site.path().join("home/.ssh/id_ed25519")});
        let event = record(&agent, pid, "what was done later", |record| {
            record["event"] == "server.effects" && has(record, &key)
        });
        assert_eq!(event["after"], later["answers"], "{event}");
        assert!(event["session"] != first["session"] && event["session"] != second["session"], "{event}");
        Ok(())
    });
}
