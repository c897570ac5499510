//! The guard is never a danger to the host: nobody is left behind, nobody is kept from logging in.

use std::io::Write as _;

use super::*;
use crate::support::{agent_binary, state_of};

/// A server whose file takes longer to be hashed than anybody may wait.
fn slow(site: &Site) -> (PathBuf, String) {
    let program = copied(site, "mcp-server-large");
    let grown = Command::new("truncate").args(["-s", "400M"]).arg(&program).status();
    assert!(grown.expect("truncate runs").success());
    let rules = format!(
        "      - name: that file\n        action: hold\n        exe: {}/*\n        sha256: {}\n",
        site.server.display(),
        "ab".repeat(32)
    );
    (program, enforcing("", &rules))
}

#[test]
fn who_is_held_when_the_agent_is_killed_goes_on() {
    scenario(Company::Alone, || {
        let site = Site::new();
        let (program, config) = slow(&site);
        let mut agent = Agent::start_with(&config);
        wait_held(&agent);
        let starting = held(&program, "exit");
        agent.kill_hard();
        assert!(starting.join().unwrap().expect("it runs"));
        // And the next agent holds anew.
        agent.restart();
        wait_held(&agent);
        assert!(start(&program, "exit").expect("nothing is against it"));
        assert!(!agent.output().contains("panicked"), "{}", agent.output());
        Ok(())
    });
}

#[test]
fn who_is_held_when_the_agent_stops_answering_goes_on() {
    scenario(Company::Alone, || {
        let site = Site::new();
        let (program, config) = slow(&site);
        let agent = Agent::start_with(&config);
        wait_held(&agent);
        let starting = held(&program, "exit");
        kill(agent.pid(), Signal::SIGSTOP);
        eventually("the agent is stopped", SOON, || (state_of(agent.pid()) == Some('T')).then_some(()));
        // One that was asked about, and one that comes now.
        assert!(starting.join().unwrap().expect("it runs"));
        assert!(start(&program, "exit").expect("nobody is there to ask"));
        kill(agent.pid(), Signal::SIGCONT);
        wait_held(&agent);
        Ok(())
    });
}

#[test]
fn who_waits_too_long_goes_on() {
    scenario(Company::Alone, || {
        let site = Site::new();
        let (program, config) = slow(&site);
        let agent = Agent::start_with(&config.replace("within: 1s", "within: 50ms"));
        wait_held(&agent);
        assert!(start(&program, "exit").expect("it runs"));
        let record = wait_act(&agent, "hold", "undecided");
        assert!(record["why"].is_string(), "{record}");
        Ok(())
    });
}

#[test]
fn off_is_off_at_once_and_over_a_restart() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let program = script(&site, "mcp-server-notes");
        let rules =
            format!("      - name: none\n        action: hold\n        exe: {}/*\n", site.server.display());
        let mut agent = Agent::start_with(&enforcing("", &rules));
        wait_held(&agent);
        assert!(start(&program, "a").is_err());
        let off = agent.cli(&["guard", "off"]);
        assert!(off.status.success(), "{off:?}");
        assert!(start(&program, "b").expect("the guard is off"));
        agent.stop();
        agent.restart();
        assert_eq!(guard_of(&agent)["in_force"], "off");
        assert!(start(&program, "c").expect("it stays off"));
        assert!(agent.cli(&["guard", "on"]).status.success());
        wait_held(&agent);
        assert!(start(&program, "d").is_err());
        let orders: Vec<Value> =
            records(&agent, "admin.guard").into_iter().map(|record| record["act"].clone()).collect();
        assert_eq!(orders, ["off", "on"]);
        Ok(())
    });
}

/// In a mount namespace of their own anybody calls a program what they like.
#[test]
fn a_name_of_somebodys_own_spares_nobody() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let program = copied(&site, "mcp-server-tiny");
        let rules = format!(
            "      - name: none\n        action: hold\n        exe: {}\n        evidence: nothing\n",
            program.display()
        );
        let agent = Agent::start_with(&enforcing("", &rules));
        wait_held(&agent);
        let inside = |over: &str, then: &str| {
            let script = format!("mount --bind {over} && {{ {then}; echo over; }}");
            let mut command = Command::new("unshare");
            command.args(["-m", "sh", "-c", &script]).arg(&program).stdin(Stdio::null());
            let out = command.output().expect("unshare runs");
            String::from_utf8_lossy(&out.stdout).trim().to_owned()
        };
        assert_eq!(
            inside("/bin/sh /usr/bin/su", "/usr/bin/su -c '\"$0\" exit && echo ran; :' \"$0\""),
            "over"
        );
        assert_eq!(inside("\"$0\" /usr/bin/su", "/usr/bin/su exit && echo ran"), "over");
        Ok(())
    });
}

/// A rule against every program there is; a client of the site's own is all it can see, because this host has others.
#[test]
fn a_rule_against_everything_is_not_in_the_way_of_a_login() {
    scenario(Company::Alone, || {
        let site = Site::new();
        let outer = site.client.join("outer");
        let copied = Command::new("cp").args(["-L", "/bin/bash"]).arg(&outer).status();
        assert!(copied.expect("cp runs").success());
        let rules = format!(
            "      - name: everything\n        action: hold\n        exe: /**\n        evidence: nothing\n        client: {}\n",
            outer.display()
        );
        let agent = Agent::start_with(&enforcing("    kills-per-minute: 1000\n", &rules));
        wait_held(&agent);
        let inside = |script: &str| {
            let mut command = Command::new(&outer);
            command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.output().expect("the shell itself is not under itself")
        };
        let refused = inside("/usr/bin/env true");
        assert!(!refused.status.success(), "the rule does what it says: {refused:?}");
        let su = inside("su root -c 'echo in as $UID'");
        assert_eq!(String::from_utf8_lossy(&su.stdout).trim(), "in as 0", "{su:?}");
        login(&outer)?;
        if std::path::Path::new("/usr/sbin/sshd").exists() {
            let sshd = inside("/usr/sbin/sshd -V 2>&1; true");
            assert!(!String::from_utf8_lossy(&sshd.stderr).contains("not permitted"), "{sshd:?}");
        }
        // Whoever is in can switch it off.
        let program = agent_binary();
        let dirs = agent.runtime_dir();
        let off = inside(&format!(
            "MCPGW_RUNTIME_DIR={} su root -c '{} guard off'",
            dirs.display(),
            program.display()
        ));
        assert!(off.status.success(), "{off:?}");
        assert!(inside("/usr/bin/env true").status.success());
        Ok(())
    });
}

/// `login` at a terminal, from the shell the rule is against.
fn login(outer: &Path) -> Result<(), Skipped> {
    let script = Peers::on_path("script")?;
    let inner = format!("{} -c 'exec login -f root'", outer.display());
    let mut child = Command::new(script)
        .args(["-qec", &inner, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("script runs");
    let output = Log::default();
    output.collect(child.stdout.take().unwrap());
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"echo logged-$((40+2))\nexit\n").unwrap();
    eventually("a shell after the login", SOON, || output.text().contains("logged-42").then_some(()));
    drop(input);
    child.wait().unwrap();
    Ok(())
}
