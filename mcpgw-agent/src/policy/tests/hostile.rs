//! What gets past knorq's mcpgw and must not get past this one: what is hidden in spelling, shape and size.

use super::support::*;
use crate::policy::{Effect, Policy};

/// Three forbidden things, and everything else allowed.
fn deny_list() -> Policy {
    rules(
        "- {name: shell, action: deny, match: {methods: [tools/call], tools: ['exec_*'], arguments: {command: ['*sudo*', '*rm -rf*']}}}
- {name: files, action: deny, match: {methods: ['*'], arguments: {path: ['/etc/*', '*.pem']}}}
- {name: secrets, action: deny, match: {methods: ['*'], argument_patterns: {query: ['DROP\\s+TABLE']}}}
- {name: tool, action: deny, match: {methods: ['*'], tools: [send_mail]}}
- {name: resource, action: deny, match: {methods: ['*'], resources: ['file:///etc/*', 'https://Evil.example/*']}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    )
}

fn command(text: &str) -> String {
    format!(r#"{{"command":{}}}"#, crate::json::quote(text))
}

fn path(text: &str) -> String {
    format!(r#"{{"path":{}}}"#, crate::json::quote(text))
}

#[test]
fn no_length_is_too_long_to_match() {
    let policy = deny_list();
    for length in [512, 513, 1 << 20] {
        let padded = format!("sudo ls #{}", "x".repeat(length));
        assert_eq!(word(&call("exec_command", &command(&padded)).under(&policy)), "deny shell");
        let name = format!("exec_{}", "x".repeat(length));
        assert_eq!(word(&call(&name, &command("sudo ls")).under(&policy)), "deny shell");
    }
}

#[test]
fn hidden_words_are_seen() {
    let policy = deny_list();
    for text in [
        "SUDO ls",
        "su\u{200b}do ls",
        "s\u{ad}u\u{2060}do ls",
        "\u{202e}sudo ls",
        "su\u{e0064}do",
        "ｓｕｄｏ ls",
        "𝐬𝐮𝐝𝐨 ls",
        "ѕudo ls",
        "ѕｕ\u{200d}DO ls",
        "rm  -rf /",
        "rm\t-rf /",
        "rm\u{a0}-rf /",
        "rm\n-rf /",
        "RM \u{2003} -RF /",
        "%73udo ls",
        "%2573udo ls",
        "%25252573udo",
        "sud%6f",
        "sudo cat /etc/shadow #/../../../..",
        "r\u{fe0f}m -rf",
    ] {
        assert_eq!(word(&call("exec_command", &command(text)).under(&policy)), "deny shell", "{text:?}");
    }
    for text in ["ls -l", "pseudonym", "rm -r f", "übung", "100% sure", "a%2"] {
        assert_eq!(word(&call("exec_command", &command(text)).under(&policy)), "allow rest", "{text:?}");
    }
}

#[test]
fn hidden_tools_are_seen() {
    let policy = deny_list();
    for name in [
        "send_mail",
        "send_mail ",
        " send_mail",
        "Send_Mail",
        "send\u{200b}_mail",
        "ѕend_mail",
        "send_mail\u{0}",
    ] {
        assert_eq!(word(&call(name, "{}").under(&policy)), "deny tool", "{name:?}");
    }
    assert_eq!(word(&call("send_mails", "{}").under(&policy)), "allow rest");
    for method in ["Tools/Call", "tools/call ", "tools/call\u{0}", "tools\u{200b}/call"] {
        let sent = ask(method, r#"{"name":"send_mail","arguments":{}}"#);
        assert_eq!(word(&sent.under(&policy)), "deny tool", "{method:?}");
    }
}

#[test]
fn hidden_paths_are_seen() {
    let policy = deny_list();
    for text in [
        "/etc/passwd",
        "/srv/../etc/passwd",
        "//etc//passwd",
        "/./etc/passwd",
        "\\etc\\passwd",
        "/ETC/passwd",
        "x/../../../etc/passwd",
        "../../etc/passwd",
        "file:///etc/passwd",
        "file:/etc/passwd",
        "FILE://localhost/etc/passwd",
        "file:///%65tc/passwd",
        "/%65tc/passwd",
        "/srv/%2e%2e/etc/passwd",
        "/srv/%252e%252e/etc/passwd",
        "/srv/..%2fetc/passwd",
        "/etc\u{2215}passwd",
        "/srv/․․/etc/passwd",
        "/srv/key.PEM",
        "/srv/key.pem/",
        "/srv/key.pem ",
    ] {
        assert_eq!(word(&call("read_file", &path(text)).under(&policy)), "deny files", "{text:?}");
    }
    for text in ["/srv/etc/passwd", "etc/passwd", "/etcetera/x", "key.pem.txt", "/srv/%41"] {
        assert_eq!(word(&call("read_file", &path(text)).under(&policy)), "allow rest", "{text:?}");
    }
}

#[test]
fn hidden_shapes_are_seen() {
    let policy = deny_list();
    let deep = format!("{}\"/etc/passwd\"{}", "[".repeat(60), "]".repeat(60));
    let nested = format!("{}\"/etc/passwd\"{}", "{\"a\":".repeat(60), "}".repeat(60));
    for arguments in [
        r#"{"path":["/etc/passwd"]}"#,
        r#"{"path":["/srv/a",["/etc/passwd"]]}"#,
        r#"{"path":{"a":{"b":"/etc/passwd"}}}"#,
        r#"{"path":{"/etc/passwd":1}}"#,
        r#"{"Path":"/etc/passwd"}"#,
        r#"{"pa\u200bth":"/etc/passwd"}"#,
        r#"{"path":"\u002fetc/passwd"}"#,
        r#"{"path":"/srv/a","PATH":"/etc/passwd"}"#,
        &format!(r#"{{"path":{deep}}}"#),
        &format!(r#"{{"path":{nested}}}"#),
    ] {
        assert_eq!(word(&call("read_file", arguments).under(&policy)), "deny files", "{arguments}");
    }
    for arguments in
        [r#"{"paths":"/etc/passwd"}"#, r#"{"cmd":"/etc/passwd"}"#, "{}", "null", r#"{"path":[]}"#]
    {
        assert_eq!(word(&call("read_file", arguments).under(&policy)), "allow rest", "{arguments}");
    }
}

#[test]
fn prompts_have_arguments_too() {
    let prompt = ask("prompts/get", r#"{"name":"p","arguments":{"path":"/etc/passwd"}}"#);
    assert_eq!(word(&prompt.under(&deny_list())), "deny files");
}

#[test]
fn regexes_see_every_reading() {
    let policy = deny_list();
    for text in
        ["DROP TABLE x", "drop table x", "DROP%20TABLE", "ＤＲＯＰ\u{3000}TABLE", "DR\u{200c}OP TABLE"]
    {
        let arguments = format!(r#"{{"query":{}}}"#, crate::json::quote(text));
        assert_eq!(word(&call("sql", &arguments).under(&policy)), "deny secrets", "{text:?}");
    }
}

#[test]
fn resources_are_read_as_written_and_in_their_shortest_form() {
    let policy = deny_list();
    for uri in [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "file:/etc/passwd",
        "file://localhost/etc/passwd",
        "file:///srv/../etc/passwd",
        "file:///%65tc/passwd",
        "file:///etc//passwd",
        "https://evil.example/x",
        "HTTPS://EVIL.example/a/../x",
    ] {
        let params = format!(r#"{{"uri":{}}}"#, crate::json::quote(uri));
        for method in ["resources/read", "resources/subscribe"] {
            assert_eq!(word(&ask(method, &params).under(&policy)), "deny resource", "{method} {uri}");
        }
    }
    let params = r#"{"notifications":{"resourceSubscriptions":["file:///srv/a","file:///etc/passwd"]}}"#;
    assert_eq!(word(&ask("subscriptions/listen", params).under(&policy)), "deny resource");
    let params =
        r#"{"ref":{"type":"ref/resource","uri":"file:///etc/{x}"},"argument":{"name":"x","value":""}}"#;
    assert_eq!(word(&ask("completion/complete", params).under(&policy)), "deny resource");
    assert_eq!(word(&ask("resources/read", r#"{"uri":"file:///srv/a"}"#).under(&policy)), "allow rest");
}

#[test]
fn a_tools_condition_limits_a_rule_to_calls() {
    let policy = rules("- {name: read, action: allow, match: {methods: ['*'], tools: ['read_*']}}");
    assert_eq!(word(&call("read_file", "{}").under(&policy)), "allow read");
    for sent in [
        ask("initialize", "{}"),
        ask("resources/read", r#"{"uri":"file:///a"}"#),
        ask("prompts/get", r#"{"name":"read_x"}"#),
        ask("tools/list", "{}"),
        call("write_file", "{}"),
    ] {
        assert_eq!(word(&sent.under(&policy)), "deny (implicit-deny)");
    }
}

#[test]
fn allowing_is_not_widened_by_other_readings() {
    let policy = rules(
        "- {name: ls, action: allow, match: {methods: [tools/call], tools: [run], arguments: {command: ['ls *']}}}
- {name: data, action: allow, match: {methods: [tools/call], tools: [read], arguments: {path: ['/srv/data/*']}}}
- {name: word, action: allow, match: {methods: [tools/call], tools: [find], argument_patterns: {word: ['^[a-z]+$']}}}
",
    );
    for (sent, allowed) in [
        (call("run", &command("ls -l")), true),
        (call("run", &command("LS -l")), false),
        (call("run", &command("l\u{200b}s -l")), false),
        (call("run", &command("%6cs -l")), false),
        (call("Run", &command("ls -l")), false),
        (call("run ", &command("ls -l")), false),
        (call("read", &path("/srv/data/a")), true),
        (call("read", &path("/srv/data/a/")), true),
        (call("read", &path("/srv/data/Ä.txt")), true),
        (call("read", &path("/srv/data/../../etc/passwd")), false),
        (call("read", &path("/srv/data/%2e%2e/%2e%2e/etc/passwd")), false),
        (call("read", &path("/srv/data/%25252e%25252e/%25252e%25252e/x")), false),
        (call("read", &path("/srv/data\\..\\..\\etc")), false),
        (call("read", r#"{"Path":"/srv/data/a"}"#), false),
        (call("read", r#"{"path":["/srv/data/a","/srv/data/b"]}"#), true),
        (call("read", r#"{"path":["/srv/data/a","/etc/passwd"]}"#), false),
        (call("read", r#"{"path":{"a":"/srv/data/a"}}"#), false),
        (call("read", r#"{"path":[]}"#), false),
        (call("find", r#"{"word":"abc"}"#), true),
        (call("find", r#"{"word":["abc","d"]}"#), true),
        (call("find", r#"{"word":["abc","{"]}"#), false),
        (call("find", r#"{"word":"abc%20"}"#), false),
        (call("find", r#"{"word":"Abc"}"#), false),
    ] {
        let expected = if allowed { Effect::Allow } else { Effect::Deny { as_result: false } };
        assert_eq!(sent.under(&policy).effect, expected, "{:?}", sent.message.bytes());
    }
}

#[test]
fn what_cannot_be_read_to_the_end_denies_and_does_not_allow() {
    let endless = format!("/x/%{}41", "25".repeat(40));
    let policy = rules(
        "- {name: allowed, action: allow, match: {methods: [tools/call], tools: [a], arguments: {path: ['*']}}}
- {name: denied, action: deny, match: {methods: [tools/call], arguments: {path: [nothing]}}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    let evaluation = call("a", &path(&endless)).under(&policy);
    assert_eq!(word(&evaluation), "deny denied");
    assert_eq!(evaluation.errors.len(), 2, "{:?}", evaluation.errors);
    assert!(evaluation.errors[0].starts_with("allowed: arguments.path: "), "{:?}", evaluation.errors);
}

#[test]
fn servers_requests_are_messages_as_any_other() {
    let deny_all = rules("- {name: all, action: deny, match: {methods: ['*']}}");
    let some = rules("- {name: lists, action: allow, match: {methods: ['*/list']}}");
    for (method, listed) in [
        ("sampling/createMessage", false),
        ("elicitation/create", false),
        ("roots/list", true),
        ("x/unknown", false),
    ] {
        let sent = from_server(method, "{}", Some(1));
        assert_eq!(word(&sent.under(&deny_all)), "deny all", "{method}");
        let expected = if listed { "allow lists" } else { "deny (implicit-deny)" };
        assert_eq!(word(&sent.under(&some)), expected, "{method}");
    }
    for (method, id) in [("notifications/message", None), ("notifications/progress", None), ("ping", Some(1))]
    {
        let sent = from_server(method, "{}", id);
        assert_eq!(word(&sent.under(&deny_all)), "deny all", "{method}");
        assert_eq!(word(&sent.under(&some)), "allow (implicit-allow)", "{method}");
    }
    assert_eq!(word(&ask("ping", "{}").under(&some)), "deny (implicit-deny)");
}

#[test]
fn more_than_can_be_compared_denies_and_does_not_allow() {
    let mut text = String::new();
    for rule in 0..100 {
        let (action, glob) = if rule % 2 == 0 { ("deny", "/etc/*") } else { ("allow", "x") };
        text.push_str(&format!(
            "- {{name: r{rule}, action: {action}, match: {{methods: [tools/call], arguments: {{v: ['{glob}']}}}}}}\n"
        ));
    }
    let policy = rules(&format!("{text}- {{name: rest, action: allow, match: {{methods: ['*']}}}}\n"));
    // Long, not many: that takes the test less time.
    let long = |length: usize| format!(r#"{{"v":"{}"}}"#, "a".repeat(length));
    assert_eq!(word(&call("t", &long(1 << 20)).under(&policy)), "allow rest");
    let evaluation = call("t", &long(6 << 20)).under(&policy);
    assert!(matches!(evaluation.effect, Effect::Deny { .. }), "{evaluation:?}");
    assert!(evaluation.errors.iter().all(|why| why.contains("more than can be compared")), "{evaluation:?}");
    assert!(!evaluation.errors.is_empty());
    let many = |count: usize| format!(r#"{{"v":[{}0]}}"#, "1,".repeat(count));
    assert_eq!(word(&call("t", &many(1000)).under(&policy)), "allow rest");
}

#[test]
fn a_message_does_not_compile_regexes_without_end() {
    let policy = rules(
        "- {name: own, action: deny, match: {methods: ['*'], when: 'arguments.p.exists(p, \"x\".matches(p))'}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    let many = |count: usize| {
        let all: Vec<String> = (0..count).map(|number| format!(r#""a{number}""#)).collect();
        format!(r#"{{"p":[{}]}}"#, all.join(","))
    };
    for (count, expected) in [(10, "allow rest"), (60, "allow rest"), (1000, "deny own"), (10, "allow rest")]
    {
        assert_eq!(word(&call("t", &many(count)).under(&policy)), expected, "{count}");
    }
}
