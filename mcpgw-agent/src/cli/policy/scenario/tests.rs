//! Scenario files: what loads, what is said of what does not.

use std::path::Path;

use super::*;
use crate::mcp::Direction;
use crate::policy::Transport;
use crate::yaml::render;

fn one(text: &str) -> Scenario {
    let mut all = read(&format!("scenarios:\n{text}")).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn a_file_of_knorqs_form_loads() {
    let text = "scenarios:\n  - name: read allowed\n    method: tools/call\n    \
                params: '{\"name\": \"read_file\", \"arguments\": {\"path\": \"/tmp/x\"}}'\n    subject: alice\n    \
                roles: [dev, ops]\n    expect: allow\n  - name: list\n    method: tools/list\n    params: \"\"\n    \
                expect: deny\n";
    let [read, list] = &read(text).unwrap()[..] else { panic!("two") };
    assert_eq!(
        read.trial.message,
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name": "read_file", "arguments": {"path": "/tmp/x"}}}"#
    );
    let principal = &read.trial.context.principal;
    assert_eq!(
        (principal.subject.as_deref(), principal.roles.len(), read.expect.effect),
        (Some("alice"), 2, "allow")
    );
    assert_eq!(list.trial.message, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    assert_eq!((list.trial.direction, list.expect.effect), (Direction::ToServer, "deny"));
}

#[test]
fn parameters_are_text_or_yaml_and_numbers_keep_their_spelling() {
    let scenario = one(
        "- {name: n, method: x, expect: deny, params: {a: [1.50, true, ~, 'y'], 'k\"': 100000000000000000000000}}",
    );
    assert!(
        scenario
            .trial
            .message
            .ends_with(r#""params":{"a":[1.50,true,null,"y"],"k\"":100000000000000000000000}}"#),
        "{}",
        scenario.trial.message
    );
}

#[test]
fn the_direction_is_that_of_the_method_unless_said() {
    for (text, direction) in [
        ("method: tools/call", Direction::ToServer),
        ("method: sampling/createMessage", Direction::ToClient),
        ("method: vendor/thing", Direction::ToServer),
        ("method: vendor/thing, direction: s2c", Direction::ToClient),
        ("answers: {method: tools/list}, result: {tools: []}", Direction::ToClient),
        ("answers: {method: roots/list}, result: {roots: []}", Direction::ToServer),
    ] {
        assert_eq!(
            one(&format!("- {{name: n, expect: allow, {text}}}")).trial.direction,
            direction,
            "{text}"
        );
    }
    let note = one("- {name: n, expect: allow, method: notifications/progress, transport: http}");
    assert!(!note.trial.message.contains("\"id\""), "{}", note.trial.message);
    assert_eq!(note.trial.context.transport, Transport::Http);
}

#[test]
fn what_the_gateway_refuses_is_a_denial_by_no_rule() {
    let scenario = one(
        "- {name: n, expect: deny, rule: '(malformed: duplicate-key)', method: tools/call, params: '{\"name\":\"a\",\"name\":\"b\"}'}",
    );
    let (outcome, mismatches) = scenario.run(&Policy::built_in());
    assert_eq!((outcome.word(), outcome.forwarded()), ("deny", None));
    assert_eq!(mismatches, []);
}

#[test]
fn every_disappointment_is_named() {
    let scenario = one(
        "- {name: n, expect: redact, rule: r, removes: [shell], contains: [gone], lacks: [echo, shell],\n\
         \x20  answers: {method: tools/list}, result: {tools: [{name: shell}, {name: echo}]}}",
    );
    let (_, mismatches) = scenario.run(&Policy::built_in());
    let mismatches: Vec<_> = mismatches.iter().map(ToString::to_string).collect();
    assert_eq!(
        mismatches,
        [
            "effect: expected redact, got allow",
            "rule: expected r, got (built-in)",
            "removed tools: expected [shell], got []",
            "what goes on: expected with `gone`, got without `gone`",
            "what goes on: expected without `echo`, got with `echo`",
            "what goes on: expected without `shell`, got with `shell`",
        ]
    );
}

#[test]
fn problems_have_their_places() {
    let text = "scenarios:\n  - name: a\n    method: x\n    expct: allow\n  - name: b\n    expect: perhaps\n    method: x\n  \
                - {name: c, expect: deny, method: x, params: '{'}\n  - {name: d, expect: deny, method: x, params: {n: 0x1F}}\n  \
                - {name: e, expect: deny, method: x, result: {}}\n  - {name: f, expect: deny, answers: {method: x}}\n  \
                - {name: g, expect: deny}\n  - 7\n";
    let shown = render(Path::new("x.test.yaml"), text, &read(text).unwrap_err());
    for part in [
        "has 8 problems",
        "unknown key `expct`, did you mean `expect`?\n --> x.test.yaml:4:5\n  |\n4 |     expct: allow\n  |     ^^^^^",
        "`expect` is one of `allow`, `deny`, `redact`, `hold`, not `perhaps`",
        "`params` is not JSON (at byte 1)",
        "`0x1F` is no number in JSON",
        "`result` belongs to `answers`, which is missing",
        "an answer has either `result` or `error`",
        "`method` is missing",
        "this should be a scenario: a mapping",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    for empty in
        ["", "scenarios: []", "scenarios:", "scenario: []", "[]", "scenarios: {a: b}", "scenarios: ["]
    {
        assert!(!read(empty).unwrap_err().is_empty(), "{empty}");
    }
}

#[test]
fn effects_have_scenarios_of_their_own() {
    let policy = Policy::parse(
        "version: v1\nmode: enforce\nrules: [{name: a, action: allow, match: {methods: ['*']}}]\neffects:\n  \
         action: deny\n  read: {deny: ['~/.ssh/**']}\n  connect: {allow: ['api.example.com:443']}\n  \
         rules: [{name: git, servers: [git], exec: {allow: [/usr/bin/git]}, action: kill}]\n",
    )
    .unwrap();
    let text = "effects:\n\
        - {name: a, does: {read: /home/user/.ssh/id}, expect: deny, rule: effects.read}\n\
        - {name: b, does: {read: /home/ann/.ssh/id}, home: /home/ann, expect: deny}\n\
        - {name: c, does: {exec: /bin/sh}, server: git, expect: kill, rule: git.exec}\n\
        - {name: d, does: {exec: /bin/sh}, expect: allow, rule: (no rule)}\n\
        - {name: e, does: {connect: '192.0.2.7:443'}, hosts: {api.example.com: [192.0.2.7]}, expect: allow}\n\
        - {name: f, does: {send: '192.0.2.7:53'}, expect: allow}\n";
    let (messages, effects) = read_all(text).unwrap();
    assert!(messages.is_empty());
    let told: Vec<_> = effects.iter().map(|effect| effect.run(&policy)).collect();
    for (word, rule, mismatches) in told.iter().take(5) {
        assert!(mismatches.is_empty(), "{word} {rule} {mismatches:?}");
    }
    assert_eq!(told[5].2[0].to_string(), "action: expected allow, got deny");
    for (text, expected) in [
        ("effects: [{name: a, expect: deny}]", "`does` is missing"),
        ("effects: [{name: a, expect: deny, does: {reed: x}}]", "unknown key `reed`, did you mean `read`?"),
        ("effects: [{name: a, expect: hold, does: {read: x}}]", "`expect` is one of"),
        ("effects: [{name: a, expect: deny, does: {}}]", "`does` names one thing"),
        ("effects: [{name: a, expect: deny, does: {connect: x}}]", "`x` is no address with a port"),
        ("effects: []", "there are no scenarios"),
    ] {
        let problems = read_all(text).unwrap_err();
        assert!(problems[0].to_string().contains(expected), "{problems:?}");
    }
}
