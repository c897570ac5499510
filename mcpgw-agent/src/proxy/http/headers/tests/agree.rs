//! Headers say what the body says.

use super::*;

#[test]
fn modern_requests_repeat_themselves_in_headers() {
    let call = modern("tools/call", r#""name":"t""#);
    let good = [(METHOD, "tools/call"), (NAME, "t")];
    assert_eq!(objection(&call, &good, None), None);
    for (pairs, what) in [
        (vec![], "`mcp-method` is missing"),
        (vec![(METHOD, "tools/call")], "`mcp-name` is missing"),
        (vec![(METHOD, "tools/list"), (NAME, "t")], "`mcp-method` does not say what the body does"),
        (vec![(METHOD, "Tools/Call"), (NAME, "t")], "`mcp-method` does not say what the body does"),
        (vec![(METHOD, "tools/call"), (NAME, "T")], "`mcp-name` does not say what the body does"),
        (vec![(METHOD, "tools/call"), (NAME, "")], "`mcp-name` does not say what the body does"),
        (
            vec![(METHOD, "tools/call"), (NAME, "t"), (PROTOCOL_VERSION, "2025-11-25")],
            "`mcp-protocol-version` does not say what the body does",
        ),
    ] {
        assert_eq!(objection(&call, &pairs, None).as_deref(), Some(what), "{pairs:?}");
    }
    let read = modern("resources/read", r#""uri":"file:///a""#);
    assert_eq!(objection(&read, &[(METHOD, "resources/read"), (NAME, "file:///a")], None), None);
    assert!(objection(&read, &[(METHOD, "resources/read"), (NAME, "file:///b")], None).is_some());
    let list = modern("tools/list", "");
    assert_eq!(objection(&list, &[(METHOD, "tools/list")], None), None);
    let task = modern("tasks/get", r#""taskId":"9""#);
    assert_eq!(objection(&task, &[(METHOD, "tasks/get")], None), None);
    assert!(objection(&task, &[(METHOD, "tasks/get"), (NAME, "8")], None).is_some());
}

#[test]
fn the_version_stands_in_header_and_body() {
    let call = modern("ping", "");
    let without = headers(&[(METHOD, "ping")]);
    let missing = Err(Cause::HeaderMismatch("`mcp-protocol-version` is missing".into()));
    assert_eq!(agree(&without, &call, None, None), missing);
    let odd = message(
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":1}}}"#,
    );
    assert!(objection(&odd, &[(METHOD, "x"), (PROTOCOL_VERSION, "1")], None).is_some());
    // A version nobody knows is for the server to refuse, if header and body agree on it.
    let unknown = message(
        r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"1900-01-01"}}}"#,
    );
    assert_eq!(objection(&unknown, &[(PROTOCOL_VERSION, "1900-01-01")], None), None);
}

#[test]
fn a_revision_nobody_knows_is_no_contradiction() {
    let plain = legacy("tools/call", r#""name":"t""#);
    let unknown = |name: &str| Err(Cause::UnknownRevision(name.into()));
    let later = (PROTOCOL_VERSION, "2099-01-01");
    for session in [None, Some(Revision::R2025_11_25)] {
        assert_eq!(agree(&headers(&[later]), &plain, session, None), unknown("2099-01-01"));
    }
    assert_eq!(agree_batch(&headers(&[later])), unknown("2099-01-01"));
    // Whoever follows the newest rules is held to them.
    let called = [later, (METHOD, "tools/call")];
    let missing = Err(Cause::HeaderMismatch("`mcp-name` is missing".into()));
    assert_eq!(agree(&headers(&called), &plain, None, None), missing);
    assert!(matches!(
        agree(&headers(&[later]), &modern("ping", ""), None, None),
        Err(Cause::HeaderMismatch(_))
    ));
}

#[test]
fn eras_do_not_mix() {
    let plain = legacy("tools/call", r#""name":"t""#);
    let with = |message: &Message, version: &str, session| {
        let pairs = [(PROTOCOL_VERSION, version), (METHOD, "tools/call"), (NAME, "t")];
        agree(&headers(&pairs), message, session, None).is_ok()
    };
    let session = Some(Revision::R2025_11_25);
    assert!(with(&plain, "2025-11-25", session));
    assert!(!with(&plain, MODERN, session), "a modern header in a legacy session");
    assert!(!with(&plain, "2027-01-01", session), "a later date is modern");
    let call = modern("tools/call", r#""name":"t""#);
    assert!(!with(&call, MODERN, session), "a modern request in a legacy session");
    assert!(!with(&call, "2025-11-25", None), "a legacy header on a modern request");
    assert!(with(&call, MODERN, None));
    assert!(with(&call, MODERN, Some(Revision::R2026_07_28)));
}

#[test]
fn legacy_requests_need_no_headers_but_must_not_contradict_them() {
    let call = legacy("tools/call", r#""name":"t""#);
    let with = |pairs: &[(&str, &str)]| agree(&headers(pairs), &call, None, None).is_ok();
    assert!(with(&[]));
    assert!(with(&[(PROTOCOL_VERSION, "2025-06-18"), ("mcp-param-x", "1")]));
    assert!(!with(&[(METHOD, "tools/list")]));
    assert!(!with(&[(NAME, "other")]));
    let answer = message(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    assert!(agree(&headers(&[]), &answer, None, None).is_ok());
    assert!(agree(&headers(&[(METHOD, "tools/call")]), &answer, None, None).is_err());
}

#[test]
fn nothing_about_one_message_stands_above_a_batch() {
    assert_eq!(agree_batch(&headers(&[(PROTOCOL_VERSION, "2025-03-26")])), Ok(()));
    for pair in [(METHOD, "x"), (NAME, "x"), ("mcp-param-x", "1"), (PROTOCOL_VERSION, MODERN)] {
        assert!(agree_batch(&headers(&[pair])).is_err(), "{pair:?}");
    }
}

#[test]
fn wrapped_values_are_unwrapped_once() {
    let named = |name: &str, header: &str| {
        let call = modern("tools/call", &format!(r#""name":"{name}""#));
        objection(&call, &[(METHOD, "tools/call"), (NAME, header)], None).is_none()
    };
    assert!(named("caf\u{e9}", "=?base64?Y2Fmw6k=?="));
    assert!(named("t", "=?base64?dA==?="));
    assert!(named("t", "\t t "), "blanks around a value are not part of it");
    assert!(named(" t", "=?base64?IHQ=?="));
    assert!(!named("caf\u{e9}", "=?base64?Y2Fmw6k?="), "padding is missing");
    assert!(!named("t", "=?base64?dB==?="), "bits are set that mean nothing");
    assert!(!named("t", "=?base64?!?="));
    assert!(!named("\u{fffd}", "=?base64?/w==?="), "no UTF-8");
    assert!(!named("t", "=?BASE64?dA==?="), "the marker is in lower case");
    assert!(named("=?BASE64?dA==?=", "=?BASE64?dA==?="), "another marker is none");
    // base64 of `=?base64?dA==?=`, and the same twice
    assert!(named("=?base64?dA==?=", "=?base64?PT9iYXNlNjQ/ZEE9PT89?="));
    assert!(!named("t", "=?base64?PT9iYXNlNjQ/ZEE9PT89?="), "wrapped twice is not unwrapped twice");
    assert!(!named("=?base64?dA==?=", "=?base64?dA==?="), "what looks wrapped is unwrapped");
}
