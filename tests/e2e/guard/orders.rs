//! `allow` and `block`: kept, recorded, over when their time is.

use super::*;

/// The id of the ended or running server of process `pid`.
fn id_of(agent: &Agent, pid: u32) -> String {
    eventually("the server is listed", SOON, || {
        agent.status().servers.iter().find(|server| server.pid == pid).map(|server| server.id.clone())
    })
}

#[test]
fn what_was_allowed_runs_until_its_time_is_over() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let program = copied(&site, "mcp-server-tiny");
        let rules =
            format!("      - name: none\n        action: kill\n        exe: {}/*\n", site.server.display());
        let mut agent = Agent::start_with(&enforcing("", &rules));
        let serve = |agent: &Agent| {
            let mut server =
                Session::start_seen(agent, &site, Command::new(&program).args(["serve", "shadow", "1"]));
            server.greet();
            server
        };
        let first = serve(&agent);
        eventually("it is killed", SOON, || (!is_alive(first.pid())).then_some(()));
        let id = id_of(&agent, first.pid());
        let said = agent.cli(&["allow", &id, "--for", "1h"]);
        assert!(said.status.success(), "{said:?}");
        let order = guard_of(&agent)["orders"][0].clone();
        assert_eq!((&order["kind"], &order["by"]), (&"allow".into(), &0.into()), "{order}");
        // It outlives the agent.
        agent.stop();
        agent.restart();
        let second = serve(&agent);
        let second_id = agent.wait_for("it is confirmed", &[site.path()], SOON, |status| {
            status.of(second.pid()).filter(|server| server.confirmed).map(|server| server.id.clone())
        });
        assert!(is_alive(second.pid()));
        let said = agent.cli(&["allow", &second_id, "--for", "1s"]);
        assert!(said.status.success(), "{said:?}");
        eventually("its time is over", SOON, || (!is_alive(second.pid())).then_some(()));
        let acts: Vec<Value> =
            records(&agent, "admin.guard").iter().map(|record| record["act"].clone()).collect();
        assert_eq!(acts, ["allow", "allow", "expired"]);
        assert_eq!(guard_of(&agent)["orders"], Value::Array(Vec::new()));
        Ok(())
    });
}

#[test]
fn what_was_blocked_ends_and_does_not_start_again() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let program = copied(&site, "mcp-server-tiny");
        let agent = Agent::start_with(&enforcing("", "      []\n"));
        let mut server = Session::start_seen(&agent, &site, Command::new(&program).args(["serve", "x", "1"]));
        server.open();
        let id = agent.wait_for("it is confirmed", &[site.path()], SOON, |status| {
            status.of(server.pid()).filter(|server| server.confirmed).map(|server| server.id.clone())
        });
        assert!(agent.cli(&["block", &id]).status.success());
        eventually("it is killed", SOON, || (!is_alive(server.pid())).then_some(()));
        wait_held(&agent);
        let again = Command::new(&program)
            .args(["serve", "x", "1"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status();
        assert_eq!(again.expect_err("it is blocked").kind(), io::ErrorKind::PermissionDenied);
        // Told to do something else, it is another program.
        assert!(Command::new(&program).arg("exit").status().expect("it runs").success());
        let order = guard_of(&agent)["orders"][0]["id"].as_str().unwrap().to_owned();
        assert!(agent.cli(&["guard", "forget", &order]).status.success());
        let once_more = Command::new(&program)
            .args(["serve", "x", "1"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status();
        assert!(once_more.expect("nobody is against it").success());
        let unknown = agent.cli(&["block", "nothing"]);
        assert!(!unknown.status.success(), "{unknown:?}");
        Ok(())
    });
}
