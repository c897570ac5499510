//! What is wrong with a policy is told all at once, each with its place.

use super::support::*;
use crate::policy::{Action, Mode, Policy};

#[test]
fn everything_wrong_is_told_in_the_order_of_the_file() {
    let text = "version: v2
mode: enforced
lists: {a b: [x], c: ['@a']}
rulez: []
rules:
  - name: one
    action: permit
    match: {methods: [], subject: ['x']}
  - {name: one, action: deny, answer: maybe, match: {methods: ['*'], argument_patterns: {x: ['(']}}}
  - {name: one, action: allow, match: {methods: ['*'], tools: }}
  - {name: (x), action: redact, match: {methods: ['*'], arguments: {a: {gtt: 1}, b: {gt: x}, c: {}, d: x}}}
  - {name: q, action: allow, redact: {}, dry_run: 1, match: {tools: [a], directions: [up], when: 'argumets.x =='}}
  - {name: r, action: allow, match: {methods: ['*', '@nope'], when: 'argumets.x == 1', transports: [tcp]}}
  - {name: s, action: allow, match: {methods: ['*'], when: 'sise(arguments) == 1'}}
response_patterns: ['[']
";
    let problems = problems(text);
    let expected = [
        "1:10 `v2` is no version, did you mean `v1`?",
        "2:7 `enforced` is no mode, did you mean `enforce`?",
        "3:9 `a b` is no name of a list",
        "3:23 a list cannot name another",
        "4:1 unknown key `rulez`, did you mean `rules`?",
        "7:13 `permit` is no action, one of: allow, deny, redact, hold",
        "8:22 `methods` is an empty list, which matches nothing",
        "8:26 unknown key `subject`, did you mean `subjects`?",
    ];
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem}\n{expected}\n{problems:#?}");
    }
    for part in [
        "`maybe` is no answer",
        "`x`: `(` is no regex: unclosed group",
        "an earlier rule is called `one`",
        "`tools` has no value: leave the key out",
        "names in round brackets are the gateway's own",
        "a rule that redacts says what in `redact`",
        "unknown key `gtt`, did you mean `gt`?",
        "`gt` is a number, and `x` is not compared: it is no number",
        "`c` has no test",
        "`d` is a list",
        "`dry_run` is `true` or `false`",
        "`match` has no `methods`",
        "`up` is no direction, one of: c2s, s2c",
        "`when`: it is no expression",
        "no list is called `nope`",
        "unknown variable `argumets`, did you mean `arguments`?",
        "`tcp` is no transport",
        "unknown function `sise`, did you mean `size`?",
        "`response_patterns`: `[` is no regex",
    ] {
        assert!(problems.iter().any(|problem| problem.contains(part)), "{part}\n{problems:#?}");
    }
}

#[test]
fn what_must_be_there_is_asked_for() {
    for (text, expected) in [
        ("", "it is empty"),
        ("version: v1\nmode: enforce\n", "`rules` is missing"),
        ("version: v1\nmode: enforce\nrules: []\n", "`rules` has none"),
        ("version: v1\nmode: enforce\nrules:\n", "`rules` has no value"),
        ("version: v1\nrules: [{name: a, action: allow, match: {methods: ['*']}}]", "`mode` is missing"),
        ("mode: audit\nrules: [{name: a, action: allow, match: {methods: ['*']}}]", "`version` is missing"),
        ("version: v1\nmode: audit\nrules: [{name: a, action: allow}]", "a rule has no `match`"),
        (
            "version: v1\nmode: audit\nrules: [{action: allow, match: {methods: ['*']}}]",
            "a rule has no `name`",
        ),
        ("version: v1\nmode: audit\nrules: [{name: a, match: {methods: ['*']}}]", "a rule has no `action`"),
        ("version: v1\nmode: audit\nrules: {a: b}", "`rules` is a list"),
        ("version: v1\nmode: audit\nmode: enforce\nrules: []", "mode"),
        ("rules: [", ""),
        ("- a", "`the policy` is a mapping"),
    ] {
        let problems = problems(text);
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{text}\n{problems:?}");
    }
    let long = format!("# {}\n", "x".repeat(2 << 20));
    assert!(problems(&long)[0].contains("longer than"));
}

#[test]
fn expressions_no_message_can_satisfy_are_errors() {
    let rule = |match_: &str| {
        format!(
            "version: v1\nmode: enforce\nrules: [{{name: a, action: deny, match: {{methods: ['*'], {match_}}}}}]"
        )
    };
    for (match_, expected) in [
        ("when: 'has(result.x)'", "only answers have a `result`"),
        ("directions: [s2c], arguments: {a: [x]}", "`s2c` alone never has any"),
        (&format!("when: '{}1'", "!".repeat(4000)), "nested deeper"),
        (&format!("when: '{}1{}'", "(".repeat(1000), ")".repeat(1000)), "nested deeper"),
        (&format!("when: '{}'", "1+".repeat(3000)), "longer than"),
        ("arguments: {a: {under: ['/srv/*']}}", "is no directory"),
        ("argument_patterns: {a: ['(a{1000}){1000}']}", "is no regex"),
    ] {
        let problems = problems(&rule(match_));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(expected), "{problems:?}");
    }
}

#[test]
fn problems_are_drawn_where_they_are() {
    let text = "version: v1\nmode: enforce\nrules:\n  - name: a\n    action: allow\n    match: {methods: ['*'], subject: [x]}\n";
    let error = Policy::parse(text).unwrap_err();
    assert_eq!(
        error.render(std::path::Path::new("p.yaml")),
        "`p.yaml` has a problem
unknown key `subject`, did you mean `subjects`?
 --> p.yaml:6:29
  |
6 |     match: {methods: ['*'], subject: [x]}
  |                             ^^^^^^^"
    );
    assert_eq!(error.to_string(), "line 6: unknown key `subject`, did you mean `subjects`?");
}

#[test]
fn a_policy_can_be_read() {
    let text = "version: v1
mode: audit
rules:
- {name: a, action: deny, answer: result, mode: enforce, dry_run: true, match: {methods: [x, y], arguments: {p: {under: [/a], gt: 1.50}}, when: 'true'}}
- {name: b, action: redact, redact: {patterns: ['x']}, match: {methods: ['*']}}
response_patterns: ['a']
allowed_tools: [t]
";
    let policy = policy(text);
    assert_eq!(policy.mode(), Mode::Observe);
    assert_eq!(policy.hash().len(), 64);
    assert_ne!(policy.hash(), super::support::policy(&format!("{text}#")).hash());
    assert_eq!(
        (policy.response_patterns().concat(), policy.allowed_tools().concat()),
        ("a".into(), "t".into())
    );
    let rules: Vec<_> = policy.rules().collect();
    let [a, b] = rules.as_slice() else { panic!() };
    assert_eq!(
        (a.name(), a.action(), a.mode(), a.dry_run()),
        ("a", Action::Deny { as_result: true }, Some(Mode::Enforce), true)
    );
    assert_eq!((b.name(), b.action().as_str(), b.mode(), b.dry_run()), ("b", "redact", None, false));
    assert_eq!(a.place().unwrap().line, 4);
    let described: Vec<String> = a
        .conditions()
        .iter()
        .map(|described| format!("{}={}", described.key, described.values.join(",")))
        .collect();
    assert_eq!(described, ["methods=x,y", "arguments.p.under=/a", "arguments.p.gt=1.50", "when=true"]);
    assert_eq!(b.condition("redact.patterns").concat(), "x");
    assert!(b.condition("tools").is_empty());
}
