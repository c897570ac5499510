//! The documentation checks, on invented trees.

use super::*;

fn found(findings: Vec<Finding>) -> Vec<String> {
    findings.into_iter().map(|finding| finding.to_string()).collect()
}

#[test]
fn a_module_off_the_map_is_found() {
    let source = "pub mod wire;\npub mod mcp;\npub mod proc;\nmod private;\npub mod tasks;\n";
    let map = "The mcp module.\n\n    wire  tasks    bytes of /proc and mcp\n      deep   text\n";
    let tree = Tree::of(&[("a/src/lib.rs", source), ("ARCHITECTURE.md", map)]);
    assert_eq!(
        found(module_map(&tree)),
        [
            "a/src/lib.rs:2: `mcp` is not on ARCHITECTURE.md's map",
            "a/src/lib.rs:3: `proc` is not on ARCHITECTURE.md's map"
        ]
    );
}

#[test]
fn metrics_are_documented_and_rules_ask_for_real_ones() {
    let source = "opts(\n    \"mcpgw_servers\",\n    \"How many mcpgw_things there are.\");\nopts(\"mcpgw_wait_seconds\")\n";
    let tree = Tree::of(&[
        ("mcpgw-agent/src/admin/metrics.rs", source),
        ("docs/metrics.md", "| `mcpgw_servers` |\n| `mcpgw_servers_total` |\n"),
        (
            "packaging/prometheus/rules.yml",
            "expr: mcpgw_servers > 0\nexpr: rate(mcpgw_wait_seconds_bucket[1m])\nexpr: mcpgw_gone\n",
        ),
    ]);
    assert_eq!(
        found(metrics(&tree)),
        [
            "mcpgw-agent/src/admin/metrics.rs:4: metric `mcpgw_wait_seconds` is not in docs/metrics.md",
            "packaging/prometheus/rules.yml:3: there is no metric `mcpgw_gone`",
        ]
    );
}

#[test]
fn exit_codes_are_found_in_every_form() {
    let source = "\
const NO_DAEMON_EXIT: u8 = 4;
enum Exit {
    Ok = 0,
    Unproxied = 3,
}
const OTHER: u8 = 9;
fn exit_code(&self) -> u8 {
    match self {
        Self::NotFound { .. } => 127,
        Self::Code(code) => *code,
    }
}
fn other() -> u8 { match x { _ => 77, } }
fn main() { ExitCode::from(2); ExitCode::from(code) }
";
    let codes: Vec<u8> = codes_in("cli.rs", source).into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes, [4, 0, 3, 127, 2]);
    assert_eq!(codes_in("cli/exit.rs", "pub const UNPROXIED: u8 = 3;\n"), [(1, 3)]);
}

#[test]
fn an_exit_code_nobody_explains_is_found() {
    let source = "const EXIT_A: u8 = 3;\nconst EXIT_B: u8 = 4;\nconst EXIT_C: u8 = 5;\n";
    let table =
        "Waits 4 s.\n\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n| 3 | yes |\n\n## Else\n\n4\n";
    let prose = "- **Exit code:** 5 when\n  it rains\n";
    let tree =
        Tree::of(&[("mcpgw-agent/src/cli.rs", source), ("docs/cli.md", table), ("docs/wrap.md", prose)]);
    assert_eq!(
        found(exit_codes(&tree)),
        ["mcpgw-agent/src/cli.rs:2: docs/ does not say what exit code 4 means"]
    );
}

#[test]
fn dead_links_are_found_and_addresses_are_not_followed() {
    let page = "[a](../README.md) [b](gone.md#x) [c](https://example.org/x) [d](#here) [e](sub)\n```\n[f](nothing)\n```\n";
    let tree = Tree::of(&[("docs/a.md", page), ("README.md", "x\n"), ("docs/sub/b.md", "y\n")]);
    assert_eq!(found(links(&tree)), ["docs/a.md:1: `gone.md` is not there"]);
}

#[test]
fn an_empty_licence_is_a_missing_one() {
    let tree = Tree::of(&[("LICENSE", "\n"), (".gitignore", "/target\n/Cargo.lock\n")]);
    let findings = found(required_files(&tree));
    assert_eq!(findings.len(), REQUIRED.len() + 1);
    assert!(findings.iter().any(|finding| finding.starts_with(".gitignore:1")));
}
