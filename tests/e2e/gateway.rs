//! The gateway in the daemon: sessions that wraps hand over, and what becomes of them when the daemon goes away.

mod confined;
mod effects;
mod hold;
mod joined;
mod loss;
mod shared;
mod wrapped;

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

use mcpgw_agent::inventory::{GatewayPlace, ServerState};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use wrapped::Wrapped;

use crate::support::{
    Agent, Client, Company, Driver, ServerQuery, Site, Skipped, StdioServer, agent_binary, eventually, kill,
    scenario, tiny,
};

/// For one answer, or one change of the status.
const SOON: Duration = Duration::from_secs(20);
/// `nobody` on Debian.
const NOBODY: u32 = 65534;
/// Exit code of a wrap whose session the agent does not take.
const NOT_TAKEN: i32 = 123;

fn open_sessions(agent: &Agent) -> usize {
    agent.status().gateway["sessions"].as_array().expect("the agent has a gateway").len()
}

/// Waits until the agent has so many sessions. One may be open for a moment longer than its wrap runs.
fn wait_sessions(agent: &Agent, count: usize) {
    eventually("the sessions are as many", SOON, || (open_sessions(agent) == count).then_some(()));
}

/// Waits until the agent has this very session.
fn wait_open(agent: &Agent, wrap: &Wrapped) {
    eventually("its session is open", SOON, || {
        let status = agent.status();
        let sessions = status.gateway["sessions"].as_array().expect("the agent has a gateway");
        sessions.iter().any(|session| session["pid"] == wrap.pid()).then_some(())
    });
}

fn real_peers(client: Client, server: StdioServer) -> Result<(), Skipped> {
    let (agent, site) = (Agent::start(), Site::new());
    let (mut driver, facts) = Driver::wrapped(client, &site, &server.command(&site)?, &agent)?;
    assert!(facts.tools > 0, "{facts:?}");
    let found = agent.wait_for("the server is proxied by the agent", &[site.path()], SOON, |status| {
        match status.at(&site.server)[..] {
            [only] if only.confirmed && only.gateway == Some(GatewayPlace::Daemon) => Some(only.clone()),
            _ => None,
        }
    });
    assert_eq!(found.state, ServerState::Proxied, "{found:#?}");
    assert_eq!(found.client.as_ref().map(|client| client.pid), Some(driver.pid()), "{found:#?}");
    let before = agent.status().gateway["sessions"][0].clone();
    assert_eq!(driver.again().tools, facts.tools);
    let after = agent.status().gateway["sessions"][0].clone();
    let passed = |view: &Value| view["messages"]["c2s"].as_u64().expect("a number");
    assert!(passed(&after) >= passed(&before) + 2, "{before} {after}");
    driver.close();
    wait_sessions(&agent, 0);
    Ok(())
}

#[test]
fn python_through_the_daemon() {
    scenario(Company::Shared, || real_peers(Client::PyV1, StdioServer::PyV2));
}

#[test]
fn typescript_through_the_daemon() {
    scenario(Company::Shared, || real_peers(Client::Node, StdioServer::Node));
}

#[test]
fn the_daemons_policy_holds_and_is_reloaded() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let policy = site.path().join("policy.yaml");
        let rules = |denied: &str| {
            format!(
                "version: v1\nmode: enforce\nrules:\n  - name: forbidden\n    action: deny\n    match: {{methods: [tools/call], tools: [{denied}]}}\n  \
                 - name: rest\n    action: allow\n    match: {{methods: ['*']}}\n"
            )
        };
        fs::write(&policy, rules("echo")).unwrap();
        let agent = Agent::start_with(&format!("gateway:\n  policy: {}\n", policy.display()));
        let mut wrap = Wrapped::start(
            &agent,
            &site,
            &[tiny().as_os_str(), "serve".as_ref(), "t".as_ref(), "1".as_ref()],
        );
        let call = |name: &str| json!({"name": name, "arguments": {}});
        assert!(wrap.call("initialize", &wrapped::hello())["result"].is_object());
        let denied = wrap.call("tools/call", &call("echo"));
        assert_eq!(denied["error"]["code"], 40301, "{denied}");
        assert!(wrap.call("tools/call", &call("add"))["result"].is_object());
        let view = agent.status().gateway["sessions"][0].clone();
        assert_eq!(
            (&view["refused"], &view["messages"]),
            (&json!(1), &json!({"c2s": 2, "s2c": 2})),
            "{view}"
        );
        assert_eq!(agent.status().gateway["policy"]["mode"], "enforce");

        // One that cannot be used changes nothing, and says so.
        fs::write(&policy, "version: v1\nruls: []\n").unwrap();
        let refused = agent.cli(&["reload"]);
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("ruls"), "{refused:?}");
        assert!(agent.status().gateway["policy"]["last_error"]["message"].is_string());
        assert_eq!(wrap.call("tools/call", &call("echo"))["error"]["code"], 40301);
        fs::write(&policy, rules("add")).unwrap();
        let done = agent.cli(&["reload"]);
        assert!(done.status.success(), "{done:?}");
        assert!(wrap.call("tools/call", &call("echo"))["result"].is_object());
        assert_eq!(wrap.call("tools/call", &call("add"))["error"]["code"], 40301);
        assert!(agent.status().gateway["policy"]["last_error"].is_null());
        let scrape = agent.scrape();
        for line in [
            r#"mcpgw_requests_total{action="block",method="tools/call"} 3"#,
            r#"mcpgw_decisions_total{action="block",cause="policy",direction="c2s"} 3"#,
            "mcpgw_active_sessions 1",
        ] {
            assert!(scrape.lines().any(|found| found == line), "{line} is not in\n{scrape}");
        }
        assert_eq!(wrap.close(), Some(0));
        Ok(())
    });
}

#[test]
fn exit_codes_and_signals_are_the_servers() {
    scenario(Company::Shared, || {
        let (agent, site) = (Agent::start(), Site::new());
        let mut seven = Wrapped::start(&agent, &site, &["sh", "-c", "read line; exit 7"]);
        wait_open(&agent, &seven);
        seven.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        assert_eq!(seven.wait().code(), Some(7));
        let mut asleep = Wrapped::start(&agent, &site, &["sleep", "600"]);
        wait_open(&agent, &asleep);
        kill(asleep.pid(), Signal::SIGTERM);
        assert_eq!(asleep.wait().code(), Some(128 + Signal::SIGTERM as i32));
        let mut missing = Wrapped::start(&agent, &site, &["/no/such/command"]);
        assert_eq!(missing.wait().code(), Some(127));
        // Killing the wrap ends the session; the server is given its end of input.
        let mut killed = Wrapped::start(&agent, &site, &["cat"]);
        wait_open(&agent, &killed);
        kill(killed.pid(), Signal::SIGKILL);
        assert_eq!(killed.wait().signal(), Some(Signal::SIGKILL as i32));
        wait_sessions(&agent, 0);
        killed.output_ends();
        Ok(())
    });
}

#[test]
fn only_the_agents_own_program_hands_over() {
    scenario(Company::Shared, || {
        let (agent, site) = (Agent::start(), Site::new());
        let answer = wrapped::ask(&agent, &json!({"op": "handover", "name": "x"}));
        assert_eq!(answer["error"]["code"], "forbidden", "{answer}");
        // A copy of it is another program.
        let copy = site.path().join("copy");
        let copied = Command::new("cp").arg("--").arg(agent_binary()).arg(&copy).status().unwrap();
        assert!(copied.success());
        let mut wrap = Wrapped::of(Command::new(&copy), &agent, &site, &["cat"]);
        let (code, errors) = wrap.refused();
        assert_eq!(code, Some(NOT_TAKEN), "{errors}");
        assert!(errors.contains("only this agent's own program"), "{errors}");
        assert_eq!(open_sessions(&agent), 0);
        Ok(())
    });
}

#[test]
fn a_user_hands_over_to_roots_daemon_and_no_more_than_allowed() {
    scenario(Company::Shared, || {
        let limits = "  socket-group: nogroup\ngateway:\n  limits:\n    sessions-per-user: 1\n";
        let (agent, site) = (Agent::start_with(limits), Site::new());
        let program = reachable(&site);
        let as_nobody = || {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]).arg(&program);
            command
        };
        let mut wrap = Wrapped::of(as_nobody(), &agent, &site, &["cat"]);
        wait_open(&agent, &wrap);
        let view = agent.status().gateway["sessions"][0].clone();
        assert_eq!(view["uid"], NOBODY, "{view}");
        wrap.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        wrap.hear();
        let mut second = Wrapped::of(as_nobody(), &agent, &site, &["cat"]);
        // Under nobody's policy it does not run.
        let (code, errors) = second.refused();
        assert_eq!(code, Some(NOT_TAKEN), "{errors}");
        assert!(errors.contains("too many sessions"), "{errors}");
        assert_eq!(open_sessions(&agent), 1);
        let log = site.path().join("own.jsonl");
        let mut own =
            Wrapped::start_with(&agent, &site, &["--audit-log".as_ref(), log.as_os_str()], &["cat"]);
        own.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        own.hear();
        agent.wait_for("both are shown for what they are", &[site.path()], SOON, |status| {
            let at = status.at(&site.server);
            let of = |place| at.iter().filter(|server| server.gateway == Some(place)).count();
            (of(GatewayPlace::Daemon) == 1 && of(GatewayPlace::Embedded) == 1).then_some(())
        });
        assert_eq!((wrap.close(), own.close()), (Some(0), Some(0)));
        Ok(())
    });
}

/// The very file the agent runs, at a path that everybody can reach.
fn reachable(site: &Site) -> std::path::PathBuf {
    let link = site.path().join("mcpgw-agent");
    if fs::hard_link(agent_binary(), &link).is_ok() { link } else { agent_binary() }
}
