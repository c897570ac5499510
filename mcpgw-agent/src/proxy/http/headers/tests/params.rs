//! Headers that mirror a tool's parameters.

use super::*;

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
