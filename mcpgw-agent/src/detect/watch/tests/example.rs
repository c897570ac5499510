//! The worked example of docs/detection/flow.md does what is written beside it.

use super::*;
use crate::detect::{Findings, Scope};

fn policy() -> String {
    let docs = include_str!("../../../../../docs/detection/flow.md");
    let (_, example) = docs.split_once("## A worked example").unwrap();
    let (_, block) = example.split_once("```yaml\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

#[test]
fn what_is_read_and_where_it_may_not_go() {
    let (text, circle) = (policy(), Arc::new(Circle::default()));
    let server = |name: &'static str, tools: &[(&str, &[&str])]| {
        let mut script = Script::new(&text, name, tools);
        script.context.server = name.into();
        script.watch.circle = Some(Arc::clone(&circle));
        script.label = name;
        script
    };
    let note: (&str, &[&str]) = ("add_note", &["ticket", "text"]);
    let mut crm = server("crm", &[("list_tickets", &[]), note]);
    let mut payroll = server("payroll", &[("get_salary", &["name"])]);
    let mut wiki = server("wiki", &[("write_page", &["title", "text"])]);
    let mut sandbox = server("sandbox-crm", &[note]);
    let written = json!({"ticket": "7", "text": "We look into it."});

    crm.reads("list_tickets", &json!({}), "7: What does Bob earn?");
    crm.reads("add_note", &written, "noted");
    payroll.reads("get_salary", &json!({"name": "Bob"}), "Bob: 184,000 a year");
    wiki.reads("write_page", &json!({"title": "Tickets", "text": "7 is open"}), "written");
    let came = crm.call("add_note", &written);
    assert!(!came.reaches && came.kinds == ["toxic_flow"], "{came:?}");
    assert!(crm.origins.iter().any(|origin| origin.starts_with("crm-")), "{:?}", crm.origins);
    assert!(crm.origins.iter().any(|origin| origin.starts_with("payroll-")), "{:?}", crm.origins);
    let came = sandbox.call("add_note", &written);
    assert!(came.reaches && came.kinds == ["toxic_flow"], "{came:?}");
}

#[test]
fn where_a_session_belongs() {
    let policy = Policy::parse(&policy()).unwrap_or_else(|error| panic!("{error}"));
    let context = Context {
        server: "github".into(),
        upstream: None,
        transport: Transport::Stdio,
        principal: Principal::default(),
        client: None,
        tapped: None,
    };
    let passes = |tool: &str, arguments: Json| {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
        let Ok(Decoded::One(message)) = decode(Bytes::from(call.to_string()), &Limits::default()) else {
            panic!("{call}")
        };
        let request = Request {
            direction: Direction::ToServer,
            message: &message,
            answers: None,
            revision: None,
            task_tool: None,
            context: &context,
        };
        let list =
            Scope::default().look(Direction::ToServer, &message, |realm, name| policy.scope(realm, name));
        let count = list.len();
        let evaluation = policy.evaluate(&request);
        let wanted = evaluation.inspected_by(policy.wants(&request));
        let weighed = policy.weigh(&request, evaluation, wanted, Findings { list, is_complete: true });
        (!matches!(weighed.effect, Effect::Deny { .. }), count)
    };
    let file = |owner: &str| json!({"owner": owner, "repo": "shop", "path": "README.md"});
    assert_eq!(passes("get_file_contents", file("acme")), (true, 0));
    assert_eq!(passes("get_file_contents", file("evil")), (false, 1));
    assert_eq!(passes("search_code", json!({"q": "token repo:evil/shop"})), (true, 1));
}
