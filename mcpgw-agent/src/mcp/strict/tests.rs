//! What the gateway's decoder takes and what it refuses: text against the word of its reason.

mod answers;
mod cost;

use proptest::prelude::*;

use super::*;

pub(super) fn read(bytes: &[u8]) -> Result<Decoded, Malformed> {
    decode(Bytes::copy_from_slice(bytes), &Limits::default())
}

/// `ok`, or the word of the reason.
pub(super) fn code(bytes: &[u8]) -> &'static str {
    read(bytes).map_or_else(|malformed| malformed.reason.code(), |_| "ok")
}

pub(super) fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(code(text.as_bytes()), *expected, "{text}");
    }
}

/// A `tools/call` with `text` in the place of its parameters.
fn params(method: &str, text: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{text}}}"#)
}

fn check_params(cases: &[(&str, &str, &str)]) {
    for (method, text, expected) in cases {
        assert_eq!(code(params(method, text).as_bytes()), *expected, "{method} {text}");
    }
}

#[test]
fn duplicate_keys_are_refused_however_they_are_spelled() {
    check(&[
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#, "duplicate-key"),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, "duplicate-key"),
        (r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}"#, "duplicate-key"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"p\u0061rams":{}}"#, "duplicate-key"),
    ]);
    check_params(&[
        ("tools/call", r#"{"name":"a","name":"b"}"#, "duplicate-key"),
        ("tools/call", r#"{"name":"a","n\u0061me":"b"}"#, "duplicate-key"),
        ("tools/call", r#"{"name":"a","arguments":{},"arguments":{}}"#, "duplicate-key"),
        ("tools/call", r#"{"name":"a","arguments":{"x":{"y":1,"\u0079":2}}}"#, "duplicate-key"),
        ("vendor/x", r#"{"deep":[{"a":1,"a":1}]}"#, "duplicate-key"),
    ]);
}

#[test]
fn keys_that_some_decoders_take_for_the_protocols_are_refused() {
    check(&[
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","METHOD":"ping"}"#, "case-variant-key"),
        (r#"{"JSONRPC":1,"jsonrpc":"2.0","id":1,"method":"ping"}"#, "case-variant-key"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","ERROR":1}"#, "case-variant-key"),
        (r#"{"jsonrpc":"2.0","Id":1,"method":"ping"}"#, "case-variant-key"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","param\u017f":{}}"#, "case-variant-key"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","paramſ":{}}"#, "case-variant-key"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","extra":1,"__proto__":{},"constructor":1}"#, "ok"),
    ]);
    check_params(&[
        ("tools/call", r#"{"name":"a","NAME":"b"}"#, "case-variant-key"),
        ("tools/call", r#"{"name":"a","Arguments":{}}"#, "case-variant-key"),
        ("tools/call", r#"{"name":"a","argument\u017f":{}}"#, "case-variant-key"),
        ("tools/call", r#"{"name":"a","tas\u212a":{}}"#, "case-variant-key"),
        ("tools/call", r#"{"name":"a","input_responses":{}}"#, "case-variant-key"),
        ("tools/call", r#"{"name":"a","request_State":""}"#, "case-variant-key"),
        ("tools/call", r#"{"name":"a","_META":{}}"#, "case-variant-key"),
        ("tools/call", r#"{"name":"a","meta":{},"名":1}"#, "ok"),
        ("tools/call", r#"{"name":"a","arguments":{"Name":1,"NAME":2,"__proto__":{}}}"#, "ok"),
        ("tools/call", r#"{"name":"a","_meta":{"ProgressToken":1}}"#, "case-variant-key"),
        (
            "tools/call",
            r#"{"name":"a","_meta":{"IO.modelcontextprotocol/protocolVersion":"x"}}"#,
            "case-variant-key",
        ),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"a","Name":"b"},"argument":{"name":"x","value":"y"}}"#,
            "case-variant-key",
        ),
        ("vendor/x", r#"{"NAME":1,"Uri":2}"#, "ok"),
    ]);
}

#[test]
fn what_is_no_strict_json_is_refused() {
    let call = params("tools/call", r#"{"name":"a"}"#);
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let utf32 = |text: &str| text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect::<Vec<u8>>();
    for (bytes, expected) in [
        (format!("\u{feff}{call}").into_bytes(), "byte-order-mark"),
        (utf16(&call), "not-json"),
        ([b"\xff\xfe".to_vec(), utf16(&call)].concat(), "not-utf8"),
        (utf32(&call), "not-json"),
        (call.replace("\"a\"", "\"\u{7f}X\"").replace('X', "\u{0}").into_bytes(), "not-json"),
        ([b"{\"a\":\"".as_slice(), b"\xc3\x28", b"\"}"].concat(), "not-utf8"),
        ([b"{\"a\":\"".as_slice(), b"\xed\xa0\x80", b"\"}"].concat(), "not-utf8"),
        (format!("{call}{call}").into_bytes(), "trailing-bytes"),
        (format!("{call} x").into_bytes(), "trailing-bytes"),
        (format!("/* */{call}").into_bytes(), "not-json"),
        (call.replace("}}", "},}").into_bytes(), "not-json"),
        (format!("\n \t{call}\r\n").into_bytes(), "ok"),
        (Vec::new(), "not-json"),
        (b"Starting...".to_vec(), "not-json"),
        (b"7".to_vec(), "not-a-message"),
        (b"\"tools/call\"".to_vec(), "not-a-message"),
        (b"null".to_vec(), "not-a-message"),
    ] {
        assert_eq!(code(&bytes), expected, "{}", String::from_utf8_lossy(&bytes));
    }
    let arguments = |text: &str| params("tools/call", &format!(r#"{{"name":"a","arguments":{text}}}"#));
    for (text, expected) in [
        (r#"{"x":"\ud800"}"#.to_owned(), "lone-surrogate"),
        (r#"{"\udc00":1}"#.to_owned(), "lone-surrogate"),
        (r#"{"x":NaN}"#.to_owned(), "not-json"),
        (r#"{"x":-Infinity}"#.to_owned(), "not-json"),
        (format!(r#"{{"x":{}}}"#, "[".repeat(1000) + &"]".repeat(1000)), "too-deep"),
        (format!(r#"{{"x":{}"#, "[".repeat(100_000)), "too-deep"),
        (
            r#"{"x":[1e400,-0,1E5,18446744073709551616,0.1000000000000000055511151231257827]}"#.to_owned(),
            "ok",
        ),
        ("{\"x\":\"\\u0000 \u{2028} \u{202e} \u{200b} \u{e0041}\"}".to_owned(), "ok"),
    ] {
        assert_eq!(code(arguments(&text).as_bytes()), expected, "{}", text.get(..60).unwrap_or(&text));
    }
}

#[test]
fn ids_are_strings_or_integers_and_nothing_else() {
    for (id, expected) in [
        ("1", "ok"),
        ("-1", "ok"),
        ("\"\"", "ok"),
        ("\"1\"", "ok"),
        ("9007199254740991", "ok"),
        ("-9007199254740991", "ok"),
        // As doubles these two are one.
        ("9007199254740992", "bad-id"),
        ("9007199254740993", "bad-id"),
        ("-9007199254740992", "bad-id"),
        ("18446744073709551615", "bad-id"),
        ("-9223372036854775808", "bad-id"),
        ("18446744073709551616", "bad-id"),
        ("-9223372036854775809", "bad-id"),
        ("99999999999999999999999999999999999999999999", "bad-id"),
        ("null", "bad-id"),
        ("1.5", "bad-id"),
        ("1.0", "bad-id"),
        ("1e2", "bad-id"),
        ("-0", "bad-id"),
        ("true", "bad-id"),
        ("{}", "bad-id"),
        ("[1]", "bad-id"),
    ] {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
        assert_eq!(code(text.as_bytes()), expected, "{id}");
    }
    let cancels = |id: &str| {
        format!(r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{id}}}}}"#)
    };
    assert_eq!(code(cancels("9007199254740991").as_bytes()), "ok");
    assert_eq!(code(cancels("9007199254740993").as_bytes()), "wrong-type");
    let long =
        |length: usize| format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"ping"}}"#, "x".repeat(length));
    assert_eq!((code(long(256).as_bytes()), code(long(257).as_bytes())), ("ok", "bad-id"));
}

#[test]
fn an_envelope_is_one_thing_only() {
    check(&[
        (r#"{"id":1,"method":"ping"}"#, "jsonrpc-version"),
        (r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, "jsonrpc-version"),
        (r#"{"jsonrpc":"2","id":1,"method":"ping"}"#, "jsonrpc-version"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, "request-and-response"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","error":1}"#, "request-and-response"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":null}"#, "request-and-response"),
        (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}"#, "result-and-error"),
        (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":null}"#, "result-and-error"),
        (r#"{"jsonrpc":"2.0","id":1}"#, "neither-request-nor-response"),
        (r#"{"jsonrpc":"2.0","result":{}}"#, "missing-id"),
        (r#"{"jsonrpc":"2.0","id":null,"result":{}}"#, "bad-id"),
        ("{}", "jsonrpc-version"),
    ]);
}

#[test]
fn methods_are_taken_as_they_are_spelled() {
    check(&[
        (r#"{"jsonrpc":"2.0","id":1,"method":["tools/call"]}"#, "bad-method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":""}"#, "bad-method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":null}"#, "bad-method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, "bad-method"),
    ]);
    for method in ["Tools/Call", "tools/call ", "tools/call\\u0000", "__proto__", "vendor/x"] {
        let Ok(Decoded::One(message)) = read(params(method, "{}").as_bytes()) else { panic!("{method}") };
        let spelled = method.replace("\\u0000", "\0");
        assert_eq!((message.method(), crate::mcp::sender(&spelled)), (Some(&*spelled), None));
    }
    let long = |length: usize| params(&"m".repeat(length), "{}");
    assert_eq!((code(long(256).as_bytes()), code(long(257).as_bytes())), ("ok", "bad-method"));
}

#[test]
fn parameters_that_decide_have_their_type() {
    check(&[
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, "wrong-type"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, "ok"),
        (r#"{"jsonrpc":"2.0","method":"notifications/tasks/status"}"#, "wrong-type"),
    ]);
    let reference = |text: &str| format!(r#"{{"ref":{text},"argument":{{"name":"a","value":"b"}}}}"#);
    check_params(&[
        ("tools/call", "null", "wrong-type"),
        ("tools/call", "[]", "bad-params"),
        ("tools/call", "\"a\"", "bad-params"),
        ("vendor/x", "[1]", "bad-params"),
        ("tools/call", "{}", "wrong-type"),
        ("tools/call", r#"{"name":["a"]}"#, "wrong-type"),
        ("tools/call", r#"{"name":7}"#, "wrong-type"),
        ("tools/call", r#"{"name":null}"#, "wrong-type"),
        ("tools/call", r#"{"name":""}"#, "ok"),
        ("tools/call", r#"{"name":"a","arguments":null}"#, "ok"),
        ("tools/call", r#"{"name":"a","arguments":"x"}"#, "wrong-type"),
        ("tools/call", r#"{"name":"a","arguments":[]}"#, "wrong-type"),
        ("tools/call", r#"{"name":"a","task":true}"#, "wrong-type"),
        ("tools/call", r#"{"name":"a","task":{"ttl":5}}"#, "ok"),
        ("tools/call", r#"{"name":"a","_meta":[]}"#, "wrong-type"),
        ("tools/call", r#"{"name":"a","_meta":{"progressToken":{}}}"#, "wrong-type"),
        ("tools/call", r#"{"name":"a","_meta":{"progressToken":1.5,"traceparent":7}}"#, "ok"),
        ("tools/call", r#"{"name":"a","_meta":{"io.modelcontextprotocol/protocolVersion":1}}"#, "wrong-type"),
        (
            "tools/call",
            r#"{"name":"a","inputResponses":{"never-asked":{"action":"accept"}},"requestState":"é"}"#,
            "ok",
        ),
        ("tools/call", r#"{"name":"a","inputResponses":{"k":1}}"#, "wrong-type"),
        ("tools/call", r#"{"name":"a","inputResponses":[]}"#, "wrong-type"),
        ("tools/call", r#"{"name":"a","requestState":{}}"#, "wrong-type"),
        ("prompts/get", r#"{"arguments":{}}"#, "wrong-type"),
        ("prompts/get", r#"{"name":"p"}"#, "ok"),
        ("resources/read", r#"{"uri":["file:///a"]}"#, "wrong-type"),
        ("resources/read", "{}", "wrong-type"),
        ("resources/subscribe", "{}", "ok"),
        ("resources/subscribe", r#"{"uri":7}"#, "wrong-type"),
        ("resources/unsubscribe", r#"{"uri":"x:"}"#, "ok"),
        ("resources/list", r#"{"cursor":7}"#, "wrong-type"),
        ("resources/list", r#"{"cursor":""}"#, "ok"),
        ("logging/setLevel", r#"{"level":3}"#, "wrong-type"),
        ("initialize", r#"{"protocolVersion":20250618}"#, "wrong-type"),
        ("initialize", r#"{"protocolVersion":"2025-06-18","capabilities":[]}"#, "wrong-type"),
        ("tasks/get", "{}", "wrong-type"),
        ("tasks/result", r#"{"taskId":7}"#, "wrong-type"),
        ("tasks/cancel", r#"{"taskId":"t"}"#, "ok"),
        ("tasks/update", r#"{"taskId":"t","inputResponses":[]}"#, "wrong-type"),
        ("subscriptions/listen", r#"{"notifications":["tools"]}"#, "wrong-type"),
        ("notifications/cancelled", r#"{"requestId":{}}"#, "wrong-type"),
        ("elicitation/create", r#"{"message":"m","url":["https://a"]}"#, "wrong-type"),
        ("elicitation/create", r#"{"message":"m","requestedSchema":"x"}"#, "wrong-type"),
        ("sampling/createMessage", r#"{"messages":{}}"#, "wrong-type"),
        ("sampling/createMessage", r#"{"messages":[],"systemPrompt":[]}"#, "wrong-type"),
        ("completion/complete", r#"{"argument":{"name":"a","value":"b"}}"#, "wrong-type"),
        ("completion/complete", &reference("\"p\""), "wrong-type"),
        ("completion/complete", &reference(r#"{"name":"p"}"#), "wrong-type"),
        ("completion/complete", &reference(r#"{"type":"ref/prompt","uri":"x:"}"#), "wrong-type"),
        ("completion/complete", &reference(r#"{"type":"ref/resource","uri":7}"#), "wrong-type"),
        ("completion/complete", &reference(r#"{"type":"ref/resource","uri":"x:"}"#), "ok"),
        ("completion/complete", &reference(r#"{"type":"ref/later"}"#), "ok"),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a"}}"#,
            "wrong-type",
        ),
        (
            "completion/complete",
            r#"{"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"b"},"context":{"arguments":[]}}"#,
            "wrong-type",
        ),
    ]);
}

#[test]
fn batches_are_bounded_and_flat() {
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let many = |count: usize| format!("[{}]", vec![ping; count].join(","));
    check(&[
        ("[]", "empty-batch"),
        (&format!("[[{ping}]]"), "nested-batch"),
        (&format!("[{ping},[]]"), "nested-batch"),
        (&format!("[{ping},7]"), "not-a-message"),
        (&format!("[{ping},null]"), "not-a-message"),
        (
            &format!(r#"[{ping},{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{{}}}}]"#),
            "wrong-type",
        ),
        (&format!(r#"[{ping},{{"jsonrpc":"2.0","id":2,"result":1,"error":1}}]"#), "result-and-error"),
        (&many(1), "ok"),
        (&many(BATCH_MAX), "ok"),
        (&many(BATCH_MAX + 1), "long-batch"),
    ]);
    let Ok(Decoded::Batch(messages)) = read(format!(" [ {ping} ,{ping}]").as_bytes()) else { panic!() };
    assert!(messages.len() == 2 && messages.iter().all(|message| &**message.bytes() == ping.as_bytes()));
}

#[test]
fn whoever_asks_is_told_where_the_id_is_beyond_doubt() {
    let id = |text: &str| read(text.as_bytes()).unwrap_err().id;
    let deep = "[".repeat(200) + &"]".repeat(200);
    for text in [
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","name":"b"}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","method":"m","method":"n","id":7}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"a":"\ud800"}}"#.to_owned(),
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"m","params":{{"a":{deep}}}}}"#),
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{}}"#.to_owned(),
        r#"{"jsonrpc":"1.0","id":7,"method":"m"}"#.to_owned(),
    ] {
        assert_eq!(id(&text), Some(RequestId::Integer(7)), "{text}");
    }
    for text in [
        r#"{"jsonrpc":"2.0","id":7,"id":8,"method":"m"}"#,
        r#"{"jsonrpc":"2.0","id":7,"i\u0064":8,"method":"m"}"#,
        r#"{"jsonrpc":"2.0","id":7,"ID":8,"method":"m","x":"\ud800"}"#,
        r#"{"jsonrpc":"2.0","id":"\ud800","method":"m"}"#,
        r#"{"jsonrpc":"2.0","id":7,"result":{"a":1,"a":2}}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"m","result":"\ud800"}"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"m"} x"#,
        r#"{"jsonrpc":"2.0","id":7,"method":"m","result":1}"#,
    ] {
        assert_eq!(id(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_what_is_taken_is_kept(text in "[\\[\\]{}\",:0-9a-z_/ ]{0,80}") {
        if let Ok(Decoded::One(message)) = read(text.as_bytes()) {
            prop_assert_eq!(&**message.bytes(), text.as_bytes());
        }
    }

    #[test]
    fn no_request_of_any_shape_panics(
        method in prop::sample::select(super::super::Method::all().map(super::super::Method::name).collect::<Vec<_>>()),
        params in crate::json::any_json(),
    ) {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        if let Ok(Decoded::One(message)) = read(text.as_bytes()) {
            prop_assert_eq!(&**message.bytes(), text.as_bytes());
        }
    }
}

#[test]
fn a_request_that_hides_a_line_is_refused_with_its_id() {
    let id = |text: &str| {
        let malformed = hiding(Bytes::copy_from_slice(text.as_bytes()), &Limits::default());
        assert_eq!(malformed.reason, Reason::LineSeparator);
        malformed.id
    };
    for text in [
        "{\"jsonrpc\":\"2.0\",\r\"id\":7,\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"x\",\"params\":{\"a\":\"\u{2028}{\\\"id\\\":8}\"}}",
        // For another reason, too.
        "{\"jsonrpc\":\"2.0\",\r\"id\":7,\"method\":\"x\",\"params\":[]}",
        "{\"jsonrpc\":\"2.0\",\r\"id\":7,\"method\":\"x\",\"method\":\"y\"}",
    ] {
        assert_eq!(id(text), Some(RequestId::Integer(7)), "{text:?}");
    }
    for text in [
        "{}\r{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}\r{}",
        "{\"jsonrpc\":\"2.0\",\r\"method\":\"notifications/x\"}",
        "{\"jsonrpc\":\"2.0\",\r\"id\":7,\"result\":{}}",
        "{\"jsonrpc\":\"2.0\",\r\"id\":7,\"id\":8,\"method\":\"x\"}",
        "[{\"jsonrpc\":\"2.0\",\r\"id\":7,\"method\":\"ping\"}]",
    ] {
        assert_eq!(id(text), None, "{text:?}");
    }
}
