//! Redaction: the result is JSON, and differs only where told.

use proptest::prelude::*;

use super::support::*;
use crate::policy::Policy;

fn redacting() -> Policy {
    rules(
        "- name: clean
  action: redact
  match: {methods: ['*'], directions: [c2s, s2c]}
  redact:
    patterns: {mail: '[a-z]+@[a-z]+\\.[a-z]+', card: '\\b[0-9]{16}\\b'}
    fields: [password, '*token*']
",
    )
}

#[test]
fn strings_are_changed_and_nothing_else() {
    for (arguments, expected) in [
        (r#"{"a":"x joe@example.org y","b":1}"#, r#"{"a":"x [REDACTED:mail] y","b":1}"#),
        (r#"{"a":"joe\u0040example.org"}"#, r#"{"a":"[REDACTED:mail]"}"#),
        (r#"{"a":["joe@a.b","\"\\"]}"#, r#"{"a":["[REDACTED:mail]","\"\\"]}"#),
        (r#"{"n":4111111111111111,"t":1700000000}"#, r#"{"n":"[REDACTED:card]","t":1700000000}"#),
        (r#"{"joe@a.b":1,"ann@a.b":2}"#, r#"{"[REDACTED:mail]":1,"[REDACTED:mail] 2":2}"#),
        (
            r#"{"joe@a.b":1,"[REDACTED:mail]":2,"b":{"to ann@a.b":3,"[REDACTED:mail] 2":4}}"#,
            r#"{"[REDACTED:mail] 3":1,"[REDACTED:mail]":2,"b":{"to [REDACTED:mail]":3,"[REDACTED:mail] 2":4}}"#,
        ),
        (r#"{"password":{"deep":[1]},"x":"password"}"#, r#"{"password":"[REDACTED:field]","x":"password"}"#),
        (r#"{"Api_Token":"s"}"#, r#"{"Api_Token":"[REDACTED:field]"}"#),
        (r#"{"a":"jo\u200be@example.org"}"#, r#"{"a":"jo\u200b[REDACTED:mail]"}"#),
        (r#"{"a":"joe\u200b@example.org"}"#, r#"{"a":"[REDACTED:mail]"}"#),
        (r#"{"a":"joe\u0001@example.org"}"#, r#"{"a":"[REDACTED:mail]"}"#),
        (r#"{"a":"clean"}"#, r#"{"a":"clean"}"#),
    ] {
        let sent = call("send", arguments);
        let bytes = String::from_utf8(sent.message.bytes().to_vec()).unwrap();
        assert_eq!(sent.outgoing(&redacting()), bytes.replace(arguments, expected), "{arguments}");
    }
}

#[test]
fn answers_are_redacted_in_text_and_structure_alike() {
    let result = r#"{"content":[{"type":"text","text":"joe@a.b"}],"structuredContent":{"to":"joe@a.b"},"nextCursor":"joe@a.b"}"#;
    let sent = answer(&call("read", "{}"), result);
    let outgoing = sent.outgoing(&redacting());
    assert!(outgoing.contains(
        r#"{"content":[{"type":"text","text":"[REDACTED:mail]"}],"structuredContent":{"to":"[REDACTED:mail]"},"nextCursor":"joe@a.b"}"#
    ), "{outgoing}");
    assert_eq!(word(&answer(&call("read", "{}"), "{}").under(&redacting())), "allow clean");
    // What steers a request is text in an answer, and what nobody knows may be read as well.
    let sent = answer(
        &call("read", "{}"),
        r#"{"name":"joe@a.b","uri":"joe@a.b","level":"joe@a.b"},"extra":{"x":"joe@a.b"}"#,
    );
    assert!(!sent.outgoing(&redacting()).contains("joe@a.b"));
}

#[test]
fn what_only_may_be_meant_is_denied_rather_than_let_pass_unredacted() {
    let policy = rules(
        "- {name: clean, action: redact, redact: {fields: [password]}, match: {methods: [tools/call], tools: [login]}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    for (tool, expected) in [("login", "redact clean"), ("Login", "deny clean"), ("log", "allow rest")] {
        assert_eq!(word(&call(tool, r#"{"password":"x"}"#).under(&policy)), expected, "{tool}");
    }
}

proptest! {
    #[test]
    fn the_result_is_always_the_same_message_in_json(
        key in "[a-zA-Z@.\"\\\\é]{0,12}", text in "(joe@a\\.b|password|[\"\\\\\u{0}\u{200b}é@a.]){0,8}", number: u64,
    ) {
        let arguments = format!(
            r#"{{"k":{{{}:{}}},"n":{number},"password":[{number}]}}"#, crate::json::quote(&key), crate::json::quote(&text),
        );
        let sent = call("send", &arguments);
        let redacted = message(&sent.outgoing(&redacting()));
        prop_assert_eq!(redacted.method(), sent.message.method());
        prop_assert_eq!(redacted.id(), sent.message.id());
        let policy = redacting();
        let again = super::support::Sent { message: redacted, ..call("send", "{}") };
        // What is clean stays as it is.
        let twice = again.outgoing(&policy);
        prop_assert!(!twice.contains("joe@a.b"));
    }
}
