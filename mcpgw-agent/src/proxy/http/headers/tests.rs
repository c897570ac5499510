use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use super::*;
use crate::json::{Document, Limits};
use crate::mcp::{Decoded, Message, Revision, decode};
use crate::verdict::Cause;

const MODERN: &str = "2026-07-28";

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(pair).collect()
}

fn message(text: &str) -> Message {
    match decode(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap() {
        Decoded::One(message) => message,
        Decoded::Batch(_) => panic!("a batch"),
    }
}

/// A request of 2026-07-28 with these members beside `_meta`.
fn modern(method: &str, params: &str) -> Message {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
    let comma = if params.is_empty() { "" } else { "," };
    message(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}{comma}{meta}}}}}"#))
}

fn legacy(method: &str, params: &str) -> Message {
    message(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}}}}}"#))
}

/// What `agree` objects to, with the version's header set.
fn objection(message: &Message, pairs: &[(&str, &str)], schemas: Option<&ParamSchemas>) -> Option<String> {
    let mut headers = headers(pairs);
    headers.entry(PROTOCOL_VERSION).or_insert(HeaderValue::from_static(MODERN));
    match agree(&headers, message, None, schemas) {
        Ok(()) => None,
        Err(Cause::HeaderMismatch(what)) => Some(what.into()),
        Err(other) => panic!("{other:?}"),
    }
}

fn schemas(properties: &str) -> ParamSchemas {
    let list = format!(r#"{{"tools":[{{"name":"t","inputSchema":{{"properties":{properties}}}}}]}}"#);
    let list = Document::parse(list.into(), &Limits::default()).unwrap();
    let mut schemas = ParamSchemas::default();
    schemas.learn(list.root());
    schemas
}

#[test]
fn single_headers_are_single() {
    for name in [
        "mcp-session-id",
        "mcp-method",
        "mcp-name",
        "mcp-param-x",
        "mcp-unknown",
        "mcp-protocol-version",
        "authorization",
        "host",
        "content-type",
        "content-length",
        "origin",
        "last-event-id",
    ] {
        assert_eq!(check(&headers(&[(name, "1")])), Ok(()), "{name}");
        assert_eq!(
            check(&headers(&[(name, "1"), (name, "1")])),
            Err(Fault::Duplicate(name.into())),
            "{name}"
        );
    }
    // Names are the same in any case, which is how two parameters' headers would clash.
    assert!(check(&headers(&[("Mcp-Param-A", "1"), ("mcp-param-a", "2")])).is_err());
    assert_eq!(check(&headers(&[("accept", "a"), ("accept", "b")])), Ok(()));
}

#[test]
fn values_have_their_form_and_their_length() {
    let long = "x".repeat(SESSION_ID_MAX_BYTES + 1);
    for (name, value) in [
        ("mcp-session-id", ""),
        ("mcp-session-id", "a b"),
        ("mcp-session-id", "a, b"),
        ("mcp-session-id", &long),
        ("mcp-protocol-version", "2025-11-25, 2026-07-28"),
        ("mcp-protocol-version", ""),
        ("mcp-protocol-version", "a b"),
    ] {
        assert_eq!(check(&headers(&[(name, value)])), Err(Fault::Malformed(name.into())), "{value}");
    }
    let mut not_ascii = HeaderMap::new();
    not_ascii.insert("mcp-name", HeaderValue::from_bytes("\u{e9}".as_bytes()).unwrap());
    assert_eq!(check(&not_ascii), Err(Fault::Malformed("mcp-name".into())));
    assert_eq!(
        check(&headers(&[("mcp-session-id", "!~"), ("mcp-protocol-version", "DRAFT-2026_v1")])),
        Ok(())
    );
    assert_eq!(session_id(&headers(&[("mcp-session-id", "abc")])), Ok(Some("abc")));
    assert_eq!(session_id(&HeaderMap::new()), Ok(None));
    // What would end a header cannot be in one.
    for value in ["a\r\nb", "a\nb", "a\rb", "a\0b"] {
        assert!(HeaderValue::from_str(value).is_err());
    }
}

#[test]
fn headers_have_limits() {
    let many: HeaderMap = (0..=COUNT_MAX)
        .map(|number| (format!("x-{number}").parse().unwrap(), HeaderValue::from_static("")))
        .collect();
    assert_eq!(check(&many), Err(Fault::TooLarge));
    assert_eq!(check(&headers(&[("x", &"x".repeat(BYTES_MAX))])), Err(Fault::TooLarge));
    assert_eq!(check(&headers(&[("x", &"x".repeat(BYTES_MAX - 1))])), Ok(()));
    let statuses =
        [Fault::Duplicate("x".into()), Fault::Malformed("x".into()), Fault::TooLarge, Fault::MediaType];
    assert_eq!(statuses.map(|fault| fault.status().as_u16()), [400, 400, 431, 415]);
}

#[test]
fn only_json_in_utf8_is_json() {
    for (value, is_json) in [
        ("application/json", true),
        ("APPLICATION/JSON;charset=UTF-8", true),
        ("application/json; charset=\"utf-8\"", true),
        ("application/json ; Charset=utf-8", true),
        ("application/json;", false),
        ("application/json; charset=utf-16le", false),
        ("application/json; charset=utf-7", false),
        ("application/json; charset=utf-8; charset=utf-16", false),
        ("application/json; charset", false),
        ("application/json; boundary=x", false),
        ("application/json, text/plain", false),
        ("text/plain, application/json", false),
        ("application/json-rpc", false),
        ("application/vnd.x+json", false),
        ("text/plain", false),
        ("text/event-stream", false),
        ("multipart/form-data; boundary=x", false),
        ("", false),
    ] {
        let checked = check_json(&headers(&[("content-type", value)]));
        assert_eq!(checked, if is_json { Ok(()) } else { Err(Fault::MediaType) }, "{value}");
    }
    assert_eq!(check_json(&HeaderMap::new()), Err(Fault::MediaType));
    assert!(check_json(&headers(&[("content-type", "application/json"), ("content-type", "x")])).is_err());
}

#[test]
fn an_answer_is_read_by_its_type_and_in_utf8_only() {
    for (value, expected) in [
        ("application/json; charset=utf-8", Ok(Answer::Json)),
        ("Text/Event-Stream; charset=utf-8", Ok(Answer::Events)),
        ("text/event-stream", Ok(Answer::Events)),
        ("text/event-stream; charset=utf-16", Err(Fault::MediaType)),
        ("application/json; charset=utf-7", Err(Fault::MediaType)),
        ("application/json; charset =utf-7", Err(Fault::MediaType)),
        ("text/event-stream; charset=utf-8; charset=utf-8", Err(Fault::MediaType)),
        ("application/json; profile=x; charset=utf-8", Ok(Answer::Json)),
        ("text/html; charset=latin1", Ok(Answer::Other)),
    ] {
        assert_eq!(answer(&headers(&[("content-type", value)])), expected, "{value}");
    }
    assert_eq!(answer(&HeaderMap::new()), Ok(Answer::Other));
}

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

#[test]
fn mirrored_parameters_agree() {
    let schemas = schemas(
        r#"{"s":{"type":"string","x-mcp-header":"S"},"n":{"type":"integer","x-mcp-header":"N"},
            "b":{"type":"boolean","x-mcp-header":"B"},"o":{"properties":{"in":{"x-mcp-header":"Deep"}}}}"#,
    );
    let agrees = |arguments: &str, pairs: &[(&str, &str)]| {
        let call = modern("tools/call", &format!(r#""name":"t","arguments":{arguments}"#));
        let pairs: Vec<_> = [(METHOD, "tools/call"), (NAME, "t")].iter().chain(pairs).copied().collect();
        objection(&call, &pairs, Some(&schemas)).is_none()
    };
    assert!(agrees("{}", &[]));
    assert!(agrees(r#"{"s":null}"#, &[]));
    assert!(!agrees(r#"{"s":null}"#, &[("Mcp-Param-S", "null")]));
    assert!(!agrees("{}", &[("Mcp-Param-S", "")]));
    assert!(agrees(r#"{"s":"x y"}"#, &[("Mcp-Param-S", "x y")]));
    assert!(agrees(r#"{"s":"\u00e9"}"#, &[("mcp-param-s", "=?base64?w6k=?=")]));
    assert!(!agrees(r#"{"s":"x"}"#, &[]));
    assert!(!agrees(r#"{"s":"x"}"#, &[("Mcp-Param-S", "X")]));
    for (number, header, expected) in [
        ("42", "42", true),
        ("42.0", "42", true),
        ("42", "42.0", true),
        ("4.2e1", "42", true),
        ("-7", "-7", true),
        ("9007199254740991", "9007199254740991", true),
        ("9007199254740993", "9007199254740992", false),
        ("42", "43", false),
        ("42", "+42", false),
        ("42", "0x2a", false),
        ("42", "4.2e1", false),
        ("42.5", "42.5", false),
        ("42", "", false),
        ("1e400", "inf", false),
        ("\"42\"", "42", true),
    ] {
        assert_eq!(
            agrees(&format!(r#"{{"n":{number}}}"#), &[("Mcp-Param-N", header)]),
            expected,
            "{number} {header}"
        );
    }
    assert!(agrees(r#"{"b":true}"#, &[("Mcp-Param-B", "true")]));
    assert!(!agrees(r#"{"b":true}"#, &[("Mcp-Param-B", "True")]));
    assert!(!agrees(r#"{"b":true}"#, &[("Mcp-Param-B", "false")]));
    assert!(agrees(r#"{"o":{"in":"x"}}"#, &[("Mcp-Param-Deep", "x")]));
    assert!(!agrees(r#"{"o":{"in":"x"}}"#, &[]));
    assert!(agrees("{}", &[("Mcp-Param-Other", "x")]), "what no schema names is passed on");
    assert!(agrees(r#"{"s":["x"]}"#, &[]));
    assert!(!agrees(r#"{"s":["x"]}"#, &[("Mcp-Param-S", "x")]));
}

#[test]
fn only_valid_annotations_count_and_the_last_list_does() {
    let call = modern("tools/call", r#""name":"t","arguments":{"a":"x","b":"x"}"#);
    let checked = |schemas: &ParamSchemas| {
        objection(&call, &[(METHOD, "tools/call"), (NAME, "t")], Some(schemas)).is_some()
    };
    let long = "x".repeat(2000);
    assert!(checked(&schemas(r#"{"a":{"x-mcp-header":"A"}}"#)));
    for properties in [
        r#"{"a":{"x-mcp-header":"A"},"b":{"x-mcp-header":"a"}}"#,
        r#"{"a":{"x-mcp-header":"A b"}}"#,
        r#"{"a":{"x-mcp-header":""}}"#,
        r#"{"a":{"x-mcp-header":1}}"#,
        r#"{"a":{"x-mcp-header":"A\r\nX"}}"#,
        r#"{"a":{"anyOf":[{"x-mcp-header":"A"}]}}"#,
        &format!(r#"{{"a":{{"x-mcp-header":"{long}"}}}}"#),
    ] {
        assert!(!checked(&schemas(properties)), "{properties}");
    }
    let mut learned = schemas(r#"{"a":{"x-mcp-header":"A"}}"#);
    let list =
        Document::parse(r#"{"tools":[{"name":"t"},{"name":1},3]}"#.into(), &Limits::default()).unwrap();
    learned.learn(list.root());
    assert!(!checked(&learned));
    let many: Vec<String> = (0..TOOLS_MAX + 5)
        .map(|number| {
            format!(r#"{{"name":"n{number}","inputSchema":{{"properties":{{"a":{{"x-mcp-header":"A"}}}}}}}}"#)
        })
        .collect();
    let list = format!(r#"{{"tools":[{}]}}"#, many.join(","));
    learned.learn(Document::parse(list.into(), &Limits::default()).unwrap().root());
    assert_eq!(learned.len(), TOOLS_MAX);
}

#[test]
fn a_server_gets_the_headers_of_mcp_and_no_credentials() {
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let pairs = [
        ("mcp-session-id", "s"),
        ("mcp-protocol-version", MODERN),
        ("mcp-method", "x"),
        ("mcp-name", "x"),
        ("mcp-param-unknown", "x"),
        ("last-event-id", "7"),
        ("accept", "application/json"),
        ("accept", "text/event-stream"),
        ("content-type", "application/json"),
        ("user-agent", "x"),
        ("accept-language", "de"),
        ("traceparent", trace),
        ("tracestate", "a=b"),
        ("baggage", "a=b"),
    ];
    let mut all = headers(&pairs);
    for name in [
        "authorization",
        "cookie",
        "proxy-authorization",
        "proxy-connection",
        "x-forwarded-for",
        "x-forwarded-host",
        "forwarded",
        "origin",
        "referer",
        "host",
        "content-length",
        "content-encoding",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "keep-alive",
        "expect",
        "x-http-method-override",
        "x-api-key",
        "x-real-ip",
        "via",
    ] {
        all.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static("x"));
    }
    all.insert("connection", HeaderValue::from_static("close"));
    let mut expected = headers(&pairs);
    expected.insert("accept-encoding", HeaderValue::from_static("identity"));
    assert_eq!(upstream(&all), expected);
    all.insert("connection", HeaderValue::from_static("Close, Mcp-Name"));
    assert!(upstream(&all).get(NAME).is_none());
}

#[test]
fn traces_and_labels_are_bounded() {
    let kept = |name, value: &str| upstream(&headers(&[(name, value)])).contains_key(name);
    for (value, expected) in [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
        ("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
        ("secret", false),
    ] {
        assert_eq!(kept("traceparent", value), expected, "{value}");
    }
    for (name, limit) in [("tracestate", 512), ("baggage", 1024), ("user-agent", 512), ("x-request-id", 512)]
    {
        assert!(kept(name, &"x".repeat(limit)), "{name}");
        assert!(!kept(name, &"x".repeat(limit + 1)), "{name}");
    }
}

#[test]
fn a_client_gets_no_cookies_and_no_redirects() {
    let mut all = headers(&[
        ("content-type", "application/json"),
        ("mcp-session-id", "s"),
        ("retry-after", "5"),
        ("cache-control", "no-store"),
        ("x-accel-buffering", "no"),
        ("www-authenticate", "Bearer scope=\"a\""),
        ("allow", "POST"),
    ]);
    let mut expected = all.clone();
    for name in [
        "set-cookie",
        "clear-site-data",
        "alt-svc",
        "refresh",
        "link",
        "location",
        "connection",
        "keep-alive",
        "transfer-encoding",
        "trailer",
        "content-length",
        "content-encoding",
        "access-control-allow-origin",
        "server",
        "strict-transport-security",
        "service-worker-allowed",
    ] {
        all.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_static("x"));
    }
    all.insert("etag", HeaderValue::from_static("\"1\""));
    all.insert("digest", HeaderValue::from_static("x"));
    assert_eq!(downstream(&all, true), expected);
    expected.insert("etag", HeaderValue::from_static("\"1\""));
    expected.insert("digest", HeaderValue::from_static("x"));
    assert_eq!(downstream(&all, false), expected);
}

#[test]
fn a_challenge_sends_nobody_where_a_server_should_not_send_him() {
    let kept = |value: &str| downstream(&headers(&[("www-authenticate", value)]), true).len() == 1;
    for (value, expected) in [
        ("Bearer", true),
        ("Bearer realm=\"a, b\", error=\"invalid_token\"", true),
        ("Bearer resource_metadata=\"https://a.example/.well-known/x\"", true),
        ("Bearer Resource_Metadata = \"http://localhost:8080/x\"", true),
        ("Bearer resource_metadata=https://a.example/x, scope=a", true),
        ("Bearer resource_metadata=\"http://[::1]/x\"", true),
        ("Bearer resource_metadata=\"file:///etc/passwd\"", false),
        ("Bearer resource_metadata=\"http://169.254.169.254/\"", false),
        ("Bearer resource_metadata=\"http://a.example/\"", false),
        ("Bearer resource_metadata=\"javascript:alert(1)\"", false),
        ("Bearer resource_metadata=\"https://user@a.example/\"", false),
        ("Bearer resource_metadata=\"\"", false),
        ("Bearer resource_metadata", false),
        ("Bearer resource_metadata=\"https://a.example/\", Basic resource_metadata=\"file:///\"", false),
    ] {
        assert_eq!(kept(value), expected, "{value}");
    }
    assert!(!kept(&format!("Bearer realm=\"{}\"", "x".repeat(9000))));
}
