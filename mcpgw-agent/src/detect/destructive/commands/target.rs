//! What a path stands for: something that may go, something of somebody's, or everything.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::detect::table::Table;

/// How much hangs on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// Can be made again: build output, caches, what is in a temporary directory.
    Nothing,
    /// A relative path: something in the working directory.
    Ordinary,
    /// An absolute path, a home directory's part, a variable nobody knows.
    Much,
    /// A root, a home, a system directory, everything that is here.
    Everything,
}

/// Directories that builds and tools make and anybody may remove.
const MADE: &[&str] = &[
    "node_modules",
    "target",
    "dist",
    "build",
    "out",
    "output",
    "bin",
    "obj",
    ".cache",
    "__pycache__",
    ".next",
    ".nuxt",
    "coverage",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".tox",
    ".gradle",
    "tmp",
    "temp",
    ".tmp",
    "venv",
    ".venv",
    "env",
    ".turbo",
    ".parcel-cache",
    ".eggs",
    "htmlcov",
    ".nyc_output",
    "_build",
    "bazel-out",
    "deriveddata",
    ".terraform",
    ".svelte-kit",
    ".output",
    ".angular",
    ".dart_tool",
    "bower_components",
    ".coverage",
    "cmake-build-debug",
    "cmake-build-release",
    "site",
    "_site",
    ".sass-cache",
    ".webpack",
    "storybook-static",
    ".vite",
    ".nx",
    "public/build",
    "cache",
    "logs.old",
    ".ipynb_checkpoints",
    "test-results",
    "playwright-report",
    ".serverless",
    "cdk.out",
    "wheelhouse",
    "generated",
    ".hypothesis",
    "docs/_build",
    "packages.old",
    "release",
    "debug",
    "pkg",
    "pods",
    "__snapshots__",
    "vendor/bundle",
    ".bundle",
    "elm-stuff",
    ".stack-work",
    "dist-newstyle",
    ".build",
];

static MADE_NAMES: LazyLock<Table<()>> = LazyLock::new(|| Table::new(MADE.iter().map(|name| (*name, ()))));

/// Endings of files that are made again, in lower case.
const MADE_ENDS: &[&str] = &[
    ".pyc",
    ".pyo",
    ".o",
    ".obj",
    ".class",
    ".tmp",
    ".temp",
    ".swp",
    ".swo",
    "~",
    ".bak",
    ".orig",
    ".rej",
    ".egg-info",
    ".tsbuildinfo",
    ".cache",
    ".ds_store",
    ".log",
    ".map",
    ".aux",
    ".out",
    ".gcda",
    ".gcno",
    ".profraw",
    ".pid",
    ".lock",
];

/// Directories right under the root that hold a system or its data.
const SYSTEM: &[&str] = &[
    "bin",
    "boot",
    "dev",
    "etc",
    "home",
    "lib",
    "lib32",
    "lib64",
    "media",
    "mnt",
    "opt",
    "proc",
    "root",
    "run",
    "sbin",
    "srv",
    "sys",
    "usr",
    "var",
    "applications",
    "library",
    "system",
    "users",
    "volumes",
    "private",
    "data",
    "windows",
    "program files",
    "programdata",
    "nix",
    "snap",
    "backup",
    "backups",
    "system32",
];

/// How much hangs on `path`, as an argument of a program.
pub(super) fn weigh(path: &str) -> Weight {
    let path = path.trim_end_matches(['.', '"', '\'']).trim_matches('"');
    let path = if path.is_empty() { "." } else { path };
    if path == "<(…)" {
        return Weight::Ordinary;
    }
    if let Some(weight) = temporary(path) {
        return weight;
    }
    let lower = lower(path);
    // What `mktemp` made, or what a variable called so most likely holds.
    let made = ["$tmp", "$temp", "$(mktemp"].iter().any(|start| lower.starts_with(start));
    if made && !lower.contains("..") {
        return Weight::Nothing;
    }
    if let Some(rest) = drive(&lower).or_else(|| lower.strip_prefix('/')) {
        return absolute(rest.trim_start_matches(['/', '\\']));
    }
    if lower.starts_with('~')
        || lower.starts_with("$home")
        || lower.starts_with("%userprofile%")
        || lower.starts_with("$env:userprofile")
    {
        let below = lower.split_once(['/', '\\']).map_or("", |(_, below)| below);
        return match below.trim_end_matches(['*', '/', '.']) {
            "" => Weight::Everything,
            ".cache" | "library/caches" => Weight::Nothing,
            below if is_made(below) && below.contains('/') || below.starts_with(".cache/") => Weight::Nothing,
            _ => Weight::Much,
        };
    }
    if lower.starts_with('$') || lower.starts_with('%') {
        return match lower.split_once(['/', '\\']).map(|(_, below)| below) {
            Some(below) if is_made(below) => Weight::Nothing,
            _ => Weight::Much,
        };
    }
    if climbs(&lower) {
        return Weight::Much;
    }
    relative(&lower)
}

/// In lower case; a copy only where it is not.
fn lower(path: &str) -> Cow<'_, str> {
    if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(path.to_ascii_lowercase())
    } else {
        Cow::Borrowed(path)
    }
}

/// Whether a part of the path is the directory above.
fn climbs(path: &str) -> bool {
    path.as_bytes().split(|byte| matches!(byte, b'/' | b'\\')).any(|part| part == b"..")
}

/// `path` without any number of `starts`.
fn without_starts<'p>(mut path: &'p str, starts: &str) -> &'p str {
    while let Some(rest) = path.strip_prefix(starts) {
        path = rest;
    }
    path
}

/// `path` without any number of `ends`.
fn without_ends<'p>(mut path: &'p str, ends: &str) -> &'p str {
    while let Some(rest) = path.strip_suffix(ends) {
        path = rest;
    }
    path
}

fn relative(lower: &str) -> Weight {
    let rest = without_starts(without_starts(lower, "./"), ".\\").trim_end_matches(['/', '\\']);
    match rest {
        "" | "." | "*" | ".*" | "*.*" | ":" | "**" | "**/*" | "{,.}*" | ".[!.]*" | "./*" | ".git" | "?*" => {
            Weight::Everything
        }
        made if is_made(made) => Weight::Nothing,
        _ => Weight::Ordinary,
    }
}

/// Whether a relative path is made by a build.
fn is_made(path: &str) -> bool {
    let path = without_ends(without_ends(path, "/*"), "\\*").trim_end_matches('/');
    let bytes = path.as_bytes();
    let parts = || bytes.split(|byte| matches!(byte, b'/' | b'\\'));
    let last = parts().next_back().unwrap_or(bytes);
    let is_directory = |part: &[u8]| MADE_NAMES.get(part).is_some();
    let has_end = || {
        last.iter().any(|byte| matches!(byte, b'.' | b'~'))
            && MADE_ENDS.iter().any(|end| last.len() > end.len() && last.ends_with(end.as_bytes()))
    };
    // Two names have several parts.
    (last.len() < bytes.len() && is_directory(bytes))
        || parts().any(is_directory)
        || last.starts_with(b"tmp")
        || last.starts_with(b"temp")
        || has_end()
}

fn absolute(rest: &str) -> Weight {
    let rest = rest.trim_end_matches(['/', '\\', '*', '.']);
    let mut parts = rest.split(['/', '\\']).filter(|part| !part.is_empty());
    let (Some(first), below) = (parts.next(), parts.next()) else { return Weight::Everything };
    let deep = parts.next().is_some();
    match (first, below) {
        _ if climbs(rest) => Weight::Everything,
        (_, None) if SYSTEM.contains(&first) => Weight::Everything,
        ("etc" | "boot" | "bin" | "sbin" | "lib" | "lib64" | "sys" | "proc" | "dev" | "windows", Some(_)) => {
            Weight::Everything
        }
        ("usr" | "var" | "home" | "users" | "system", Some(_)) if !deep => Weight::Everything,
        // Somebody's project, of which the build output may go.
        ("home" | "users" | "workspace" | "app" | "work" | "repo" | "code" | "build", Some(_))
            if is_made(rest) && deep =>
        {
            Weight::Nothing
        }
        _ => Weight::Much,
    }
}

/// What follows `c:`.
fn drive(path: &str) -> Option<&str> {
    if path.as_bytes().get(1) != Some(&b':') && !path.starts_with('%') {
        return None;
    }
    let (drive, rest) = path.split_once(':')?;
    let letter = drive.len() == 1 && drive.bytes().all(|byte| byte.is_ascii_alphabetic());
    (letter && (rest.is_empty() || rest.starts_with(['\\', '/', '*'])) || drive == "%systemdrive%")
        .then_some(rest)
}

/// A path in a temporary directory, where it does not climb out of it.
fn temporary(path: &str) -> Option<Weight> {
    const ROOTS: &[&str] =
        &["/tmp", "/var/tmp", "/private/tmp", "$TMPDIR", "$TMP", "$TEMP", "/dev/shm", "$RUNNER_TEMP"];
    if path.len() < "/tmp".len() || !path.starts_with(['/', '$']) {
        return None;
    }
    let below = ROOTS.iter().find_map(|root| {
        path.strip_prefix(root).filter(|below| below.is_empty() || below.starts_with('/'))
    })?;
    let climbs = below.split('/').any(|part| part == "..");
    Some(if climbs { Weight::Everything } else { Weight::Nothing })
}

/// Whether a path names a disk or a part of one.
pub(super) fn is_disk(path: &str) -> bool {
    let Some(device) = path.strip_prefix("/dev/").or_else(|| path.strip_prefix("\\\\.\\")) else {
        return false;
    };
    let harmless = [
        "null", "zero", "stdout", "stderr", "stdin", "tty", "full", "fd/", "shm", "pts", "random", "urandom",
    ];
    !harmless.iter().any(|name| device.starts_with(name))
        && !device.starts_with("tcp/")
        && !device.starts_with("udp/")
}

/// Whether a path is a shell's history.
pub(super) fn is_history(path: &str) -> bool {
    // No name of one is shorter.
    if path.len() < "histfile".len() {
        return false;
    }
    let lower = path.to_ascii_lowercase();
    lower.ends_with("_history")
        || lower.ends_with("fish_history")
        || lower.contains("historysavepath")
        || lower.contains("histfile")
        || lower.contains("consolehost_history")
        || lower.ends_with(".history")
        || lower.ends_with(".histfile")
}

/// Whether a path is a log of the system.
pub(super) fn is_log(path: &str) -> bool {
    // No part is shorter.
    path.len() >= "wtmp".len() && LOGGED.is_match(path)
}

/// Looks for parts of logs' paths in any case.
static LOGGED: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let made = AhoCorasick::builder().ascii_case_insensitive(true).build(LOGS);
    made.expect("a few short words make a small automaton")
});

const LOGS: &[&str] = &[
    "/var/log",
    "/var/audit",
    "/private/var/log",
    "/var/run/utmp",
    "/library/logs",
    "winevt\\logs",
    "/var/spool/mail",
    "/var/mail",
    "/var/lib/docker/containers",
    "/var/adm",
    "inetpub\\logs",
    "\\prefetch",
    "wtmp",
    "btmp",
    "lastlog",
];

/// Whether a path is of a kind whose loss hurts wherever it stands.
pub(super) fn is_precious(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit(['/', '\\']).next().unwrap_or(&lower);
    lower.starts_with("/etc/")
        || lower.starts_with("/boot/")
        || lower.contains("/.ssh/")
        || lower.starts_with("/bin/")
        || lower.starts_with("/usr/")
        || lower.starts_with("/lib")
        || lower.starts_with("/sbin/")
        || lower.starts_with("/var/lib/")
        || lower.starts_with("/proc/")
        || lower.starts_with("/sys/")
        || lower.contains("\\windows\\")
        || lower.contains(".git/")
        || matches!(name, "id_rsa" | "id_ed25519" | "authorized_keys" | "ntuser.dat")
}

/// Whether a path looks like a database, a backup or a key.
pub(super) fn is_data(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    [
        ".sqlite", ".sqlite3", ".db", ".mdb", ".vhd", ".vhdx", ".vmdk", ".dump", ".pem", ".key", ".ibd",
        ".bac", ".bkf", ".qcow2",
    ]
    .iter()
    .any(|end| lower.ends_with(end))
}

/// Whether a path looks like one file's: its name has an ending.
pub(super) fn is_file(path: &str) -> bool {
    let name = path.trim_end_matches('"').rsplit(['/', '\\']).next().unwrap_or(path);
    name.rsplit_once('.').is_some_and(|(stem, end)| {
        !stem.is_empty()
            && (1..=5).contains(&end.len())
            && end.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}
