//! The strict reader against serde_json: what it accepts is accepted there, and means the same.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Document, Error> {
    Document::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default())
}

fn fault(bytes: &[u8]) -> Fault {
    Document::parse(Bytes::copy_from_slice(bytes), &Limits::default()).unwrap_err().fault
}

/// The value as serde_json has it, built from ours.
fn to_serde(value: Value<'_>) -> serde_json::Value {
    match value.kind() {
        Kind::Null => serde_json::Value::Null,
        Kind::True | Kind::False => value.as_bool().unwrap().into(),
        Kind::Number => serde_json::from_str(value.raw()).unwrap(),
        Kind::String => value.as_str().unwrap().into_owned().into(),
        Kind::Array => value.elements().map(to_serde).collect(),
        Kind::Object => value
            .members()
            .map(|(key, value)| (key.as_str().unwrap().into_owned(), to_serde(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

#[test]
fn what_two_parsers_could_read_differently_is_refused() {
    for (text, expected) in [
        (r#"{"a":1,"a":2}"#, Fault::DuplicateKey),
        (r#"{"name":1,"n\u0061me":2}"#, Fault::DuplicateKey),
        (r#"{"x":[{"":0,"":0}]}"#, Fault::DuplicateKey),
        ("{} {}", Fault::TrailingBytes),
        ("{}x", Fault::TrailingBytes),
        ("\u{feff}{}", Fault::ByteOrderMark),
        (r#"["\ud800"]"#, Fault::LoneSurrogate),
        (r#"["\udc00\ud800"]"#, Fault::LoneSurrogate),
        (r#"["\ud800\u0041"]"#, Fault::LoneSurrogate),
        ("[1,]", Fault::Syntax),
        (r#"{"a":1,}"#, Fault::Syntax),
        ("/* */ {}", Fault::Syntax),
        ("[NaN]", Fault::Syntax),
        ("[Infinity]", Fault::Syntax),
        ("[01]", Fault::Syntax),
        ("[1.]", Fault::Syntax),
        ("[.5]", Fault::Syntax),
        ("[+1]", Fault::Syntax),
        ("['a']", Fault::Syntax),
        ("[\"a\u{1}\"]", Fault::Syntax),
        ("[\"\\x41\"]", Fault::Syntax),
        ("{1:2}", Fault::Syntax),
        ("", Fault::Syntax),
        ("[", Fault::Syntax),
        ("[}", Fault::Syntax),
        ("{]", Fault::Syntax),
        ("\"abc", Fault::Syntax),
    ] {
        assert_eq!(fault(text.as_bytes()), expected, "{text}");
    }
    assert_eq!(fault(b"[\"\xff\"]"), Fault::NotUtf8);
    assert_eq!(fault(b"{\0\"\0"), Fault::Syntax, "UTF-16 without a mark");
}

#[test]
fn bounds_hold_and_deep_texts_do_not_overflow_the_stack() {
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(parse(&deep(128)).is_ok());
    assert_eq!(fault(deep(129).as_bytes()), Fault::TooDeep);
    assert_eq!(fault(deep(1_000_000).as_bytes()), Fault::TooDeep);
    let limits = Limits { bytes: 10, depth: 9, values: 3 };
    let parse =
        |text: &'static str| Document::parse(Bytes::from_static(text.as_bytes()), &limits).map(|_| ());
    assert_eq!(parse("[1,2,3]").unwrap_err().fault, Fault::TooManyValues);
    assert_eq!(parse("[1,2]"), Ok(()));
    assert_eq!(parse("[          ]").unwrap_err().fault, Fault::TooLong);
}

#[test]
fn values_are_found_with_their_spelling_and_place() {
    let text =
        r#" {"a\u0062":[1.50, "x\n\ud83d\ude00\/", {"k":null}], "n":12345678901234567890123, "t":true} "#;
    let document = parse(text).unwrap();
    let root = document.root();
    let array = root.get("ab").unwrap();
    let elements: Vec<_> = array.elements().collect();
    assert_eq!(elements[0].as_number(), Some("1.50"));
    assert_eq!(elements[1].as_str().unwrap(), "x\n\u{1f600}/");
    assert!(elements[2].get("k").unwrap().is_null());
    assert_eq!(root.get("n").unwrap().raw(), "12345678901234567890123");
    assert_eq!(root.get("t").unwrap().as_bool(), Some(true));
    assert_eq!(root.get("missing").map(Value::kind), None);
    assert_eq!(text.get(array.span()).unwrap(), array.raw());
}

#[test]
fn elements_are_removed_with_their_commas() {
    let text = "[ 1 , 2,3 ,4 ]";
    for (positions, left) in [
        (vec![], vec![1, 2, 3, 4]),
        (vec![0], vec![2, 3, 4]),
        (vec![1], vec![1, 3, 4]),
        (vec![3], vec![1, 2, 3]),
        (vec![0, 1], vec![3, 4]),
        (vec![0, 3], vec![2, 3]),
        (vec![1, 3], vec![1, 3]),
        (vec![0, 1, 2, 3], vec![]),
        (vec![3, 1, 1, 9], vec![1, 3]),
    ] {
        let document = parse(text).unwrap();
        let edited = apply(document.bytes(), remove_elements(document.root(), &positions));
        assert_eq!(serde_json::from_slice::<Vec<u8>>(&edited).unwrap(), left, "{positions:?}");
    }
}

pub(crate) fn any_json() -> impl Strategy<Value = serde_json::Value> {
    any_json_of("[a-zA-Z\u{e9}\"\\\\]{0,6}")
}

/// Objects have keys of this form.
pub(crate) fn any_json_of(keys: &'static str) -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "\\PC{0,12}".prop_map(Into::into),
        ".{0,8}".prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
            prop::collection::hash_map(keys, inner, 0..16)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

#[test]
fn nothing_an_edit_covers_survives() {
    let edit = |start, end, with: &str| Edit { span: start..end, with: with.to_owned() };
    for (edits, left) in [
        (vec![], "0123456789"),
        (vec![edit(2, 4, "x")], "01x456789"),
        (vec![edit(2, 6, "x"), edit(3, 4, "y")], "01x6789"),
        (vec![edit(2, 6, "x"), edit(4, 8, "y")], "01x89"),
        (vec![edit(2, 4, "x"), edit(2, 8, "y")], "01y89"),
        (vec![edit(2, 4, "x"), edit(4, 5, "y"), edit(5, 5, "z")], "01xyz56789"),
        (vec![edit(8, 99, "x")], "01234567x"),
        (vec![edit(20, 99, "x")], "0123456789x"),
    ] {
        assert_eq!(apply(&Bytes::from_static(b"0123456789"), edits.clone()), left, "{edits:?}");
    }
}

#[test]
fn a_document_does_not_show_what_it_holds() {
    let shown = format!("{:?}", parse(r#"{"password":"hunter2"}"#).unwrap());
    assert!(!shown.contains("hunter2") && shown.contains("22"), "{shown}");
}

proptest! {
    #[test]
    fn elements_and_strings_go_and_nothing_else_does(value in any_json(), choice in any::<u64>()) {
        let text = value.to_string();
        let document = parse(&text).unwrap();
        let (edits, expected) = without(document.root(), &value, choice);
        let edited = apply(document.bytes(), edits);
        let left = Document::parse(edited.clone(), &Limits::default()).unwrap();
        prop_assert_eq!(to_serde(left.root()), expected.clone());
        if expected == value {
            prop_assert_eq!(edited, text);
        }
    }

    #[test]
    fn valid_json_means_the_same_to_both(value in any_json()) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let document = parse(&text).unwrap();
            prop_assert_eq!(to_serde(document.root()), value.clone());
        }
    }

    #[test]
    fn what_is_accepted_serde_json_accepts(text in "[\\[\\]{}\",:0-9a-eEnul.+\\\\ \\-]{0,24}") {
        if let Ok(document) = parse(&text) {
            // Numbers too great for a double are JSON, and not serde_json's.
            if let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) {
                prop_assert_eq!(to_serde(document.root()), value);
            } else {
                prop_assert!(text.contains(['e', 'E']), "{}", text);
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _either = Document::parse(Bytes::from(bytes), &Limits::default());
    }

    #[test]
    fn quoted_text_reads_back(text in ".{0,40}") {
        let quoted = quote(&text);
        let document = parse(&quoted).unwrap();
        prop_assert_eq!(document.root().as_str().unwrap(), text);
    }
}

/// Edits that take the elements of the outermost array that `choice` has bits for and give every string another text;
/// and what is left.
fn without(root: Value<'_>, value: &serde_json::Value, choice: u64) -> (Vec<Edit>, serde_json::Value) {
    let chosen = |index: usize| choice.rotate_right(u32::try_from(index % 64).unwrap()) & 1 == 1;
    let gone: Vec<usize> = (0..root.elements().count()).filter(|index| chosen(*index)).collect();
    let mut edits = remove_elements(root, &gone);
    let mut left = value.clone();
    if let Some(elements) = left.as_array_mut() {
        let mut index = 0;
        elements.retain(|_| {
            index += 1;
            !chosen(index - 1)
        });
    }
    // Edits within what goes are given all the same: they change nothing.
    redact(root, &mut |value| {
        edits.push(Edit { span: value.span(), with: quote("[\"redacted\"\n]") });
    });
    redact_serde(&mut left);
    (edits, left)
}

fn redact(value: Value<'_>, visit: &mut impl FnMut(Value<'_>)) {
    match value.kind() {
        Kind::String => visit(value),
        Kind::Array => value.elements().for_each(|element| redact(element, visit)),
        Kind::Object => value.members().for_each(|(_, member)| redact(member, visit)),
        Kind::Null | Kind::True | Kind::False | Kind::Number => {}
    }
}

fn redact_serde(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => "[\"redacted\"\n]".clone_into(text),
        serde_json::Value::Array(elements) => elements.iter_mut().for_each(redact_serde),
        serde_json::Value::Object(members) => members.values_mut().for_each(redact_serde),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}
