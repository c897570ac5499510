//! What is odd and allowed: it must come through, or people switch the gateway off.

use super::case::Expect::{Executed, Passed};
use super::case::{Case, call, case};

/// Cases.
pub(super) fn cases() -> Vec<Case> {
    let argument = |name, value: &str| case(name, call("echo", &format!(r#"{{"x":{value}}}"#)), Executed);
    let method = |name, method: &str| {
        case(name, format!(r#"{{"jsonrpc":"2.0","id":@,"method":"{method}","params":{{}}}}"#), Passed)
    };
    vec![
        argument("a number with a fraction of many digits", "0.1000000000000000055511151231257827"),
        argument("a number with an exponent", "1E5"),
        argument("minus zero", "-0"),
        argument("an integer of 65 bits", "18446744073709551616"),
        argument("a NUL as an escape", r#""a\u0000b""#),
        argument("a line separator", "\"a\u{2028}b\u{2029}c\u{85}d\""),
        argument("an emoji", "\"\u{1f600}\""),
        argument("an emoji as a pair", r#""\ud83d\ude00""#),
        argument("text of both directions", "\"\u{202b}\u{5d0}\u{202c}\""),
        argument("an empty key", r#"{"":{"":[]}}"#),
        argument("keys like JavaScript's own", r#"{"__proto__":1,"constructor":2}"#),
        argument("a deep value", &format!("{}{}", "[".repeat(60), "]".repeat(60))),
        argument("a string of a megabyte", &format!("\"{}\"", "y".repeat(1 << 20))),
        argument("text about forbidden things", r#""do not call forbidden or read the passwd file""#),
        case("an argument called Name", call("echo", r#"{"Name":"x","METHOD":"y"}"#), Executed),
        case("an allowed path", call("echo", r#"{"path":"/srv/etc/passwd"}"#), Executed),
        case("an id that is a string", call("echo", "{}").replacen('@', "\"string-@\"", 1), Passed),
        case("a negative id", call("echo", "{}").replacen('@', "-7", 1), Passed),
        case("blanks around", format!("  \t{} \t", call("echo", "{}")), Executed),
        case("a carriage return at the end", format!("{}\r", call("echo", "{}")), Executed),
        case("a member nobody knows", call("echo", "{}").replacen('{', r#"{"x-trace":{"a":1},"#, 1), Passed),
        method("a method nobody knows", "vendor/thing"),
        method("a method that differs by case", "Tools/Call"),
        method("a method with a blank behind", "tools/call "),
    ]
}
