//! Messages that are JSON, and more or less than JSON-RPC.

use super::case::Expect::{Denied, Dropped, Refused};
use super::case::{Case, INVALID, call, case, forbidden, then, with};

/// Cases.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = keys();
    cases.extend(envelopes());
    cases.extend(ids());
    cases.extend(parameters());
    cases.extend(batches());
    cases.extend(answers());
    cases
}

fn keys() -> Vec<Case> {
    let variant = |name, text: String| case(name, text, Refused(INVALID, "case-variant-key"));
    let params =
        |inside: &str| format!(r#"{{"jsonrpc":"2.0","id":@,"method":"tools/call","params":{{{inside}}}}}"#);
    vec![
        variant("METHOD beside method", then(r#""METHOD":"ping""#)),
        variant("Method before method", with(r#""Method":"ping""#)),
        variant("Method alone", forbidden().replace("\"method\"", "\"Method\"")),
        variant("JSONRPC of another type", then(r#""JSONRPC":1"#)),
        variant("ERROR of another type", then(r#""ERROR":1"#)),
        variant("Result beside", then(r#""Result":{}"#)),
        variant("ID beside id", then(r#""ID":7"#)),
        variant("Params beside params", then(r#""Params":{"name":"echo"}"#)),
        variant("a long s in params", then(r#""param\u017f":{"name":"echo"}"#)),
        variant("NAME beside name", params(r#""name":"forbidden","NAME":"echo""#)),
        variant("Name before name", params(r#""Name":"echo","name":"forbidden""#)),
        variant("Name alone", params(r#""Name":"forbidden","arguments":{}"#)),
        variant("Arguments beside arguments", params(r#""name":"echo","arguments":{"path":"/etc/passwd"},"Arguments":{}"#)),
        variant("a long s in arguments", params(r#""name":"echo","argument\u017f":{"path":"/etc/passwd"}"#)),
        variant("a Kelvin sign in task", params(r#""name":"forbidden","tas\u212a":{}"#)),
        variant(
            "URI beside uri",
            r#"{"jsonrpc":"2.0","id":@,"method":"resources/read","params":{"uri":"file:///tmp/a","URI":"file:///etc/passwd"}}"#.to_owned(),
        ),
    ]
}

fn envelopes() -> Vec<Case> {
    let version = |text: &str| forbidden().replacen(r#""2.0""#, text, 1);
    let wrong = |name, text: String| case(name, text, Refused(INVALID, "jsonrpc-version"));
    let method = |text: &str| forbidden().replacen(r#""tools/call""#, text, 1);
    let bad = |name, text: String| case(name, text, Refused(INVALID, "bad-method"));
    let both = |name, text: String| case(name, text, Refused(INVALID, "request-and-response"));
    let none = |name, text: &str| case(name, text, Refused(INVALID, "not-a-message"));
    vec![
        wrong("jsonrpc a number", version("2.0")),
        wrong("jsonrpc 1.0", version(r#""1.0""#)),
        wrong("jsonrpc 2.1", version(r#""2.1""#)),
        wrong("jsonrpc null", version("null")),
        wrong("no jsonrpc", forbidden().replacen(r#""jsonrpc":"2.0","#, "", 1)),
        bad("method a number", method("1")),
        bad("method an array", method(r#"["tools/call"]"#)),
        bad("method null", method("null")),
        bad("method an object", method("{}")),
        bad("method empty", method(r#""""#)),
        both("a request with error 1", then(r#""error":1"#)),
        both("a request with an error", then(r#""error":{"code":1,"message":"x"}"#)),
        both("a request with a result", then(r#""result":{}"#)),
        both("a request with a result of null", then(r#""result":null"#)),
        none("a string", r#""tools/call""#),
        none("a number", "1"),
        none("null", "null"),
        case("an empty object", "{}", Refused(INVALID, "jsonrpc-version")),
        case(
            "only a version",
            r#"{"jsonrpc":"2.0","id":@}"#,
            Refused(INVALID, "neither-request-nor-response"),
        ),
    ]
}

fn ids() -> Vec<Case> {
    let with_id = |id: &str| forbidden().replacen('@', id, 1);
    let bad = |name, id: &str| case(name, with_id(id), Refused(INVALID, "bad-id"));
    vec![
        bad("id null", "null"),
        bad("id with a fraction", "1.5"),
        bad("id with an exponent", "1e2"),
        bad("id true", "true"),
        bad("id an object", "{}"),
        bad("id an array", "[1]"),
        bad("id of 65 bits", "18446744073709551616"),
        bad("id below 64 bits", "-9223372036854775809"),
        bad("id that is another's as a double", "9007199254740993"),
        bad("id minus zero", "-0"),
        bad("id of 300 bytes", &format!("\"{}\"", "x".repeat(300))),
        case(
            "no id at all: a call nobody waits for",
            with_id("@").replacen(r#""id":@,"#, "", 1),
            Dropped("no-forbidden-tools"),
        ),
    ]
}

fn parameters() -> Vec<Case> {
    let params = |text: &str| format!(r#"{{"jsonrpc":"2.0","id":@,"method":"tools/call","params":{text}}}"#);
    let bad = |name, text: &str| case(name, params(text), Refused(INVALID, "bad-params"));
    let wrong = |name, text: &str| case(name, params(text), Refused(INVALID, "wrong-type"));
    vec![
        bad("params an array", r#"["forbidden",{}]"#),
        bad("params a string", r#""forbidden""#),
        bad("params a number", "1"),
        bad("params true", "true"),
        wrong("no name", r#"{"arguments":{}}"#),
        wrong("name null", r#"{"name":null}"#),
        wrong("name a number", r#"{"name":1}"#),
        wrong("name an array", r#"{"name":["forbidden"]}"#),
        wrong("name an object", r#"{"name":{"forbidden":1}}"#),
        wrong("arguments an array", r#"{"name":"echo","arguments":["/etc/passwd"]}"#),
        wrong("arguments a string", r#"{"name":"echo","arguments":"{\"path\":\"/etc/passwd\"}"}"#),
        wrong("arguments a number", r#"{"name":"echo","arguments":1}"#),
        case(
            "uri an array",
            r#"{"jsonrpc":"2.0","id":@,"method":"resources/read","params":{"uri":["file:///etc/passwd"]}}"#,
            Refused(INVALID, "wrong-type"),
        ),
    ]
}

fn batches() -> Vec<Case> {
    let echo = call("echo", "{}");
    let many = vec![echo.as_str(); 1_001].join(",");
    vec![
        case("an empty batch", "[]", Refused(INVALID, "empty-batch")),
        case("a batch in a batch", format!("[[{}]]", forbidden()), Refused(INVALID, "nested-batch")),
        case("a batch with a string", format!(r#"[{},"x"]"#, forbidden()), Refused(INVALID, "not-a-message")),
        case("a batch of one", format!("[{}]", forbidden()), Refused(INVALID, "batch")),
        case(
            "a batch of allowed and forbidden",
            format!("[{echo},{}]", forbidden().replacen('@', "\"other\"", 1)),
            Refused(INVALID, "batch"),
        ),
        case(
            "a batch with a fault in it",
            format!("[{echo},{}]", then(r#""error":1"#)),
            Refused(INVALID, "request-and-response"),
        ),
        case("a batch of 1,001", format!("[{many}]"), Refused(INVALID, "long-batch")),
    ]
}

fn answers() -> Vec<Case> {
    vec![
        case(
            "an answer nobody asked for",
            r#"{"jsonrpc":"2.0","id":@,"result":{}}"#,
            Dropped("unsolicited-response"),
        ),
        case(
            "an error nobody asked for",
            r#"{"jsonrpc":"2.0","id":@,"error":{"code":1,"message":"x"}}"#,
            Dropped("unsolicited-response"),
        ),
        case(
            "a result and an error",
            r#"{"jsonrpc":"2.0","id":@,"result":{},"error":{"code":1,"message":"x"}}"#,
            Refused(INVALID, "result-and-error"),
        ),
        case("a result without an id", r#"{"jsonrpc":"2.0","result":{}}"#, Refused(INVALID, "missing-id")),
        case(
            "an error that is a string",
            r#"{"jsonrpc":"2.0","id":@,"error":"x"}"#,
            Refused(INVALID, "bad-error"),
        ),
        case("the plain forbidden call", forbidden(), Denied),
        case("another tool of the forbidden family", call("forbidden_too", "{}"), Denied),
    ]
}
