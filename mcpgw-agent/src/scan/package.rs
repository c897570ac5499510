//! The package a command starts, and whether its name is made to look like another's. Pure.

use std::ffi::OsString;

use crate::text::fold;

/// Words of a command that are looked at.
const WORDS_MAX: usize = 256;
/// Characters of a package's name that are looked at.
const NAME_MAX: usize = 214;

/// Who publishes packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ecosystem {
    /// npm.
    Npm,
    /// The Python Package Index.
    PyPi,
}

impl Ecosystem {
    /// Its word in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::PyPi => "pypi",
        }
    }
}

/// A package a command has its runner fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Who publishes it.
    pub ecosystem: Ecosystem,
    /// Its name, scope included.
    pub name: String,
    /// Which release, where the command says that.
    pub version: Option<String>,
}

/// A name that looks like a known one, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Twin {
    /// The known one.
    pub(super) known: &'static str,
    /// How it is like it.
    pub(super) why: &'static str,
}

/// How a runner's command line is read.
struct Runner {
    names: &'static [&'static str],
    ecosystem: Ecosystem,
    /// Words before the package; the first is needed where there are any.
    commands: &'static [&'static str],
    /// Options whose value is the package.
    package: &'static [&'static str],
    /// Options with another value.
    with_value: &'static [&'static str],
}

static RUNNERS: [Runner; 4] = [
    Runner {
        names: &["npx", "bunx", "pnpx"],
        ecosystem: Ecosystem::Npm,
        commands: &[],
        package: &["-p", "--package"],
        with_value: &["--prefix", "--registry", "--cache", "--userconfig", "-w", "--workspace"],
    },
    Runner {
        names: &["npm", "pnpm", "yarn", "bun"],
        ecosystem: Ecosystem::Npm,
        commands: &["exec", "x", "dlx"],
        package: &["-p", "--package"],
        with_value: &[
            "--prefix",
            "--registry",
            "--cache",
            "--userconfig",
            "-w",
            "--workspace",
            "-C",
            "--dir",
        ],
    },
    Runner {
        names: &["uvx"],
        ecosystem: Ecosystem::PyPi,
        commands: &[],
        package: &["--from"],
        with_value: &[
            "--with",
            "-p",
            "--python",
            "--index",
            "--default-index",
            "-i",
            "--index-url",
            "--extra-index-url",
        ],
    },
    Runner {
        names: &["pipx", "uv"],
        ecosystem: Ecosystem::PyPi,
        commands: &["run", "tool"],
        package: &["--spec", "--from"],
        with_value: &[
            "--with",
            "-p",
            "--python",
            "--index",
            "--default-index",
            "--index-url",
            "--directory",
            "--project",
        ],
    },
];

/// The package `command` has fetched and run; nothing where it runs what is already here.
#[must_use]
pub fn package(command: &[OsString]) -> Option<Package> {
    let mut words = command.iter().take(WORDS_MAX).map(|word| word.to_str().unwrap_or_default());
    let program = words.next()?.rsplit('/').next().unwrap_or_default();
    let program = program.strip_suffix(".cmd").unwrap_or(program);
    // `env A=b npx …`, `cmd /c npx …`.
    if matches!(program, "env" | "cmd" | "cmd.exe" | "sudo" | "nice" | "timeout") {
        let rest = command.iter().skip(1).position(|word| {
            let word = word.to_str().unwrap_or_default();
            RUNNERS.iter().any(|runner| runner.names.contains(&word.rsplit('/').next().unwrap_or_default()))
        })?;
        return package(command.get(rest + 1..)?);
    }
    let runner = RUNNERS.iter().find(|runner| runner.names.contains(&program))?;
    let mut needs = !runner.commands.is_empty();
    while let Some(word) = words.next() {
        if let Some((option, value)) =
            word.split_once('=').filter(|(option, _)| runner.package.contains(option))
        {
            debug_assert!(option.starts_with('-'));
            return spec(runner.ecosystem, value);
        }
        if matches!(word, "--no-install" | "--no" | "--offline") {
            return None;
        }
        if runner.package.contains(&word) {
            return spec(runner.ecosystem, words.next()?);
        }
        if runner.with_value.contains(&word) {
            words.next()?;
        } else if word.starts_with('-') {
            continue;
        } else if runner.commands.contains(&word) {
            needs = false;
        } else {
            // `npm start`, `uv run script.py`: nothing is fetched by name.
            return if needs { None } else { spec(runner.ecosystem, word) };
        }
    }
    None
}

/// What `name@version`, `name==version`, `name[extra]` name; nothing for addresses, paths and scripts.
fn spec(ecosystem: Ecosystem, word: &str) -> Option<Package> {
    let is_local = word.contains("://") || word.starts_with(['.', '/', '~']) || word.ends_with(".py");
    if is_local || word.contains(':') || word.is_empty() || word.len() > NAME_MAX {
        return None;
    }
    let (name, version) = match ecosystem {
        Ecosystem::Npm => match word.get(1..).and_then(|rest| rest.find('@')) {
            Some(at) => (word.get(..=at)?, word.get(at + 2..)),
            None => (word, None),
        },
        Ecosystem::PyPi => {
            let end = word.find(['@', '=', '<', '>', '~', '!', '[', ';']).unwrap_or(word.len());
            let rest = word.get(end..).unwrap_or_default();
            let exact = rest.strip_prefix('@').or_else(|| rest.split_once("==").map(|(_, version)| version));
            (word.get(..end)?, exact)
        }
    };
    let is_scoped = name.starts_with('@');
    if ecosystem == Ecosystem::Npm && is_scoped != name.contains('/') {
        return None;
    }
    let is_exact = |version: &&str| version.starts_with(|first: char| first.is_ascii_digit());
    let version = version.filter(is_exact).map(str::to_owned);
    Some(Package { ecosystem, name: name.to_owned(), version })
}

/// Packages people mean: servers that are widely used, and what is most often imitated.
const NPM: [&str; 40] = [
    "@modelcontextprotocol/server-filesystem",
    "@modelcontextprotocol/server-everything",
    "@modelcontextprotocol/server-memory",
    "@modelcontextprotocol/server-sequential-thinking",
    "@modelcontextprotocol/server-github",
    "@modelcontextprotocol/server-gitlab",
    "@modelcontextprotocol/server-slack",
    "@modelcontextprotocol/server-postgres",
    "@modelcontextprotocol/server-puppeteer",
    "@modelcontextprotocol/server-brave-search",
    "@modelcontextprotocol/server-google-maps",
    "@modelcontextprotocol/inspector",
    "@modelcontextprotocol/sdk",
    "@playwright/mcp",
    "@upstash/context7-mcp",
    "@supabase/mcp-server-supabase",
    "@notionhq/notion-mcp-server",
    "@sentry/mcp-server",
    "@stripe/mcp",
    "@azure/mcp",
    "@cloudflare/mcp-server-cloudflare",
    "@browserbasehq/mcp",
    "@executeautomation/playwright-mcp-server",
    "@heroku/mcp-server",
    "@elastic/mcp-server-elasticsearch",
    "@mongodb-js/mongodb-mcp-server",
    "@brave/brave-search-mcp-server",
    "@hubspot/mcp-server",
    "@wonderwhy-er/desktop-commander",
    "chrome-devtools-mcp",
    "figma-developer-mcp",
    "firecrawl-mcp",
    "mongodb-mcp-server",
    "tavily-mcp",
    "exa-mcp-server",
    "mcp-remote",
    "mcp-proxy",
    "supergateway",
    "postmark-mcp",
    "@anthropic-ai/claude-code",
];
const PYPI: [&str; 20] = [
    "mcp-server-git",
    "mcp-server-fetch",
    "mcp-server-time",
    "mcp-server-sqlite",
    "mcp-server-qdrant",
    "mcp-server-docker",
    "mcp-server-kubernetes",
    "mcp-atlassian",
    "mcp-proxy",
    "mcpo",
    "fastmcp",
    "blender-mcp",
    "postgres-mcp",
    "duckduckgo-mcp-server",
    "arxiv-mcp-server",
    "markitdown-mcp",
    "workspace-mcp",
    "serena-agent",
    "basic-memory",
    "awslabs.aws-documentation-mcp-server",
];

/// Whom a package's name looks like without being it.
pub(super) fn twin(package: &Package) -> Option<Twin> {
    let known: &'static [&'static str] = match package.ecosystem {
        Ecosystem::Npm => &NPM,
        Ecosystem::PyPi => &PYPI,
    };
    let own = plain(package.ecosystem, &package.name);
    // PyPI takes `-`, `_` and `.` for one, and letters in either case.
    let is_known = |known: &str| {
        known == package.name
            || package.ecosystem == Ecosystem::PyPi && plain(package.ecosystem, known) == own
    };
    if own.chars().count() < 4 || known.iter().any(|known| is_known(known)) {
        return None;
    }
    let scope = |name: &str| name.split_once('/').map(|(scope, _)| scope.to_owned());
    known.iter().find_map(|known| {
        let other = plain(package.ecosystem, known);
        let why = if fold(&package.name) == *known {
            "its letters are not those they look like"
        } else if squeezed(&other) == squeezed(&own) {
            "it differs only in where the words are parted, or in its scope's mark"
        } else if scope(&other) == scope(&own) && is_near(&other, &own) {
            "it differs by a letter or two"
        } else if let (Some((one, bare)), Some((two, own_bare))) =
            (other.split_once('/'), own.split_once('/'))
            && bare == own_bare
            && is_near(one, two)
        {
            "its scope differs by a letter or two"
        } else {
            return None;
        };
        Some(Twin { known, why })
    })
}

fn plain(ecosystem: Ecosystem, name: &str) -> String {
    let name = name.to_lowercase();
    match ecosystem {
        Ecosystem::Npm => name,
        Ecosystem::PyPi => name.replace(['_', '.'], "-"),
    }
}

/// Without what parts words.
fn squeezed(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).collect()
}

/// One letter is another, more or less, or two have changed places; of long names two, but for what is behind the name.
fn is_near(one: &str, other: &str) -> bool {
    let tail = |name: &str| name.chars().rev().take(2).collect::<String>();
    let is_long = one.chars().count() >= 12 && tail(one) == tail(other);
    distance(one, other) <= if is_long { 2 } else { 1 }
}

/// How many letters have to be put in, taken out, changed or swapped with the next. Names are short.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > 2 {
        return usize::MAX;
    }
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, against) in other.iter().enumerate() {
            let mut best = (at(&last, column) + usize::from(letter != against))
                .min(at(&last, column + 1) + 1)
                .min(at(&next, column) + 1);
            let is_swap = row > 0
                && column > 0
                && other.get(column - 1) == Some(letter)
                && one.get(row - 1) == Some(against);
            if is_swap {
                best = best.min(at(&before, column - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut last, next);
    }
    at(&last, other.len())
}

#[cfg(test)]
mod tests;
