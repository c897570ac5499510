//! What a server's process says of its risk, before or without a word of its own: where its program lies, as whom it runs,
//! whether what it runs was chosen.

use crate::detect::Severity;
use crate::risk::{Issue, Level, of_server, score};

/// What is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    /// Path of the executable.
    pub exe: &'a str,
    /// Arguments.
    pub argv: &'a [String],
    /// Real user id.
    pub uid: Option<u32>,
    /// It listens where other hosts can reach it.
    pub is_exposed: bool,
}

/// Directories anybody may write to.
const SHARED: [&str; 3] = ["/tmp/", "/var/tmp/", "/dev/shm/"];
/// Programs that fetch what they run.
const FETCHERS: [&str; 4] = ["npx", "uvx", "bunx", "pipx"];

/// How much risk there is.
#[must_use]
pub fn level(facts: &Facts<'_>) -> Level {
    score(&issues(facts)).level
}

fn issues(facts: &Facts<'_>) -> Vec<Issue> {
    let mut issues = Vec::new();
    let mut found = |rule, severity, why| issues.push(of_server(rule, severity, why, ""));
    if facts.exe.starts_with("/memfd:") || facts.exe.ends_with(" (deleted)") {
        found("hidden-program", Severity::Critical, "its program is in no file");
    }
    let in_shared = |path: &str| SHARED.iter().any(|shared| path.starts_with(shared));
    if in_shared(facts.exe) || facts.argv.iter().skip(1).take(2).any(|word| in_shared(word)) {
        found("shared-directory", Severity::High, "its program lies where anybody may write");
    }
    if facts.is_exposed {
        found("exposed", Severity::High, "other hosts can reach it");
    }
    if facts.uid == Some(0) {
        found("root", Severity::Medium, "it runs as root");
    }
    if is_unpinned(facts.argv) {
        found("unpinned", Severity::Medium, "what it runs is fetched as it is at the moment");
    }
    issues
}

/// It is fetched when it starts, and nobody said which version.
fn is_unpinned(argv: &[String]) -> bool {
    let base = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let mut words = argv.iter().flat_map(|argument| argument.split_whitespace());
    let fetches = words.next().is_some_and(|first| FETCHERS.contains(&base(first).as_str()));
    let package = words.find(|word| !word.starts_with('-'));
    fetches
        && package.is_some_and(|package| {
            let version = package.get(1..).and_then(|rest| rest.split_once(['@', '=']));
            version.is_none_or(|(_, version)| version.is_empty() || version == "latest")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_shared_or_exposed_is_worse() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let argv = words("node /srv/x.js");
        let plain = Facts { exe: "/usr/bin/node", argv: &argv, uid: Some(1000), is_exposed: false };
        assert_eq!(level(&plain), Level::Low);
        assert_eq!(level(&Facts { exe: "/memfd:x (deleted)", ..plain }), Level::Critical);
        assert_eq!(level(&Facts { exe: "/tmp/x", ..plain }), Level::Medium);
        assert_eq!(level(&Facts { exe: "/tmp/x", is_exposed: true, ..plain }), Level::High);
        let script = words("python3 /dev/shm/x.py");
        assert_eq!(level(&Facts { argv: &script, uid: Some(0), ..plain }), Level::Medium);
    }

    #[test]
    fn a_version_is_a_choice() {
        let unpinned = |text: &str| is_unpinned(&text.split(' ').map(str::to_owned).collect::<Vec<_>>());
        for text in ["npx -y @scope/server", "uvx server", "/usr/bin/npx -y x@latest", "bunx x"] {
            assert!(unpinned(text), "{text}");
        }
        for text in ["npx -y @scope/server@1.2.3", "uvx server==1.0", "node npx", "npx", "uvx x@2"] {
            assert!(!unpinned(text), "{text}");
        }
    }
}
