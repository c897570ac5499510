//! Checks that what is said about the code is complete and true.

use std::collections::{BTreeMap, BTreeSet};

use super::Finding;
use super::code::{line_of, words};
use super::tree::{Tree, is_test_file, without_tests};

/// Files a stranger expects.
const REQUIRED: [&str; 10] = [
    "LICENSE",
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "Cargo.lock",
    "mcpgw-ebpf/LICENSE-MIT",
    "mcpgw-ebpf/LICENSE-GPL-2.0",
    "policies/README.md",
];
/// Prometheus adds these to a histogram's name.
const HISTOGRAM_SUFFIXES: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Every public module is on the map.
pub(super) fn module_map(tree: &Tree) -> Vec<Finding> {
    let map: BTreeSet<&str> =
        tree.get("ARCHITECTURE.md").unwrap_or("").lines().flat_map(names_on_the_map).collect();
    let mut findings = Vec::new();
    for (path, text) in tree.rust().filter(|(path, _)| path.ends_with("/src/lib.rs")) {
        for (number, line) in (1..).zip(text.lines()) {
            let Some(name) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) else {
                continue;
            };
            if !map.contains(name) {
                findings.push(Finding::at(path, number, format!("`{name}` is not on ARCHITECTURE.md's map")));
            }
        }
    }
    findings
}

/// The names an indented line begins with: words apart from each other and from what is said of them by two spaces.
fn names_on_the_map(line: &str) -> impl Iterator<Item = &str> {
    let line = line.strip_prefix("    ").unwrap_or("");
    let columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
    columns.take_while(|column| !column.contains(' '))
}

/// Every metric is documented, and what alerts and dashboards ask for exists.
pub(super) fn metrics(tree: &Tree) -> Vec<Finding> {
    let page = tree.get("docs/metrics.md").unwrap_or("");
    let mut exist = BTreeSet::new();
    let mut findings = Vec::new();
    for (path, text) in tree.rust().filter(|(path, _)| is_metrics_source(path)) {
        for (line, name) in metric_literals(without_tests(text)) {
            if words(page, &name).next().is_none() {
                findings.push(Finding::at(path, line, format!("metric `{name}` is not in docs/metrics.md")));
            }
            exist.insert(name);
        }
    }
    let asked = tree.all().filter(|(path, _)| path.starts_with("packaging/") && asks_prometheus(path));
    for (path, text) in asked {
        for (line, name) in metric_names(text) {
            let base = HISTOGRAM_SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix));
            if !exist.contains(&name) && base.is_none_or(|base| !exist.contains(base)) {
                findings.push(Finding::at(path, line, format!("there is no metric `{name}`")));
            }
        }
    }
    findings
}

fn is_metrics_source(path: &str) -> bool {
    let here = path.strip_prefix("mcpgw-agent/src/").unwrap_or("");
    (here.ends_with("metrics.rs") || here.contains("metrics/")) && !is_test_file(path)
}

fn asks_prometheus(path: &str) -> bool {
    path.ends_with(".yml") || path.ends_with(".yaml") || path.ends_with(".json")
}

/// String literals that are a metric's name and nothing else.
fn metric_literals(text: &str) -> Vec<(usize, String)> {
    let quoted = |at: usize, name: &str| {
        let before = text.get(..at).unwrap_or("");
        let after = text.get(at + name.len()..).unwrap_or("");
        before.ends_with('"') && after.starts_with('"')
    };
    let found = text.match_indices("mcpgw_").map(|(at, _)| (at, name_at(text, at)));
    found
        .filter(|(at, name)| quoted(*at, name))
        .map(|(at, name)| (line_of(text, at), name.to_owned()))
        .collect()
}

/// Metric names in rules and dashboards.
fn metric_names(text: &str) -> Vec<(usize, String)> {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let free = |at: usize| !text.get(..at).unwrap_or("").ends_with(inside);
    let found = text.match_indices("mcpgw_").filter(|(at, _)| free(*at));
    found.map(|(at, _)| (line_of(text, at), name_at(text, at).to_owned())).collect()
}

fn name_at(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or("");
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    rest.get(..end).unwrap_or(rest)
}

/// Every exit code of ours is named in docs/, in a paragraph or table that speaks of exit codes.
pub(super) fn exit_codes(tree: &Tree) -> Vec<Finding> {
    let documented: BTreeSet<u8> = tree
        .with_extension("md")
        .filter(|(path, _)| path.starts_with("docs/"))
        .flat_map(|(_, text)| documented_codes(text))
        .collect();
    let mut codes = BTreeMap::new();
    for (path, text) in
        tree.rust().filter(|(path, _)| path.starts_with("mcpgw-agent/src/") && !is_test_file(path))
    {
        for (line, code) in codes_in(path, without_tests(text)) {
            codes.entry(code).or_insert((path, line));
        }
    }
    codes
        .into_iter()
        .filter(|(code, _)| !documented.contains(code))
        .map(|(code, (path, line))| {
            Finding::at(path, line, format!("docs/ does not say what exit code {code} means"))
        })
        .collect()
}

/// The numbers a page names where it speaks of exit codes: below such a heading, or in such a paragraph.
fn documented_codes(page: &str) -> Vec<u8> {
    let speaks = |text: &str| text.to_lowercase().contains("exit code");
    let mut below_heading = false;
    let mut codes = Vec::new();
    for paragraph in page.split("\n\n") {
        if let Some(heading) = paragraph.lines().find(|line| line.starts_with('#')) {
            below_heading = speaks(heading);
        }
        if below_heading || speaks(paragraph) {
            let words = paragraph.split(|c: char| !c.is_alphanumeric());
            codes.extend(words.filter_map(|word| word.parse::<u8>().ok()));
        }
    }
    codes
}

/// Numbers that become exit codes: in `ExitCode::from(3)`, any `u8` constant of a file `exit.rs`, elsewhere one with
/// `EXIT` in its name, an arm of a function called `exit_code`, and the numbered variants of an enum called `Exit`
/// or `ExitStatus`.
fn codes_in(path: &str, text: &str) -> Vec<(usize, u8)> {
    let mut codes = Vec::new();
    let mut inside_until: Option<usize> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.trim();
        let indent = line.len() - line.trim_start().len();
        if inside_until.is_some_and(|end| indent <= end && !code.is_empty()) {
            inside_until = None;
        }
        let constant = code.contains("const ") && code.contains(": u8 = ");
        let constant = constant && (path.ends_with("/exit.rs") || code.contains("EXIT"));
        let literal = code.split_once("ExitCode::from(").and_then(|(_, rest)| rest.split(')').next());
        let numbered = inside_until.and_then(|_| code.split_once("=> ").or_else(|| code.split_once("= ")));
        let value = if constant { code.rsplit_once("= ").map(|(_, rest)| rest) } else { literal };
        let value = value.or(numbered.map(|(_, rest)| rest));
        codes.extend(
            value
                .and_then(|value| value.trim_end_matches([',', ';']).parse().ok())
                .map(|code| (number, code)),
        );
        let opens =
            ["fn exit_code", "enum Exit ", "enum ExitStatus "].iter().any(|start| code.contains(start));
        if opens && code.ends_with('{') {
            inside_until = Some(indent);
        }
    }
    codes
}

/// Every link to a file of ours leads to one.
pub(super) fn links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.with_extension("md") {
        let mut fenced = false;
        for (number, line) in (1..).zip(text.lines()) {
            fenced ^= line.trim_start().starts_with("```");
            if fenced {
                continue;
            }
            let dead = link_targets(line).filter(|target| !tree.exists(&resolve(path, target)));
            findings.extend(dead.map(|target| Finding::at(path, number, format!("`{target}` is not there"))));
        }
    }
    findings
}

/// The files a line of Markdown links to: not addresses, not places in the same page.
fn link_targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()).filter_map(|target| {
        let file = target.split('#').next().unwrap_or(target);
        (!file.is_empty() && !target.contains("://") && !target.starts_with("mailto:")).then_some(file)
    })
}

/// A link's target from the root, as seen from a page.
fn resolve(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// What has to be there is there, and says something.
pub(super) fn required_files(tree: &Tree) -> Vec<Finding> {
    let missing = REQUIRED.iter().filter(|path| tree.get(path).is_none_or(|text| text.trim().is_empty()));
    let mut findings: Vec<_> = missing.map(|path| Finding::at(path, 1, "missing or empty")).collect();
    let ignored =
        tree.get(".gitignore").unwrap_or("").lines().any(|line| line.trim_start_matches('/') == "Cargo.lock");
    if ignored {
        findings.push(Finding::at(".gitignore", 1, "Cargo.lock is part of the build and is committed"));
    }
    findings
}

#[cfg(test)]
mod tests;
