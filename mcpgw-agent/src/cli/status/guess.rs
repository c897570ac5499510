//! What a command line starts, where the server has not said its name: the package or script behind wrappers and
//! interpreters. For people to recognise it by; nothing is decided by it.

use super::describe::base_name;

/// Programs that start another, named by their first argument that is no option.
const LAUNCHERS: [&str; 19] = [
    "npx",
    "npm",
    "pnpm",
    "yarn",
    "bunx",
    "bun",
    "deno",
    "uvx",
    "uv",
    "pipx",
    "node",
    "nodejs",
    "python",
    "python3",
    "env",
    "ruby",
    "java",
    "tini",
    "dumb-init",
];
/// Their own commands, which are not yet the program.
const COMMANDS: [&str; 6] = ["run", "exec", "x", "dlx", "tool", "start"];
/// Options whose value is the program.
const MODULE: [&str; 3] = ["-m", "-p", "--package"];
/// Options whose value is not.
const WITH_VALUE: [&str; 9] =
    ["--from", "--with", "--directory", "--python", "--require", "-r", "--import", "--loader", "--env-file"];
/// The scope of the reference servers: it takes the room their names need.
const OFFICIAL: &str = "@modelcontextprotocol/";
/// File names that say nothing: their package's directory does.
const INDEXES: [&str; 8] = ["index", "main", "server", "cli", "__main__", "dist", "build", "src"];

/// The package, module or script `command` starts.
pub(super) fn guess(command: &[String]) -> Option<String> {
    let mut words = command.iter().map(String::as_str);
    let mut program = words.next()?;
    let mut launched = false;
    while is_launcher(program) {
        let Some(next) = argument(&mut words) else { break };
        program = next;
        launched = true;
    }
    if let Some(package) = program.strip_prefix(OFFICIAL) {
        Some(package.to_owned())
    } else if program.starts_with('@') {
        Some(program.to_owned())
    } else if launched && program.contains('/') {
        Some(script(program))
    } else {
        base_name(program)
    }
}

fn is_launcher(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    // python3.12 is python3.
    let name = name.split_once('.').map_or(name, |(name, _)| name);
    LAUNCHERS.contains(&name)
}

/// The next word that is neither an option nor its value nor a command of the launcher's.
fn argument<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<&'a str> {
    while let Some(word) = words.next() {
        if MODULE.contains(&word) {
            return words.next();
        }
        if WITH_VALUE.contains(&word) {
            words.next();
        } else if !word.starts_with('-') && !COMMANDS.contains(&word) && !word.contains('=') {
            return Some(word);
        }
    }
    None
}

/// A script by the nearest part of its path that says something: `…/everything/dist/index.js` is `everything`.
fn script(path: &str) -> String {
    let says_nothing = |part: &str| {
        let stem = part.split('.').next().unwrap_or(part);
        INDEXES.contains(&stem)
    };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let telling = parts.iter().rev().find(|part| !says_nothing(part)).or(parts.last());
    telling.map_or_else(|| path.to_owned(), |part| (*part).to_owned())
}

#[cfg(test)]
mod tests {
    use super::guess;

    #[test]
    fn the_program_behind_wrappers_is_found() {
        for (command, told) in [
            ("npx -y @modelcontextprotocol/server-everything stdio", "server-everything"),
            ("npm exec @scope/server", "@scope/server"),
            ("node /opt/everything/dist/index.js stdio", "everything"),
            (
                "node /home/u/.npm/_npx/1/node_modules/.bin/mcp-server-filesystem /srv",
                "mcp-server-filesystem",
            ),
            ("/usr/bin/python3.12 -m mcp_server_git --repository /srv", "mcp_server_git"),
            ("python server.py", "server.py"),
            ("uvx --from mcp-tools mcp-server-time", "mcp-server-time"),
            ("uv --directory /srv/weather run weather.py", "weather.py"),
            ("env A=1 B=2 npx server-memory", "server-memory"),
            ("/usr/local/bin/github-mcp-server stdio", "github-mcp-server"),
            ("sh -c exec-something", "sh"),
            ("node", "node"),
            ("node dist/index.js", "index.js"),
        ] {
            let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
            assert_eq!(guess(&words).as_deref(), Some(told), "{command}");
        }
        assert_eq!(guess(&[]), None);
        assert_eq!(guess(&[String::new()]), None);
    }
}
