//! Conditions and actions that knorq's mcpgw has not.

use super::support::*;
use crate::mcp::Revision;
use crate::policy::{Effect, Outcome, Policy, Transport};

/// A policy whose one rule denies what `conditions` match; the rest is allowed.
fn denying(conditions: &str) -> Policy {
    rules(&format!(
        "- {{name: rule, action: deny, match: {{methods: ['*'], {conditions}}}}}
- {{name: rest, action: allow, match: {{methods: ['*']}}}}
"
    ))
}

/// A policy whose one rule allows what `conditions` match; nothing else is.
fn allowing(conditions: &str) -> Policy {
    rules(&format!("- {{name: rule, action: allow, match: {{methods: ['*'], {conditions}}}}}"))
}

/// Whether the one rule of the policy decided.
fn rule_decides(policy: &Policy, arguments: &str) -> bool {
    &*call("pay", arguments).under(policy).rule == "rule"
}

#[test]
fn circumstances_are_exactly_as_they_are() {
    for (conditions, expected) in [
        ("servers: [files]", true),
        ("servers: ['f*']", true),
        ("servers: [Files]", false),
        ("directions: [c2s]", true),
        ("directions: [s2c]", false),
        ("transports: [http, stdio]", true),
        ("transports: [sse]", false),
        ("clients: ['/usr/bin/*']", true),
        ("clients: ['*/codex']", false),
        ("revisions: ['2025-*']", true),
        ("revisions: ['2026-*']", false),
        ("subjects: ['a*']", true),
        ("subjects: [Ann]", false),
        ("roles: [admin, ops]", true),
        ("roles: [admin]", false),
        ("roles: ['*'], subjects: ['*'], servers: ['*']", true),
    ] {
        assert_eq!(rule_decides(&denying(conditions), "{}"), expected, "{conditions}");
        assert_eq!(rule_decides(&allowing(conditions), "{}"), expected, "{conditions}");
    }
    let mut unknown = call("pay", "{}");
    unknown.context.client = None;
    unknown.context.principal = crate::policy::Principal::default();
    unknown.context.transport = Transport::Http;
    unknown.revision = None;
    for conditions in
        ["clients: ['*']", "subjects: ['*']", "roles: ['*']", "revisions: ['*']", "transports: [stdio]"]
    {
        assert_eq!(word(&unknown.under(&denying(conditions))), "allow rest", "{conditions}");
    }
    unknown.revision = Some(Revision::R2026_07_28);
    assert_eq!(word(&unknown.under(&denying("revisions: ['2026-07-28']"))), "deny rule");
}

#[test]
fn prompts_limit_a_rule_to_what_names_one() {
    let policy = denying("prompts: ['secret*']");
    for (sent, expected) in [
        (ask("prompts/get", r#"{"name":"secret-plan"}"#), "deny rule"),
        (ask("prompts/get", r#"{"name":"SECRET plan"}"#), "deny rule"),
        (
            ask(
                "completion/complete",
                r#"{"ref":{"type":"ref/prompt","name":"secret"},"argument":{"name":"a","value":"b"}}"#,
            ),
            "deny rule",
        ),
        (ask("prompts/get", r#"{"name":"plan"}"#), "allow rest"),
        (ask("prompts/list", "{}"), "allow rest"),
        (call("secret", "{}"), "allow rest"),
    ] {
        assert_eq!(word(&sent.under(&policy)), expected, "{:?}", sent.message.bytes());
    }
}

#[test]
fn numbers_are_compared_exactly() {
    for (test, arguments, denies, allows) in [
        // Exactly, and as the double that most servers read.
        ("gt: 100", r#"{"amount":100.0000000000000000000001}"#, true, false),
        ("gt: 100", r#"{"amount":1e2}"#, false, false),
        ("ge: 100", r#"{"amount":1e2}"#, true, true),
        ("lt: 0.1", r#"{"amount":0.1000000000000000055511151231257827}"#, false, false),
        ("eq: 9007199254740993", r#"{"amount":9007199254740992}"#, false, false),
        ("ge: 1, le: 5", r#"{"amount":3}"#, true, true),
        ("ge: 1, le: 5", r#"{"amount":7}"#, false, false),
        // Text and lists: servers may take them for numbers, so they can deny and never allow.
        ("gt: 100", r#"{"amount":"101"}"#, true, false),
        ("gt: 100", r#"{"amount":"1"}"#, false, false),
        ("gt: 100", r#"{"amount":"lots"}"#, true, false),
        ("gt: 100", r#"{"amount":null}"#, true, false),
        ("gt: 100", r#"{"amount":true}"#, true, false),
        ("lt: 100", r#"{"amount":[1,2]}"#, true, true),
        ("gt: 100", r#"{"amount":[1,200]}"#, true, false),
        ("gt: 100", r#"{"amount":1e400}"#, true, false),
        ("lt: 100", r#"{"amount":-1e400}"#, true, false),
        ("gt: 100", "{}", false, false),
        ("gt: 100", r#"{"Amount":101}"#, true, false),
    ] {
        let conditions = format!("arguments: {{amount: {{{test}}}}}");
        assert_eq!(rule_decides(&denying(&conditions), arguments), denies, "deny {test} {arguments}");
        assert_eq!(rule_decides(&allowing(&conditions), arguments), allows, "allow {test} {arguments}");
    }
    let evaluation = call("pay", r#"{"amount":1e400}"#).under(&denying("arguments: {amount: {gt: 1}}"));
    assert_eq!(evaluation.errors.len(), 1);
    assert!(
        evaluation.errors[0].starts_with("rule: arguments.amount: it is too large"),
        "{:?}",
        evaluation.errors
    );
}

#[test]
fn paths_are_resolved_as_text() {
    for (test, path, denies, allows) in [
        ("under: [/srv/data]", "/srv/data", true, true),
        ("under: [/srv/data]", "/srv/data/a", true, true),
        ("under: [/srv/data]", "/srv/database", false, false),
        ("under: [/srv/data]", "/srv/data/../x", false, false),
        ("under: [/srv/data]", "/srv/x/../data/a", true, true),
        ("under: [/srv/data]", "file:///srv/data/a", true, true),
        ("under: [/srv/data]", "file://localhost/srv/%64ata/a", true, false),
        ("under: [/srv/data]", "/srv/data/%2e%2e/x", true, false),
        ("under: [/srv/data]", "/srv/data\\\\..\\\\x", false, false),
        ("under: [/srv/data]", "\\\\srv\\\\data\\\\x", true, true),
        ("under: [/srv/data]", "//srv///data/./a", true, true),
        ("under: [/srv/data]", "/SRV/data/a", true, false),
        ("under: [/srv/data]", "a", false, false),
        ("under: [/srv/data]", "../../srv/data/a", true, false),
        ("under: [/srv/data]", "/srv/data/a\\u0000/../../etc", true, false),
        ("under: [/srv/data]", "https://srv/data", false, false),
        ("under: [/home/ann/.ssh]", "~/.ssh/id", true, false),
        ("under: [~/.ssh]", "~/.ssh/id", true, true),
        ("under: ['.']", "docs/a", true, true),
        ("under: ['.']", "docs/../../a", false, false),
        ("not-under: [/srv/data]", "/srv/data/a", false, false),
        ("not-under: [/srv/data]", "/etc/passwd", true, true),
        ("not-under: [/srv/data]", "/srv/data/../x", true, true),
        ("not-under: [/srv/data]", "../srv/data/x", true, false),
        ("not-under: [/srv/data]", "a", true, true),
        ("not-under: [/srv/data]", "/srv/data/%2e%2e/x", true, false),
        ("under: [/srv], not-under: [/srv/keys]", "/srv/a", true, true),
        ("under: [/srv], not-under: [/srv/keys]", "/srv/keys/a", false, false),
    ] {
        let conditions = format!("arguments: {{path: {{{test}}}}}");
        let arguments = format!(r#"{{"path":"{path}"}}"#);
        assert_eq!(rule_decides(&denying(&conditions), &arguments), denies, "deny {test} {path}");
        assert_eq!(rule_decides(&allowing(&conditions), &arguments), allows, "allow {test} {path}");
    }
    // Of several paths one outside is enough to deny, and all must lie inside to allow.
    let arguments = r#"{"path":["/srv/a","/etc/b"]}"#;
    assert!(rule_decides(&denying("arguments: {path: {not-under: [/srv]}}"), arguments));
    assert!(!rule_decides(&allowing("arguments: {path: {under: [/srv]}}"), arguments));
}

#[test]
fn presence_is_judged_so_that_a_near_miss_helps_nobody() {
    for (test, arguments, denies, allows) in [
        ("exists: true", r#"{"ok":1}"#, true, true),
        ("exists: true", r#"{"OK":1}"#, true, false),
        ("exists: true", r#"{"ok":null}"#, true, false),
        ("exists: true", "{}", false, false),
        ("missing: true", "{}", true, true),
        ("missing: true", r#"{"ok":1}"#, false, false),
        ("missing: true", r#"{"OK":1}"#, true, false),
        ("missing: true", r#"{"ok":null}"#, true, false),
        ("exists: false", "{}", true, true),
    ] {
        let conditions = format!("tools: ['*'], arguments: {{ok: {{{test}}}}}");
        assert_eq!(rule_decides(&denying(&conditions), arguments), denies, "deny {test} {arguments}");
        assert_eq!(rule_decides(&allowing(&conditions), arguments), allows, "allow {test} {arguments}");
    }
    // What takes no arguments is not denied for missing one.
    let policy = denying("arguments: {ok: {missing: true}}");
    assert_eq!(word(&ask("tools/list", "{}").under(&policy)), "allow rest");
}

#[test]
fn an_argument_whose_name_has_a_twin_is_not_sure_to_be_the_one() {
    for (test, arguments, denies, allows) in [
        ("path: {under: [/srv]}", r#"{"path":"/srv/a"}"#, true, true),
        ("path: {under: [/srv]}", r#"{"path":"/srv/a","Path":"/etc/shadow"}"#, true, false),
        ("path: {under: [/srv]}", r#"{"PATH":"/etc/shadow","path":"/srv/a"}"#, true, false),
        ("path: {under: [/srv]}", r#"{"path":"/srv/a","\u0440ath":"/etc/shadow"}"#, true, false),
        ("path: {under: [/srv]}", r#"{"path":"/srv/a","Path":"/srv/b"}"#, true, false),
        ("path: ['/srv/*']", r#"{"path":"/srv/a","Path":"/etc/shadow"}"#, true, false),
        ("path: {regex: ['^/srv/']}", r#"{"path":"/srv/a","Path":"/etc/shadow"}"#, true, false),
        ("path: {exists: true}", r#"{"path":"/srv/a","Path":"/etc/shadow"}"#, true, false),
        ("o.path: {under: [/srv]}", r#"{"o":{"path":"/srv/a","Path":"/etc/shadow"}}"#, true, false),
        ("o.path: {under: [/srv]}", r#"{"o":{"path":"/srv/a"},"O":{"path":"/etc/shadow"}}"#, true, false),
        ("o.path: {under: [/srv]}", r#"{"o":[{"path":"/srv/a"},{"path":"/srv/b"}]}"#, true, true),
        ("path: {under: [/srv]}", r#"{"path":"/srv/a","paths":["/etc/shadow"]}"#, true, true),
        ("'*': {under: [/srv]}", r#"{"path":"/srv/a","Path":"/srv/b"}"#, true, true),
    ] {
        let conditions = format!("arguments: {{{test}}}");
        assert_eq!(rule_decides(&denying(&conditions), arguments), denies, "deny {test} {arguments}");
        assert_eq!(rule_decides(&allowing(&conditions), arguments), allows, "allow {test} {arguments}");
    }
    let when = "when: 'arguments.path.startsWith(\"/srv/\")'";
    for (arguments, denies, allows) in [
        (r#"{"path":"/srv/a"}"#, true, true),
        (r#"{"path":"/srv/a","Path":"/etc/shadow"}"#, true, false),
        (r#"{"path":"/srv/a","o":{"x":1,"X":2}}"#, true, false),
    ] {
        assert_eq!(rule_decides(&denying(when), arguments), denies, "{arguments}");
        assert_eq!(rule_decides(&allowing(when), arguments), allows, "{arguments}");
    }
}

#[test]
fn values_are_equal_as_what_they_are() {
    for (test, arguments, denies, allows) in [
        ("equals: prod", r#"{"env":"prod"}"#, true, true),
        ("equals: prod", r#"{"env":"PROD"}"#, true, false),
        ("equals: prod", r#"{"env":"production"}"#, false, false),
        ("equals: [1, prod]", r#"{"env":1.0}"#, true, true),
        ("equals: 1", r#"{"env":"1"}"#, true, false),
        ("equals: true", r#"{"env":true}"#, true, true),
        ("glob: ['5'], regex: ['^5$']", r#"{"env":5.0}"#, true, true),
        ("glob: ['5.0']", r#"{"env":5.0}"#, true, false),
        ("regex: ['^a']", r#"{"env":"b a"}"#, false, false),
        ("glob: ['a*'], regex: ['b$']", r#"{"env":"ab"}"#, true, true),
        ("glob: ['a*'], regex: ['b$']", r#"{"env":"ac"}"#, false, false),
    ] {
        let conditions = format!("arguments: {{env: {{{test}}}}}");
        assert_eq!(rule_decides(&denying(&conditions), arguments), denies, "deny {test} {arguments}");
        assert_eq!(rule_decides(&allowing(&conditions), arguments), allows, "allow {test} {arguments}");
    }
}

#[test]
fn dots_lead_into_objects_and_arrays() {
    let policy = denying("arguments: {options.recursive: ['true'], items.path: ['/etc/*']}");
    for (arguments, expected) in [
        (r#"{"options":{"recursive":true},"items":[{"path":"/srv"},{"path":"/etc/x"}]}"#, true),
        (r#"{"options.recursive":true,"items.path":"/etc/x"}"#, true),
        (r#"{"options":[{"Recursive":"TRUE"}],"items":{"path":["/etc/x"]}}"#, true),
        (r#"{"options":{"recursive":false},"items":[{"path":"/etc/x"}]}"#, false),
        (r#"{"options":{"recursive":true}}"#, false),
        (r#"{"recursive":true,"path":"/etc/x"}"#, false),
    ] {
        assert_eq!(rule_decides(&policy, arguments), expected, "{arguments}");
    }
    let deep = denying("arguments: {a.b.c.d.e.f.g.h: [x]}");
    assert!(rule_decides(&deep, r#"{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":"x"}}}}}}}}"#));
    assert!(rule_decides(&deep, r#"{"a.b":{"c":{"d.e.f":{"g.h":"x"}}}}"#));
}

#[test]
fn expressions_see_the_message_and_its_circumstances() {
    for (when, expected) in [
        ("arguments.amount > 100", true),
        ("arguments.amount > 1000", false),
        ("tool == 'pay' && method == 'tools/call' && direction == 'c2s'", true),
        ("server == 'files' && subject == 'ann' && 'ops' in roles", true),
        ("transport == 'stdio' && revision == '2025-11-25' && client.endsWith('claude')", true),
        ("arguments.to.all(x, x.startsWith('a'))", false),
        ("arguments.to.exists(x, x.startsWith('b'))", true),
        ("has(arguments.missing)", false),
        ("has(arguments.amount) && arguments.amount * 2 == 300", true),
        ("params.name.matches('^p')", true),
        ("uri == null && prompt == null", true),
        ("size(arguments.to) == 2", true),
    ] {
        let arguments = r#"{"amount":150,"to":["ann","bob"]}"#;
        for policy in [denying(&format!("when: \"{when}\"")), allowing(&format!("when: \"{when}\""))] {
            assert_eq!(rule_decides(&policy, arguments), expected, "{when}");
        }
    }
}

#[test]
fn expressions_that_fail_deny_and_do_not_allow() {
    for (when, arguments) in [
        ("arguments.missing == 1", "{}"),
        ("arguments.amount > 100", r#"{"amount":"x"}"#),
        ("arguments.amount > 100", r#"{"amount":1e400}"#),
        ("arguments.amount", r#"{"amount":1}"#),
        ("arguments.amount / 0 == 1", r#"{"amount":1}"#),
        ("'x'.matches(arguments.p)", r#"{"p":"["}"#),
        ("arguments.a + 1 > 0", r#"{"a":9223372036854775807}"#),
    ] {
        let evaluation = call("pay", arguments).under(&denying(&format!("when: \"{when}\"")));
        assert_eq!(word(&evaluation), "deny rule", "{when}");
        assert!(evaluation.errors[0].starts_with("rule: when: "), "{:?}", evaluation.errors);
        let evaluation = call("pay", arguments).under(&allowing(&format!("when: \"{when}\"")));
        assert_eq!(word(&evaluation), "deny (implicit-deny)", "{when}");
    }
    // Bounded: many values in loops within loops are refused, not computed.
    let many = format!("{{\"a\":[{}0]}}", "0,".repeat(2000));
    let policy = denying("when: 'arguments.a.all(x, arguments.a.all(y, x == y))'");
    let evaluation = call("pay", &many).under(&policy);
    assert_eq!(word(&evaluation), "deny rule");
    assert!(evaluation.errors[0].contains("more values"), "{:?}", evaluation.errors);
}

#[test]
fn lists_are_named_and_reused() {
    let policy = policy(
        "version: v1
mode: enforce
lists: {secrets: ['*.pem', '*.key'], shells: [sh, bash]}
rules:
- {name: rule, action: deny, match: {methods: [tools/call], tools: ['@shells', '@org/*'], arguments: {path: ['@secrets', /x]}}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    for (tool, path, expected) in [
        ("sh", "a.pem", "deny rule"),
        ("bash", "/x", "deny rule"),
        ("@org/tool", "a.key", "deny rule"),
        ("zsh", "a.pem", "allow rest"),
        ("sh", "a.txt", "allow rest"),
        ("@shells", "a.pem", "allow rest"),
    ] {
        assert_eq!(
            word(&call(tool, &format!(r#"{{"path":"{path}"}}"#)).under(&policy)),
            expected,
            "{tool} {path}"
        );
    }
    let rule = policy.rules().next().unwrap();
    assert_eq!(rule.condition("tools").join(" "), "sh bash @org/*");
    assert_eq!(rule.condition("arguments.path").join(" "), "*.pem *.key /x");
}

#[test]
fn modes_trials_and_answers() {
    let policy = policy(
        "version: v1
mode: observe
rules:
- {name: trial, dry_run: true, action: deny, match: {methods: [tools/call], tools: ['a*']}}
- {name: enforced, mode: enforce, action: deny, answer: result, match: {methods: [tools/call], tools: [ab]}}
- {name: held, action: hold, match: {methods: [tools/call], tools: [h]}}
",
    );
    let evaluation = call("ab", "{}").under(&policy);
    assert_eq!(word(&evaluation), "deny-result enforced");
    assert_eq!(evaluation.dry_run, [("trial".into(), Effect::Deny { as_result: false })]);
    assert_eq!(word(&call("ac", "{}").under(&policy)), "~deny (implicit-deny)");
    assert_eq!(word(&call("h", "{}").under(&policy)), "~hold held");
    assert_eq!(word(&call("x", "{}").under(&Policy::built_in())), "~allow (built-in)");
}

#[test]
fn explanations_say_what_was_looked_at() {
    let policy = rules(
        "- {name: other, action: deny, match: {methods: ['tools/list']}}
- {name: tool, action: deny, match: {methods: ['*'], tools: [x]}}
- {name: wrong, action: allow, match: {methods: ['*'], when: 'arguments.nothing == 1'}}
- {name: path, action: deny, match: {methods: ['*'], arguments: {path: ['/etc/*'], mode: [w]}}}
- {name: rest, action: allow, match: {methods: ['*']}}
- {name: never, action: deny, match: {methods: ['*']}}
",
    );
    let sent = call("read", r#"{"path":"/etc/x"}"#);
    let explanation = sent.explained(&policy);
    assert_eq!(explanation.evaluation, sent.under(&policy));
    let steps: Vec<String> = explanation
        .steps
        .iter()
        .map(|step| match &step.outcome {
            Outcome::Matched => format!("{} matched", step.rule),
            Outcome::NotMatched { condition, why } => format!("{} {condition}: {why}", step.rule),
            Outcome::Error { condition, error, matched } => {
                format!("{} {condition}! {error} {matched}", step.rule)
            }
        })
        .collect();
    assert_eq!(
        steps,
        [
            "other methods: `tools/call` is not among them",
            "tool tools: `read` is not among them",
            "wrong when! there is no `nothing`; `has()` asks whether there is false",
            "path arguments.mode: there is no argument `mode`",
            "rest matched",
        ]
    );
}
