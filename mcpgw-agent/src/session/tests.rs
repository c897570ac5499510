//! Two directions, their ids, and what may answer what.

use bytes::Bytes;

use super::*;
use crate::mcp::{Decoded, decode};

fn message(text: &str) -> Message {
    match decode(Bytes::copy_from_slice(text.as_bytes()), &crate::json::Limits::default()).unwrap() {
        Decoded::One(message) => message,
        Decoded::Batch(_) => panic!("a batch"),
    }
}

fn call(id: &str) -> Message {
    message(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"echo"}}}}"#))
}

fn answer(id: &str) -> Message {
    message(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#))
}

use Direction::{ToClient, ToServer};

#[test]
fn an_answer_belongs_to_one_open_request_of_the_other_side() {
    let mut session = Session::new();
    let violation =
        |session: &Session, direction, message: &Message| session.look(direction, message, false).violation;
    assert_eq!(violation(&session, ToClient, &answer("1")), Some(Violation::Unsolicited));
    session.passed(ToServer, &call("1"), &[], "d1", 5);
    let standing = session.look(ToClient, &answer("1"), false);
    assert_eq!(standing.violation, None);
    assert_eq!(standing.answers.unwrap().target, Some(Target::Tool("echo".into())));
    assert_eq!(violation(&session, ToClient, &answer("\"1\"")), Some(Violation::Unsolicited), "types differ");
    assert_eq!(violation(&session, ToServer, &answer("1")), Some(Violation::Unsolicited), "its own request");
    assert_eq!(violation(&session, ToServer, &call("1")), Some(Violation::DuplicateId));
    assert_eq!(violation(&session, ToClient, &call("1")), None, "the directions number for themselves");
    session.passed(ToClient, &answer("1"), &[], "d2", 9);
    assert_eq!(violation(&session, ToClient, &answer("1")), Some(Violation::Unsolicited), "once");
}

#[test]
fn the_server_settles_the_revision_and_batches_need_the_one_that_has_them() {
    let initialize = message(
        r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#,
    );
    for (version, batches) in
        [("2024-11-05", false), ("2025-03-26", true), ("2025-06-18", false), ("2026-07-28", false)]
    {
        let mut session = Session::new();
        session.passed(ToServer, &initialize, &[], "d", 0);
        let result = format!(r#"{{"jsonrpc":"2.0","id":0,"result":{{"protocolVersion":"{version}"}}}}"#);
        session.passed(ToClient, &message(&result), &[], "d", 1);
        assert_eq!(session.revision().map(Revision::as_str), Some(version));
        assert_eq!(session.look(ToServer, &call("1"), true).violation.is_none(), batches, "{version}");
    }
    let violation = Session::new().look(ToServer, &initialize, true).violation;
    assert_eq!(violation, Some(Violation::InitializeInBatch));
}

mod memory;
mod place;

fn request(id: u64, method: &str, params: &str) -> Message {
    message(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#))
}

fn result(id: u64, result: &str) -> Message {
    message(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#))
}

fn notification(method: &str, params: &str) -> Message {
    message(&format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#))
}

fn pass(session: &mut Session, direction: Direction, message: &Message) {
    session.passed(direction, message, &[], "d", 0);
}

fn violation(session: &Session, direction: Direction, message: &Message) -> Option<Violation> {
    session.look(direction, message, false).violation
}

const MODERN: &str = r#"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#;

#[test]
fn a_cancelled_request_is_waited_for_no_more_and_may_still_be_answered_once() {
    for (asker, other) in [(ToServer, ToClient), (ToClient, ToServer)] {
        let mut session = Session::new();
        let cancel = notification("notifications/cancelled", r#"{"requestId":1,"reason":"r"}"#);
        // Not open, then not the sender's own.
        pass(&mut session, asker, &cancel);
        pass(&mut session, asker, &call("1"));
        pass(&mut session, other, &cancel);
        assert_eq!(session.unanswered(asker).count(), 1);
        assert_eq!(violation(&session, asker, &cancel), None);
        pass(&mut session, asker, &cancel);
        pass(&mut session, asker, &cancel);
        assert_eq!(session.unanswered(asker).count(), 0);
        assert_eq!(
            violation(&session, asker, &call("1")),
            Some(Violation::DuplicateId),
            "a late answer would be taken for its"
        );
        let standing = session.look(other, &answer("1"), false);
        assert_eq!((standing.violation, standing.answers.is_some()), (None, true));
        pass(&mut session, other, &answer("1"));
        assert_eq!(violation(&session, other, &answer("1")), Some(Violation::Unsolicited));
        assert_eq!(violation(&session, asker, &call("1")), None);
    }
}

#[test]
fn initialize_cannot_be_cancelled_and_servers_end_streams_only() {
    let mut session = Session::new();
    let cancel = |id: u64| notification("notifications/cancelled", &format!(r#"{{"requestId":{id}}}"#));
    pass(&mut session, ToServer, &request(1, "initialize", r#"{"protocolVersion":"2025-06-18"}"#));
    pass(&mut session, ToServer, &cancel(1));
    pass(&mut session, ToServer, &request(2, "subscriptions/listen", r#"{"notifications":{}}"#));
    pass(&mut session, ToServer, &request(3, "tools/list", "{}"));
    assert_eq!(session.unanswered(ToServer).count(), 3);
    pass(&mut session, ToClient, &cancel(3));
    assert_eq!(session.unanswered(ToServer).count(), 3);
    pass(&mut session, ToClient, &cancel(2));
    assert_eq!(session.unanswered(ToServer).count(), 2);
}

#[test]
fn the_era_is_what_was_agreed_on_or_what_the_server_answered_in() {
    let mut session = Session::new();
    let ping = request(9, "ping", "{}");
    assert_eq!(violation(&session, ToClient, &ping), None, "servers speak before anything is agreed on");
    // A probe that a legacy server does not know settles nothing.
    pass(&mut session, ToServer, &request(1, "server/discover", MODERN));
    pass(
        &mut session,
        ToClient,
        &message(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"?"}}"#),
    );
    assert_eq!((session.revision(), violation(&session, ToClient, &ping)), (None, None));
    pass(&mut session, ToServer, &request(2, "server/discover", MODERN));
    pass(&mut session, ToClient, &result(2, r#"{"resultType":"complete"}"#));
    assert_eq!(session.revision(), Some(Revision::R2026_07_28));
    assert_eq!(violation(&session, ToClient, &ping), Some(Violation::ServerRequest));
    let list_changed = notification("notifications/tools/list_changed", "{}");
    assert_eq!(session.look(ToClient, &list_changed, false).revision, Some(Revision::R2026_07_28));
    // One process may speak both: the client falls back.
    pass(&mut session, ToServer, &request(3, "initialize", r#"{"protocolVersion":"2025-11-25"}"#));
    assert_eq!((session.revision(), violation(&session, ToClient, &ping)), (None, None));
    pass(&mut session, ToClient, &result(3, r#"{"protocolVersion":"2025-11-25"}"#));
    pass(&mut session, ToServer, &request(4, "tools/list", MODERN));
    assert_eq!(session.look(ToClient, &result(4, "{}"), false).revision, Some(Revision::R2026_07_28));
    pass(&mut session, ToClient, &result(4, "{}"));
    assert_eq!(session.revision(), Some(Revision::R2025_11_25), "what was agreed on stays");
}

#[test]
fn a_second_initialize_counts_when_it_is_answered() {
    let mut session = Session::new();
    let open = |session: &mut Session, id, answer: &str| {
        pass(session, ToServer, &request(id, "initialize", r#"{"protocolVersion":"2025-03-26"}"#));
        let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},{answer}}}"#);
        pass(session, ToClient, &message(&answer));
        session.revision()
    };
    assert_eq!(
        open(&mut session, 1, r#""result":{"protocolVersion":"2025-03-26"}"#),
        Some(Revision::R2025_03_26)
    );
    assert_eq!(
        open(&mut session, 2, r#""error":{"code":1,"message":"again?"}"#),
        Some(Revision::R2025_03_26)
    );
    assert_eq!(
        open(&mut session, 3, r#""result":{"protocolVersion":"2025-06-18"}"#),
        Some(Revision::R2025_06_18)
    );
    assert_eq!(open(&mut session, 4, r#""result":{"protocolVersion":"DRAFT"}"#), None);
    assert_eq!(session.look(ToServer, &call("5"), true).violation, Some(Violation::Batch));
}

#[test]
fn what_asks_for_input_is_an_answer_and_the_retry_a_request_of_its_own() {
    let mut session = Session::new();
    pass(&mut session, ToServer, &call("1"));
    pass(&mut session, ToClient, &result(1, r#"{"resultType":"input_required","requestState":"s"}"#));
    assert_eq!(session.unanswered(ToServer).count(), 0);
    let retry = request(2, "tools/call", r#"{"name":"echo","requestState":"s","inputResponses":{}}"#);
    assert_eq!(violation(&session, ToServer, &retry), None);
    pass(&mut session, ToServer, &retry);
    let standing = session.look(ToClient, &result(2, "{}"), false);
    assert_eq!(standing.answers.and_then(|open| open.target), Some(Target::Tool("echo".into())));
}

#[test]
fn an_error_about_something_unreadable_answers_nothing_and_is_no_violation() {
    let mut session = Session::new();
    pass(&mut session, ToServer, &call("1"));
    for id in ["", r#""id":null,"#, r#""id":"server-error","#] {
        let text = format!(r#"{{"jsonrpc":"2.0",{id}"error":{{"code":-32700,"message":"m"}}}}"#);
        let standing = session.look(ToClient, &message(&text), false);
        assert_eq!((standing.violation, standing.answers), (None, None), "{id}");
        pass(&mut session, ToClient, &message(&text));
        assert_eq!(session.unanswered(ToServer).count(), 1);
    }
    let forged = result(1, "{}");
    let named = message(r#"{"jsonrpc":"2.0","id":"server-error","result":{}}"#);
    assert_eq!(violation(&session, ToServer, &forged), Some(Violation::Unsolicited));
    assert_eq!(violation(&session, ToClient, &named), Some(Violation::Unsolicited));
}

#[test]
fn what_a_request_names_is_its_target() {
    let target = |method: &str, params: &str| Target::of(&request(1, method, params));
    let reference = |text: &str| format!(r#"{{"ref":{text},"argument":{{"name":"a","value":"b"}}}}"#);
    assert_eq!(target("prompts/get", r#"{"name":"p"}"#), Some(Target::Prompt("p".into())));
    assert_eq!(target("resources/read", r#"{"uri":"x:\u0061"}"#), Some(Target::Resource("x:a".into())));
    assert_eq!(target("tasks/update", r#"{"taskId":"t"}"#), Some(Target::Task("t".into())));
    assert_eq!(
        target("completion/complete", &reference(r#"{"type":"ref/prompt","name":"p","uri":"u:"}"#)),
        Some(Target::Prompt("p".into()))
    );
    assert_eq!(
        target("completion/complete", &reference(r#"{"type":"ref/resource","uri":"u:{x}"}"#)),
        Some(Target::Resource("u:{x}".into()))
    );
    assert_eq!(target("completion/complete", &reference(r#"{"type":"ref/later","name":"p"}"#)), None);
    assert_eq!(target("tools/list", r#"{"name":"p"}"#), None);
    assert_eq!(target("vendor/x", r#"{"name":"p"}"#), None);
}

#[test]
fn what_waits_takes_its_id_and_the_place_of_the_only_answer() {
    let mut session = Session::new();
    let (first, second) = (request(1, "tools/call", r#"{"name":"a"}"#), request(2, "ping", "{}"));
    session.held(Direction::ToServer, &first);
    assert_eq!(violation(&session, Direction::ToServer, &first), Some(Violation::DuplicateId));
    assert_eq!(violation(&session, Direction::ToServer, &second), None);
    assert_eq!(violation(&session, Direction::ToClient, &result(1, "{}")), Some(Violation::Unsolicited));
    assert_eq!(session.waiting(Direction::ToServer).count(), 1);
    assert!(session.unheld(Direction::ToServer, &first));
    assert!(!session.unheld(Direction::ToServer, &first), "once");
    pass(&mut session, Direction::ToServer, &first);
    let answer = result(1, "{}");
    assert_eq!(violation(&session, Direction::ToClient, &answer), None);
    session.held(Direction::ToClient, &answer);
    assert_eq!(violation(&session, Direction::ToClient, &answer), Some(Violation::Unsolicited));
    assert!(session.unheld(Direction::ToClient, &answer));
    assert_eq!(violation(&session, Direction::ToClient, &answer), None);
    // Somebody answers in its stead while it waits.
    session.held(Direction::ToServer, &second);
    session.closed(Direction::ToServer, second.id().unwrap());
    assert!(!session.unheld(Direction::ToServer, &second));
}

#[test]
fn a_message_names_the_revision_that_was_agreed_on_or_none() {
    let call = |meta: &str| request(7, "tools/call", &format!(r#"{{"name":"t","_meta":{meta}}}"#));
    let named = |name: &str| call(&format!(r#"{{"io.modelcontextprotocol/protocolVersion":"{name}"}}"#));
    let mut session = Session::new();
    assert_eq!(violation(&session, ToServer, &named("2026-07-28")), None, "nothing is agreed on");
    pass(&mut session, ToServer, &request(1, "initialize", r#"{"protocolVersion":"2025-06-18"}"#));
    pass(&mut session, ToClient, &result(1, r#"{"protocolVersion":"2025-06-18"}"#));
    for other in ["2026-07-28", "2025-03-26"] {
        assert_eq!(violation(&session, ToServer, &named(other)), Some(Violation::Revision), "{other}");
    }
    for same in [named("2025-06-18"), call("{}")] {
        let standing = session.look(ToServer, &same, false);
        assert_eq!((standing.violation, standing.revision), (None, Some(Revision::R2025_06_18)));
    }
    // What a server says of it changes nothing.
    let told = session.look(ToClient, &notification("notifications/message", MODERN), false);
    assert_eq!((told.violation, told.revision), (None, Some(Revision::R2025_06_18)));

    let mut modern = Session::new();
    modern.set_revision(Revision::R2026_07_28);
    assert_eq!(violation(&modern, ToServer, &named("2026-07-28")), None);
    assert_eq!(violation(&modern, ToServer, &named("2025-06-18")), Some(Violation::Revision));
}
