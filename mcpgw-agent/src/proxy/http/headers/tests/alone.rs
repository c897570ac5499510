//! What a header may be by itself, and what a body says it is.

use super::*;

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
        ("application/json; charset=utf8", true),
        ("application/json; charset=us-ascii", false),
        ("application/json; charset=iso-8859-1", false),
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
        ("text/event-stream; charset*=us-ascii''utf-16le", Err(Fault::MediaType)),
        ("text/event-stream; CharSet*0=utf-16; charset*1=le", Err(Fault::MediaType)),
        ("text/event-stream; x charset=utf-16le", Err(Fault::MediaType)),
        ("application/json; profile=x; charset=utf-8", Ok(Answer::Json)),
        ("text/html; charset=latin1", Ok(Answer::Other)),
        ("text/event-stream; charset=UTF8", Ok(Answer::Events)),
        ("application/json; charset=US-ASCII", Ok(Answer::Json)),
        ("application/json; charset=ISO-8859-1", Ok(Answer::Json)),
        ("application/json; charset=utf-8; charset=us-ascii", Err(Fault::MediaType)),
        ("application/json; charset=latin1", Err(Fault::MediaType)),
        ("application/json; charset=windows-1252", Err(Fault::MediaType)),
    ] {
        assert_eq!(answer(&headers(&[("content-type", value)])), expected, "{value}");
    }
    assert_eq!(answer(&HeaderMap::new()), Ok(Answer::Other));
    let latin = |value| must_be_ascii(&headers(&[("content-type", value)]));
    assert!(latin("application/json; charset=iso-8859-1"));
    for plain in ["application/json; charset=us-ascii", "application/json", "text/html; charset=iso-8859-1"] {
        assert!(!latin(plain), "{plain}");
    }
}
