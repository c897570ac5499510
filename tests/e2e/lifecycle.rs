//! Ends and beginnings: of a server, of the agent (also violent ones), of a second agent.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use mcpgw_agent::inventory::ServerState;

use crate::support::{
    Agent, Company, ServerQuery, Session, Site, eventually, measured, scenario, state_of, tiny,
};

/// For one server to come or go, grace period included.
const SOON: Duration = Duration::from_secs(60);

fn serve(agent: &Agent, site: &Site, name: &str) -> Session {
    let mut server = Session::start_seen(agent, site, Command::new(tiny()).args(["serve", name, "1"]));
    server.open();
    server
}

fn wait_confirmed(agent: &Agent, site: &Site, pid: u32) {
    agent.wait_for("the server is confirmed and unproxied", &[site.path()], SOON, |status| {
        status.of(pid).filter(|s| s.confirmed && s.state == ServerState::Unproxied).map(|_| ())
    });
}

#[test]
fn an_ended_server_leaves_the_list_and_stays_in_history() {
    scenario(Company::Shared, || {
        let (agent, site) = (Agent::start(), Site::new());
        let server = serve(&agent, &site, "short-lived");
        let pid = server.pid();
        wait_confirmed(&agent, &site, pid);
        drop(server);
        eventually("it leaves the list after its grace period", SOON, || {
            agent.cli_status(&[]).servers.iter().all(|s| s.pid != pid).then_some(())
        });
        let all = agent.cli_status(&["--all"]);
        let ended = all.servers.iter().find(|s| s.pid == pid).expect("history has it");
        assert!(ended.ended_at.is_some() && ended.confirmed, "{ended:#?}");
        Ok(())
    });
}

#[test]
fn fail_on_unproxied_is_an_exit_code() {
    scenario(Company::Shared, || {
        let (agent, site) = (Agent::start(), Site::new());
        let server = serve(&agent, &site, "reason-to-fail");
        wait_confirmed(&agent, &site, server.pid());
        assert_eq!(agent.cli(&["status"]).status.code(), Some(0));
        assert_eq!(agent.cli(&["status", "--fail-on", "unproxied"]).status.code(), Some(3));
        Ok(())
    });
}

#[test]
fn sigterm_ends_it_cleanly() {
    scenario(Company::Shared, || {
        let (mut agent, site) = (Agent::start(), Site::new());
        let server = serve(&agent, &site, "survivor");
        wait_confirmed(&agent, &site, server.pid());
        let (ended, took) = agent.stop();
        assert!(ended.success(), "{ended}\n{}", agent.output());
        measured(&format!("SIGTERM to exit {took:?}"));
        assert!(!agent.socket().exists(), "the socket is removed");
        assert!(state_of(server.pid()).is_some_and(|s| s != 'T'), "the server goes on");
        let none = agent.cli(&["status"]);
        assert!(!none.status.success(), "no daemon is not success");
        assert!(!none.stderr.is_empty(), "and is explained");
        Ok(())
    });
}

/// Kernel ids and names of all loaded BPF programs. One that goes while they are listed is an error, and is not loaded any more.
fn programs() -> BTreeMap<u32, String> {
    let loaded = aya::programs::loaded_programs().filter_map(Result::ok);
    loaded.map(|program| (program.id(), program.name_as_str().unwrap_or_default().to_owned())).collect()
}

/// Names of the BPF programs that process `pid` has loaded.
fn programs_of(pid: u32) -> BTreeSet<String> {
    let loaded = programs();
    let infos = fs::read_dir(format!("/proc/{pid}/fdinfo")).expect("root may look");
    let ids = infos.flatten().filter_map(|info| {
        let text = fs::read_to_string(info.path()).ok()?;
        text.lines().find_map(|line| line.strip_prefix("prog_id:"))?.trim().parse::<u32>().ok()
    });
    ids.filter_map(|id| loaded.get(&id).cloned()).collect()
}

/// Everything pinned in the BPF file system, wherever it is mounted.
fn pins() -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut dirs = vec![PathBuf::from("/sys/fs/bpf")];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                dirs.push(entry.path());
            }
            found.insert(entry.path());
        }
    }
    found
}

#[test]
fn killed_at_any_moment_it_leaves_nothing_behind() {
    scenario(Company::Alone, || {
        let (programs_before, pins_before, site) = (programs(), pins(), Site::new());
        let mut agent = Agent::start();
        // Others on this machine load programs of theirs meanwhile.
        let mut ours = programs_of(agent.pid());
        assert!(ours.len() >= 7, "{ours:?}");
        let early = serve(&agent, &site, "early");
        for round in 0..5u64 {
            // Other moments each time: idle, just after an exec, in the middle of traffic.
            let mut server = Session::start(&site, Command::new(tiny()).args(["serve", "moment", "1"]));
            if round % 2 == 1 {
                server.open();
            }
            std::thread::park_timeout(Duration::from_millis(7 * round));
            agent = agent.kill_and_restart();
            server.open();
            wait_confirmed(&agent, &site, server.pid());
            ours.extend(programs_of(agent.pid()));
        }
        assert!(state_of(early.pid()).is_some_and(|s| s != 'T'), "no process is left stopped");
        agent.kill_hard();
        eventually("the kernel frees every program", SOON, || {
            let is_left =
                |(id, name): (&u32, &String)| ours.contains(name) && !programs_before.contains_key(id);
            (!programs().iter().any(is_left)).then_some(())
        });
        assert_eq!(pins(), pins_before, "nothing is pinned");
        Ok(())
    });
}

/// Also while it is still starting.
#[test]
fn killed_while_it_starts() {
    scenario(Company::Alone, || {
        let mut agent = Agent::start();
        agent.kill_hard();
        for pause in [1, 5, 20, 60, 150] {
            let mut command = agent.command(["run"]);
            let mut child =
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::park_timeout(Duration::from_millis(pause));
            child.kill().expect("it is our child");
            child.wait().expect("it is our child");
        }
        let (agent, site) = (agent.kill_and_restart(), Site::new());
        let server = serve(&agent, &site, "after-all");
        wait_confirmed(&agent, &site, server.pid());
        Ok(())
    });
}

#[test]
fn a_second_agent_refuses() {
    scenario(Company::Shared, || {
        let (agent, site) = (Agent::start(), Site::new());
        let mut second = agent.command(["run"]);
        let mut second =
            second.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let ended = eventually("the second agent ends", SOON, || second.try_wait().expect("it is our child"));
        let output = second.wait_with_output().expect("it is our child");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!ended.success() && ended.code().is_some_and(|code| code != 101), "{ended}: {said}");
        assert!(said.contains("another") || said.contains("already"), "says why: {said}");
        assert!(said.contains(&agent.pid().to_string()), "names the first one's pid: {said}");
        // The first goes on as before.
        let server = serve(&agent, &site, "still-seen");
        wait_confirmed(&agent, &site, server.pid());
        Ok(())
    });
}
