//! The same forbidden thing, spelled so that a pattern might miss it.

use super::case::Expect::{Denied, Refused};
use super::case::{Case, INVALID, call, case, forbidden};

/// Cases.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = names();
    cases.extend(paths());
    cases.extend(commands());
    cases.extend(resources());
    cases
}

fn names() -> Vec<Case> {
    let named = |name, tool: &str| case(name, call(tool, "{}"), Denied);
    vec![
        named("the name with an escape", r"f\u006frbidden"),
        named("the name in capitals", "FORBIDDEN"),
        named("the name with a capital", "Forbidden"),
        named("the name with a blank behind", "forbidden "),
        named("the name with a blank before", " forbidden"),
        named("the name with a zero-width space", r"for\u200bbidden"),
        named("the name with a word joiner", "for\u{2060}bidden"),
        named("the name with a tag character", r"forbidden\udb40\udc61"),
        named("the name with a soft hyphen", r"for\u00adbidden"),
        named(
            "the name in full width",
            "\u{ff46}\u{ff4f}\u{ff52}\u{ff42}\u{ff49}\u{ff44}\u{ff44}\u{ff45}\u{ff4e}",
        ),
        named("the name with a Cyrillic o", "f\u{43e}rbidden"),
        named("the name with a bidi mark", "for\u{202e}bidden\u{202c}"),
        case("the method with an escape", forbidden().replace("tools/call", r"tools\/c\u0061ll"), Denied),
        case(
            "blanks everywhere",
            forbidden()
                .replace([':', ','], " : ")
                .replace(" :  : ", " : ")
                .replace(r#""2.0" : "#, r#""2.0" , "#)
                .replace(r#"@ : "#, "@ , ")
                .replace(r#""tools/call" : "#, r#""tools/call" , "#)
                .replace(r#""forbidden" : "#, r#""forbidden" , "#),
            Denied,
        ),
        case("as a task", forbidden().replace(r#""arguments""#, r#""task":{"ttl":1},"arguments""#), Denied),
        case(
            "as a retry with answers",
            forbidden().replace(r#""arguments""#, r#""inputResponses":{},"requestState":"x","arguments""#),
            Denied,
        ),
        case(
            "with a modern version in _meta",
            forbidden().replace(
                r#""arguments""#,
                r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"arguments""#,
            ),
            // The session has settled on another.
            Refused(INVALID, "revision"),
        ),
        case("with arguments of null", call("forbidden", "null"), Denied),
        case("with unknown members", forbidden().replace(r#""id""#, r#""trace":{"a":[1,2]},"id""#), Denied),
    ]
}

fn paths() -> Vec<Case> {
    let path = |name, value: &str| case(name, call("echo", &format!(r#"{{"path":{value}}}"#)), Denied);
    vec![
        path("the path", r#""/etc/passwd""#),
        path("the path in an array", r#"["/etc/passwd"]"#),
        path("the path in an array of arrays", r#"[["/tmp/a"],[["/etc/passwd"]]]"#),
        path("the path in an object", r#"{"value":"/etc/passwd"}"#),
        path("the path twenty deep", &format!("{}\"/etc/passwd\"{}", "[".repeat(20), "]".repeat(20))),
        path("the path by way of ..", r#""/srv/../etc/passwd""#),
        path("the path by way of many ..", r#""/a/b/../../../../etc/passwd""#),
        path("the path by way of .", r#""/./etc/./passwd""#),
        path("the path with two slashes", r#""//etc//passwd""#),
        path("the path with backslashes", r#""\\etc\\passwd""#),
        path("the path as a URI", r#""file:///etc/passwd""#),
        path("the path as a URI with a host", r#""file://localhost/etc/passwd""#),
        path("the path in a list that is a text", r#""[\"/etc/passwd\"]""#),
        path("the path with escapes in a list that is a text", r#""[\"\\u002fetc\\/passwd\"]""#),
        path("the path in an object that is a text", r#"" {\"value\": \"/etc/passwd\"}""#),
        path("the path percent-encoded", r#""%2fetc%2fpasswd""#),
        path("the path percent-encoded twice", r#""%252fetc%252fpasswd""#),
        path("the path with escapes", r#""\u002fetc\u002fpasswd""#),
        path("the path in capitals", r#""/ETC/passwd""#),
        path("the path in full width", "\"\u{ff0f}etc\u{ff0f}passwd\""),
        path("the path with a zero-width space", r#""/e\u200btc/passwd""#),
        path("the path and 600 bytes more", &format!("\"/etc/passwd{}\"", "x".repeat(600))),
        path("the path and a megabyte more", &format!("\"/etc/passwd{}\"", "x".repeat(1 << 20))),
        // As it is written, the pattern matches it: a pattern is not only for where a path leads.
        path("a path that climbs out again", r#""/etc/../srv/data""#),
        path("a key file in capitals", r#""/srv/KEY.PEM""#),
        case("the argument's name in capitals", call("echo", r#"{"PATH":"/etc/passwd"}"#), Denied),
        case("the argument's name with an escape", call("echo", r#"{"p\u0061th":"/etc/passwd"}"#), Denied),
    ]
}

fn commands() -> Vec<Case> {
    let command =
        |name, value: &str| case(name, call("echo", &format!(r#"{{"command":"{value}"}}"#)), Denied);
    vec![
        command("the command", "sudo ls"),
        command("the command in capitals", "SUDO ls"),
        command("the command with a zero-width space", r"su\u200bdo ls"),
        command("the command in full width", "\u{ff53}\u{ff55}\u{ff44}\u{ff4f} ls"),
        command("the command with Cyrillic letters", "sud\u{43e} ls"),
        command("the command with two blanks", "rm  -rf /"),
        command("the command with a tab", r"rm\t-rf /"),
        command("the command with a line break", r"rm\n-rf /"),
        command("the command with a no-break space", "rm\u{a0}-rf /"),
        command("the command before a path that climbs", "sudo cat /etc/shadow #/../../../.."),
        command("the command behind 600 bytes", &format!("{} sudo ls", "x".repeat(600))),
        command("the command behind a megabyte", &format!("{} sudo ls", "x".repeat(1 << 20))),
        command("the command with a combining mark removed by composition", "s\u{fe0f}udo ls"),
    ]
}

fn resources() -> Vec<Case> {
    let read = |name, uri: &str| {
        let text =
            format!(r#"{{"jsonrpc":"2.0","id":@,"method":"resources/read","params":{{"uri":"{uri}"}}}}"#);
        case(name, text, Denied)
    };
    vec![
        read("the resource", "file:///etc/passwd"),
        read("the resource with a scheme in capitals", "FILE:///etc/passwd"),
        read("the resource with a host", "file://localhost/etc/passwd"),
        read("the resource by way of ..", "file:///srv/../etc/passwd"),
        read("the resource percent-encoded", "file:///%65tc/passwd"),
        read("the resource with an encoded slash", "file:///etc%2fpasswd"),
        read("the resource with two slashes", "file:////etc//passwd"),
        read("the resource with an escape", r"file:///\u0065tc/passwd"),
        read("the resource in capitals", "file:///ETC/passwd"),
        read("the resource with a tab", r"file:///e\ttc/passwd"),
        read("the resource with a line break before it", r"\nfile:///etc/passwd"),
        read("the resource by way of .. with a tab", r"file:///srv/.\t./etc/passwd"),
        read("the resource with one slash", "file:/etc/passwd"),
    ]
}
