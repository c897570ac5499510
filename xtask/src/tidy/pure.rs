//! The pure core does no I/O and sees no clock: what it may not name.

use super::Finding;
use super::code::{line_of, words};
use super::tree::Tree;

/// The pure core's modules, files and folders alike.
const CORE: [&str; 14] = [
    "detect",
    "effects",
    "guard",
    "hex",
    "inventory",
    "json",
    "mcp",
    "policy",
    "risk",
    "session",
    "text",
    "verdict",
    "wire",
    "yaml",
];
/// What the core may not name, as a path or as anything below it.
const FORBIDDEN: [&str; 19] = [
    "tokio",
    "nix",
    "aya",
    "procfs",
    "axum",
    "std::fs",
    "std::process",
    "std::env",
    "std::thread",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "std::os::unix::net",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::time::Instant",
    "std::time::SystemTime",
    "jiff::Timestamp::now",
];

/// Nothing in the core names what does I/O or knows the time.
pub(super) fn imports(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, code) in tree.agent_code().filter(|(path, _)| is_core(path)) {
        let imported = use_paths(&code);
        let spelled = FORBIDDEN.iter().flat_map(|name| {
            words(&code, name).filter(|at| starts_a_path(&code, *at)).map(|at| (at, (*name).to_owned()))
        });
        let mut found: Vec<(usize, String)> = imported
            .into_iter()
            .filter(|(_, path)| FORBIDDEN.iter().any(|name| is_below(path, name)))
            .chain(
                spelled
                    .filter(|(at, name)| name.contains("::") || is_followed_by_path(&code, at + name.len())),
            )
            .map(|(at, name)| (line_of(&code, at), name))
            .collect();
        found.sort();
        // A plain import is found both as an import and as it is spelled.
        found.dedup_by_key(|(line, _)| *line);
        findings.extend(found.into_iter().map(|(line, name)| {
            Finding::at(
                path,
                line,
                format!("`{name}` in the pure core: do it in the shell and pass the result in"),
            )
        }));
    }
    findings
}

fn is_core(path: &str) -> bool {
    let Some(below) = path.strip_prefix("mcpgw-agent/src/") else { return false };
    CORE.iter().any(|module| below == format!("{module}.rs") || below.starts_with(&format!("{module}/")))
}

fn is_below(path: &str, name: &str) -> bool {
    path == name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with("::"))
}

/// A name that continues another path (`x::nix`) or is a field or method (`x.tokio`) is not the crate.
fn starts_a_path(code: &str, at: usize) -> bool {
    let before = code.get(..at).unwrap_or("").trim_end();
    !before.ends_with('.')
        && (!before.ends_with("::") || before.trim_end_matches("::").ends_with([' ', '(', '<', '\n']))
}

fn is_followed_by_path(code: &str, at: usize) -> bool {
    code.get(at..).is_some_and(|rest| rest.starts_with("::"))
}

/// Every path the `use` declarations bring in, groups taken apart, with the offset of its declaration.
fn use_paths(code: &str) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    for at in words(code, "use") {
        let Some((declaration, _)) = code.get(at + "use".len()..).and_then(|rest| rest.split_once(';'))
        else {
            continue;
        };
        let flat: String = declaration.split_whitespace().collect::<Vec<_>>().join(" ");
        expand("", flat.trim_start_matches("::").trim(), &mut |path| paths.push((at, path)));
    }
    paths
}

/// Takes a use tree apart: `a::{b, c::{d}}` is `a::b` and `a::c::d`.
fn expand(prefix: &str, tree: &str, emit: &mut impl FnMut(String)) {
    let tree = tree.trim();
    match tree.split_once('{') {
        Some((path, group)) => {
            let prefix = format!("{prefix}{}", path.trim());
            let group = group.strip_suffix('}').unwrap_or(group);
            split_group(group).into_iter().for_each(|part| expand(&prefix, part, emit));
        }
        None if tree.is_empty() => {}
        None => {
            let name = tree.split(" as ").next().unwrap_or(tree);
            let path = format!("{prefix}{name}");
            emit(path.trim_end_matches("::self").trim_end_matches("::*").to_owned());
        }
    }
}

/// Splits at the commas that are not inside braces.
fn split_group(group: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.extend(group.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(group.get(start..));
    parts
}

#[cfg(test)]
mod tests {
    use super::{Tree, imports, use_paths};

    fn lines(text: &str) -> Vec<usize> {
        let tree = Tree::of(&[("mcpgw-agent/src/wire/a.rs", text)]);
        imports(&tree).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn groups_are_taken_apart() {
        let paths: Vec<_> =
            use_paths("use a::{b, c::{d, self}, e as f, g::*};").into_iter().map(|(_, p)| p).collect();
        assert_eq!(paths, ["a::b", "a::c::d", "a::c", "a::e", "a::g"]);
    }

    #[test]
    fn clocks_files_and_sockets_are_found_however_they_come() {
        for text in [
            "use std::time::Instant;",
            "use std::{collections::BTreeMap, time::{Duration, SystemTime}};",
            "use std::{\n    fs,\n    io,\n};",
            "use std::fs as files;",
            "use std::net::*;\nuse std::net::TcpStream;",
            "fn f() { std::env::var(\"X\"); }",
            "fn f() { ::std::process::abort() }",
            "use tokio::sync::mpsc;",
            "fn f() { nix::unistd::getpid(); }",
            "pub use aya::maps::Map;",
            "use procfs;",
        ] {
            assert!(!lines(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_not_found() {
        for text in [
            "use std::net::{IpAddr, SocketAddr};",
            "use std::time::Duration;",
            "// use std::fs;\nfn f() -> &'static str { \"std::fs tokio::spawn\" }",
            "use crate::inventory::procfs_like;\nuse super::nix::Thing;",
            "fn f(aya: u32) -> u32 { aya }",
            "fn f() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}",
        ] {
            assert_eq!(lines(text), [0_usize; 0], "{text}");
        }
    }

    #[test]
    fn the_shell_may() {
        let tree = Tree::of(&[
            ("mcpgw-agent/src/proc.rs", "use std::fs;"),
            ("mcpgw-agent/src/wired.rs", "use tokio;"),
        ]);
        assert!(imports(&tree).is_empty());
    }

    #[test]
    fn a_line_is_reported_once() {
        assert_eq!(lines("\nuse std::fs;\nfn f() { std::fs::read(x); }\n"), [2, 3]);
    }
}
