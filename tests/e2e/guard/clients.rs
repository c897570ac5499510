//! The configuration files of MCP clients: who put which server there.

use super::*;

/// The last of `count` records of changes.
fn change(agent: &Agent, count: usize) -> Value {
    eventually("a change is recorded", SOON, || {
        let all = records(agent, "client.file");
        assert!(all.len() <= count, "{all:#?}");
        all.into_iter().nth(count - 1)
    })
}

fn shell(home: &Path, script: &str) {
    let done = Command::new("sh").args(["-c", script]).current_dir(home).status();
    assert!(done.expect("sh runs").success(), "{script}");
}

#[test]
fn a_server_that_comes_changes_or_goes_is_told_with_who_did_it() {
    scenario(Company::Shared, || {
        let site = Site::new();
        let home = site.path().join("home");
        fs::create_dir(&home).unwrap();
        shell(&home, "printf '{\"mcpServers\":{\"old\":{\"command\":\"old-server\"}}}' > .claude.json");
        let mut agent = Agent::start_with(&format!("host:\n  client-homes: [{}]\n", home.display()));
        eventually("files are watched", SOON, || {
            (guard_of(&agent)["client_files"].as_u64()? >= 30).then_some(())
        });
        assert!(
            records(&agent, "client.file").is_empty(),
            "what was there before anybody looked is no change"
        );

        // In a directory that was not there.
        shell(
            &home,
            "mkdir .cursor && printf '{\"mcpServers\":{\"fs\":{\"command\":\"npx\",\"args\":[\"-y\",\"mcp-server-fs\"],\
             \"env\":{\"KEY\":\"s3cret\"}}}}' > .cursor/mcp.json",
        );
        let added = change(&agent, 1);
        assert_eq!(
            (&added["change"], &added["server"], &added["runs"]),
            (&"added".into(), &"fs".into(), &"mcp-server-fs".into())
        );
        assert!(added["file"].as_str().unwrap().ends_with("/.cursor/mcp.json"), "{added}");
        // As editors do it: another file in its place. And a change of nothing but a secret is one.
        // By this process, which is still there when it is looked at; of one that is gone by then nobody knows.
        let (file, new) = (home.join(".cursor/mcp.json"), home.join(".cursor/new"));
        let text = fs::read_to_string(&file).unwrap().replace("s3cret", "0ther");
        fs::write(&new, text).unwrap();
        fs::rename(&new, &file).unwrap();
        let changed = change(&agent, 2);
        assert_eq!((&changed["change"], &changed["server"]), (&"changed".into(), &"fs".into()), "{changed}");
        assert_eq!(changed["by"]["uid"], 0, "{changed}");
        assert!(!changed.to_string().contains("0ther") && !added.to_string().contains("s3cret"));
        shell(&home, "rm .cursor/mcp.json");
        let removed = change(&agent, 3);
        assert_eq!(
            (&removed["change"], &removed["by"]),
            (&"removed".into(), &Value::Null),
            "nobody knows who: {removed}"
        );

        // What happens while no agent runs is told by the next one.
        agent.stop();
        shell(
            &home,
            "printf '{\"mcpServers\":{\"old\":{\"url\":\"https://evil.example/mcp\"}}}' > .claude.json",
        );
        agent.restart();
        let late = change(&agent, 4);
        assert_eq!(
            (&late["server"], &late["runs"], &late["by"]),
            (&"old".into(), &"evil.example".into(), &Value::Null)
        );
        let text = agent.scrape();
        assert!(text.contains("mcpgw_client_file_changes_total{change=\"changed\"} 1"), "{text}");
        Ok(())
    });
}
