//! Files of clients, and the servers in them.

use std::fs;

use super::*;
use crate::tests::own_time;

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
}

#[test]
fn a_projects_files_are_read_where_that_is_asked_for() {
    let (home, project) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(project.path(), ".mcp.json", r#"{"mcpServers":{"p":{"command":"p"}}}"#);
    assert!(configured(home.path(), None).0.is_empty());
    assert_eq!(configured(home.path(), Some(project.path())).0.len(), 1);
}

#[test]
fn toml_and_yaml_are_read_as_json_is() {
    let home = tempfile::tempdir().unwrap();
    write(
        home.path(),
        ".codex/config.toml",
        r#"model = "x"  # a comment
        [projects."/p"]
        trust_level = "trusted"
        [mcp_servers.fs]
        command = "npx"
        args = ["-y", "pkg"]
        env = { K = "v", T = "${T}" }
        startup_timeout_sec = 10
        [mcp_servers.off]
        command = "off"
        enabled = false
        [mcp_servers."remote"]
        url = "https://h/mcp"
        bearer_token_env_var = "TOK"
        http_headers = { Authorization = "Bearer t" }
        started = 2026-01-01T00:00:00Z
"#,
    );
    write(
        home.path(),
        ".vibe/config.toml",
        "[[mcp_servers]]\nname = \"v\"\ntransport = \"stdio\"\ncommand = \"v\"\nargs = [\"1\"]\n[[mcp_servers]]\ncommand = \"nameless\"\n",
    );
    write(
        home.path(),
        ".config/goose/config.yaml",
        "# comment\nGOOSE_MODEL: x\nextensions:\n  fs: {type: stdio, name: fs, enabled: true, cmd: uvx, args: [pkg], envs: {K: v}, timeout: 300, bundled: null}\n  \
         built: {type: builtin, name: built, enabled: true}\n  r: {type: streamable_http, enabled: true, uri: 'https://g/mcp'}\n",
    );
    write(
        home.path(),
        ".continue/config.yaml",
        "mcpServers:\n  - name: c\n    command: c\n    args: [\"-y\"]\n    env: {K: v}\n",
    );
    let (servers, failed) = configured(home.path(), None);
    assert_eq!(failed, []);
    let found: Vec<_> = servers.iter().map(|server| (&*server.name, command(&server.target))).collect();
    assert_eq!(
        found,
        [
            ("fs", ("npx -y pkg".to_owned(), 1)),
            ("remote", ("https://h/mcp".to_owned(), 1)),
            ("v", ("v 1".to_owned(), 0)),
            ("fs", ("uvx pkg".to_owned(), 1)),
            ("r", ("https://g/mcp".to_owned(), 0)),
            ("c", ("c -y".to_owned(), 1)),
        ]
    );
}

/// Whoever can write such a file must not be able to stop the scan, nor have it say what stands in the file.
#[test]
fn hostile_files_are_refused_in_no_time() {
    let secret = "hunter2hunter2";
    let many = |what: &str, count: usize| what.repeat(count);
    let anchors: String =
        (1..40).map(|n| format!("a{n}: &a{n} [{}]\n", many(&format!("*a{},", n - 1), 9))).collect();
    for (path, text, is_refused) in [
        (".codex/config.toml", format!("[mcp_servers.a\ncommand = \"{secret}\""), true),
        (".codex/config.toml", format!("a = {}{}", many("[", 100_000), many("]", 100_000)), true),
        (".codex/config.toml", format!("a = {}1{}", many("{a=", 100_000), many("}", 100_000)), true),
        (".codex/config.toml", format!("{}a = 1", many("a.", 100_000)), true),
        (".codex/config.toml", format!("[{}a]", many("a.", 100_000)), true),
        (".codex/config.toml", "a = 1\na = 2\n".to_owned(), true),
        (".codex/config.toml", format!("a = \"{}\"", many("x", 2 << 20)), true),
        (".codex/config.toml", "\u{feff}[mcp_servers]\n".to_owned(), false),
        (".codex/config.toml", "mcp_servers = 7\n".to_owned(), false),
        (
            ".codex/config.toml",
            "[mcp_servers]\na = [1, \"x\"]\nb = {command = 7, args = \"x\"}\n".to_owned(),
            false,
        ),
        (".continue/config.yaml", format!("a: {}", many("[", 100_000)), true),
        (".continue/config.yaml", format!("{secret}: [\n{secret}: }}"), true),
        (".continue/config.yaml", format!("a0: &a0 [x,x,x,x,x,x,x,x,x]\n{anchors}"), true),
        (".continue/config.yaml", "a: &a [*a]\n".to_owned(), true),
        (".continue/config.yaml", "a: 1\na: 2\n".to_owned(), true),
        (".continue/config.yaml", "mcpServers: [1, {name: 3}, {name: [x], command: y}]\n".to_owned(), false),
        (".continue/config.yaml", "# nothing\n".to_owned(), false),
    ] {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), path, &text);
        let started = own_time();
        let (servers, failed) = configured(home.path(), None);
        let start: String = text.chars().take(40).collect();
        let took = own_time() - started;
        assert!(took.as_secs() < 10, "{start}: {took:?}");
        assert_eq!(!failed.is_empty(), is_refused, "{start}: {failed:?}");
        assert!(servers.iter().all(|server| server.name.is_empty()), "{start}");
        assert!(failed.iter().all(|(_, why)| !why.contains(secret)), "{failed:?}");
    }
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join(".codex")).unwrap();
    fs::write(home.path().join(".codex/config.toml"), [0xff, 0xfe, 0, b'a']).unwrap();
    assert_eq!(configured(home.path(), None).1.len(), 1);
}
