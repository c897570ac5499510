//! Commands and the packages they start; names and whom they imitate.

use super::*;

fn of(command: &str) -> Option<(String, Option<String>)> {
    let words: Vec<OsString> = command.split(' ').map(OsString::from).collect();
    package(&words).map(|package| (package.name, package.version))
}

#[test]
fn a_command_names_its_package() {
    for (command, name, version) in [
        (
            "npx -y @modelcontextprotocol/server-filesystem /tmp",
            "@modelcontextprotocol/server-filesystem",
            None,
        ),
        ("npx -y @scope/server@1.2.3", "@scope/server", Some("1.2.3")),
        ("npx tavily-mcp@latest", "tavily-mcp", None),
        ("/usr/bin/npx --package=left-pad@1.0.0 -c x", "left-pad", Some("1.0.0")),
        ("npx -p some-mcp some", "some-mcp", None),
        ("npm exec --yes some-mcp", "some-mcp", None),
        ("pnpm dlx some-mcp", "some-mcp", None),
        ("bunx some-mcp", "some-mcp", None),
        ("env A=b npx some-mcp", "some-mcp", None),
        ("cmd /c npx some-mcp", "some-mcp", None),
        ("uvx mcp-server-git==2.1", "mcp-server-git", Some("2.1")),
        ("uvx --from mcp-server-git@2.1 git", "mcp-server-git", Some("2.1")),
        ("uvx --python 3.12 markitdown-mcp[all]", "markitdown-mcp", None),
        ("pipx run mcp-server-time", "mcp-server-time", None),
        ("uv tool run mcp-server-time", "mcp-server-time", None),
    ] {
        assert_eq!(of(command), Some((name.to_owned(), version.map(str::to_owned))), "{command}");
    }
    for command in [
        "node server.js",
        "npm start",
        "uv run server.py",
        "npx ./here",
        "npx github:a/b",
        "npx",
        "python -m x",
    ] {
        assert_eq!(of(command), None, "{command}");
    }
}

#[test]
fn names_made_to_look_like_others_are_found() {
    let twin_of = |ecosystem, name: &str| {
        twin(&Package { ecosystem, name: name.to_owned(), version: None }).map(|twin| twin.known)
    };
    let npm = |name| twin_of(Ecosystem::Npm, name);
    for name in [
        "@modelcontextprotocol/server-filesytem",
        "@modelcontextprotoco1/server-filesystem",
        "@modelcontextprotocol/server-fiIesystem",
        "modelcontextprotocol-server-filesystem",
        "@modelcontext-protocol/server-filesystem",
        "@modelcontextprotocol/server-file-system",
        "@modelcontextprotocоl/server-filesystem",
    ] {
        assert_eq!(npm(name), Some("@modelcontextprotocol/server-filesystem"), "{name}");
    }
    assert_eq!(npm("tavilly-mcp"), Some("tavily-mcp"));
    assert_eq!(twin_of(Ecosystem::PyPi, "mcp-sever-git"), Some("mcp-server-git"));
    for name in
        ["@modelcontextprotocol/server-filesystem", "@my-company/server-filesystem", "left-pad", "weather"]
    {
        assert_eq!(npm(name), None, "{name}");
    }
    for name in ["mcp_server_git", "MCP-Server-Git", "mcp-server-gitea", "mcp-server-github", "mcp"] {
        assert_eq!(twin_of(Ecosystem::PyPi, name), None, "{name}");
    }
}

#[test]
fn distance_counts_letters() {
    for (one, other, expected) in [
        ("abc", "abc", 0),
        ("abc", "abd", 1),
        ("abc", "acb", 1),
        ("abc", "ab", 1),
        ("", "ab", 2),
        ("kitten", "sittin", 2),
    ] {
        assert_eq!(distance(one, other), expected, "{one} {other}");
        assert_eq!(distance(other, one), expected, "{other} {one}");
    }
}
