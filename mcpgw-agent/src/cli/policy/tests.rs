//! What is written in the documentation, and what ships.

use std::path::Path;

use super::files::{PolicyFile, policies_in, read_scenarios};
use super::scenario;
use crate::mcp::{Sender, sender};
use crate::policy::{Policy, lint};
use crate::yaml::render;

/// The ```` ```yaml ```` blocks of a document, each with its line.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in text.lines().enumerate() {
        match (&mut open, line) {
            (None, "```yaml") => open = Some((number + 2, String::new())),
            (Some(_), "```") => blocks.extend(open.take()),
            (Some((_, block)), line) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, _) => {}
        }
    }
    assert!(open.is_none(), "the last block ends");
    blocks
}

#[test]
fn every_block_of_the_documentation_is_valid() {
    let path = Path::new("docs/policy.md");
    let (mut policies, mut rules, mut scenarios) = (0, 0, 0);
    for (line, block) in blocks(include_str!("../../../../docs/policy.md")) {
        if block.starts_with("scenarios:") || block.starts_with("effects:\n  -") {
            scenarios += 1;
            scenario::read(&block)
                .unwrap_or_else(|problems| panic!("line {line}: {}", render(path, &block, &problems)));
            continue;
        }
        let is_rule = block.starts_with("- name:");
        let block = if block.starts_with("server_eval:") { whole(&block) } else { block };
        let text = if is_rule { format!("version: v1\nmode: enforce\nrules:\n{block}") } else { block };
        *(if is_rule { &mut rules } else { &mut policies }) += 1;
        Policy::parse(&text).unwrap_or_else(|error| panic!("line {line}: {}", error.render(path)));
        // A rule by itself may be one that denies.
        let warnings = lint(&text);
        assert!(is_rule || warnings.is_empty(), "line {line}: {}", render(path, &text, &warnings));
    }
    assert!(policies >= 2 && rules >= 4 && scenarios >= 1, "{policies} {rules} {scenarios}");
}

/// A section by itself, in a policy that lets everything else pass.
fn whole(section: &str) -> String {
    format!(
        "version: v1\nmode: enforce\nrules: [{{name: all, action: allow, match: {{methods: ['*']}}}}]\n{section}"
    )
}

#[test]
fn every_policy_about_detectors_and_effects_is_valid() {
    let mut count = 0;
    for (name, text) in [
        ("docs/effects.md", include_str!("../../../../docs/effects.md")),
        ("docs/detection.md", include_str!("../../../../docs/detection.md")),
        ("docs/detection/calls.md", include_str!("../../../../docs/detection/calls.md")),
        ("docs/detection/flow.md", include_str!("../../../../docs/detection/flow.md")),
    ] {
        for (line, block) in blocks(text) {
            let text = if block.starts_with("detectors:") { whole(&block) } else { block };
            if !text.starts_with("version:") {
                continue;
            }
            count += 1;
            Policy::parse(&text)
                .unwrap_or_else(|error| panic!("{name} {line}: {}", error.render(Path::new(name))));
        }
    }
    assert!(count >= 4, "{count}");
}

#[test]
fn the_lints_of_the_documentation_are_those_there_are() {
    let docs = include_str!("../../../../docs/policy.md");
    let (_, lints) = docs.split_once("### Lint").unwrap();
    let (lints, _) = lints.split_once("### ").unwrap();
    let documented: Vec<&str> =
        lints.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let sources = [
        include_str!("../../policy/lint.rs"),
        include_str!("../../policy/lint/shadow.rs"),
        include_str!("../../policy/lint/bypass.rs"),
        include_str!("../../policy/lint/observed.rs"),
        include_str!("../../policy/lint/words.rs"),
        include_str!("../../policy/lint/effects.rs"),
    ];
    assert!(documented.len() >= 9);
    for code in documented {
        assert!(sources.iter().any(|source| source.contains(&format!("\"{code}\""))), "{code}");
    }
}

/// Parameters that suit every method.
const PARAMS: &str = "name: x, uri: 'test://x', taskId: t, level: info, requestId: 1, progressToken: 1, progress: 1, \
                      data: x, message: m, messages: [], ref: {type: ref/prompt, name: x}, argument: {name: a, value: b}";

fn shipped() -> Vec<PolicyFile> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies");
    policies_in(&directory).unwrap().iter().map(|path| PolicyFile::open(path).unwrap()).collect()
}

#[test]
fn what_ships_does_what_its_scenarios_say() {
    let policies = shipped();
    let names: Vec<_> =
        policies.iter().map(|file| file.path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["ci.yaml", "default.yaml", "observe.yaml", "read-only.yaml", "strict.yaml"]);
    for file in &policies {
        let (scenarios, _) = read_scenarios(&file.scenarios_beside().unwrap()).unwrap();
        assert!(scenarios.len() >= 15, "{}", file.path.display());
        for scenario in scenarios {
            let (_, mismatches) = scenario.run(&file.policy);
            assert!(mismatches.is_empty(), "{}: {}: {mismatches:?}", file.path.display(), scenario.name);
        }
        let warnings: Vec<_> = lint(&file.text).into_iter().map(|warning| warning.code).collect();
        // It says so itself, and why.
        let expected: &[&str] = if file.path.ends_with("ci.yaml") { &["bypass-by-name"; 2] } else { &[] };
        assert_eq!(warnings, expected, "{}", file.path.display());
    }
}

#[test]
fn the_default_lets_every_method_of_every_revision_pass() {
    let default = shipped().into_iter().find(|file| file.path.ends_with("default.yaml")).unwrap();
    for method in
        include_str!("../../mcp/method.rs").split('"').filter(|word| word.contains('/') || *word == "ping")
    {
        let ways: &[&str] = match sender(method) {
            Some(Sender::Client) => &["c2s"],
            Some(Sender::Server) => &["s2c"],
            Some(Sender::Both) => &["c2s", "s2c"],
            None => continue,
        };
        for way in ways {
            let text = format!(
                "scenarios: [{{name: n, method: {method}, direction: {way}, params: {{{PARAMS}}}, expect: allow}}]"
            );
            let (outcome, _) = scenario::read(&text).unwrap()[0].run(&default.policy);
            assert!(
                outcome.word() == "allow" || outcome.rule().starts_with("(malformed"),
                "{method}: {outcome:?}"
            );
        }
    }
}
