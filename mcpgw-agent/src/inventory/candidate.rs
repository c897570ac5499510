//! What makes a process look like an MCP server before a byte has passed: its shape and its command line.
//!
//! Both are hints. The shape (stdin and stdout both channels) also fits language servers and every filter in
//! a pipeline; a command line can be anything. Neither confirms, and nothing here dismisses.

use super::{ChannelEnd, ChannelKind};

/// The channel ends a stdio server of this shape would read from and write to.
///
/// Takes descriptors 0 and 1; a single socket may serve as both, a single pipe may not.
pub(super) fn shape(ends: &[ChannelEnd]) -> Option<(ChannelEnd, ChannelEnd)> {
    let input = ends.iter().find(|end| end.fd == 0 && end.readable)?;
    let output = ends.iter().find(|end| end.fd == 1 && end.writable)?;
    let same_pipe = input.channel == output.channel && input.channel.kind == ChannelKind::Fifo;
    (!same_pipe).then_some((*input, *output))
}

/// Programs whose arguments, not their name, say what runs.
const LAUNCHERS: &[&str] = &[
    "bash",
    "bun",
    "bunx",
    "dash",
    "deno",
    "docker",
    "dotnet",
    "env",
    "java",
    "node",
    "nodejs",
    "npm",
    "npx",
    "pipx",
    "pnpm",
    "podman",
    "ruby",
    "sh",
    "tsx",
    "ts-node",
    "uv",
    "uvx",
    "yarn",
    "zsh",
    "tini",
    "dumb-init",
    "docker-init",
    "fastmcp",
    "mcp",
];
/// Names that fit the patterns but are clients or tools.
const NOT_SERVERS: &[&str] = &["mcp-inspector", "mcp-cli", "mcp-client"];
const EXTENSIONS: &[&str] = &[".js", ".mjs", ".cjs", ".ts", ".py", ".exe", ".jar", ".sh"];
/// Words looked at: a container's command line names its image late.
const WORDS: usize = 32;

/// Whether a command line names a known MCP server package.
#[must_use]
pub fn names_a_server(argv: &[String]) -> bool {
    command(argv).is_some()
}

/// The word of a command line that names a known MCP server package, if one does.
pub(super) fn command(argv: &[String]) -> Option<&str> {
    let mut words = argv
        .iter()
        .enumerate()
        // The shell's `-c` argument and node's process title hold several words.
        .flat_map(|(i, argument)| argument.split_whitespace().map(move |word| (i, word)))
        .take(WORDS)
        .peekable();
    let program = base(argv.first()?.split_whitespace().next()?);
    let launcher = LAUNCHERS.contains(&program.as_str()) || program.starts_with("python");
    let mut before = "";
    while let Some((i, word)) = words.next() {
        if i > 0 && !launcher {
            return None;
        }
        let next = words.peek().map_or("", |(_, word)| *word);
        let name = base(word);
        if (name == "mcp" || name == "fastmcp") && matches!(next, "run" | "dev") {
            return Some(word);
        }
        let module = before == "-m" && word.split('.').any(|part| part == "mcp" || is_server_name(part));
        if module || names_server(word) {
            return Some(word);
        }
        before = word;
    }
    None
}

fn names_server(word: &str) -> bool {
    if word.starts_with('-') || word.len() > 1024 {
        return false;
    }
    // Docker's catalogue of MCP servers.
    if word.strip_prefix("mcp/").is_some_and(|image| !image.is_empty()) {
        return true;
    }
    let mut scope = "";
    for part in word.split(['/', '\\']) {
        if scope == "@modelcontextprotocol" && part.starts_with("server-") {
            return true;
        }
        if is_server_name(&base(part)) {
            return true;
        }
        scope = part;
    }
    false
}

fn is_server_name(name: &str) -> bool {
    if NOT_SERVERS.iter().any(|not| name.starts_with(not)) {
        return false;
    }
    let name = name.replace('_', "-");
    name == "mcp-server"
        || name.strip_prefix("mcp-").is_some_and(|rest| !rest.is_empty())
        || name.strip_suffix("-mcp").is_some_and(|rest| !rest.is_empty())
        || name.contains("-mcp-server")
}

/// Last component in lower case, without version and extension.
fn base(word: &str) -> String {
    let last = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let plain = match last.rfind(['@', ':']) {
        Some(at) if at > 0 => last.get(..at).unwrap_or(last),
        Some(_) | None => last,
    };
    let lower = plain.to_ascii_lowercase();
    let stem = EXTENSIONS.iter().find_map(|extension| lower.strip_suffix(extension));
    stem.unwrap_or(&lower).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::Channel;
    use super::*;

    fn found(line: &str) -> bool {
        let argv: Vec<String> = line.split(' ').map(|word| word.replace('~', " ")).collect();
        command(&argv).is_some()
    }

    #[test]
    fn known_packages_are_named() {
        for line in [
            "npx -y @modelcontextprotocol/server-filesystem /tmp",
            "npm~exec~@modelcontextprotocol/server-everything",
            "node /x/node_modules/.bin/mcp-server-filesystem /tmp",
            "node /x/node_modules/@modelcontextprotocol/server-everything/dist/index.js",
            "sh -c mcp-server-everything~stdio",
            "uvx mcp-server-git@2.1",
            "python3.11 -m mcp_server_time",
            "python -m acme.mcp",
            "uv run --with mcp[cli] mcp run server.py",
            "fastmcp run app.py",
            "docker run -i --rm -e A=b mcp/fetch",
            "docker run -i ghcr.io/github/github-mcp-server:v1",
            "/usr/bin/github-mcp-server stdio",
            "bunx weather-mcp",
        ] {
            assert!(found(line), "{line}");
        }
    }

    #[test]
    fn others_are_not() {
        for line in [
            "grep mcp-server-git notes",
            "vim weather-mcp.py",
            "npx @modelcontextprotocol/inspector",
            "npx mcp-inspector",
            "node server.js",
            "typescript-language-server --stdio",
            "python -m http.server",
            "mcpgw-agent run",
            "",
        ] {
            assert!(!found(line), "{line}");
        }
    }

    #[test]
    fn shape_wants_two_channels() {
        let end = |fd, kind, ino, readable, writable| ChannelEnd {
            channel: Channel { kind, ino },
            fd,
            readable,
            writable,
            peer: None,
            creator: None,
        };
        let r = end(0, ChannelKind::Fifo, 1, true, false);
        let w = end(1, ChannelKind::Fifo, 2, false, true);
        assert!(shape(&[r, w]).is_some());
        assert!(shape(&[r]).is_none());
        assert!(shape(&[end(6, ChannelKind::Fifo, 1, true, false), w]).is_none());
        assert!(
            shape(&[end(0, ChannelKind::Fifo, 1, true, true), end(1, ChannelKind::Fifo, 1, true, true)])
                .is_none()
        );
        assert!(
            shape(&[end(0, ChannelKind::Unix, 1, true, true), end(1, ChannelKind::Unix, 1, true, true)])
                .is_some()
        );
    }
}
