//! What a command line starts: the package, module, script or image behind runners and interpreters. By it a server is
//! called until it has said its name, in `status` and, behind `wrap`, in policies and records.
//!
//! A command line can say anything: this is a name, and no proof of who runs.

mod runner;

use runner::{Runner, Starts};

/// Runners within runners that are looked through.
const DEPTH: usize = 8;
/// The scope of the reference servers: it takes the room their names need.
const OFFICIAL: &str = "@modelcontextprotocol/";
/// File names that say nothing: their package's directory does.
const INDEXES: [&str; 8] = ["index", "main", "server", "cli", "__main__", "dist", "build", "src"];

/// What `command` starts; `None` where it is empty. Where a runner is given code or nothing to run, the runner.
#[must_use]
pub fn program(command: &[String]) -> Option<String> {
    // npm writes what it runs over its own command line, as one word.
    let words: Vec<&str> = match command {
        [title] if title.starts_with("npm ") => title.split_whitespace().collect(),
        words => words.iter().map(String::as_str).collect(),
    };
    let mut words = words.into_iter();
    let mut program = words.next()?;
    let mut starts = Starts::Program;
    for _ in 0..DEPTH {
        let Some(runner) = Runner::of(file_name(program)) else { break };
        let Some(next) = runner.argument(&mut words) else { break };
        program = next;
        starts = runner.starts;
    }
    let name = match starts {
        Starts::Program => file_name(program),
        Starts::Image => image(program),
        Starts::Script => script(program),
    };
    (!name.is_empty()).then(|| name.to_owned())
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// An image without its registry, tag and digest.
fn image(reference: &str) -> &str {
    let name = file_name(reference.split('@').next().unwrap_or(reference));
    name.split(':').next().unwrap_or(name)
}

/// A package without its version, or a script by the nearest part of its path that says something:
/// `…/everything/dist/index.js` is `everything`.
fn script(word: &str) -> &str {
    let word = word.strip_prefix("npm:").or_else(|| word.strip_prefix("jsr:")).unwrap_or(word);
    if let Some(package) = word.strip_prefix(OFFICIAL) {
        return unversioned(package);
    }
    if word.starts_with('@') {
        return unversioned(word);
    }
    let says_nothing = |part: &&str| INDEXES.contains(&part.split('.').next().unwrap_or(part));
    let mut parts = word.split('/').filter(|part| !part.is_empty() && *part != ".");
    let last = parts.next_back().unwrap_or(word);
    let telling = std::iter::once(last).chain(parts.rev()).find(|part| !says_nothing(part) && *part != "..");
    unversioned(telling.unwrap_or(last))
}

/// `name` without what says which of its releases or parts: `@1.2`, `==1.2`, `[cli]`, and `:app` of a script.
fn unversioned(name: &str) -> &str {
    let ends = [
        name.rfind('@').filter(|at| *at > 0),
        name.find("=="),
        name.find('['),
        name.find(".py:").map(|at| at + 3),
    ];
    let end = ends.into_iter().flatten().filter(|end| *end > 0).min().unwrap_or(name.len());
    name.get(..end).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::program;

    fn told(command: &str) -> Option<String> {
        program(&command.split(' ').map(|word| word.replace('~', " ")).collect::<Vec<_>>())
    }

    #[test]
    fn the_program_behind_runners_is_found() {
        for (command, name) in [
            ("npx -y @modelcontextprotocol/server-everything stdio", "server-everything"),
            ("npx -y @modelcontextprotocol/server-filesystem@2025.1.14 /tmp", "server-filesystem"),
            ("npx --package=mcp-tools mcp-server-x", "mcp-server-x"),
            ("npx -p mcp-tools mcp-server-x", "mcp-server-x"),
            ("npx -y -- server-memory", "server-memory"),
            ("npx github:owner/weather", "weather"),
            ("npm exec @scope/server", "@scope/server"),
            ("npm~exec~@scope/server@1.2~/srv", "@scope/server"),
            ("pnpm dlx mcp-server-x@latest", "mcp-server-x"),
            ("bunx weather-mcp", "weather-mcp"),
            ("bun run /srv/weather/src/index.ts", "weather"),
            ("deno run -A npm:@scope/server@1", "@scope/server"),
            ("deno run --allow-net --config deno.json weather.ts", "weather.ts"),
            ("node /opt/everything/dist/index.js stdio", "everything"),
            ("node --require ./hook.js --no-warnings ./weather.mjs", "weather.mjs"),
            (
                "node /home/u/.npm/_npx/1/node_modules/.bin/mcp-server-filesystem /srv",
                "mcp-server-filesystem",
            ),
            ("tsx watch src/weather.ts", "weather.ts"),
            ("/usr/bin/python3.12 -m mcp_server_git --repository /srv", "mcp_server_git"),
            ("python -u -X dev server.py", "server.py"),
            ("python /srv/weather/server.py", "weather"),
            ("uvx --from mcp-tools mcp-server-time", "mcp-server-time"),
            ("uvx mcp-server-git==2.1", "mcp-server-git"),
            ("uvx mcp-server-git@2.1", "mcp-server-git"),
            ("uvx tools[cli]", "tools"),
            ("uv --directory /srv/weather run weather.py", "weather.py"),
            ("uv run --with mcp[cli] mcp run weather.py:app", "weather.py"),
            ("uv run -m mcp_server_time", "mcp_server_time"),
            ("uv run python -m mcp_server_time", "mcp_server_time"),
            ("uv tool run mcp-server-time", "mcp-server-time"),
            ("pipx run --spec tools mcp-server-time", "mcp-server-time"),
            ("env -u HOME A=1 B=2 npx server-memory", "server-memory"),
            ("tini -- env A=1 node /opt/weather/index.js", "weather"),
            ("docker run -i --rm -e A=b -v /srv:/srv --network none mcp/fetch --verbose", "fetch"),
            ("docker run -i --rm -p 80:80 ghcr.io/github/github-mcp-server:v1", "github-mcp-server"),
            ("podman run -i localhost:5000/x/weather@sha256:00ff", "weather"),
            ("java -Xmx1g -jar /opt/weather.jar", "weather.jar"),
            ("/usr/local/bin/github-mcp-server stdio", "github-mcp-server"),
        ] {
            assert_eq!(told(command).as_deref(), Some(name), "{command}");
        }
    }

    #[test]
    fn where_nothing_says_more_it_is_the_runner() {
        for (command, name) in [
            ("sh -c exec-something", "sh"),
            ("node", "node"),
            ("node dist/index.js", "index.js"),
            ("node -e require('./x')", "node"),
            ("node --eval 1", "node"),
            ("python3 -uc import~sys", "python3"),
            ("docker ps", "docker"),
            ("docker exec -i running mcp", "docker"),
            ("npx -c mcp~|~tee", "npx"),
            ("npx -y", "npx"),
        ] {
            assert_eq!(told(command).as_deref(), Some(name), "{command}");
        }
        assert_eq!(program(&[]), None);
        assert_eq!(told(""), None);
        assert_eq!(told("/srv/env.sh x").as_deref(), Some("env.sh"));
        let deep = vec!["env".to_owned(); 1000];
        assert_eq!(program(&deep).as_deref(), Some("env"));
    }
}
