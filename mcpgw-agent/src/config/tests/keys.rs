//! What the documentation and the example say of keys, and the names of all keys, which both must have.

use super::*;

/// The text of every fenced `yaml` block.
fn yaml_blocks(markdown: &str) -> Vec<&str> {
    markdown.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// A commented example with the comments of its settings taken away: `#key:` and `#  key:` are settings, `# Words`
/// are not.
fn uncommented(example: &str) -> String {
    let prose =
        |line: &str| line.strip_prefix("# ").is_some_and(|rest| !rest.starts_with(' ')) || line == "#";
    let setting = |line: &&str| !prose(line);
    example.lines().filter(setting).map(|line| format!("{}\n", line.replacen('#', "", 1))).collect()
}

#[test]
fn the_documentation_holds() {
    let docs = include_str!("../../../../docs/configuration.md");
    let blocks = yaml_blocks(docs);
    assert!(blocks.len() >= 4, "{}", blocks.len());
    for block in &blocks {
        parse(block).unwrap_or_else(|error| panic!("{block}\n{error}"));
    }
    // The first block is all the defaults.
    assert_eq!(Config { source: None, ..parse(blocks[0]).unwrap() }, Config::default());
    for key in KEYS {
        assert!(docs.contains(&format!("`{key}`")), "{key} is not documented");
    }
}

#[test]
fn the_example_holds() {
    let example = include_str!("../../../../packaging/agent.yaml");
    assert_eq!(Config { source: None, ..parse(example).unwrap() }, Config::default(), "it is all comments");
    let settings = uncommented(example);
    let config = parse(&settings).unwrap_or_else(|error| panic!("{settings}\n{error}"));
    assert!(!config.allow.is_empty());
    assert_eq!(Config { source: None, allow: vec![], ..config }, Config::default(), "it shows the defaults");
    for key in KEYS {
        assert!(
            settings.contains(&format!("{}:", key.rsplit('.').next().unwrap())),
            "{key} is not in the example"
        );
    }
}

/// Every key there is. `every_key_is_taken` fails to compile where one is missing from the run form.
const KEYS: &[&str] = &[
    "allow",
    "name",
    "exe",
    "sha256",
    "command",
    "user",
    "container",
    "unit",
    "cgroup",
    "observe.stdio",
    "observe.http",
    "observe.tap-budget-bytes",
    "observe.silent-after",
    "observe.give-up-after",
    "observe.keep-ended",
    "admin.metrics-address",
    "admin.metrics-expose",
    "admin.socket-group",
    "host.scan-interval",
    "host.disabled-hooks",
    "host.effects",
    "host.effects-learning",
    "host.rings.lifecycle-bytes",
    "host.rings.streams-bytes",
    "host.rings.tcp-bytes",
    "gateway.policy",
    "gateway.auth.api-keys-file",
    "gateway.auth.jwt",
    "gateway.auth.resource",
    "gateway.audit.path",
    "gateway.audit.durability",
    "gateway.audit.index",
    "gateway.audit.signing-key-file",
    "gateway.audit.rotate.bytes",
    "gateway.audit.rotate.age",
    "gateway.audit.rotate.keep-files",
    "gateway.audit.rotate.keep-age",
    "gateway.audit.rotate.keep-bytes",
    "gateway.audit.seal.checkpoint",
    "gateway.audit.seal.epoch",
    "gateway.audit.seal.epoch-records",
    "gateway.audit.seal.open",
    "gateway.audit.seal.required",
    "gateway.audit.label-claims",
    "gateway.audit.ship",
    "gateway.limits.message-bytes",
    "gateway.limits.sessions",
    "gateway.limits.sessions-per-user",
    "gateway.guardrails",
    "log.format",
];
