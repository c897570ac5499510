//! Servers of sessions that are the agent's, confined as its policy says: files and programs by themselves, connections address
//! by address.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::process::Command;

use serde_json::{Value, json};

use super::SOON;
use super::wrapped::{Wrapped, hello};
use crate::support::{Agent, Company, Peers, Site, Skipped, agent_binary, eventually, scenario, tiny};

/// An agent under a policy with these `effects`.
fn agent(site: &Site, effects: &str) -> Agent {
    agent_with(site, effects, "")
}

fn agent_with(site: &Site, effects: &str, more: &str) -> Agent {
    let policy = site.path().join("policy.yaml");
    let text = format!(
        "version: v1\nmode: enforce\nrules: [{{name: all, action: allow, match: {{methods: ['*']}}}}]\neffects:\n{effects}"
    );
    fs::write(&policy, text).unwrap();
    Agent::start_with(&format!("gateway:\n  policy: {}\n{more}", policy.display()))
}

/// The server whose tools do more than they say, in its user's home.
fn server(agent: &Agent, site: &Site) -> Result<Wrapped, Skipped> {
    let home = site.path().join("home");
    fs::create_dir_all(home.join(".ssh")).unwrap();
    fs::write(home.join(".ssh/id_ed25519"), "a key").unwrap();
    let mut program = Command::new(agent_binary());
    program.env("HOME", &home);
    let server = [Peers::python("py2")?, Peers::script("effects_server.py")];
    let mut wrap = Wrapped::of(program, agent, site, &server);
    assert!(wrap.call("initialize", &hello())["result"].is_object());
    wrap.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    Ok(wrap)
}

/// What a call came to: its text, marked where it is an error.
fn outcome(wrap: &mut Wrapped, tool: &str, arguments: &Value) -> String {
    let answer = wrap.call("tools/call", &json!({"name": tool, "arguments": arguments}));
    let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let error = if answer["result"]["isError"] == true { "error: " } else { "" };
    format!("{error}{text}")
}

fn phone(wrap: &mut Wrapped, way: &str, port: u16) -> String {
    outcome(wrap, "phone", &json!({"way": way, "port": port}))
}

#[test]
fn a_server_connects_where_policy_lets_it_and_nowhere_else() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let (listener, other) =
            (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("[::]:0").unwrap());
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        let [allowed, denied] = [&listener, &other].map(|listener| listener.local_addr().unwrap().port());
        let udp = datagrams.local_addr().unwrap().port();
        let agent = agent(
            &site,
            &format!(
                "  connect: {{allow: ['tcp:127.0.0.1:{allowed}', 'udp:127.0.0.1:{udp}', 'tcp:10.0.0.0/8:{denied}']}}\n"
            ),
        );
        let status = agent.status();
        let hooks = status.agent["hooks"].as_array().unwrap();
        let held = hooks.iter().any(|hook| hook["name"] == "connect-rules" && hook["state"] == "attached");
        assert!(held, "{hooks:?}");
        let left = status.gateway["unprevented"].as_array().unwrap();
        let of_wraps = |left: &&serde_json::Value| !left.as_str().unwrap().contains("`wrap` does not start");
        let left: Vec<_> = left.iter().filter(of_wraps).collect();
        assert!(left.len() == 1 && left[0].as_str().unwrap().contains("`host.effects` is off"), "{left:?}");
        let mut wrap = server(&agent, &site)?;
        for way in ["tcp4", "child-tcp4"] {
            assert_eq!(phone(&mut wrap, way, allowed), "done", "{way}");
            // The port is allowed by itself, but not at this address.
            let refused = phone(&mut wrap, way, denied);
            assert!(refused.contains("Operation not permitted"), "{way}: {refused}");
        }
        for way in ["tcp6", "udp6", "child-tcp6", "child-udp6"] {
            let refused = phone(&mut wrap, way, denied);
            assert!(refused.contains("Operation not permitted"), "{way}: {refused}");
        }
        assert_eq!(phone(&mut wrap, "udp4", udp), "done");
        let refused = phone(&mut wrap, "child-udp4", denied);
        assert!(refused.contains("Operation not permitted"), "{refused}");
        assert_eq!(outcome(&mut wrap, "key_by_io_uring", &json!({})), "errno 1");
        assert_eq!(wrap.close(), Some(0));
        // Nobody else is held.
        std::net::TcpStream::connect(("127.0.0.1", denied)).unwrap();
        Ok(())
    });
}

#[test]
fn a_name_stands_for_the_addresses_it_has() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let agent = agent(&site, &format!("  connect: {{allow: ['localhost:{port}']}}\n"));
        let mut wrap = server(&agent, &site)?;
        // It is looked up while the agent runs.
        eventually("the name is known", SOON, || (phone(&mut wrap, "tcp4", port) == "done").then_some(()));
        let other = TcpListener::bind("127.0.0.2:0").unwrap().local_addr().unwrap().port();
        assert!(phone(&mut wrap, "tcp4", other).contains("denied"), "another port");
        Ok(())
    });
}

#[test]
fn files_and_programs_of_the_agents_sessions_are_prevented_too() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let agent = agent(&site, "  read: {deny: ['~/.ssh/**', '**/.env']}\n  exec: deny\n");
        let left = agent.status().gateway["unprevented"].clone();
        assert!(left.to_string().contains("`read` of `**/.env` is detected only"), "{left}");
        let mut wrap = server(&agent, &site)?;
        let key = site.path().join("home/.ssh/id_ed25519");
        for (act, path) in [("read", key.to_str().unwrap()), ("run", "/bin/sh")] {
            assert_eq!(outcome(&mut wrap, "attempt", &json!({"act": act, "path": path})), "EACCES", "{act}");
        }
        for tool in ["key", "key_of_grandchild"] {
            let failed = outcome(&mut wrap, tool, &json!({}));
            assert!(failed.starts_with("error: "), "{tool}: {failed}");
        }
        let path = site.path().join("server/fresh");
        assert_eq!(outcome(&mut wrap, "touch", &json!({"path": path})), path.to_str().unwrap());
        assert_eq!(wrap.close(), Some(0));
        // A command that is not there ends as it would without.
        let mut missing = Wrapped::start(&agent, &site, &["/no/such/command"]);
        assert_eq!(missing.wait().code(), Some(127));
        let mut tiny_one = Wrapped::start(
            &agent,
            &site,
            &[tiny().as_os_str(), "serve".as_ref(), "t".as_ref(), "1".as_ref()],
        );
        assert!(tiny_one.call("initialize", &hello())["result"].is_object());
        Ok(())
    });
}

#[test]
fn what_sets_a_server_up_is_not_told_as_its_doing() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let effects = "  open: {deny: ['~/.ssh/**']}\n  write: {deny: ['~/.cursor/mcp.json']}\n";
        let effects = effects.replace("open", "read");
        let agent = agent_with(&site, &effects, "host:\n  effects: on\n");
        fs::create_dir_all(site.path().join("home/.aws")).unwrap();
        let mut wrap = server(&agent, &site)?;
        let path = site.path().join("server/fresh");
        assert_eq!(outcome(&mut wrap, "touch", &json!({"path": path})), path.to_str().unwrap());
        assert_eq!(wrap.close(), Some(0));
        let text = fs::read_to_string(agent.audit_log()).unwrap();
        assert!(text.contains("server/fresh"), "{text}");
        // It was told apart from what is denied, and opened by nobody.
        assert!(!text.contains("home/.aws") && !text.contains("/proc/self/exe"), "{text}");
        Ok(())
    });
}
