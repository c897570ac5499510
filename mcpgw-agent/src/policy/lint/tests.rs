//! What lint says, and of what it says nothing.

use super::*;
use crate::policy::Policy;

/// Code, line and message of every warning about `rules`; the policy itself has nothing wrong with it.
fn warned(rules: &str) -> Vec<(&'static str, usize, String)> {
    let text = format!("version: v1\nmode: enforce\n{rules}");
    Policy::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let line = |warning: &Warning| warning.place.map_or(0, |place| place.line);
    lint(&text).into_iter().map(|warning| (warning.code, line(&warning), warning.message)).collect()
}

fn codes(rules: &str) -> Vec<(&'static str, usize)> {
    warned(rules).into_iter().map(|(code, line, _)| (code, line)).collect()
}

const ALL: &str = "- {name: all, action: allow, match: {methods: ['*']}}\n";

#[test]
fn a_rule_behind_one_that_takes_all_its_messages_never_counts() {
    let deny = "- {name: shell, action: deny, match: {methods: [tools/call], tools: ['*']}}\n";
    assert_eq!(codes(&format!("rules:\n{ALL}{deny}")), [("allowed-before", 5)]);
    assert_eq!(
        warned(&format!("rules:\n{ALL}{deny}"))[0].2,
        "rule `shell` never counts: rule `all` (line 4) allows all of its messages before: put it after this one"
    );
    assert_eq!(codes(&format!("rules:\n{deny}{ALL}")), []);
    let narrow = "- {name: one, action: deny, match: {methods: [tools/*], tools: [run_*, exec]}}\n";
    let narrower =
        "- {name: two, action: allow, match: {methods: [tools/call], tools: [run_shell], roles: [dev]}}\n";
    assert_eq!(codes(&format!("rules:\n{narrow}{narrower}")), [("never-matches", 5)]);
    let same = narrow.replace("one", "again");
    assert_eq!(codes(&format!("rules:\n{narrow}{same}{ALL}"))[1], ("duplicate-rule", 5));
}

#[test]
fn a_rule_that_is_left_something_counts() {
    for earlier in [
        "{name: a, action: allow, dry_run: true, match: {methods: ['*']}}",
        "{name: a, action: allow, match: {methods: [tools/call], tools: [ru?_*]}}",
        "{name: a, action: allow, match: {methods: [tools/call], servers: [x]}}",
        "{name: a, action: allow, match: {methods: ['*'], roles: ['*']}}",
        "{name: a, action: allow, match: {methods: ['*'], directions: [c2s]}}",
        "{name: a, action: allow, match: {methods: ['*'], directions: [s2c]}}",
        "{name: a, action: allow, match: {methods: [tools/call], arguments: {path: ['/tmp/*']}}}",
    ] {
        let later = "- {name: b, action: deny, match: {methods: [tools/call], tools: [run_*]}}\n";
        assert_eq!(
            codes(&format!(
                "rules:\n- {earlier}\n{later}- {{name: c, action: allow, match: {{methods: [ping]}}}}\n"
            )),
            [],
            "{earlier}"
        );
    }
    // One that goes both ways takes all, answers included, and so does one that goes the other's.
    let both = "- {name: a, action: allow, match: {methods: ['*'], directions: [c2s, s2c]}}\n";
    for more in ["", ", directions: [s2c, c2s]", ", directions: [c2s]", ", directions: [s2c]"] {
        let later = format!("- {{name: b, action: deny, match: {{methods: [tools/call]{more}}}}}\n");
        assert!(codes(&format!("rules:\n{both}{later}")).contains(&("allowed-before", 5)), "{later}");
        let one_way = both.replace("[c2s, s2c]", "[c2s]");
        let is_same_way = more == ", directions: [c2s]";
        let found = codes(&format!("rules:\n{one_way}{later}"));
        assert_eq!(found.contains(&("allowed-before", 5)), is_same_way, "{later}");
    }
    // Answers are another matter than requests.
    let answers = "- {name: b, action: deny, match: {methods: [tools/call], directions: [s2c]}}\n";
    assert_eq!(codes(&format!("rules:\n{ALL}{answers}")), []);
}

#[test]
fn a_rule_that_only_observes_lets_pass_what_a_later_one_refuses() {
    let trial = |more: &str| {
        format!(
            "- {{name: trial, action: deny, {more}match: {{methods: [tools/call], argument_patterns: {{'*': [please]}}}}}}\n"
        )
    };
    let shell = "- {name: shell, action: deny, match: {methods: ['tools/*'], arguments: {'*': [rm]}}}\n";
    for mode in ["mode: observe, ", "mode: audit, "] {
        assert_eq!(
            warned(&format!("rules:\n{}{shell}{ALL}", trial(mode))),
            [(
                "observed-before",
                4,
                "rule `trial` only observes, so what it matches passes, also what rule `shell` (line 5) would deny: put it \
                 behind that one, or say `dry_run: true` in place of its mode"
                    .to_owned()
            )]
        );
    }
    for (earlier, later) in [
        (trial(""), shell.to_owned()),
        (trial("dry_run: true, "), shell.to_owned()),
        (trial("mode: observe, dry_run: true, "), shell.to_owned()),
        (shell.to_owned(), trial("mode: observe, ")),
        (trial("mode: observe, "), shell.replace("tools/*", "prompts/*")),
        (trial("mode: observe, "), shell.replace("action: deny", "action: deny, mode: observe")),
        // Answers are another matter.
        (
            trial("mode: observe, "),
            "- {name: shell, action: deny, match: {directions: [s2c], methods: ['tools/*']}}\n".to_owned(),
        ),
    ] {
        let found = codes(&format!("rules:\n{earlier}{later}{ALL}"));
        assert!(!found.iter().any(|(code, _)| *code == "observed-before"), "{earlier}{later}");
    }
    let asked = shell.replace("match: {", "match: {directions: [c2s], ");
    assert_eq!(codes(&format!("rules:\n{}{asked}{ALL}", trial("mode: observe, ")))[0].0, "observed-before");
    // In a file that observes all of its rules do, but those that say otherwise.
    let text = |later: &str| {
        lint(&format!("version: v1\nmode: observe\nrules:\n{}{later}{ALL}", trial("")))
            .iter()
            .any(|warning| warning.code == "observed-before")
    };
    assert!(text(&shell.replace("action: deny", "action: deny, mode: enforce")));
    assert!(!text(shell));
}

#[test]
fn a_denied_name_and_everything_else_allowed_is_bypassed_by_another_name() {
    for (deny, found) in [
        ("tools: [exec_*]", true),
        ("tools: ['*']", false),
        ("arguments: {command: ['*rm -rf*']}", true),
        ("arguments: {'*': ['*rm -rf*']}", false),
        ("argument_patterns: {command: ['rm']}", true),
        ("roles: [guest]", false),
    ] {
        let deny = format!("- {{name: d, action: deny, match: {{methods: [tools/call], {deny}}}}}\n");
        let open = codes(&format!("rules:\n{deny}{ALL}"));
        assert_eq!(open, if found { vec![("bypass-by-name", 4)] } else { Vec::new() }, "{deny}");
        let some = "- {name: s, action: allow, match: {methods: [tools/call], tools: [read]}}\n";
        let closed = codes(&format!("rules:\n{deny}{some}"));
        assert!(
            !closed.iter().any(|(code, _)| *code == "bypass-by-name"),
            "only what is needed is allowed: {deny}"
        );
    }
}

#[test]
fn words_that_match_nothing_or_twice_or_are_not_used() {
    for (rules, expected) in [
        ("rules:\n- {name: a, action: allow, match: {methods: [tools/list], tools: [x]}}\n", "never-matches"),
        ("rules:\n- {name: a, action: allow, match: {methods: [tool/call]}}\n", "unknown-method"),
        ("rules:\n- {name: a, action: allow, match: {methods: ['*'], tools: ['^read.*']}}\n", "not-a-glob"),
        ("rules:\n- {name: a, action: allow, match: {methods: ['*'], roles: ['(a|b)']}}\n", "not-a-glob"),
        ("rules:\n- {name: a, action: allow, match: {methods: ['*', ping]}}\n", "duplicate-condition"),
        ("lists: {x: [y]}\nrules:\n- {name: a, action: allow, match: {methods: ['*']}}\n", "unused-list"),
        ("rules:\n- {name: a, action: deny, match: {methods: ['*']}}\n", "nothing-allowed"),
    ] {
        let found: Vec<_> = codes(rules).into_iter().map(|(code, _)| code).collect();
        assert_eq!(found, [expected], "{rules}");
    }
}

#[test]
fn what_is_meant_is_left_alone() {
    let rules = "lists: {safe: [read_file, list_files]}\nrules:\n\
                 - {name: vendor, action: allow, match: {methods: [acme/thing, notifications/acme/*]}}\n\
                 - {name: read, action: allow, match: {methods: [tools/call], tools: ['@safe']}}\n\
                 - {name: rest, action: allow, match: {methods: [initialize, ping, 'notifications/*', tools/list]}}\n";
    assert_eq!(codes(rules), []);
    for text in ["", "[", "7", "rules: 7", "rules: [7, {name: x}]", "lists: 3"] {
        assert!(lint(text).is_empty(), "{text}");
    }
}

#[test]
fn effects_that_are_most_likely_not_meant() {
    let effects = "effects:\n  open: {deny: ['~/.ssh']}\n  exec: {allow: [/usr/bin/git, /bin/bash]}\n  \
        rules:\n  - {name: r, tools: [t], connect: {allow: ['*']}}\n";
    assert_eq!(
        codes(&format!("rules:\n{ALL}{effects}")),
        [("directory-alone", 6), ("runs-anything", 7), ("allows-all", 9)]
    );
    let fine = "effects:\n  open: {deny: ['~/.ssh/**']}\n  exec: deny\n  connect: {allow: ['*:443']}\n";
    assert_eq!(codes(&format!("rules:\n{ALL}{fine}")), []);
}
