//! The inspector, with a detector that looks for a word.

use bytes::Bytes;

use super::*;
use crate::json::{Limits, path_to};
use crate::mcp::{Decoded, Direction, Message, decode};

/// Finds `swordfish`.
pub(crate) struct Word;

impl TextDetector for Word {
    fn detector(&self) -> Detector {
        Detector::Secrets
    }

    fn needles(&self) -> &'static [&'static str] {
        &["swordfish"]
    }

    fn find(&self, _: &str, place: &Place<'_>, noticed: &Noticed<'_>, hits: &mut Vec<Hit>) {
        hits.extend(noticed.needles.iter().map(|nominee| Hit {
            kind: if place.surface == Surface::Arguments { "password" } else { "salt" },
            severity: Severity::High,
            score: if place.key == "comment" { 0.2 } else { 0.9 },
            range: nominee.at..nominee.at + "swordfish".len(),
            why: "the word",
        }));
    }
}

fn message(text: &str) -> Message {
    match decode(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()) {
        Ok(Decoded::One(message)) => message,
        other => panic!("{other:?}"),
    }
}

/// Kind and score of the surest that `detector` finds in the argument `key` of a call, in all readings.
pub(crate) fn argument(detector: &Inspector, key: &str, text: &str) -> Option<(&'static str, f32)> {
    let (key, text) = (crate::json::quote(key), crate::json::quote(text));
    let message = message(&format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"t","arguments":{{{key}:{text}}}}}}}"#
    ));
    let subject = Subject { direction: Direction::ToServer, server: "s", answers: None, tool: Some("t") };
    surest(detector.message(&message, &subject, DetectorSet::all()))
}

/// Kind and score of the surest that `detector` finds in a text a tool answers with, in all readings.
pub(crate) fn content(detector: &Inspector, text: &str) -> Option<(&'static str, f32)> {
    let text = crate::json::quote(text);
    let message = message(&format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":[{{"type":"text","text":{text}}}]}}}}"#
    ));
    let subject =
        Subject { direction: Direction::ToClient, server: "s", answers: Some("tools/call"), tool: Some("t") };
    surest(detector.message(&message, &subject, DetectorSet::all()))
}

fn surest(findings: Findings) -> Option<(&'static str, f32)> {
    let found = findings.list.into_iter().max_by(|one, other| one.score.total_cmp(&other.score));
    found.map(|finding| (finding.kind, finding.score))
}

/// Path, ranges and kind of all that is found in a tool's answer with this content.
fn found(content: &str) -> Vec<(String, Vec<std::ops::Range<usize>>, &'static str)> {
    let message = message(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":{content}}}}}"#));
    let subject =
        Subject { direction: Direction::ToClient, server: "s", answers: Some("tools/call"), tool: Some("t") };
    let findings = Inspector::new(vec![Box::new(Word)]).message(&message, &subject, DetectorSet::all());
    assert!(findings.is_complete);
    let place =
        |finding: Finding| (path_to(message.document().root(), finding.node), finding.ranges, finding.kind);
    findings.list.into_iter().map(place).collect()
}

#[test]
fn a_word_is_found_however_it_is_hidden_and_where_it_stands() {
    for (text, range) in [
        ("a swordfish b", 2..11),
        ("SwordFish", 0..9),
        ("x s\u{200b}wordfish", 2..14),
        ("ѕwordfish", 0..10),
        ("s%77ordfish", 0..11),
        ("&#115;wordfish", 0..14),
        // "the swordfish is here": a blob goes whole
        ("dGhlIHN3b3JkZmlzaCBpcyBoZXJl", 0..28),
    ] {
        let content = format!(r#"[{{"type":"text","text":{}}}]"#, crate::json::quote(text));
        assert_eq!(found(&content), [("result.content[0].text".to_owned(), vec![range], "salt")], "{text}");
    }
}

#[test]
fn a_word_split_over_texts_is_found_in_all_of_them() {
    let part = |path: &str, range| (path.to_owned(), vec![range], "salt");
    let content = r#"[{"type":"text","text":"a sword"},{"type":"text","text":"fish b"}]"#;
    assert_eq!(found(content), [part("result.content[0].text", 2..7), part("result.content[1].text", 0..4)]);
    let long = "x".repeat(2000);
    let content =
        format!(r#"[{{"type":"text","text":"{long} sword"}},{{"type":"text","text":"fish {long}"}}]"#);
    assert_eq!(
        found(&content),
        [part("result.content[0].text", 2001..2006), part("result.content[1].text", 0..4)]
    );
    // What is whole does not become more by what stands beside it.
    let content = r#"[{"type":"text","text":"swordfish"},{"type":"text","text":"swordfish"}]"#;
    assert_eq!(found(content), [part("result.content[0].text", 0..9), part("result.content[1].text", 0..9)]);
    // The head and the tail of one text are no neighbours.
    let one = format!("{}sword{}fish{}", "x".repeat(507), "y".repeat(1000), "z".repeat(508));
    let content = format!(r#"[{{"type":"text","text":"{one}"}},{{"type":"text","text":"b"}}]"#);
    assert_eq!(found(&content), []);
}

#[test]
fn what_is_sure_does_not_make_sure_what_is_not() {
    let message = message(
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"swordfish","arguments":{"swordfish":1,"comment":"swordfish swordfish"}}}"#,
    );
    let subject =
        Subject { direction: Direction::ToServer, server: "s", answers: None, tool: Some("swordfish") };
    let inspector = Inspector::new(vec![Box::new(Word)]);
    let findings = inspector.message(&message, &subject, DetectorSet::all());
    let seen: Vec<_> = findings
        .list
        .iter()
        .map(|finding| {
            let path = path_to(message.document().root(), finding.node);
            (path, finding.is_key, finding.score >= THRESHOLD, finding.ranges.len(), finding.kind)
        })
        .collect();
    let expected = [
        ("params.name".to_owned(), false, true, 1, "password"),
        ("params.arguments.swordfish".to_owned(), true, true, 1, "password"),
        ("params.arguments.comment".to_owned(), false, false, 2, "password"),
    ];
    assert_eq!(seen, expected);
    let none = inspector.message(&message, &subject, [Detector::Pii].into_iter().collect());
    assert_eq!((none.list.len(), none.is_complete), (0, true));
}
