//! Names made to deceive, callers who are not root, and files that do not answer.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use mcpgw_agent::inventory::ServerState;

use crate::support::{
    Agent, Company, Peers, ServerQuery, Session, Site, Skipped, Status, agent_binary, scenario, tiny,
};

const LISTED: Duration = Duration::from_secs(20);
/// `nobody` on Debian.
const NOBODY: u32 = 65534;
/// What a server puts where a name belongs: another row of the table, window title, colours, a C1 control and a
/// right-to-left override.
const FORGED: &str =
    "x\nunproxied  FORGED-ROW  1\r\x1b]0;owned\x07\x1b[2J\x1b[31mred\u{9b}31m\u{202e}evil\x7f";

#[test]
fn control_characters_reach_no_terminal() {
    scenario(Company::Shared, || {
        let (agent, site) = (Agent::start(), Site::new());
        // The executable's path, its directory, argv[0], an argument, and serverInfo: all hostile.
        let dir = site.path().join("bin\n\x1b[31m");
        fs::create_dir(&dir).expect("the kernel takes any name");
        let program = dir.join("tiny\x1b[2J\nroot");
        copy(tiny(), &program);
        let name: String = FORGED.chars().map(escape).collect();
        let mut command = Command::new(&program);
        command.arg0(FORGED).args(["serve", &name, r"1\x1b\x0a"]).arg(FORGED);
        let mut server = Session::start_seen(&agent, &site, &mut command);
        server.open();
        agent.wait_for("the server is confirmed", &[site.path()], LISTED, |status| {
            status.of(server.pid()).filter(|s| s.confirmed && s.server_info.is_some()).map(|_| ())
        });
        for args in
            [&["status"][..], &["status", "--all"], &["status", "--json"], &["status", "--json", "--all"]]
        {
            let out = agent.cli(args);
            assert!(out.status.success(), "{args:?}: {}", text(&out));
            // Consumers of JSON decode and escape for themselves; raw, it must be safe to look at.
            let json = args.contains(&"--json");
            assert_harmless(&format!("{args:?}"), &text(&out), if json { &[] } else { &TURNS });
        }
        let table = text(&agent.cli(&["status"]));
        assert!(table.contains(&server.pid().to_string()), "{table}");
        assert!(!table.lines().any(|line| line.trim_start().starts_with("unproxied  FORGED-ROW")), "{table}");
        // `run` prints a live list and log lines of its own; they go to a terminal, too.
        assert_harmless("run", &agent.output(), &TURNS);
        Ok(())
    });
}

/// The fixture's spelling: `\xHH` for what fits one, everything else as it is.
fn escape(c: char) -> String {
    if c.is_control() { format!("\\x{:02x}", u32::from(c)) } else { c.to_string() }
}

fn text(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).expect("output is UTF-8")
}

/// Characters that turn the text after them around.
const TURNS: [char; 11] = [
    '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}',
    '\u{2067}', '\u{2068}', '\u{2069}',
];

/// No control characters but the newline, C1 ones included, and none of `also`.
fn assert_harmless(what: &str, text: &str, also: &[char]) {
    let bad: Vec<char> =
        text.chars().filter(|c| (c.is_control() && *c != '\n') || also.contains(c)).collect();
    assert!(bad.is_empty(), "{what} lets {bad:?} through:\n{}", text.escape_debug());
}

/// Copies a program, by another process: one of ours that has it open for writing could be forked meanwhile by
/// another test, and then it would not start ("text file busy").
fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").args(["--preserve=mode", "--"]).args([from, to]).status().expect("cp runs");
    assert!(done.success(), "cp: {done}");
}

/// The program as `nobody`, from a place nobody can reach.
fn as_nobody(agent: &Agent, site: &Site, args: &[&str]) -> Output {
    let program = site.path().join("mcpgw-agent");
    if !program.exists() {
        copy(&agent_binary(), &program);
    }
    let mut command = Command::new(&program);
    // The standard library drops the supplementary groups with the uid.
    command.args(args).env("MCPGW_RUNTIME_DIR", agent.runtime_dir()).current_dir("/").uid(NOBODY).gid(NOBODY);
    command.stdin(Stdio::null()).output().expect("the binary runs")
}

#[test]
fn other_users_see_their_own_servers_only() {
    scenario(Company::Shared, || {
        let (agent, site) = (Agent::start(), Site::new());
        let mut roots =
            Session::start_seen(&agent, &site, Command::new(tiny()).args(["serve", "of-root", "1"]));
        roots.open();
        let program = site.path().join("tiny");
        copy(tiny(), &program);
        let mut command = Command::new(&program);
        command.args(["serve", "of-nobody", "1"]).uid(NOBODY).gid(NOBODY);
        let mut theirs = Session::start_seen(&agent, &site, &mut command);
        theirs.open();
        agent.wait_for("both are confirmed", &[site.path()], LISTED, |status| {
            [&roots, &theirs].iter().all(|s| status.of(s.pid()).is_some_and(|s| s.confirmed)).then_some(())
        });

        // As shipped, the socket is for root and group mcpgw.
        let mode = fs::metadata(agent.socket()).expect("it listens").permissions().mode() & 0o777;
        assert_eq!(mode, 0o660);
        let refused = as_nobody(&agent, &site, &["status"]);
        assert!(refused.status.code().is_some_and(|code| code != 0 && code != 101), "{refused:?}");
        assert!(!refused.stderr.is_empty(), "and is explained");

        // Whoever can reach it sees their own.
        fs::set_permissions(agent.runtime_dir(), fs::Permissions::from_mode(0o755)).expect("we are root");
        fs::set_permissions(agent.socket(), fs::Permissions::from_mode(0o666)).expect("we are root");
        let out = as_nobody(&agent, &site, &["status", "--json", "--all"]);
        let status: Status = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {out:?}"));
        assert!(status.of(theirs.pid()).is_some(), "{}", status.describe(&[site.path()]));
        assert!(status.servers.iter().all(|s| s.uid == NOBODY), "{}", status.describe(&[site.path()]));
        Ok(())
    });
}

#[test]
fn a_program_whose_file_does_not_answer_keeps_no_other_waiting_for_its_hash() {
    scenario(Company::Alone, || {
        let site = Site::new();
        let stalled = site.path().join("stalled");
        fs::create_dir(&stalled).expect("the parent exists");
        let mut files = Command::new(Peers::python("py2")?)
            .arg(Peers::script("stalled_files.py"))
            .args([tiny(), &stalled])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let mut said = String::new();
        BufReader::new(files.stdout.take().expect("piped")).read_line(&mut said).expect("it is text");
        if said != "mounted\n" {
            return Err(Skipped(format!("no file system of one's own: {:?}", files.wait())));
        }
        let sum = Command::new("sha256sum").arg(tiny()).output().expect("sha256sum runs");
        let hash = String::from_utf8(sum.stdout).unwrap().chars().take(64).collect::<String>();
        let agent = Agent::start_with(&format!("allow:\n  - name: tiny\n    sha256: {hash}\n"));
        let serve = |program: &Path| {
            let mut server =
                Session::start_seen(&agent, &site, Command::new(program).args(["serve", "x", "1"]));
            server.open();
            server
        };
        let servers = [serve(&stalled.join("program")), serve(tiny())];
        let states = agent.wait_for("the hash of one is known", &[site.path()], LISTED * 2, |status| {
            let states = servers.each_ref().map(|server| status.of(server.pid()).map(|server| server.state));
            (states[1] == Some(ServerState::Allowed)).then_some(states)
        });
        assert_eq!(states[0], Some(ServerState::Unproxied), "it is asked for first");
        drop((servers, files.stdin.take()));
        files.wait().expect("it is our child");
        Ok(())
    });
}
