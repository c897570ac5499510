//! Texts two parsers read differently: what the policy saw must be what the server would execute.

use super::case::Expect::Refused;
use super::case::{Case, INVALID, PARSE, call, case, forbidden, then, with};

/// Cases.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = duplicates();
    cases.extend(encodings());
    cases.extend(syntax());
    cases
}

fn duplicates() -> Vec<Case> {
    let twice = |name, text: String| case(name, text, Refused(PARSE, "duplicate-key"));
    let params =
        |inside: &str| format!(r#"{{"jsonrpc":"2.0","id":@,"method":"tools/call","params":{{{inside}}}}}"#);
    vec![
        twice("name twice, the last allowed", params(r#""name":"forbidden","name":"echo","arguments":{}"#)),
        twice("name twice, the last forbidden", params(r#""name":"echo","name":"forbidden","arguments":{}"#)),
        twice(
            "name twice, once with an escape",
            params(r#""name":"echo","n\u0061me":"forbidden","arguments":{}"#),
        ),
        twice(
            "name twice, far apart",
            params(r#""name":"echo","arguments":{},"_meta":{},"name":"forbidden""#),
        ),
        twice(
            "arguments twice",
            params(r#""name":"echo","arguments":{"path":"/tmp"},"arguments":{"path":"/etc/passwd"}"#),
        ),
        twice("an argument twice", call("echo", r#"{"path":"/tmp/a","path":"/etc/passwd"}"#)),
        twice(
            "an argument twice, deep",
            call("echo", r#"{"o":{"p":[{"path":"/tmp/a","path":"/etc/passwd"}]}}"#),
        ),
        twice("_meta twice", params(r#""name":"forbidden","_meta":{},"_meta":{}"#)),
        twice("method twice, the first harmless", with(r#""method":"tools/list""#)),
        twice("method twice, the last harmless", then(r#""method":"ping""#)),
        twice("method twice, once with an escape", then(r#""meth\u006fd":"ping""#)),
        twice("id twice", then(r#""id":"other""#)),
        twice("params twice", then(r#""params":{"name":"echo"}"#)),
        twice("jsonrpc twice", then(r#""jsonrpc":"2.0""#)),
        twice("an unknown member twice", then(r#""x":1,"x":2"#)),
    ]
}

fn encodings() -> Vec<Case> {
    let wide = |little: bool, mark: bool| -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(forbidden().encode_utf16().collect::<Vec<_>>());
        units.flat_map(|unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    };
    let utf32: Vec<u8> = forbidden().chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect();
    let with_bytes = |bytes: &[u8]| -> Vec<u8> {
        let (before, after) = (
            r#"{"jsonrpc":"2.0","id":@,"method":"tools/call","params":{"name":"forbidden","arguments":{"x":""#,
            r#""}}}"#,
        );
        [before.as_bytes(), bytes, after.as_bytes()].concat()
    };
    vec![
        case("a byte order mark", format!("\u{feff}{}", forbidden()), Refused(PARSE, "byte-order-mark")),
        case("UTF-16 LE with a mark", wide(true, true), Refused(PARSE, "not-utf8")),
        case("UTF-16 LE", wide(true, false), Refused(PARSE, "not-json")),
        case("UTF-16 BE with a mark", wide(false, true), Refused(PARSE, "not-utf8")),
        case("UTF-16 BE", wide(false, false), Refused(PARSE, "not-json")),
        case("UTF-32 LE", utf32, Refused(PARSE, "not-json")),
        case("a byte that is no UTF-8", with_bytes(b"\xff"), Refused(PARSE, "not-utf8")),
        case("an overlong slash", with_bytes(b"\xc0\xaf"), Refused(PARSE, "not-utf8")),
        case("a surrogate in UTF-8", with_bytes(b"\xed\xa0\x80"), Refused(PARSE, "not-utf8")),
        case("half a character at the end", with_bytes(b"\xe2\x82"), Refused(PARSE, "not-utf8")),
        case("a lone high surrogate", with_bytes(br"\ud800"), Refused(PARSE, "lone-surrogate")),
        case("a lone low surrogate", with_bytes(br"\udc00"), Refused(PARSE, "lone-surrogate")),
        case(
            "surrogates the wrong way round",
            with_bytes(br"\udc00\ud800"),
            Refused(PARSE, "lone-surrogate"),
        ),
        case(
            "a high surrogate before a letter",
            with_bytes(br"\ud800\u0041"),
            Refused(PARSE, "lone-surrogate"),
        ),
    ]
}

fn syntax() -> Vec<Case> {
    let broken = |name, text: String| case(name, text, Refused(PARSE, "not-json"));
    let argument = |value: &str| call("forbidden", &format!(r#"{{"x":{value}}}"#));
    let deep = |depth: usize| argument(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
    let mut cases = vec![
        broken("NaN", argument("NaN")),
        broken("Infinity", argument("Infinity")),
        broken("minus infinity", argument("-Infinity")),
        broken("a comma before a brace", argument("1,")),
        broken("a comma before a bracket", argument("[1,]")),
        broken("a comment", argument("/* */ 1")),
        broken("a comment to the line's end", format!("{} // x", forbidden()).replacen('{', "// y {", 1)),
        broken("single quotes", forbidden().replace('"', "'")),
        broken("keys without quotes", forbidden().replace("\"method\"", "method")),
        broken("a number with leading zeros", argument("007")),
        broken("a hexadecimal number", argument("0x1f")),
        broken("a number with a plus", argument("+1")),
        broken("a number that ends with its point", argument("1.")),
        broken("a tab in a string", argument("\"a\tb\"")),
        broken("a NUL in a string", argument("\"a\0b\"")),
        broken("an escape of two digits", argument(r#""\x41""#)),
        broken("an escape of braces", argument(r#""\u{41}""#)),
        broken("half a message", forbidden().chars().take(60).collect()),
        broken("an opening bracket alone", "[".to_owned()),
        broken("a vertical tab between", forbidden().replacen(':', ":\u{b}", 1)),
        broken("a no-break space between", forbidden().replacen(':', ":\u{a0}", 1)),
        broken("log text", "Starting the server on port 80".to_owned()),
        case("something behind", format!("{} x", forbidden()), Refused(PARSE, "trailing-bytes")),
        case(
            "two messages on a line",
            format!("{}{}", call("echo", "{}"), forbidden()),
            Refused(PARSE, "trailing-bytes"),
        ),
        case("a NUL behind", format!("{}\0", forbidden()), Refused(PARSE, "trailing-bytes")),
        case(
            "a carriage return between two messages",
            format!("{}\r{}", call("echo", "{}"), forbidden()),
            Refused(INVALID, "line-separator"),
        ),
        case(
            "a carriage return within",
            forbidden().replacen(',', ",\r", 1),
            Refused(INVALID, "line-separator"),
        ),
        case("depth 129", deep(126), Refused(PARSE, "too-deep")),
        case("depth 1,000", deep(1_000), Refused(PARSE, "too-deep")),
        case("depth 100,000", deep(100_000), Refused(PARSE, "too-deep")),
    ];
    cases.push(case("depth 100,000, never closed", "[".repeat(100_000), Refused(PARSE, "too-deep")));
    cases
}
