//! Risky orders, and calls that are not what their tool says.

use super::*;

#[test]
fn a_secret_file_and_then_a_way_out() {
    let tools: &[(&str, &[&str])] = &[("read_file", &["path"]), ("http_request", &["url", "body"])];
    let mut script = Script::new(DEFAULT, "toolbox", tools);
    assert!(script.call("http_request", &json!({"url": "https://example.com"})).reaches);
    script.answer(&json!({"content": []}));
    script.reads("read_file", &json!({"path": "/srv/app/.env"}), "PORT=80");
    let came = script.call("http_request", &json!({"url": "https://example.com"}));
    assert!(!came.reaches && came.kinds.contains(&"secret_then_network"), "{came:?}");
    let mut failed = Script::new(DEFAULT, "toolbox", tools);
    assert!(failed.call("read_file", &json!({"path": "/srv/app/.env"})).reaches);
    failed.answer(&json!({"isError": true, "content": []}));
    assert!(failed.call("http_request", &json!({"url": "https://example.com"})).reaches, "nothing was read");
}

#[test]
fn many_refusals_within_a_minute() {
    let mut script = Script::new(DEFAULT, "files", &[("read_file", &["path"])]);
    let denied = json!({"path": "/home/a/.ssh/id_rsa"});
    for _ in 0..4 {
        assert!(!script.call("read_file", &denied).reaches);
    }
    assert!(script.call("read_file", &json!({"path": "a"})).reaches);
    script.answer(&json!({"content": []}));
    assert!(!script.call("read_file", &denied).reaches);
    for _ in 0..10 {
        let came = script.call("read_file", &json!({"path": "a"}));
        assert!(!came.reaches && came.kinds == ["many_denials"], "{came:?}");
        script.now_us += 5_000_000;
    }
    script.now_us += 30_000_000;
    assert!(
        script.call("read_file", &json!({"path": "a"})).reaches,
        "what was slowed down is not counted again"
    );
}

#[test]
fn the_same_call_over_and_over() {
    let mut script = Script::new(DEFAULT, "files", &[("read_file", &["path", "n"])]);
    for n in 0..10 {
        let arguments =
            if n % 2 == 0 { json!({"path": "a", "n": "1"}) } else { json!({"n": "1", "path": "a"}) };
        assert!(script.call("read_file", &arguments).kinds.is_empty());
        script.answer(&json!({"content": []}));
        assert!(script.call("read_file", &json!({"path": "a", "n": n.to_string() + "x"})).kinds.is_empty());
        script.answer(&json!({"content": []}));
    }
    let came = script.call("read_file", &json!({"path": "a", "n": "1"}));
    assert!(came.reaches && came.kinds == ["repeated_call"], "{came:?}");
}

#[test]
fn tools_that_change_right_after_an_approval() {
    let mut script = Script::new(DEFAULT, "files", &[("read_file", &["path"])]);
    let changed = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
    assert!(script.send(Direction::ToClient, &changed).kinds.is_empty());
    script.watch.order.approved(script.now_us);
    script.now_us += 1_000_000;
    assert_eq!(script.send(Direction::ToClient, &changed).kinds, ["changed_after_approval"]);
    script.now_us += 60_000_000;
    assert!(script.send(Direction::ToClient, &changed).kinds.is_empty());
}

const STRICT: &str = "version: v1
mode: enforce
rules: [{name: all, action: allow, match: {methods: ['*']}}]
detectors: {schema: {action: deny, strict: true, kinds: {schema_unusable: observe}}}
";

#[test]
fn calls_and_results_are_what_the_tool_says() {
    let input = json!({"type": "object", "properties": {"n": {"type": "integer", "enum": [1, 2]}}, "required": ["n"]});
    let output = json!({"type": "object", "properties": {"sum": {"type": "number"}}, "required": ["sum"]});
    let far = json!({"$ref": "https://example.com/a"});
    let list = json!({"tools": [
        {"name": "add", "inputSchema": input, "outputSchema": output}, {"name": "far", "inputSchema": far},
    ]});
    let mut script = Script::offering(STRICT, "x", &json!({"tools": []}));
    script.ask("tools/list", &json!({}));
    let came = script.answer(&list);
    assert!(came.reaches && came.kinds == ["schema_unusable"], "{came:?}");
    assert!(script.call("far", &json!({"any": 1})).reaches, "what cannot be read is not checked");
    for (arguments, kind) in [
        (json!({}), "missing_required"),
        (json!({"n": "1"}), "wrong_type"),
        (json!({"n": 3}), "not_allowed_value"),
        (json!({"n": 1, "sidenote": "x"}), "unknown_property"),
    ] {
        let came = script.call("add", &arguments);
        assert!(!came.reaches && came.kinds.contains(&kind), "{arguments}: {came:?}");
        assert!(
            Script::offering(DEFAULT, "x", &list).call("add", &arguments).reaches,
            "only observed by default"
        );
    }
    let came = script.ask("tools/call", &json!({"name": "add"}));
    assert!(!came.reaches && came.kinds == ["missing_required"], "{came:?}");
    for (result, kinds) in [
        (json!({"content": [], "structuredContent": {"sum": 1.5}}), vec![]),
        (json!({"content": [], "structuredContent": {"sum": "1"}}), vec!["result_mismatch"]),
        (json!({"content": []}), vec!["result_mismatch"]),
        (json!({"content": [], "isError": true}), vec![]),
    ] {
        assert!(script.call("add", &json!({"n": 1})).reaches);
        assert_eq!(script.answer(&result).kinds, kinds, "{result}");
    }
}

/// Findings in `result` of a call of `add` with `params` beside its arguments.
fn found(method: &str, params: &Json, result: &Json) -> Vec<&'static str> {
    let output = json!({"type": "object", "properties": {"sum": {"type": "number"}}, "required": ["sum"]});
    let tool = json!({"name": "add", "inputSchema": {"type": "object"}, "outputSchema": output});
    let mut script = Script::offering(STRICT, "x", &json!({"tools": [tool]}));
    if params.get("_meta").is_some() {
        // Where requests name their revision nothing was agreed on.
        script.session = Session::new();
    }
    let mut call = params.clone();
    call["name"] = json!("add");
    assert!(script.ask("tools/call", &call).reaches);
    if method != "tools/call" {
        let task = match call.get("task") {
            Some(_) => json!({"task": {"taskId": "t", "status": "working"}}),
            None => json!({"resultType": "task", "taskId": "t", "status": "working"}),
        };
        assert!(script.answer(&task).reaches);
        script.ask(method, &json!({"taskId": "t", "_meta": params["_meta"]}));
    }
    script.answer(result).kinds
}

#[test]
fn what_is_answered_later_is_what_the_request_and_the_protocol_say() {
    let modern = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}});
    let (plain, as_task) = (json!({}), json!({"task": {"ttl": 1}}));
    let wrong = json!({"content": [], "structuredContent": {"sum": "1"}});
    let with = |result: &Json, more: &[(&str, Json)]| {
        let mut result = result.clone();
        more.iter().for_each(|(key, value)| result[*key] = value.clone());
        result
    };
    let empty = json!({"content": []});
    let task = ("task", json!({"taskId": "t"}));
    let later = |kind: &str| ("resultType", json!(kind));
    for (params, result, is_found) in [
        (&plain, with(&wrong, std::slice::from_ref(&task)), true),
        (&plain, with(&empty, std::slice::from_ref(&task)), true),
        (&modern, with(&empty, &[task.clone(), later("complete")]), true),
        (&as_task, with(&empty, std::slice::from_ref(&task)), false),
        (&as_task, with(&wrong, std::slice::from_ref(&task)), true),
        (&as_task, empty.clone(), true),
        (&modern, with(&empty, &[later("input_required"), ("inputRequests", json!({}))]), false),
        (&modern, with(&empty, &[later("task"), ("taskId", json!("t"))]), false),
        (&modern, with(&wrong, &[later("task"), ("taskId", json!("t"))]), true),
        (&modern, with(&empty, &[later("complete")]), true),
        (&modern, empty.clone(), true),
        (&plain, with(&empty, &[later("input_required")]), true),
    ] {
        let expected = if is_found { vec!["result_mismatch"] } else { Vec::new() };
        assert_eq!(found("tools/call", params, &result), expected, "{params} {result}");
    }
    let done = |result: &Json| json!({"taskId": "t", "status": "completed", "result": result});
    for (params, method, result, is_found) in [
        (&as_task, "tasks/result", wrong.clone(), true),
        (&as_task, "tasks/result", json!({"structuredContent": {"sum": 1}}), false),
        (&modern, "tasks/get", done(&wrong), true),
        (&modern, "tasks/get", done(&json!({"structuredContent": {"sum": 1}})), false),
        (&modern, "tasks/get", json!({"taskId": "t", "status": "working"}), false),
    ] {
        let expected = if is_found { vec!["result_mismatch"] } else { Vec::new() };
        assert_eq!(found(method, params, &result), expected, "{method} {result}");
    }
}

#[test]
fn what_the_policy_says_wrong_is_told() {
    for (section, problem) in [
        ("flow: {labels: {untrused: [a]}}", "did you mean `untrusted`?"),
        ("flow: {labels: {sink: a}}", "`sink` is a list"),
        ("flow: {strict: true}", "unknown key `strict`"),
        ("schema: {labels: {}}", "unknown key `labels`"),
        ("schema: {strict: very}", "`strict` is `true` or `false`"),
    ] {
        let text = format!(
            "version: v1\nmode: enforce\nrules: [{{name: a, action: allow, match: {{methods: ['*']}}}}]\ndetectors: {{{section}}}\n"
        );
        let error = Policy::parse(&text).expect_err(section);
        let problems: Vec<String> = error.problems().iter().map(ToString::to_string).collect();
        assert!(problems.iter().any(|found| found.contains(problem)), "{section}: {problems:?}");
    }
}
