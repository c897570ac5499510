//! What schemas say of values, and what hostile ones cost.

use bytes::Bytes;

use super::*;
use crate::json::{Document, Limits};
use crate::tests::own_time;

fn document(text: &str) -> Document {
    Document::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default())
        .unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn compiled(schema: &str) -> Option<Schema> {
    Schema::compile(document(schema).root())
}

fn checked(schema: &str, value: &str, strict: bool) -> Vec<Fault> {
    let schema = compiled(schema).unwrap_or_else(|| panic!("{schema}"));
    let checked = schema.check(document(value).root(), strict);
    assert!(checked.is_complete, "{value}");
    checked.flaws.iter().map(|flaw| flaw.fault).collect()
}

#[test]
fn values_are_what_their_schema_says() {
    use Fault::{Missing, Type, Unknown, Value};
    for (schema, value, faults) in [
        (r#"{"type":"object","required":["a"]}"#, r#"{"a":null}"#, vec![]),
        (r#"{"type":"object","required":["a"]}"#, r#"{"b":1}"#, vec![Missing]),
        (r#"{"type":"object"}"#, "[]", vec![Type]),
        (r#"{"properties":{"a":{"type":"integer"}}}"#, r#"{"a":2.0}"#, vec![]),
        (r#"{"properties":{"a":{"type":"integer"}}}"#, r#"{"a":2.5}"#, vec![Type]),
        (r#"{"properties":{"a":{"type":["string","null"]}}}"#, r#"{"a":null}"#, vec![]),
        (r#"{"properties":{"a":{"type":["string","null"]}}}"#, r#"{"a":1}"#, vec![Type]),
        (r#"{"properties":{"a":{}},"additionalProperties":false}"#, r#"{"a":1,"b":2}"#, vec![Unknown]),
        (r#"{"additionalProperties":{"type":"string"}}"#, r#"{"b":2}"#, vec![Type]),
        (r#"{"patternProperties":{"^x-\\d$":{}},"additionalProperties":false}"#, r#"{"x-1":2}"#, vec![]),
        (
            r#"{"patternProperties":{"^x-\\d$":{}},"additionalProperties":false}"#,
            r#"{"x-a":2}"#,
            vec![Unknown],
        ),
        (r#"{"enum":["a",1,{"b":[1]}]}"#, r#"{"b":[1.0]}"#, vec![]),
        (r#"{"enum":["a",1]}"#, r#""b""#, vec![Value]),
        (r#"{"const":null}"#, "0", vec![Value]),
        (r#"{"const":9007199254740993}"#, "9007199254740992", vec![Value]),
        (r#"{"minimum":1,"maximum":3,"exclusiveMaximum":3,"multipleOf":0.5}"#, "2.5", vec![]),
        (r#"{"exclusiveMaximum":3}"#, "3", vec![Value]),
        (r#"{"multipleOf":0.1}"#, "0.35", vec![Value]),
        (r#"{"minLength":2,"maxLength":3}"#, r#""äö""#, vec![]),
        (r#"{"pattern":"^[\\w.]+/\\d{2}$"}"#, r#""a.b/12""#, vec![]),
        (r#"{"pattern":"^[\\w.]+/\\d{2}$"}"#, r#""é/12""#, vec![Value]),
        (r#"{"items":{"type":"string"},"minItems":1}"#, r#"["a",1]"#, vec![Type]),
        (r#"{"prefixItems":[{"type":"string"}],"items":false}"#, r#"["a",1]"#, vec![Value]),
        (r#"{"items":[{"type":"string"}],"additionalItems":{"type":"null"}}"#, r#"["a",1]"#, vec![Type]),
        (r#"{"uniqueItems":true}"#, "[1,2,1]", vec![Value]),
        (r#"{"contains":{"const":1},"maxContains":1}"#, "[1,2]", vec![]),
        (r#"{"contains":{"const":1}}"#, "[2]", vec![Value]),
        (r#"{"anyOf":[{"type":"string"},{"type":"number"}]}"#, "1", vec![]),
        (r#"{"anyOf":[{"type":"string"},{"type":"number"}]}"#, "null", vec![Value]),
        (r#"{"oneOf":[{"minimum":1},{"maximum":3}]}"#, "2", vec![Value]),
        (r#"{"not":{"type":"string"}}"#, r#""a""#, vec![Value]),
        (
            r#"{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}}"#,
            r#"{"a":1}"#,
            vec![Missing],
        ),
        (r#"{"dependentRequired":{"a":["b"]}}"#, r#"{"a":1}"#, vec![Missing]),
        (
            r##"{"$defs":{"a/b":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/a~1b"}}}"##,
            r#"{"a":1}"#,
            vec![Type],
        ),
        (
            r##"{"properties":{"next":{"$ref":"#"}},"required":["v"]}"##,
            r#"{"v":1,"next":{"v":2,"next":{}}}"#,
            vec![Missing],
        ),
        ("false", "1", vec![Value]),
        ("true", "1", vec![]),
    ] {
        assert_eq!(checked(schema, value, false), faults, "{schema} {value}");
    }
}

#[test]
fn strict_means_what_nobody_declared_is_unknown() {
    let unknown = vec![Fault::Unknown];
    for (schema, faults) in [
        (r#"{"properties":{"a":{}}}"#, unknown.clone()),
        (r#"{"properties":{}}"#, vec![Fault::Unknown, Fault::Unknown]),
        (r#"{"properties":{"a":{}},"additionalProperties":true}"#, vec![]),
        (r#"{"properties":{"a":{}},"patternProperties":{"^b":{}}}"#, vec![]),
        (r#"{"properties":{"a":{}},"allOf":[{"properties":{"b":{}}}]}"#, vec![]),
        (r#"{"type":"object"}"#, vec![]),
    ] {
        assert_eq!(checked(schema, r#"{"a":1,"b":2}"#, true), faults, "{schema}");
        assert_eq!(checked(schema, r#"{"a":1,"b":2}"#, false), [], "{schema}");
    }
}

#[test]
fn what_leads_out_of_the_schema_cannot_be_used() {
    for schema in [
        r#"{"$ref":"https://example.com/schema.json"}"#,
        r#"{"$ref":"file:///etc/passwd"}"#,
        r##"{"$ref":"#/$defs/none"}"##,
        r#"{"$ref":"other.json#/a"}"#,
        r#"{"type":"strnig"}"#,
        r#"{"properties":[]}"#,
        r#""string""#,
        r#"{"properties":{"a":1}}"#,
    ] {
        assert!(compiled(schema).is_none(), "{schema}");
    }
    for schema in
        [r#"{"pattern":"^(?=a)b"}"#, r#"{"pattern":"(a)\\1"}"#, r#"{"unevaluatedProperties":false}"#]
    {
        assert!(compiled(schema).is_some_and(|schema| !schema.is_whole()), "{schema}");
    }
    let many = format!(r#"{{"allOf":[{}{{}}]}}"#, "{},".repeat(10_000));
    assert!(compiled(&many).is_none());
}

#[test]
fn what_is_not_understood_says_nothing() {
    for schema in [
        r#"{"not":{"pattern":"(?=x)y"}}"#,
        r#"{"oneOf":[{"pattern":"(?=x)y"},{"minLength":1}]}"#,
        r#"{"if":{"pattern":"(?=x)y"},"then":false}"#,
        r#"{"patternProperties":{"(?=x)y":{}},"additionalProperties":false}"#,
    ] {
        assert_eq!(checked(schema, r#""a""#, false), [], "{schema}");
        assert_eq!(checked(schema, r#"{"a":1}"#, false), [], "{schema}");
    }
}

#[test]
fn hostile_schemas_cost_no_more_than_their_steps() {
    let doubling = |of: &str| {
        let defs = (0..40).map(|n| {
            let next = n + 1;
            format!(r##""d{n}":{{"{of}":[{{"$ref":"#/$defs/d{next}"}},{{"$ref":"#/$defs/d{next}"}}]}},"##)
        });
        format!(r##"{{"$defs":{{{}"d40":false}},"$ref":"#/$defs/d0"}}"##, defs.collect::<String>())
    };
    let deep = format!(r#"{}1{}"#, r#"{"a":"#.repeat(100), "}".repeat(100));
    let itself = r##"{"$ref":"#"}"##.to_owned();
    let backwards = r##"{"properties":{"a":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}}}"##.to_owned();
    let since = own_time();
    for schema in [doubling("allOf"), doubling("anyOf"), doubling("oneOf"), itself, backwards] {
        let schema = compiled(&schema).unwrap();
        let checked = schema.check(document(&deep).root(), true);
        assert!(!checked.is_complete && checked.flaws.len() <= 8);
    }
    let slow = compiled(
        r#"{"pattern":"^(a+)+$","anyOf":[{"pattern":"(a|a)*b"},{"pattern":"(a?){20}a{20}c"},{"pattern":"[ab]*a[ab]{30}c"}]}"#,
    );
    let slow = slow.unwrap();
    for (length, is_complete) in [(4 << 10, true), (4 << 20, false)] {
        let text = format!("\"{}\"", "a".repeat(length));
        let checked = slow.check(document(&text).root(), false);
        assert_eq!((checked.is_complete, checked.flaws.is_empty()), (is_complete, !is_complete));
    }
    let took = own_time() - since;
    assert!(took.as_secs() < 20, "{took:?}");
}
