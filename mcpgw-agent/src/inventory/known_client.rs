//! Programs that are known to be MCP clients, by their names alone.

use super::program;

/// Executables, and packages and scripts that interpreters are given.
const NAMES: [&str; 41] = [
    "agent-scan",
    "aider",
    "amp",
    "antigravity",
    "auggie",
    "claude",
    "claude-code",
    "claude-desktop",
    "cline",
    "code",
    "code-insiders",
    "codex",
    "codium",
    "continue",
    "copilot",
    "crush",
    "cursor",
    "cursor-agent",
    "devin",
    "droid",
    "gemini",
    "gemini-cli",
    "goose",
    "goosed",
    "grok",
    "jan",
    "junie",
    "kilocode",
    "kimi",
    "kiro",
    "kiro-cli",
    "librechat",
    "lmstudio",
    "opencode",
    "q",
    "qodercli",
    "qwen",
    "vibe",
    "warp",
    "windsurf",
    "zed",
];

/// A program of this name, or one started by this command line, is a client of MCP servers.
#[must_use]
pub fn is_known_client(exe: &str, command: &[String]) -> bool {
    let file = exe.rsplit('/').next().unwrap_or(exe);
    let is_known = |name: &str| NAMES.binary_search(&name).is_ok();
    is_known(file) || program(command).is_some_and(|name| is_known(name.rsplit('/').next().unwrap_or(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_known_by_program_and_by_package() {
        assert!(NAMES.is_sorted());
        let command = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert!(is_known_client("/home/u/.local/bin/claude", &[]));
        let node = "/usr/bin/node";
        assert!(is_known_client(
            node,
            &command(&["node", "/lib/node_modules/@google/gemini-cli/dist/index.js"])
        ));
        assert!(is_known_client(
            node,
            &command(&["node", "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js"])
        ));
        assert!(!is_known_client(node, &command(&["node", "/srv/shop/server.js"])));
    }
}
