//! The guard: programs held at their start, servers killed, orders of people, and what it never does.

mod clients;
mod connections;
mod orders;
mod safety;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{
    Agent, Company, Log, Peers, ServerQuery, Session, Site, Skipped, descendants, eventually, exe_of,
    is_alive, kill, measured, scenario, tiny,
};

/// For something the agent does by itself.
const SOON: Duration = Duration::from_secs(20);

/// The guard's part of the status.
pub(super) fn guard_of(agent: &Agent) -> Value {
    let out = agent.cli(&["guard", "status", "--json"]);
    assert!(out.status.success(), "{out:?}");
    serde_json::from_slice(&out.stdout).expect("JSON")
}

/// Waits until programs are held somewhere.
pub(super) fn wait_held(agent: &Agent) {
    eventually("programs are held", SOON, || (guard_of(agent)["held_places"].as_u64()? > 0).then_some(()));
}

/// Records of the audit log with this event.
pub(super) fn records(agent: &Agent, event: &str) -> Vec<Value> {
    agent.records().into_iter().filter(|record| record["event"] == event).collect()
}

/// Waits for a record of an act with an outcome.
pub(super) fn wait_act(agent: &Agent, act: &str, outcome: &str) -> Value {
    let what = format!("a record: {act} {outcome}");
    eventually(&what, SOON, || {
        let all = records(agent, "guard.act");
        all.into_iter().find(|record| record["act"] == act && record["outcome"] == outcome)
    })
}

/// A script in the server's directory that leaves a file behind and then does what a server does: waits.
pub(super) fn script(site: &Site, name: &str) -> PathBuf {
    let path = site.server.join(name);
    let text = "#!/bin/sh\ntouch \"$0.$1.ran\"\n";
    // By another process: one of ours that has it open for writing could be forked meanwhile.
    let mut write = Command::new("sh");
    write.args(["-c", "printf '%s' \"$1\" > \"$0\" && chmod 755 \"$0\""]).arg(&path).arg(text);
    assert!(write.status().expect("sh runs").success());
    path
}

/// Runs a program as a client starts a server: its standard input and output are pipes.
pub(super) fn start(program: &Path, argument: &str) -> io::Result<bool> {
    let mut command = Command::new(program);
    command.arg(argument).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let out = command.spawn()?.wait_with_output()?;
    Ok(out.status.success())
}

pub(super) fn has_run(program: &Path, argument: &str) -> bool {
    let name = format!("{}.{argument}.ran", program.file_name().unwrap().to_str().unwrap());
    program.with_file_name(name).exists()
}

/// A copy of the small server.
pub(super) fn copied(site: &Site, name: &str) -> PathBuf {
    let to = site.server.join(name);
    let done = Command::new("cp").args(["--preserve=mode", "--"]).args([tiny(), to.as_path()]).status();
    assert!(done.expect("cp runs").success());
    to
}

/// Enforces `rules`, lines of YAML of a list. There is all the time for a decision that there may be: who gets none in time
/// goes on, and a busy host is no fault.
pub(super) fn enforcing(more: &str, rules: &str) -> String {
    format!("host:\n  guard:\n    mode: enforce\n    decide-within: 1s\n{more}    rules:\n{rules}")
}

/// A program, and an agent that does not let it run with what is bad.
fn no_bad_notes(site: &Site) -> (PathBuf, Agent) {
    let program = script(site, "mcp-server-notes");
    let rules = format!(
        "      - name: no bad notes\n        action: hold\n        exe: {}/*\n        command: '* bad*'\n",
        site.server.display()
    );
    let agent = Agent::start_with(&enforcing("", &rules));
    wait_held(&agent);
    (program, agent)
}

#[test]
fn a_program_is_held_and_runs_or_does_not() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let (program, agent) = no_bad_notes(&site);
        let refused = start(&program, "bad").expect_err("it is refused");
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert!(!has_run(&program, "bad"), "not one instruction of it ran");
        assert!(start(&program, "good").expect("it is let go on"));
        assert!(has_run(&program, "good"));
        let status = guard_of(&agent);
        assert!(status["held"].as_u64().unwrap() >= 2, "{status}");
        measured(&format!("the longest of {} waited {} us", status["held"], status["longest_us"]));
        let record = wait_act(&agent, "hold", "done");
        assert_eq!((&record["rule"], record["held_us"].is_u64()), (&"no bad notes".into(), true), "{record}");
        // Told once, counted each time.
        assert!(start(&program, "bad").is_err());
        let done = records(&agent, "guard.act").iter().filter(|record| record["outcome"] == "done").count();
        assert_eq!(done, 1);
        Ok(())
    });
}

#[test]
fn a_dry_run_and_alert_hold_nobody_back() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let program = script(&site, "mcp-server-notes");
        let rules =
            format!("      - name: none\n        action: hold\n        exe: {}/*\n", site.server.display());
        let agent = Agent::start_with(&enforcing("    dry-run: true\n", &rules));
        wait_held(&agent);
        assert!(start(&program, "dry").expect("it runs"));
        let record = wait_act(&agent, "hold", "would");
        assert_eq!(record["rule"], "none", "{record}");
        drop(agent);
        let agent = Agent::start_with(&enforcing("", &rules).replace("mode: enforce", "mode: alert"));
        assert_eq!(guard_of(&agent)["held_places"], 0);
        assert!(start(&program, "alert").expect("it runs"));
        Ok(())
    });
}

/// The arguments of a call nobody here can read may be any.
#[test]
fn a_32_bit_call_is_no_way_past_it() {
    scenario(Company::Shared, || {
        let (site, python) = (Site::new(), Peers::on_path("python3")?);
        let run = |program: &Path, argument: &str| {
            let mut command = Command::new(&python);
            command.arg(Peers::script("i386_exec.py")).arg(program).arg(argument).stdin(Stdio::null());
            String::from_utf8_lossy(&command.output().expect("Python runs").stdout).trim().to_owned()
        };
        if run(Path::new("/bin/echo"), "here") != "here" {
            return Err(Skipped("this kernel has no 32-bit calls".to_owned()));
        }
        let (program, agent) = no_bad_notes(&site);
        assert_eq!(run(&program, "bad"), format!("errno {}", Errno::EPERM as i32));
        assert!(!has_run(&program, "bad"), "not one instruction of it ran");
        let record = wait_act(&agent, "hold", "done");
        assert_eq!(record["why"], "its arguments cannot be read", "{record}");
        Ok(())
    });
}

#[test]
fn the_file_itself_is_told_by_its_hash() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let (bad, good) = (copied(&site, "mcp-server-a"), copied(&site, "mcp-server-b"));
        let more = Command::new("sh").args(["-c", "printf x >> \"$0\""]).arg(&good).status();
        assert!(more.expect("sh runs").success());
        let sum = Command::new("sha256sum").arg(&bad).output().expect("sha256sum runs");
        let hash = String::from_utf8(sum.stdout).unwrap().chars().take(64).collect::<String>();
        let rules = format!(
            "      - name: that file\n        action: hold\n        exe: {}/*\n        sha256: {hash}\n",
            site.server.display()
        );
        let agent = Agent::start_with(&enforcing("", &rules));
        wait_held(&agent);
        assert!(start(&bad, "exit").is_err());
        assert!(start(&good, "exit").expect("it is another file"));
        Ok(())
    });
}

#[test]
fn a_confirmed_server_is_killed_and_not_one_too_many() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let program = copied(&site, "mcp-server-tiny");
        let rules = format!(
            "      - name: no shadow servers\n        action: kill\n        exe: {}/*\n",
            site.server.display()
        );
        let agent = Agent::start_with(&enforcing("    kills-per-minute: 1\n", &rules));
        let serve = || {
            let mut server =
                Session::start_seen(&agent, &site, Command::new(&program).args(["serve", "shadow", "1"]));
            server.greet();
            server
        };
        let first = serve();
        eventually("it is killed", SOON, || (!is_alive(first.pid())).then_some(()));
        let record = wait_act(&agent, "kill", "done");
        assert_eq!((&record["rule"], &record["pid"]), (&"no shadow servers".into(), &first.pid().into()));
        let second = serve();
        let record = wait_act(&agent, "kill", "limited");
        assert_eq!(record["pid"], second.pid(), "{record}");
        assert!(is_alive(second.pid()));
        Ok(())
    });
}

#[test]
fn a_silent_candidate_is_not_killed() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let program = copied(&site, "mcp-server-tiny");
        let rules = format!(
            "      - name: none\n        action: kill\n        exe: {0}/*\n        evidence: nothing\n      \
             - name: tell\n        action: flag\n        exe: {0}/*\n        evidence: shape\n",
            site.server.display()
        );
        let agent = Agent::start_with(&enforcing("", &rules));
        let server = Session::start(&site, Command::new(&program).arg("hold"));
        let record = wait_act(&agent, "flag", "done");
        assert_eq!((&record["rule"], &record["pid"]), (&"tell".into(), &server.pid().into()), "{record}");
        assert!(is_alive(server.pid()));
        assert!(agent.status().of(server.pid()).is_some());
        Ok(())
    });
}

/// Whether the process is about to run another program and waits; where the kernel says at what, for somebody to let it.
fn is_at_the_gate(pid: u32) -> bool {
    let of = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let place = of("wchan");
    // The number of `execve`, which is not told of a process that is at work.
    of("syscall").starts_with(&format!("{} ", nix::libc::SYS_execve))
        && (place == "0" || place.contains("fanotify"))
}

/// Starts `program`, a thread of its own, and waits until it is held: forked, still what started it, and waiting for an answer.
pub(super) fn held(program: &Path, argument: &str) -> std::thread::JoinHandle<io::Result<bool>> {
    let own = exe_of(std::process::id());
    let before = descendants(std::process::id());
    let mode = fs::metadata(program).expect("it is there").permissions();
    eventually("somebody is held", SOON, || {
        // A changed file: what was found out of it for who was let go is not known of it any more.
        fs::set_permissions(program, mode.clone()).expect("we may");
        let (path, argument) = (program.to_owned(), argument.to_owned());
        let starting = std::thread::spawn(move || start(&path, &argument));
        // Who was let go before it was seen is started again.
        while !starting.is_finished() {
            let mut new = descendants(std::process::id()).into_iter().filter(|pid| !before.contains(pid));
            if new.any(|pid| exe_of(pid) == own && is_at_the_gate(pid)) {
                return Some(starting);
            }
        }
        assert!(starting.join().unwrap().expect("it runs"));
        None
    })
}
