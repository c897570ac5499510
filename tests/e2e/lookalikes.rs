//! Processes with the plumbing of an MCP server that are none: never confirmed, never flagged.
//!
//! That something does not happen cannot be waited for. So each test talks to the look-alike first and to a real
//! server after it: when the agent has confirmed the real one, it has judged the look-alike too.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::support::{
    Agent, Company, Driver, Peers, Process, ServerQuery, Session, Site, Skipped, WebServer, descendants,
    eventually, http_get, http_post, scenario, tiny,
};

/// For the real server after the look-alike.
const LISTED: Duration = Duration::from_secs(20);

fn framed(kind: &str, server: Result<Vec<OsString>, Skipped>) -> Result<(), Skipped> {
    driven("framed_client.py", kind, server)
}

fn driven(script: &str, kind: &str, server: Result<Vec<OsString>, Skipped>) -> Result<(), Skipped> {
    let (agent, site) = (Agent::start(), Site::new());
    let _driver = Driver::lookalike(script, kind, &site, &server?)?;
    assert_innocent(&agent, &site);
    Ok(())
}

/// Nothing at the site is held to be a server, by JSON or by the table.
fn assert_innocent(agent: &Agent, site: &Site) {
    let other = Site::new();
    let mut real = Session::start_seen(agent, &other, Command::new(tiny()).args(["serve", "real", "1"]));
    real.open();
    agent.wait_for("a real server is confirmed", &[other.path()], LISTED, |status| {
        status.of(real.pid()).filter(|s| s.confirmed).map(|_| ())
    });
    let status = agent.cli_status(&["--all"]);
    for dir in [&site.server, &site.client] {
        assert!(status.flagged_at(dir).is_empty(), "{}", status.describe(&[site.path()]));
        // By its shape alone a process may be kept as a candidate, if it is kept out of the list people see.
        let shape = status.at(dir).iter().all(|s| s.evidence.iter().all(|e| e.kind == "shape"));
        assert!(shape, "{}", status.describe(&[site.path()]));
    }
    let table = agent.cli(&["status"]);
    let table = String::from_utf8_lossy(&table.stdout).into_owned();
    for dir in [&site.server, &site.client] {
        for server in status.at(dir) {
            let listed =
                table.lines().any(|l| l.split_whitespace().any(|word| word == server.pid.to_string()));
            assert!(!listed, "pid {} in:\n{table}", server.pid);
        }
    }
}

#[test]
fn typescript_language_server() {
    scenario(Company::Shared, || {
        framed("lsp", Peers::npm_tool("typescript-language-server").map(|tool| vec![tool, "--stdio".into()]))
    });
}

#[test]
fn bash_language_server() {
    scenario(Company::Shared, || {
        framed("lsp", Peers::npm_tool("bash-language-server").map(|tool| vec![tool, "start".into()]))
    });
}

#[test]
fn python_language_server() {
    scenario(Company::Shared, || framed("lsp", Peers::python_tool("pylsp").map(|tool| vec![tool])));
}

#[test]
fn debug_adapter() {
    scenario(Company::Shared, || framed("dap", Peers::python_tool("debugpy-adapter").map(|tool| vec![tool])));
}

#[test]
fn json_rpc_daemon_by_the_line() {
    scenario(Company::Shared, || {
        let server = Peers::python("py2")
            .map(|python| vec![python, Peers::script("jsonrpc_daemon.py"), "stdio".into()]);
        driven("line_client.py", "calls", server)
    });
}

#[test]
fn editor_agent_whose_initialize_has_an_integer_version() {
    scenario(Company::Shared, || {
        let server = Peers::python("py2").map(|python| vec![python, Peers::script("acp_agent.py")]);
        driven("line_client.py", "acp", server)
    });
}

#[test]
fn json_rpc_daemon_over_http() {
    scenario(Company::Shared, || {
        let (agent, site) = (Agent::start(), Site::new());
        let daemon = WebServer::JsonRpcDaemon.start(&site)?;
        let calls = [
            json!({"jsonrpc": "2.0", "id": 1, "method": "system.listMethods", "params": []}),
            json!({"jsonrpc": "2.0", "id": 2, "method": "initialize", "params": {"workdir": "/"}}),
            json!({"jsonrpc": "2.0", "id": 3, "method": "ping"}),
        ];
        for call in calls {
            let (code, _) =
                http_post(&daemon.address(), "/mcp", &call.to_string()).expect("the daemon answers");
            assert_eq!(code, 200);
        }
        assert_innocent(&agent, &site);
        Ok(())
    });
}

#[test]
fn plain_web_server() {
    scenario(Company::Shared, || {
        let (agent, site) = (Agent::start(), Site::new());
        let port = crate::support::reserved_port();
        let server = [Peers::python("py1")?, "-m".into(), "http.server".into(), port.to_string().into()];
        let _process = Process::start(&site, &server, &[]);
        let address = format!("127.0.0.1:{port}");
        let answer = eventually("the web server answers", LISTED, || http_get(&address, "/mcp").ok());
        assert_eq!(answer.0, 404);
        assert_innocent(&agent, &site);
        Ok(())
    });
}

#[test]
fn git_clone_and_a_long_lived_git_helper() {
    scenario(Company::Shared, || {
        let (agent, site) = (Agent::start(), Site::new());
        let git = |args: &[&str]| {
            let mut command = Command::new("git");
            command
                .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
                .args(args)
                .current_dir(&site.server);
            let done = command.output().expect("git runs");
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        };
        git(&["init", "-q", "origin"]);
        git(&["-C", "origin", "commit", "-q", "--allow-empty", "-m", "first"]);
        // file:// makes git run upload-pack behind a shell and two pipes.
        git(&["clone", "-q", &format!("file://{}/origin", site.server.display()), "copy"]);
        let mut command = Command::new("git");
        let mut helper = command.args(["-C", "origin", "cat-file", "--batch"]).current_dir(&site.server);
        helper = helper.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut helper = helper.spawn().expect("git runs");
        helper.stdin.as_mut().unwrap().write_all(b"HEAD\n").expect("git reads");
        assert_innocent(&agent, &site);
        drop(helper.stdin.take());
        helper.wait().expect("it is our child");
        Ok(())
    });
}

#[test]
fn shell_pipeline() {
    scenario(Company::Shared, || {
        let (agent, site) = (Agent::start(), Site::new());
        // The middle of it has pipes on both sides and passes JSON by the line, some of it like MCP's.
        let script = r#"while sleep 0.1; do echo '{"level":"info","method":"GET","id":7}'; done |
                        grep --line-buffered method | sed -u s/7/8/ >out"#;
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).current_dir(&site.server).process_group(0).stdin(Stdio::null());
        let mut pipeline = shell.spawn().expect("sh runs");
        let out = site.server.join("out");
        eventually("the pipeline flows", LISTED, || {
            std::fs::metadata(&out).is_ok_and(|m| m.len() > 0).then_some(())
        });
        assert_innocent(&agent, &site);
        let mut parts = descendants(pipeline.id());
        parts.push(pipeline.id());
        parts.iter().for_each(|&pid| crate::support::kill(pid, nix::sys::signal::Signal::SIGKILL));
        pipeline.wait().expect("it is our child");
        Ok(())
    });
}
