//! Lists of tools: what cannot be called is not offered.

use super::support::*;
use crate::policy::Policy;

/// The names left of a list that the server sends, and the word for what happens.
fn listed(policy: &Policy, names: &[&str]) -> (Vec<String>, String) {
    let tools: Vec<String> = names
        .iter()
        .map(|name| {
            format!(r#"{{"name":{},"description":"d","inputSchema":{{}}}}"#, crate::json::quote(name))
        })
        .collect();
    let asked = ask("tools/list", "{}");
    let answer = answer(&asked, &format!(r#"{{"tools":[ {} ],"nextCursor":"c"}}"#, tools.join(" , ")));
    let word = word(&answer.under(policy));
    let left = if word.starts_with('~') {
        String::from_utf8(answer.message.bytes().to_vec()).unwrap()
    } else {
        answer.outgoing(policy)
    };
    let left = message(&left);
    let result = left.result().unwrap();
    assert_eq!(result.get("nextCursor").and_then(|cursor| cursor.as_str()).as_deref(), Some("c"));
    let names = result.get("tools").unwrap().elements();
    (names.map(|tool| tool.get("name").unwrap().as_str().unwrap().into_owned()).collect(), word)
}

#[test]
fn allowed_tools_takes_single_tools_out() {
    let policy = policy(
        "version: v1
mode: enforce
rules: [{name: rest, action: allow, match: {methods: ['*']}}]
allowed_tools: ['read_*', list]
",
    );
    for (offered, left, word) in [
        (
            &["read_a", "write", "list", "Read_b", "read_\u{200b}c", "exec"][..],
            &["read_a", "list", "read_\u{200b}c"][..],
            "redact (tool-not-offered)",
        ),
        (&["write"], &[], "redact (tool-not-offered)"),
        (&["list"], &["list"], "allow (implicit-allow)"),
        (&[], &[], "allow (implicit-allow)"),
    ] {
        assert_eq!(
            listed(&policy, offered),
            (left.iter().map(|name| (*name).to_owned()).collect(), word.to_owned())
        );
    }
}

#[test]
fn tools_no_rule_lets_be_called_are_not_offered() {
    let policy = rules(
        "- {name: never, action: deny, match: {methods: [tools/call], tools: ['exec*']}}
- {name: sometimes, action: deny, match: {methods: [tools/call], tools: [read], arguments: {path: ['/etc/*']}}}
- {name: by-hand, action: hold, match: {methods: [tools/call], tools: [pay], when: 'arguments.amount > 100'}}
- {name: some, action: allow, match: {methods: [tools/call], tools: [read, exec_safe]}}
- {name: narrow, action: allow, match: {methods: [tools/call], tools: [write], arguments: {path: ['/srv/*']}}}
- {name: for-others, action: allow, match: {methods: [tools/call], tools: [admin], roles: [root]}}
- {name: trial, dry_run: true, action: allow, match: {methods: [tools/call]}}
- {name: recorded, mode: audit, action: deny, match: {methods: [tools/call], tools: [old]}}
- {name: lists, action: allow, match: {methods: [tools/list]}}
",
    );
    let all = ["exec", "exec_safe", "EXEC", "read", "pay", "write", "admin", "other", "old"];
    let (left, word) = listed(&policy, &all);
    assert_eq!(
        (left.join(" "), word.as_str()),
        ("read pay write old".to_owned(), "redact (tool-not-offered)")
    );
    let list = ask("tools/list", "{}");
    let offers = |name: &str| policy.offers(&list.request(), name);
    assert!(offers("read") && offers("old") && !offers("exec") && !offers("other"));
}

#[test]
fn observing_leaves_lists_as_they_are() {
    let policy = policy(
        "version: v1\nmode: observe\nrules: [{name: some, action: allow, match: {methods: [tools/call], tools: [a]}}]",
    );
    assert_eq!(
        listed(&policy, &["a", "b"]),
        (vec!["a".to_owned(), "b".to_owned()], "~redact (tool-not-offered)".to_owned())
    );
    assert_eq!(listed(&Policy::built_in(), &["a", "b"]).1, "~allow (built-in)");
}
