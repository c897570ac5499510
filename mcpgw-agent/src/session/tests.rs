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
    session.passed(ToServer, &call("1"), "d1", 5);
    let standing = session.look(ToClient, &answer("1"), false);
    assert_eq!(standing.violation, None);
    assert_eq!(standing.answers.unwrap().target, Some(Target::Tool("echo".into())));
    assert_eq!(violation(&session, ToClient, &answer("\"1\"")), Some(Violation::Unsolicited), "types differ");
    assert_eq!(violation(&session, ToServer, &answer("1")), Some(Violation::Unsolicited), "its own request");
    assert_eq!(violation(&session, ToServer, &call("1")), Some(Violation::DuplicateId));
    assert_eq!(violation(&session, ToClient, &call("1")), None, "the directions number for themselves");
    session.passed(ToClient, &answer("1"), "d2", 9);
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
        session.passed(ToServer, &initialize, "d", 0);
        let result = format!(r#"{{"jsonrpc":"2.0","id":0,"result":{{"protocolVersion":"{version}"}}}}"#);
        session.passed(ToClient, &message(&result), "d", 1);
        assert_eq!(session.revision().map(Revision::as_str), Some(version));
        assert_eq!(session.look(ToServer, &call("1"), true).violation.is_none(), batches, "{version}");
    }
    let violation = Session::new().look(ToServer, &initialize, true).violation;
    assert_eq!(violation, Some(Violation::InitializeInBatch));
}
