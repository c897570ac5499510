//! Answers, and what holds for servers' messages whatever the rules say.

use super::support::*;
use crate::mcp::Direction;

#[test]
fn answers_pass_unless_a_rule_names_their_direction() {
    let policy = rules(
        "- {name: deny-calls, action: deny, match: {methods: [tools/call], arguments: {path: ['/etc/*']}}}
- {name: no-answers, action: deny, match: {methods: [tools/call], tools: [leak], directions: [s2c]}}
- {name: calls, action: allow, match: {methods: [tools/call, resources/read]}}
- {name: rest, action: deny, match: {methods: ['*']}}
",
    );
    for (asked, expected) in [
        (call("read", "{}"), "allow (implicit-allow)"),
        (call("leak", "{}"), "deny no-answers"),
        (call("Leak", "{}"), "deny no-answers"),
        (ask("resources/read", r#"{"uri":"file:///a"}"#), "allow (implicit-allow)"),
        (ask("initialize", "{}"), "allow (implicit-allow)"),
    ] {
        assert_eq!(word(&answer(&asked, "{}").under(&policy)), expected, "{:?}", asked.message.bytes());
    }
    // The client's answer to a server's request.
    let asked = from_server("sampling/createMessage", "{}", Some(1));
    assert_eq!(word(&answer(&asked, "{}").under(&policy)), "allow (implicit-allow)");
}

#[test]
fn a_rule_can_look_into_results() {
    let policy = rules(
        "- {name: errors, action: hold, match: {methods: ['*'], directions: [s2c], when: 'has(result.isError) && result.isError'}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    let asked = call("read", "{}");
    assert_eq!(word(&answer(&asked, r#"{"isError":true}"#).under(&policy)), "hold errors");
    assert_eq!(word(&answer(&asked, r#"{"isError":false}"#).under(&policy)), "allow (implicit-allow)");
    assert_eq!(word(&answer(&asked, r#"{"content":[]}"#).under(&policy)), "allow (implicit-allow)");
}

#[test]
fn no_pattern_is_hidden_in_a_servers_message() {
    let policy = policy(
        "version: v1
mode: enforce
rules:
- {name: rest, action: allow, match: {methods: ['*']}}
response_patterns: ['SECRET-[0-9]+', '\"password\":', '^ab$']
",
    );
    let asked = call("read", "{}");
    let far = format!(r#"{{"content":[{{"type":"text","text":"{}SECRET-1"}}]}}"#, "x".repeat(3 << 20));
    for (result, expected) in [
        (r#"{"content":[{"type":"text","text":"SECRET-1"}]}"#, "deny (response-pattern-1)"),
        (r#"{"content":[{"type":"text","text":"\u0053ECRET-1"}]}"#, "deny (response-pattern-1)"),
        (r#"{"content":[{"type":"text","text":"SEC\u200bRET-1"}]}"#, "deny (response-pattern-1)"),
        (
            r#"{"content":[{"type":"text","text":"SECR"},{"type":"text","text":"ET-1"}]}"#,
            "deny (response-pattern-1)",
        ),
        (r#"{"structuredContent":{"SECRET-1":true}}"#, "deny (response-pattern-1)"),
        (r#"{"structuredContent":{"deep":[[{"a":"\u0053ECRET-9"}]]}}"#, "deny (response-pattern-1)"),
        (r#"{"structuredContent":{"password":"x"}}"#, "deny (response-pattern-2)"),
        (r#"{"structuredContent":{"x":"ab"}}"#, "deny (response-pattern-3)"),
        (r#"{"structuredContent":{"x":"abc"}}"#, "allow (implicit-allow)"),
        (&far, "deny (response-pattern-1)"),
    ] {
        let shown: String = result.chars().take(80).collect();
        assert_eq!(word(&answer(&asked, result).under(&policy)), expected, "{shown}");
    }
    let told = from_server("notifications/message", r#"{"data":"SECRET-1"}"#, None);
    assert_eq!(word(&told.under(&policy)), "deny (response-pattern-1)");
    let asked = call("SECRET-1", r#"{"x":"SECRET-1"}"#);
    assert_eq!(word(&asked.under(&policy)), "allow rest");
}

#[test]
fn requests_within_a_result_are_the_servers_requests() {
    let policy = rules(
        "- {name: no-sampling, action: deny, match: {methods: ['sampling/*']}}
- {name: ask-first, action: hold, match: {methods: ['elicitation/*']}}
- {name: calls, action: allow, match: {methods: [tools/call, roots/list]}}
",
    );
    let asked = call("read", "{}");
    let result = |requests: &str| format!(r#"{{"resultType":"input_required","inputRequests":{requests}}}"#);
    for (requests, expected) in [
        (r#"{"a":{"method":"sampling/createMessage","params":{}}}"#, "deny no-sampling"),
        (r#"{"a":{"method":"roots/list"},"b":{"method":"Sampling/createMessage"}}"#, "deny no-sampling"),
        (r#"{"a":{"method":"elicitation/create","params":{}}}"#, "hold ask-first"),
        (r#"{"a":{"method":"roots/list"}}"#, "allow (implicit-allow)"),
        (r#"{"a":{"method":"x/y"}}"#, "deny (implicit-deny)"),
        (r#"{"a":{"method":7}}"#, "deny (unreadable-request)"),
        (r#"[{"method":"roots/list"}]"#, "deny (unreadable-request)"),
        ("null", "allow (implicit-allow)"),
    ] {
        assert_eq!(word(&answer(&asked, &result(requests)).under(&policy)), expected, "{requests}");
    }
}

#[test]
fn what_a_server_asks_elsewhere_is_asked_all_the_same() {
    let policy = rules(
        "- {name: no-questions, action: deny, match: {methods: ['elicitation/*', 'sampling/*']}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    let told = |body: &str| sent(Direction::ToClient, &format!(r#"{{"jsonrpc":"2.0",{body}}}"#));
    let url = r#"{"mode":"url","elicitationId":"e","url":"https://a.example","message":"m"}"#;
    let ask = format!(r#"{{"k":{{"method":"elicitation/create","params":{url}}}}}"#);
    let error = |data: &str| format!(r#"{{"code":-32042,"message":"m","data":{data}}}"#);
    let elicits = error(&format!(r#"{{"elicitations":[{url}]}}"#));
    let notice = |method: &str, body: &str| {
        format!(r#""method":"{method}","params":{{"taskId":"t","status":"input_required",{body}}}"#)
    };
    for (body, expected) in [
        (format!(r#""id":1,"error":{elicits}"#), "deny no-questions"),
        (format!(r#""id":1,"error":{}"#, error(r#"{"elicitations":[]}"#)), "allow (implicit-allow)"),
        (notice("notifications/tasks", &format!(r#""inputRequests":{ask}"#)), "deny no-questions"),
        (notice("notifications/tasks/status", &format!(r#""inputRequests":{ask}"#)), "deny no-questions"),
        (notice("notifications/tasks", &format!(r#""error":{elicits}"#)), "deny no-questions"),
        (notice("notifications/tasks", r#""inputRequests":{"k":{"method":"roots/list"}}"#), "allow rest"),
        (
            format!(r#""id":1,"result":{{"task":{{"taskId":"t","inputRequests":{ask}}}}}"#),
            "deny no-questions",
        ),
        (
            format!(r#""id":1,"result":{{"tasks":[{{"taskId":"t","inputRequests":{ask}}}]}}"#),
            "deny no-questions",
        ),
        (format!(r#""id":1,"result":{{"result":{{"\u0069nputRequests":{ask}}}}}"#), "deny no-questions"),
        (format!(r#""id":1,"result":{{"taskId":"t","error":{elicits}}}"#), "deny no-questions"),
        (r#""id":1,"result":{"task":{"inputRequests":[7]}}"#.to_owned(), "deny (unreadable-request)"),
        (
            format!(r#""id":1,"result":{{"structuredContent":{{"inputRequests":{ask}}}}}"#),
            "allow (implicit-allow)",
        ),
    ] {
        assert_eq!(word(&told(&body).under(&policy)), expected, "{body}");
    }
}

#[test]
fn what_a_client_answers_in_a_request_is_its_answer() {
    let policy = rules(
        "- {name: no-passwords, action: deny, match: {methods: [elicitation/create], directions: [c2s], when: 'has(result.content) && has(result.content.password)'}}
- {name: roots-stay, action: redact, match: {methods: [roots/list], directions: [c2s]}, redact: {fields: [uri]}}
- {name: asked-first, action: hold, match: {methods: [sampling/createMessage], directions: [c2s]}}
- {name: rest, action: allow, match: {methods: ['*']}}
",
    );
    for (responses, expected) in [
        (r#"{"a":{"action":"accept","content":{"password":"x"}}}"#, "deny no-passwords"),
        (r#"{"a":{"action":"accept","content":{"name":"x"}}}"#, "allow rest"),
        (r#"{"a":{"action":"accept"},"b":{"roots":[{"uri":"file:///a"}]}}"#, "redact roots-stay"),
        (
            r#"{"b":{"roots":[{"uri":"file:///a"}]},"a":{"action":"accept","content":{"password":"x"}}}"#,
            "deny no-passwords",
        ),
        (
            r#"{"a":{"role":"assistant","model":"m","content":{"type":"text","text":"x"}}}"#,
            "hold asked-first",
        ),
        // One that is two is both, and one that is none may be any.
        (
            r#"{"a":{"action":"accept","content":{"password":"x"},"roots":[],"model":"m"}}"#,
            "deny no-passwords",
        ),
        (r#"{"a":{"content":{"password":"x"}}}"#, "deny no-passwords"),
        (r#"{"a":{"content":{"name":"x"}}}"#, "hold asked-first"),
        ("{}", "allow rest"),
        ("null", "allow rest"),
    ] {
        for (method, target) in [("tools/call", "name"), ("prompts/get", "name"), ("tasks/update", "taskId")]
        {
            let params = format!(r#"{{"{target}":"t","requestState":"s","inputResponses":{responses}}}"#);
            assert_eq!(word(&ask(method, &params).under(&policy)), expected, "{method} {responses}");
        }
    }
    // What is asked with it keeps what only its answer is to lose.
    let retry = ask(
        "tools/call",
        r#"{"name":"t","arguments":{"uri":"a"},"inputResponses":{"b":{"roots":[{"uri":"file:///a","name":"n"}]}}}"#,
    );
    let out = retry.outgoing(&policy);
    assert!(out.contains(r#""arguments":{"uri":"a"}"#), "{out}");
    assert!(out.contains(r#"{"roots":[{"uri":"[REDACTED:field]","name":"n"}]}"#), "{out}");
}

#[test]
fn a_recorded_denial_does_not_weaken_an_enforced_one() {
    let policy = policy(
        "version: v1
mode: enforce
rules:
- {name: trial, mode: audit, action: deny, match: {methods: [tools/call], directions: [s2c]}}
- {name: rest, action: allow, match: {methods: ['*']}}
response_patterns: [SECRET]
",
    );
    let asked = call("read", "{}");
    assert_eq!(word(&answer(&asked, r#"{"x":"SECRET"}"#).under(&policy)), "deny (response-pattern-1)");
    assert_eq!(word(&answer(&asked, r#"{"x":"y"}"#).under(&policy)), "~deny trial");
}
