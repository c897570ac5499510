//! Connections to a server past the gateway: denied, or steered to a gateway in front of it. The programs that do so are
//! attached to a cgroup of the test's own, and so is the client.

use super::*;
use crate::support::{Client, Driver, Process, Skipped, WebServer};

/// A cgroup of the test's own.
struct Cgroup {
    at: PathBuf,
    name: String,
}

impl Cgroup {
    fn new(name: &str) -> Result<Self, Skipped> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("it can be read");
        let mount =
            mounts.lines().find(|line| line.contains(" - cgroup2 ")).and_then(|line| line.split(' ').nth(4));
        let mount = mount.ok_or_else(|| Skipped("there is no cgroup v2".to_owned()))?;
        let name = format!("mcpgw-test-{}-{name}", std::process::id());
        let at = Path::new(mount).join(&name);
        fs::create_dir(&at).expect("we are root");
        Ok(Self { at, name })
    }

    /// `curl` in the cgroup: its exit code and what it got.
    fn curl(&self, arguments: &[&str]) -> (i32, String) {
        let script =
            format!("echo $$ > {}/cgroup.procs && exec curl -sS -m 20 \"$@\" 2>&1", self.at.display());
        let out = Command::new("sh").args(["-c", &script, "curl"]).args(arguments).output().expect("sh runs");
        (out.status.code().unwrap_or(-1), String::from_utf8_lossy(&out.stdout).into_owned())
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        fs::remove_dir(&self.at).ok();
    }
}

/// A server over HTTP that somebody has used, so that it is known for what it is.
fn known(agent: &Agent, site: &Site) -> Result<(Process, Driver), Skipped> {
    let server = WebServer::PyV1Http.start(site)?;
    let url = format!("http://{}/mcp", server.address());
    let (driver, _) = Driver::web(Client::PyV1, site, "http", &url)?;
    agent.wait_for("the server is confirmed", &[site.path()], SOON, |status| {
        matches!(status.at(&site.server)[..], [only] if only.confirmed).then_some(())
    });
    Ok((server, driver))
}

fn rules(site: &Site, cgroup: &Cgroup, action: &str) -> String {
    let leaf = "**/python*";
    let more = format!("    cgroup: /{}\n", cgroup.name);
    let rules = format!(
        "      - name: through the gateway only\n        action: {action}\n        exe: '{leaf}'\n        command: '*mcp_server_v1.py*'\n"
    );
    assert!(site.path().exists());
    enforcing(&more, &rules)
}

fn turned(agent: &Agent, act: &str) -> Value {
    eventually("connections are turned", SOON, || {
        let status = guard_of(agent);
        let turned = status["turned"].as_array()?.first()?.clone();
        (turned["act"] == act && (act == "deny" || turned["to"].is_string())).then_some(turned)
    })
}

#[test]
fn connections_are_denied_in_the_cgroup_and_nowhere_else() {
    scenario(Company::Alone, || {
        let (site, cgroup) = (Site::new(), Cgroup::new("deny")?);
        let agent = Agent::start_with(&rules(&site, &cgroup, "deny"));
        let (server, _driver) = known(&agent, &site)?;
        turned(&agent, "deny");
        for host in ["127.0.0.1", "localhost", "0.0.0.0"] {
            let url = format!("http://{host}:{}/mcp", server.port);
            let (code, said) = cgroup.curl(&["-X", "POST", &url]);
            assert_eq!(code, 7, "no connection to {host}: {said}");
        }
        // Another port of the same address is nobody's business, nor is the port of another address.
        let (code, said) = cgroup.curl(&[&format!("http://{}/healthz", metrics(&agent))]);
        assert_eq!(code, 0, "{said}");
        assert!(crate::support::http_post(&server.address(), "/mcp", "{}").is_ok(), "outside of the cgroup");
        let record = eventually("connections are recorded", SOON, || {
            records(&agent, "guard.act").into_iter().find(|record| {
                record["exe"].as_str().is_some_and(|exe| exe.is_empty() || exe.contains("curl"))
            })
        });
        assert_eq!((&record["act"], &record["rule"]), (&"deny".into(), &"through the gateway only".into()));
        assert!(agent.cli(&["guard", "off"]).status.success());
        let (code, said) = cgroup.curl(&["-X", "POST", &format!("http://127.0.0.1:{}/mcp", server.port)]);
        assert_eq!(code, 0, "{said}");
        Ok(())
    });
}

fn metrics(agent: &Agent) -> String {
    agent.status().agent["metrics_address"].as_str().expect("it serves metrics").to_owned()
}

#[test]
fn a_steered_client_gets_the_policy_with_nothing_configured() {
    scenario(Company::Alone, || {
        let (site, cgroup) = (Site::new(), Cgroup::new("steer")?);
        let policy = site.path().join("policy.yaml");
        let text = "version: v1\nmode: enforce\nrules:\n  - name: no echo\n    action: deny\n    match: {methods: [tools/call], tools: [echo]}\n  \
                    - name: rest\n    action: allow\n    match: {methods: ['*']}\n";
        fs::write(&policy, text).unwrap();
        let more = format!("  effects: on\ngateway:\n  policy: {}\n", policy.display());
        let config = rules(&site, &cgroup, "steer") + &more;
        let agent = Agent::start_with(&config);
        let (server, _driver) = known(&agent, &site)?;
        turned(&agent, "steer");
        let url = format!("http://127.0.0.1:{}/mcp", server.port);
        let post = |session: Option<&str>, body: &str| {
            let session = session.map(|session| format!("Mcp-Session-Id: {session}"));
            let mut arguments = vec!["-i", "-X", "POST", "-H", "Content-Type: application/json"];
            arguments.extend(["-H", "Accept: application/json, text/event-stream", "-d", body]);
            arguments.extend(session.iter().flat_map(|session| ["-H", session]));
            arguments.push(&url);
            cgroup.curl(&arguments)
        };
        let hello = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
        let (code, answer) = post(None, hello);
        assert_eq!(code, 0, "{answer}");
        assert!(answer.contains("py-server-v1"), "the server's own answer: {answer}");
        let session = answer.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("mcp-session-id").then(|| value.trim().to_owned())
        });
        let session = session.expect("a session");
        let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        assert_eq!(post(Some(&session), ready).0, 0);
        let call = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"message":"x"}}}"#;
        let (_, refused) = post(Some(&session), call);
        assert!(refused.contains("40301"), "the policy: {refused}");
        let (_, list) = post(Some(&session), r#"{"jsonrpc":"2.0","id":3,"method":"tools/list"}"#);
        assert!(list.contains("\"tools\":[]"), "what may not be called is not listed: {list}");
        let blocked = eventually("it is on record", SOON, || {
            agent.records().into_iter().find(|record| record["rule"] == "no echo")
        });
        assert_eq!(blocked["method"], "tools/call", "{blocked}");
        // What the server does is told there as well.
        let other =
            r#"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"other","arguments":{}}}"#;
        assert_eq!(post(Some(&session), other).0, 0);
        let mut answered = agent.records();
        answered.retain(|record| record["direction"] == "s2c" && record["tool_name"] == "other");
        assert!(answered.iter().any(|record| record["effects"].is_array()), "{answered:?}");
        let record = wait_act(&agent, "steer", "done");
        assert_eq!(record["rule"], "through the gateway only", "{record}");
        Ok(())
    });
}
