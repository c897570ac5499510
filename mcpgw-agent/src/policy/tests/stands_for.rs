//! What a message is to its receiver beside what it says: URLs in other spellings, arguments that are JSON within a text,
//! results of tasks.

use super::support::*;
use crate::policy::Effect;

#[test]
fn a_url_is_what_the_web_reads_in_it() {
    let deny = rules(
        "- {name: secret, action: deny, match: {methods: ['*'], resources: ['secret://*', 'item://admin/*', 'file:///etc/*']}}
- {name: inside, action: deny, match: {methods: ['*'], resources: ['https://internal.example/*', 'http://127.0.0.1/*']}}
- {name: path, action: deny, match: {methods: ['*'], arguments: {url: {under: [/etc]}}}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    let read = |uri: &str| ask("resources/read", &format!(r#"{{"uri":{}}}"#, crate::json::quote(uri)));
    for (uri, rule) in [
        ("sec\tret://data/x", "secret"),
        ("\nsecret://data/x", "secret"),
        ("item://ad\tmin/y", "secret"),
        ("file:///e\ttc/shadow", "secret"),
        ("file:///srv/.\t./etc/shadow", "secret"),
        ("https:internal.example/x", "inside"),
        ("https:/internal.example/x", "inside"),
        ("https:///internal.example/x", "inside"),
        ("https://internal.example:443/x", "inside"),
        ("https://internal.example:/x", "inside"),
        ("https:\\\\internal.example/x", "inside"),
        ("https://@internal.example/x", "inside"),
        ("https://internal.example", "inside"),
        ("http://127.1/x", "inside"),
        ("http://0x7f.1/x", "inside"),
        ("http://2130706433/x", "inside"),
    ] {
        assert_eq!(word(&read(uri).under(&deny)), format!("deny {rule}"), "{uri:?}");
    }
    let url = call("fetch", r#"{"url":"file:///srv/.\t./etc/shadow"}"#);
    assert_eq!(word(&url.under(&deny)), "deny path");

    let allow = rules(
        "- {name: files, action: allow, match: {methods: ['*'], resources: ['file:///srv/*', 'https://api.example']}}
",
    );
    for (uri, expected) in [
        ("file:///srv/a b%20c/é", "allow files"),
        ("FILE:///srv/A", "deny (implicit-deny)"),
        ("https://api.example", "allow files"),
        ("file:///srv/.\t./etc/shadow", "deny (implicit-deny)"),
        ("file:///s\trv/x", "deny (implicit-deny)"),
        ("https://api.example\n.evil.example", "deny (implicit-deny)"),
    ] {
        assert_eq!(word(&read(uri).under(&allow)), expected, "{uri:?}");
    }
}

#[test]
fn arguments_in_a_text_are_arguments() {
    let deny = rules(
        "- {name: under, action: deny, match: {methods: ['*'], arguments: {paths: {under: [/etc]}}}}
- {name: glob, action: deny, match: {methods: ['*'], arguments: {'*': ['/root/*']}}}
- {name: inner, action: deny, match: {methods: ['*'], arguments: {options.path: {exists: true}}}}
- {name: unsaid, action: deny, match: {methods: ['*'], tools: [scoped], arguments: {scope: {missing: true}}}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    for (tool, arguments, expected) in [
        ("t", r#"{"paths":"[\"/etc/shadow\"]"}"#, "deny under"),
        ("t", r#"{"paths":"[\"\\u002fetc\\/shadow\"]"}"#, "deny under"),
        ("t", r#"{"x":" {\"y\":[\"/root/.ssh/id\"]}"}"#, "deny glob"),
        ("t", r#"{"x":"{\"y\":1,\"y\":\"/root/a\",\"z\":NaN}"}"#, "deny glob"),
        ("t", r#"{"options":"{\"path\":1}"}"#, "deny inner"),
        ("scoped", r#"{"scope":"here"}"#, "allow rest"),
        ("t", r#"{"x":"[see /root/a] is what it says"}"#, "allow rest"),
        ("t", r#"{"x":"{\"y\":[\"/srv\"]}"}"#, "allow rest"),
    ] {
        assert_eq!(word(&call(tool, arguments).under(&deny)), expected, "{arguments}");
    }
    let deep = format!(r#"{{"x":"{}{}"}}"#, "[".repeat(999), "]".repeat(999));
    assert_eq!(word(&call("t", &deep).under(&deny)), "deny (unreadable-arguments)");
    let explained = call("t", r#"{"options":"{\"path\":1}"}"#).explained(&deny);
    assert_eq!(explained.steps.len(), 3, "{explained:?}");

    let allow = rules(
        "- {name: elsewhere, action: allow, match: {methods: ['*'], arguments: {paths: {not-under: [/etc]}}}}
- {name: plain, action: allow, match: {methods: ['*'], arguments: {options.path: {missing: true}, text: {exists: true}}}}
",
    );
    for (arguments, expected) in [
        (r#"{"paths":"/srv/a"}"#, "allow elsewhere"),
        (r#"{"paths":"[\"/etc/shadow\"]"}"#, "deny (implicit-deny)"),
        (r#"{"options":"{\"path\":1}","text":"x"}"#, "deny (implicit-deny)"),
        (r#"{"options":"{\"mode\":1}","text":"x"}"#, "allow plain"),
    ] {
        assert_eq!(word(&call("t", arguments).under(&allow)), expected, "{arguments}");
    }
}

#[test]
fn of_arguments_in_texts_each_is_one_or_not_by_itself() {
    let in_order = rules(
        "- {name: exchange, action: allow, match: {methods: ['*'], arguments: {dest: {under: [/srv]}}}}
- {name: etc, action: deny, match: {methods: ['*'], arguments: {src: {under: [/etc]}}}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    let in_one = rules(
        "- {name: both, action: deny, match: {methods: ['*'], arguments: {src: {under: [/etc]}, dest: {not-under: [/srv]}}}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    let by_expression = rules(
        "- {name: cel, action: deny, match: {methods: ['*'], when: \"size(arguments.src) == 1 && size(arguments.dest) == 3\"}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    for (policy, arguments, expected) in [
        (&in_order, r#"{"src":"[\"/etc/shadow\"]","dest":"[\"/srv/x\"]"}"#, "deny etc"),
        (&in_order, r#"{"src":"[\"/home/a\"]","dest":"[\"/srv/x\"]"}"#, "allow rest"),
        (&in_order, r#"{"SRC":"[\"/etc/shadow\"]","dest":"[\"/srv/x\"]"}"#, "deny etc"),
        (&in_one, r#"{"src":"[\"/etc/shadow\"]","dest":"[\"/srv/x\"]"}"#, "deny both"),
        (&in_one, r#"{"src":"[\"/etc/shadow\"]","dest":"[]"}"#, "deny both"),
        (&in_one, r#"{"src":"[\"/home/a\"]","dest":"[]"}"#, "allow rest"),
        (&by_expression, r#"{"src":"[1]","dest":"[1]"}"#, "deny cel"),
        (&by_expression, r#"{"src":"[1]","dest":"ab"}"#, "allow rest"),
    ] {
        assert_eq!(word(&call("t", arguments).under(policy)), expected, "{arguments}");
    }
    // What no rule asks about may be there in any number; of what one does, there are bounds.
    let many = |name: &str| {
        let members: Vec<_> = (0..40).map(|number| format!(r#""{name}{number}":"[1]""#)).collect();
        format!("{{{}}}", members.join(","))
    };
    assert_eq!(word(&call("t", &many("x")).under(&in_order)), "allow rest");
    let any = rules(
        "- {name: a, action: deny, match: {methods: ['*'], arguments: {'*': ['/etc/*'], b: {exists: true}}}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    assert_eq!(word(&call("t", &many("x")).under(&any)), "deny (unreadable-arguments)");
    let long = format!(r#"{{"a":"[\"{0}\"]","c":"[\"{0}\"]","d":"[\"{0}\"]"}}"#, "x".repeat(3 << 20));
    assert_eq!(word(&call("t", &long).under(&any)), "deny (unreadable-arguments)");
}

#[test]
fn values_are_what_servers_turn_them_into() {
    let deny = rules(
        "- {name: force, action: deny, match: {methods: ['*'], arguments: {force: {equals: [true]}}}}
- {name: level, action: deny, match: {methods: ['*'], arguments: {level: {equals: [3]}}}}
- {name: five, action: deny, match: {methods: ['*'], arguments: {n: ['5']}}}
- {name: much, action: deny, match: {methods: ['*'], arguments: {n: {ge: 1000}}}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    for (arguments, rule) in [
        (r#"{"force":true}"#, "deny force"),
        (r#"{"force":"Yes"}"#, "deny force"),
        (r#"{"force":" on"}"#, "deny force"),
        (r#"{"force":1}"#, "deny force"),
        (r#"{"force":"no"}"#, "allow rest"),
        (r#"{"level":"0_3"}"#, "deny level"),
        (r#"{"level":3.00000000000000000001}"#, "deny level"),
        (r#"{"n":4.9999999999999999999999}"#, "deny five"),
        (r#"{"n":999.99999999999999999999}"#, "deny much"),
        (r#"{"n":999.9}"#, "allow rest"),
    ] {
        assert_eq!(word(&call("t", arguments).under(&deny)), rule, "{arguments}");
    }
    let allow = rules("- {name: few, action: allow, match: {methods: ['*'], arguments: {n: {lt: 1000}}}}\n");
    for (arguments, rule) in [
        (r#"{"n":999.9}"#, "allow few"),
        (r#"{"n":999.99999999999999999999}"#, "deny (implicit-deny)"),
        (r#"{"n":"1"}"#, "deny (implicit-deny)"),
    ] {
        assert_eq!(word(&call("t", arguments).under(&allow)), rule, "{arguments}");
    }
}

#[test]
fn what_is_taken_out_is_taken_out_of_texts_within_texts_or_nothing_goes_on() {
    let policy = rules(
        "- {name: tokens, action: redact, match: {methods: [tools/call]}, redact: {patterns: ['ghp_[a-z]+']}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    let all = call("t", r#"{"x":"[\"ghp_abc\"]"}"#);
    assert_eq!(word(&all.under(&policy)), "redact tokens");
    assert!(!all.outgoing(&policy).contains("ghp_"));
    for hidden in [r#"{"x":"[\"gh\\u0070_abc\"]"}"#, r#"{"x":"[\"ghp_abc\",\"gh\\u0070_abc\"]"}"#] {
        assert_eq!(word(&call("t", hidden).under(&policy)), "deny tokens", "{hidden}");
    }
    assert_eq!(word(&call("t", r#"{"x":"[\"none\"]"}"#).under(&policy)), "allow tokens");
}

#[test]
fn what_is_told_of_a_task_is_an_answer_to_the_call_it_was() {
    let policy = rules(
        "- {name: leak, action: deny, match: {methods: [tools/call], tools: [leak], directions: [s2c]}}
- {name: tokens, action: redact, match: {methods: [tools/call], directions: [s2c]}, redact: {patterns: ['ghp_[a-z]+']}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    let result = r#"{"content":[{"type":"text","text":"ghp_abc"}]}"#;
    for method in ["tasks/result", "tasks/get"] {
        let mut answer = answer(&ask(method, r#"{"taskId":"1"}"#), result);
        answer.task_tool = Some("read".into());
        assert_eq!(word(&answer.under(&policy)), "redact tokens", "{method}");
        assert!(!answer.outgoing(&policy).contains("ghp_"));
        answer.task_tool = Some("leak".into());
        assert_eq!(word(&answer.under(&policy)), "deny leak", "{method}");
        // It may be any tool's.
        answer.task_tool = None;
        assert_eq!(word(&answer.under(&policy)), "deny leak", "{method}");
    }
    let mut told =
        from_server("notifications/tasks/status", r#"{"taskId":"1","statusMessage":"ghp_abc"}"#, None);
    told.task_tool = Some("read".into());
    assert_eq!(word(&told.under(&policy)), "redact tokens");
    let listed = answer(&ask("tasks/list", "{}"), r#"{"tasks":[]}"#);
    assert_eq!(word(&listed.under(&policy)), "allow (implicit-allow)");

    // What a client answers by a task.
    let policy = rules(
        "- {name: form, action: deny, match: {methods: [elicitation/create], directions: [c2s]}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    let answer = answer(&from_server("tasks/result", r#"{"taskId":"1"}"#, Some(1)), "{}");
    assert_eq!(word(&answer.under(&policy)), "deny form");
}

#[test]
fn detectors_look_at_what_texts_unfold_to() {
    let policy = policy(
        "version: v1
mode: enforce
rules:
- {name: rest, action: allow, match: {methods: ['*']}}
detectors: {secrets: redact, ssrf: deny, destructive: hold}
",
    );
    let judged = |arguments: &str| {
        let sent = call("run", arguments);
        let evaluation = policy.judge(&sent.request());
        let edits = match &evaluation.effect {
            Effect::Redact(edits) => edits.clone(),
            Effect::Allow | Effect::Deny { .. } | Effect::Hold => Vec::new(),
        };
        let bytes = crate::json::apply(sent.message.bytes(), edits);
        (word(&evaluation), String::from_utf8(bytes.to_vec()).unwrap())
    };
    for (arguments, expected) in [
        (r#"{"urls":"[\"http:\\/\\/169.254.169.254\\/x\"]"}"#, "deny-result rest"),
        (r#"{"commands":"[\"rm -rf \\u002f\"]"}"#, "hold rest"),
        (r#"{"commands":"[\"ls\"]"}"#, "allow rest"),
    ] {
        assert_eq!(judged(arguments).0, expected, "{arguments}");
    }
    // Where a secret stands in the text it alone is taken out, and else all of the text.
    let token = "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8";
    let (effect, out) =
        judged(&format!(r#"{{"x":"{{\\"to\\": \\"{token}\\", \\"n\\": 1}}"}}"#).replace("\\\\", "\\"));
    assert_eq!(
        (effect.as_str(), out.contains("ghp_"), out.contains("to")),
        ("redact rest", false, true),
        "{out}"
    );
    let hidden = token.replacen("p_", "\\\\u0070_", 1);
    let (effect, out) = judged(&format!(r#"{{"x":"[\"{hidden}\"]"}}"#));
    assert_eq!((effect.as_str(), out.contains("A1b2C3")), ("redact rest", false), "{out}");
}
