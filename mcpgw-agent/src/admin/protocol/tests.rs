use proptest::prelude::*;

use super::*;

fn register(name: Option<&str>, channels: Vec<ChannelRef>) -> Request {
    Request::Register(RegisterRequest { name: name.map(str::to_owned), channels })
}

#[test]
fn requests_are_read_as_the_contract_writes_them() {
    assert_eq!(parse(br#"{"op":"status"}"#), Ok(Request::Status));
    assert_eq!(
        parse(
            br#"{"op":"register","name":null,"channels":[{"kind":"fifo","ino":1},{"kind":"unix","ino":2}]}"#
        ),
        Ok(register(
            None,
            vec![
                ChannelRef { kind: ChannelRefKind::Fifo, ino: 1 },
                ChannelRef { kind: ChannelRefKind::Unix, ino: 2 }
            ]
        ))
    );
    assert_eq!(parse(br#"{"op":"register","name":"x"}"#), Ok(register(Some("x"), vec![])));
    let addrs = vec!["127.0.0.1:3000".parse().unwrap()];
    let follow = Request::Follow(FollowRequest { addrs });
    assert_eq!(parse(br#"{"op":"follow","addrs":["127.0.0.1:3000"]}"#), Ok(follow));
    assert_eq!(parse(br#"{"op":"status","from":"a later client"}"#), Ok(Request::Status));
}

#[test]
fn what_is_no_request_is_refused_with_a_reason() {
    for (line, reason) in [
        (&b""[..], "EOF"),
        (b"GET / HTTP/1.1", "expected value"),
        (b"\xff\xfe", "expected value"),
        (br#"{"op":"stop"}"#, "unknown variant `stop`"),
        (br#"{"op":"register","channels":[{"kind":"tcp","ino":1}]}"#, "unknown variant `tcp`"),
        (br#"{"op":"register","channels":[{"kind":"fifo","ino":-1}]}"#, "invalid value"),
        (br#"{"op":"register","name":"a\u001b[2J"}"#, "control characters"),
        (br#"{"op":"follow","addrs":["localhost:1"]}"#, "invalid socket address"),
        (br#"{"op":"follow","addrs":[]}"#, "one address at least"),
        (br#"{"op":"status"} {"op":"status"}"#, "trailing characters"),
    ] {
        let error = parse(line).unwrap_err();
        assert!(error.contains(reason), "{error:?} should say {reason:?}");
    }
}

#[test]
fn a_registration_is_bounded() {
    let channel = ChannelRef { kind: ChannelRefKind::Fifo, ino: 1 };
    let line = |request: &Request| serde_json::to_vec(request).unwrap();
    assert!(parse(&line(&register(None, vec![channel; CHANNELS_MAX]))).is_ok());
    assert!(parse(&line(&register(None, vec![channel; CHANNELS_MAX + 1]))).is_err());
    assert!(parse(&line(&register(Some(&"n".repeat(NAME_MAX)), vec![]))).is_ok());
    assert!(parse(&line(&register(Some(&"n".repeat(NAME_MAX + 1)), vec![]))).is_err());
}

#[test]
fn deep_nesting_is_refused_not_followed() {
    let mut line = br#"{"op":"status","x":"#.to_vec();
    line.resize(LINE_MAX, b'[');
    assert!(parse(&line).is_err());
}

#[test]
fn a_code_of_a_newer_agent_is_understood_as_other() {
    let line = br#"{"ok":false,"error":{"code":"on-strike","message":"no"}}"#;
    let response: Response = serde_json::from_slice(line).unwrap();
    assert_eq!(response, Response::error(Code::Other, "no"));
}

proptest! {
    #[test]
    fn parsing_never_panics(line in proptest::collection::vec(any::<u8>(), 0..512)) {
        drop(parse(&line));
    }

    #[test]
    fn parsing_near_requests_never_panics(op in "status|register|x", tail in r#"[{}\[\]",:a-z0-9\\-]{0,64}"#) {
        drop(parse(format!(r#"{{"op":"{op}",{tail}}}"#).as_bytes()));
        drop(parse(format!(r#"{{"op":"{op}","channels":[{tail}]}}"#).as_bytes()));
    }

    #[test]
    fn what_is_written_is_read_back(name in proptest::option::of("[ -~]{0,32}"), inos in proptest::collection::vec(any::<u64>(), 0..8)) {
        let channels = inos.iter().map(|ino| ChannelRef { kind: ChannelRefKind::Fifo, ino: *ino }).collect();
        let request = register(name.as_deref(), channels);
        prop_assert_eq!(parse(&serde_json::to_vec(&request).unwrap()), Ok(request));
    }
}
