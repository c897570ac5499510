//! What a session remembers, and what it forgets.

use super::*;
use crate::json::{Value, remove_elements};
use crate::session::catalogue::MAX_TOOLS;
use crate::session::tasks::MAX_TASKS;

fn list(session: &mut Session, cursor: &str, page: &Message, hidden: &[usize]) {
    pass(session, ToServer, &request(0, "tools/list", cursor));
    let tools = page.result().and_then(|result| result.get("tools"));
    let edits = tools.map(|tools| remove_elements(tools, hidden)).unwrap_or_default();
    session.passed(ToClient, page, &edits, "d", 0);
}

fn page(names: &[&str], next: &str) -> Message {
    let tools: Vec<_> = names.iter().map(|name| format!(r#"{{"name":"{name}"}}"#)).collect();
    result(0, &format!(r#"{{"tools":[{}]{next}}}"#, tools.join(",")))
}

#[test]
fn a_tool_is_offered_once_the_client_has_seen_it_in_a_list() {
    let mut session = Session::new();
    assert_eq!(session.offered("a"), None, "nothing was listed");
    list(&mut session, "{}", &page(&["a", "b", "c"], r#","nextCursor":"""#), &[1]);
    assert_eq!((session.offered("a"), session.offered("z")), (Some(true), None), "there is more");
    list(&mut session, r#"{"cursor":""}"#, &page(&["d", "\\u0065"], ""), &[]);
    for (name, offered) in
        [("a", true), ("b", false), ("c", true), ("d", true), ("e", true), ("A", false), ("z", false)]
    {
        assert_eq!(session.offered(name), Some(offered), "{name}");
    }
    // An error leaves what was known; a list from the start replaces it.
    pass(&mut session, ToServer, &request(0, "tools/list", "{}"));
    pass(&mut session, ToClient, &message(r#"{"jsonrpc":"2.0","id":0,"error":{"code":1,"message":"m"}}"#));
    assert_eq!(session.offered("a"), Some(true));
    list(&mut session, "{}", &page(&["z"], ""), &[]);
    assert_eq!((session.offered("a"), session.offered("z")), (Some(false), Some(true)));
}

#[test]
fn a_renamed_tool_is_not_offered_under_its_old_name() {
    let mut session = Session::new();
    pass(&mut session, ToServer, &request(0, "tools/list", "{}"));
    let page = page(&["a", "b"], "");
    let name =
        |index: usize| page.result()?.get("tools")?.elements().nth(index)?.get("name").map(Value::span);
    let edits =
        [Edit { span: name(1).unwrap(), with: "\"x\"".into() }, Edit { span: 0..1, with: "{".into() }];
    session.passed(ToClient, &page, &edits, "d", 0);
    assert_eq!((session.offered("a"), session.offered("b")), (Some(true), Some(false)));
}

#[test]
fn a_list_beyond_its_bound_leaves_unknown_what_was_not_kept() {
    let mut session = Session::new();
    let names: Vec<String> = (0..=MAX_TOOLS).map(|index| index.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    list(&mut session, "{}", &page(&names, ""), &[]);
    assert_eq!((session.offered("0"), session.offered(names[MAX_TOOLS])), (Some(true), None));
    list(&mut session, "{}", &page(&[&"x".repeat(2 << 20)], ""), &[]);
    assert_eq!(session.offered("y"), None);
}

fn becomes_task(session: &mut Session, tool: &str, result_text: &str) {
    pass(session, ToServer, &request(0, "tools/call", &format!(r#"{{"name":"{tool}"}}"#)));
    pass(session, ToClient, &result(0, result_text));
}

#[test]
fn a_task_names_the_tool_whose_call_it_was() {
    let mut session = Session::new();
    becomes_task(&mut session, "old", r#"{"task":{"taskId":"t1","status":"working"}}"#);
    becomes_task(&mut session, "new", r#"{"resultType":"task","taskId":"t2"}"#);
    becomes_task(&mut session, "done", r#"{"resultType":"complete","taskId":"t3"}"#);
    for (id, tool) in [("t1", Some("old")), ("t2", Some("new")), ("t3", None), ("t4", None)] {
        let params = format!(r#"{{"taskId":"{id}"}}"#);
        for method in ["tasks/get", "tasks/result", "tasks/cancel", "tasks/update"] {
            let ask = request(7, method, &params);
            assert_eq!(session.look(ToServer, &ask, false).task_tool.as_deref(), tool, "{method} {id}");
            pass(&mut session, ToServer, &ask);
            let standing = session.look(ToClient, &result(7, r#"{"content":[]}"#), false);
            assert_eq!(standing.task_tool.as_deref(), tool, "answer to {method} {id}");
            pass(&mut session, ToClient, &result(7, "{}"));
        }
        for method in ["notifications/tasks", "notifications/tasks/status"] {
            let notice = notification(method, &params);
            assert_eq!(session.look(ToClient, &notice, false).task_tool.as_deref(), tool);
            assert_eq!(session.look(ToServer, &notice, false).task_tool, None, "a task of the client's own");
        }
        assert_eq!(session.look(ToClient, &request(8, "tasks/get", &params), false).task_tool, None);
    }
    becomes_task(&mut session, "other", r#"{"task":{"taskId":"t1"}}"#);
    let ask = request(7, "tasks/result", r#"{"taskId":"t1"}"#);
    assert_eq!(session.look(ToServer, &ask, false).task_tool, None, "of two tools");
}

#[test]
fn the_oldest_task_is_forgotten_for_the_newest() {
    let mut session = Session::new();
    for index in 0..=MAX_TASKS {
        becomes_task(&mut session, "t", &format!(r#"{{"task":{{"taskId":"{index}"}}}}"#));
    }
    let tool = |session: &Session, id: usize| {
        session.look(ToServer, &request(1, "tasks/get", &format!(r#"{{"taskId":"{id}"}}"#)), false).task_tool
    };
    assert_eq!((tool(&session, 0), tool(&session, 1).as_deref()), (None, Some("t")));
    assert_eq!(tool(&session, MAX_TASKS).as_deref(), Some("t"));
    becomes_task(&mut session, "t", &format!(r#"{{"task":{{"taskId":"{}"}}}}"#, "x".repeat(2 << 20)));
    assert_eq!(tool(&session, MAX_TASKS), None, "one too great takes the place of all");
}

#[test]
fn open_requests_are_bounded_also_where_nothing_is_enforced() {
    let mut session = Session::new();
    for id in 0..MAX_OPEN + 10 {
        pass(&mut session, ToServer, &call(&id.to_string()));
    }
    assert_eq!(session.from_client.len(), MAX_OPEN);
    let more = call("\"more\"");
    assert_eq!(violation(&session, ToServer, &more), Some(Violation::TooManyOpen));
    assert_eq!(violation(&session, ToClient, &more), None, "the other direction has its own");
    // What was given up makes room.
    pass(&mut session, ToServer, &notification("notifications/cancelled", r#"{"requestId":5}"#));
    assert_eq!(violation(&session, ToServer, &more), None);
    pass(&mut session, ToServer, &more);
    assert_eq!(session.from_client.len(), MAX_OPEN);
    assert_eq!(violation(&session, ToClient, &answer("5")), Some(Violation::Unsolicited));
    assert_eq!(violation(&session, ToClient, &answer("\"more\"")), None);
    assert_eq!(violation(&session, ToServer, &call("77777")), Some(Violation::TooManyOpen));
}

#[test]
fn long_names_count_against_the_bound() {
    let mut session = Session::new();
    let long = |id: u64| request(id, "resources/read", &format!(r#"{{"uri":"{}"}}"#, "u".repeat(9 << 20)));
    for id in 0..2 {
        assert_eq!(violation(&session, ToServer, &long(id)), None);
        pass(&mut session, ToServer, &long(id));
    }
    assert_eq!(violation(&session, ToServer, &call("2")), Some(Violation::TooManyOpen));
    pass(&mut session, ToClient, &answer("0"));
    assert_eq!(violation(&session, ToServer, &call("2")), None);
}

#[test]
fn requests_given_up_are_bounded() {
    let mut session = Session::new();
    for id in 0..3_000 {
        pass(&mut session, ToServer, &call(&id.to_string()));
        let cancel = notification("notifications/cancelled", &format!(r#"{{"requestId":{id}}}"#));
        pass(&mut session, ToServer, &cancel);
    }
    assert_eq!(session.from_client.len(), 1_000);
    assert_eq!(violation(&session, ToClient, &answer("0")), Some(Violation::Unsolicited));
    assert_eq!(violation(&session, ToClient, &answer("2999")), None);
}
