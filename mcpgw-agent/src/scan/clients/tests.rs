//! Files of clients, and the servers in them.

use std::fs;

use super::*;

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn command(target: &Target) -> (String, usize) {
    match target {
        Target::Command { words, environment, .. } => {
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            (words.join(" "), environment.len())
        }
        Target::Url { url, authorization } => (url.to_string(), usize::from(authorization.is_some())),
    }
}

#[test]
fn all_shapes_are_read() {
    let home = tempfile::tempdir().unwrap();
    write(
        home.path(),
        ".claude.json",
        r#"{"mcpServers":{"a":{"command":"npx","args":["-y","a"],"env":{"K":"v","T":"${T}"}}},
        "projects":{"/p":{"mcpServers":{"b":{"type":"http","url":"https://h/mcp","headers":{"Authorization":"Bearer t"}}}}}}"#,
    );
    write(
        home.path(),
        ".config/Code/User/mcp.json",
        "{// servers\n\"servers\":{\"c\":{\"command\":\"c\",},},}",
    );
    write(
        home.path(),
        ".config/opencode/opencode.json",
        r#"{"mcp":{"d":{"type":"local","command":["d","x"],"environment":{"K":"v"}},"off":{"command":["z"],"enabled":false}}}"#,
    );
    write(
        home.path(),
        ".cursor/mcp.json",
        r#"{"mcpServers":{"e":{"command":"/usr/bin/mcpgw-agent","args":["wrap","--name","e","--","e","--","f"]}}}"#,
    );
    write(home.path(), ".gemini/settings.json", "not JSON");
    write(home.path(), ".codex/config.toml", "");
    let (servers, failed) = configured(home.path(), None);
    let found: Vec<_> = servers.iter().map(|server| (&*server.name, command(&server.target))).collect();
    assert_eq!(
        found,
        [
            ("a", ("npx -y a".to_owned(), 1)),
            ("b", ("https://h/mcp".to_owned(), 1)),
            ("e", ("e -- f".to_owned(), 0)),
            ("c", ("c".to_owned(), 0)),
            ("d", ("d x".to_owned(), 1)),
        ]
    );
    assert_eq!(
        failed.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>(),
        [home.path().join(".gemini/settings.json")]
    );
    assert_eq!(unread(home.path()), [home.path().join(".codex/config.toml")]);
}

#[test]
fn a_projects_files_are_read_where_that_is_asked_for() {
    let (home, project) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(project.path(), ".mcp.json", r#"{"mcpServers":{"p":{"command":"p"}}}"#);
    assert!(configured(home.path(), None).0.is_empty());
    assert_eq!(configured(home.path(), Some(project.path())).0.len(), 1);
}
