//! Where the text of each method is, against the specification's words; and that none is missed, whatever comes.

mod tables;

use std::collections::HashMap;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::json::{Document, Limits};
use crate::mcp::{Call, Decoded, Names, Revision, Sender, decode};
use Direction::{ToClient, ToServer};

fn message(text: &str) -> Message {
    match decode(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()) {
        Ok(Decoded::One(message)) => message,
        other => panic!("{text}: {other:?}"),
    }
}

/// `role path=text` of each field but the envelope's.
fn seen(message: &Message, direction: Direction, answers: Option<&str>) -> Vec<String> {
    let mut seen = Vec::new();
    fields(message, direction, answers, |field| {
        let path = field.path.to_string();
        if !matches!(path.as_str(), "id" | "method") {
            let mark = if field.is_key { "key " } else { "" };
            let text = field.value.as_str().unwrap_or_else(|| field.value.raw().into());
            seen.push(format!("{mark}{} {path}={text}", field.role.as_str()));
        }
    });
    seen
}

fn asked(method: &str, params: &str) -> Vec<String> {
    let from_server = matches!(crate::mcp::sender(method), Some(Sender::Server));
    let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
    seen(&message(&text), if from_server { ToClient } else { ToServer }, None)
}

fn answered(method: &str, result: &str) -> Vec<String> {
    let from_server = matches!(crate::mcp::sender(method), Some(Sender::Server));
    let text = format!(r#"{{"jsonrpc":"2.0","id":1,"result":{result}}}"#);
    seen(&message(&text), if from_server { ToServer } else { ToClient }, Some(method))
}

#[test]
fn requests_show_what_leaves() {
    assert_eq!(
        asked(
            "tools/call",
            r#"{"name":"t","arguments":{"a.b":[1,"x",{"c":null}]},"_meta":{"progressToken":7},"inputResponses":{"k":{"action":"accept","content":{"pw":"s"}}},"requestState":"r","extra":"e"}"#
        ),
        [
            "name params.name=t",
            "key argument params.arguments[\"a.b\"]=a.b",
            "argument params.arguments[\"a.b\"][0]=1",
            "argument params.arguments[\"a.b\"][1]=x",
            "key argument params.arguments[\"a.b\"][2].c=c",
            "key meta params._meta.progressToken=progressToken",
            "meta params._meta.progressToken=7",
            "key name params.inputResponses.k=k",
            "key argument params.inputResponses.k.action=action",
            "argument params.inputResponses.k.action=accept",
            "key argument params.inputResponses.k.content=content",
            "key argument params.inputResponses.k.content.pw=pw",
            "argument params.inputResponses.k.content.pw=s",
            "opaque params.requestState=r",
            "key structured params.extra=extra",
            "structured params.extra=e",
        ]
    );
    for (method, params, expected) in tables::ASKED {
        assert_eq!(asked(method, params), *expected, "{method}");
    }
}

#[test]
fn answers_show_what_reaches_the_model() {
    for (method, result, expected) in tables::ANSWERED {
        assert_eq!(answered(method, result), *expected, "{method}");
    }
    let error = message(
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32042,"message":"m","data":{"elicitations":[{"url":"u","message":"p"}],"x":"y"}}}"#,
    );
    assert_eq!(
        seen(&error, ToClient, Some("tools/call")),
        [
            "name error.code=-32042",
            "error error.message=m",
            "uri error.data.elicitations[0].url=u",
            "prose error.data.elicitations[0].message=p",
            "key error error.data.x=x",
            "error error.data.x=y",
        ]
    );
}

#[test]
fn text_in_the_place_of_something_else_is_shown_all_the_same() {
    assert_eq!(answered("tools/call", r#"{"content":"t"}"#), ["structured result.content=t"]);
    assert_eq!(
        answered("tools/call", r#"{"content":[[{"text":"t"}]]}"#),
        ["prose result.content[0][0].text=t"]
    );
    assert_eq!(
        answered("tools/call", r#"{"content":[{"text":{"deep":"t"}}]}"#),
        ["key prose result.content[0].text.deep=deep", "prose result.content[0].text.deep=t"]
    );
    let outside = message(r#"{"jsonrpc":"2.0","id":"i","method":"ping","more":{"k":"v"}}"#);
    let mut all = Vec::new();
    fields(&outside, ToServer, None, |field| all.push((field.role, field.path.to_string())));
    let all: Vec<_> = all.iter().map(|(role, path)| (*role, path.as_str())).collect();
    assert_eq!(
        all,
        [
            (Role::Opaque, "id"),
            (Role::Name, "method"),
            (Role::Structured, "more"),
            (Role::Structured, "more.k"),
            (Role::Structured, "more.k"),
        ]
    );
}

#[test]
fn paths_are_compared_by_their_members() {
    let text = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"n","arguments":{{"{}":["v"]}}}}}}"#,
        "k".repeat(100)
    );
    let mut last = None;
    fields(&message(&text), ToServer, None, |field| {
        let path = field.path;
        last = Some((
            path.starts_with(&["params", "arguments"]),
            path.starts_with(&["params", "name"]),
            path.to_string(),
        ));
    });
    let cut = format!("params.arguments[\"{}\"...][0]", "k".repeat(64));
    assert_eq!(last, Some((true, false, cut)));
}

#[test]
fn the_table_says_when_each_method_was_there() {
    let has = |revision| {
        let names = Method::all().filter(move |method| method.is_in(revision)).map(Method::name);
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let (r1, r2, r3, r4, r5) = (
        has(Revision::R2024_11_05),
        has(Revision::R2025_03_26),
        has(Revision::R2025_06_18),
        has(Revision::R2025_11_25),
        has(Revision::R2026_07_28),
    );
    assert_eq!((r1.len(), &r1), (24, &r2));
    assert_eq!(r3.difference(&r2).copied().collect::<Vec<_>>(), ["elicitation/create"]);
    assert_eq!(
        r4.difference(&r3).copied().collect::<Vec<_>>(),
        [
            "notifications/elicitation/complete",
            "notifications/tasks/status",
            "tasks/cancel",
            "tasks/get",
            "tasks/list",
            "tasks/result"
        ]
    );
    assert_eq!(
        r5.difference(&r4).copied().collect::<Vec<_>>(),
        [
            "notifications/subscriptions/acknowledged",
            "notifications/tasks",
            "server/discover",
            "subscriptions/listen",
            "tasks/update"
        ]
    );
    for gone in [
        "initialize",
        "ping",
        "logging/setLevel",
        "resources/subscribe",
        "tasks/result",
        "notifications/roots/list_changed",
    ] {
        assert!(r4.contains(gone) && !r5.contains(gone), "{gone}");
    }
    let mut names: Vec<_> = Method::all().map(Method::name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Method::all().count(), "each once");
    for method in Method::all() {
        assert_eq!(
            method.call() == Call::Notification,
            method.name().starts_with("notifications/"),
            "{}",
            method.name()
        );
    }
    assert_eq!(Method::named("tools/call").and_then(Method::names), Some(Names::Tool));
}

/// Strings, numbers and keys of a text, counted.
fn texts(value: crate::json::Value<'_>, found: &mut HashMap<usize, bool>) {
    match value.kind() {
        Kind::String | Kind::Number => drop(found.insert(value.index(), false)),
        Kind::Object => value.members().for_each(|(key, value)| {
            found.insert(key.index(), true);
            texts(value, found);
        }),
        Kind::Array => value.elements().for_each(|value| texts(value, found)),
        Kind::Null | Kind::True | Kind::False => {}
    }
}

fn any_message() -> impl Strategy<Value = (String, Option<&'static str>)> {
    let methods: Vec<_> = Method::all().map(Method::name).chain(["vendor/x"]).collect();
    let words = "name|arguments|content|text|tools|inputRequests|params|method|_meta|result|error|data|k";
    let body = crate::json::any_json_of(words);
    (prop::sample::select(methods), body, any::<bool>()).prop_map(|(method, body, answer)| match answer {
        true => (format!(r#"{{"jsonrpc":"2.0","id":1,"result":{body}}}"#), Some(method)),
        false => (format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{body},"x":"y"}}"#), None),
    })
}

proptest! {
    #[test]
    fn every_text_is_shown_once((text, answers) in any_message(), to_server in any::<bool>()) {
        let direction = if to_server { ToServer } else { ToClient };
        // Only the envelope is refused here: what is within may have any type.
        let Ok(Decoded::One(message)) = decode(Bytes::from(text.clone()), &Limits::default()) else { return Ok(()) };
        let document = Document::parse(Bytes::from(text), &Limits::default()).unwrap();
        let mut expected = HashMap::new();
        texts(document.root(), &mut expected);
        let mut seen = HashMap::new();
        fields(&message, direction, answers, |field| {
            assert_eq!(seen.insert(field.value.index(), field.is_key), None, "twice: {}", field.path);
        });
        for (index, is_key) in &seen {
            prop_assert_eq!(expected.get(index), Some(is_key));
        }
        for (index, is_key) in expected {
            let value = Value::at(&document, index);
            prop_assert!(is_key || seen.contains_key(&index) || value.raw() == "\"2.0\"", "{} was missed", value.raw());
        }
    }
}

/// A message of which some texts were replaced, and which.
fn redacted(
    message: &Message,
    direction: Direction,
    answers: Option<&str>,
    choice: u64,
) -> (Bytes, Vec<usize>) {
    let (mut edits, mut replaced, mut count) = (Vec::new(), Vec::new(), 0);
    fields(message, direction, answers, |field| {
        count += 1;
        let chosen = choice.rotate_right(count % 64) & 1 == 1;
        // What makes the message what it is stays, as policies leave it.
        if chosen && !field.is_key && field.role != Role::Name && field.role != Role::Opaque {
            edits.push(crate::json::Edit {
                span: field.value.span(),
                with: crate::json::quote("[\"x\"\n\u{2028}]"),
            });
            replaced.push(field.value.index());
        }
    });
    (crate::json::apply(message.bytes(), edits), replaced)
}

proptest! {
    #[test]
    fn a_redacted_message_is_one_and_differs_only_where_told(
        (text, answers) in any_message(), choice in prop_oneof![Just(0), any::<u64>()],
    ) {
        let Ok(Decoded::One(before)) = decode(Bytes::from(text.clone()), &Limits::default()) else { return Ok(()) };
        let (bytes, replaced) = redacted(&before, ToClient, answers, choice);
        if replaced.is_empty() {
            prop_assert_eq!(&bytes, &text, "untouched");
        }
        let document = Document::parse(bytes.clone(), &Limits::default()).unwrap();
        let mut counted = HashMap::new();
        texts(before.document().root(), &mut counted);
        for (index, _) in counted {
            let (old, new) = (Value::at(before.document(), index), Value::at(&document, index));
            let expected = if replaced.contains(&index) { r#""[\"x\"\n\u2028]""# } else { old.raw() };
            prop_assert_eq!(new.raw(), expected);
        }
        // Only a number in the place of a token, or a parameter that decides, can make it no message: not so here.
        let untyped = answers.is_some() || crate::mcp::sender(before.method().unwrap_or_default()).is_none();
        if untyped {
            let Ok(Decoded::One(after)) = decode(bytes, &Limits::default()) else {
                return Err(TestCaseError::fail("it is no message any more"));
            };
            prop_assert_eq!((after.kind(), after.id(), after.method()), (before.kind(), before.id(), before.method()));
        }
    }
}
