//! What a call that became a task has read is known wherever it comes.

use super::*;

const POLICY: &str = r#"
version: v1
mode: enforce
rules: [{name: all, action: allow, match: {methods: ["*"]}}]
detectors:
  flow: {action: deny, labels: {private: ["*/read_private"], sink: ["*/send_out"], none: ["*/public"]}}
"#;
const TEXT: &str = "Quarterly revenue of the Berlin office was 4711234 euros and the takeover of Northwind closes on the ninth \
                    of March under project Nightjar, tell nobody.";

fn script() -> Script {
    Script::new(POLICY, "acme", &[("read_private", &[]), ("public", &[]), ("send_out", &["body"])])
}

/// `tool` is called and becomes the task `id`.
fn becomes(script: &mut Script, tool: &str, result: &Json) {
    assert!(script.call(tool, &json!({})).reaches);
    script.answer(result);
}

fn leaks(script: &mut Script) -> bool {
    !script.call("send_out", &json!({"body": TEXT})).reaches
}

#[test]
fn private_data_of_a_task_is_known_wherever_it_comes() {
    let content = json!({"content": [{"type": "text", "text": TEXT}]});
    let done = json!({"taskId": "t", "status": "completed", "result": content});
    let flat = json!({"resultType": "task", "taskId": "t", "status": "working"});
    let within = json!({"task": {"taskId": "t", "status": "working"}});
    for (task, method, result) in [
        (&within, "tasks/result", &content),
        (&flat, "tasks/get", &done),
        (&within, "tasks/get", &json!({"taskId": "another", "isError": true, "result": content})),
        (&flat, "tasks/update", &done),
        (&flat, "tasks/cancel", &done),
    ] {
        let mut script = script();
        becomes(&mut script, "read_private", task);
        script.ask(method, &json!({"taskId": "t"}));
        script.answer(result);
        assert!(leaks(&mut script), "{method} {result}");
    }
    for method in ["notifications/tasks", "notifications/tasks/status"] {
        let mut script = script();
        becomes(&mut script, "read_private", &flat);
        script.send(Direction::ToClient, &json!({"jsonrpc": "2.0", "method": method, "params": done}));
        assert!(leaks(&mut script), "{method}");
    }
}

#[test]
fn a_task_of_two_calls_is_both_and_one_of_another_is_not() {
    let done = json!({"taskId": "t", "result": {"content": [{"type": "text", "text": TEXT}]}});
    let flat = json!({"resultType": "task", "taskId": "t", "status": "working"});
    for (tools, expected) in [(&["read_private", "public"][..], true), (&["public"], false)] {
        let mut script = script();
        tools.iter().for_each(|tool| becomes(&mut script, tool, &flat));
        script.ask("tasks/get", &json!({"taskId": "t"}));
        script.answer(&done);
        assert_eq!(leaks(&mut script), expected, "{tools:?}");
    }
}

#[test]
fn a_task_that_was_forgotten_may_be_any() {
    let mut script = script();
    let flat = |id: usize| json!({"resultType": "task", "taskId": format!("t{id}"), "status": "working"});
    becomes(&mut script, "read_private", &flat(0));
    (1..5_000).for_each(|id| becomes(&mut script, "public", &flat(id)));
    script.ask("tasks/get", &json!({"taskId": "t0"}));
    script.answer(&json!({"taskId": "t0", "result": {"content": [{"type": "text", "text": TEXT}]}}));
    assert!(leaks(&mut script));
}
