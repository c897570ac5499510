//! What guardrails are shown, and what their answers become.

use bytes::Bytes;

use super::*;
use crate::detect::{Subject, Surface};
use crate::json::{self, Edit};
use crate::mcp::{Decoded, Message, decode};

const ALL: [Surface; 3] = [Surface::Arguments, Surface::Content, Surface::Definition];

fn message(text: &str) -> Message {
    match decode(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()) {
        Ok(Decoded::One(message)) => message,
        other => panic!("{other:?}"),
    }
}

fn result(content: &str) -> Message {
    message(&format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"content":{content}}}}}"#))
}

fn subject() -> Subject<'static> {
    Subject { direction: Direction::ToClient, server: "s", answers: Some("tools/call"), tool: Some("t") }
}

fn texts(message: &Message, edits: &[Edit]) -> Texts {
    Texts::collect(message, &subject(), edits, &ALL, 1000).unwrap()
}

fn generic(mapping: Mapping) -> Protocol {
    Protocol::Generic { body: Template::parse(r#""{text}""#).unwrap(), answer: mapping }
}

fn presidio() -> Protocol {
    Protocol::Presidio(Presidio { language: "en".into(), entities: Vec::new(), threshold: None })
}

fn question(text: &str) -> Question<'_> {
    Question { text, direction: Direction::ToServer, server: "s\"", tool: None }
}

fn flags(protocol: &Protocol, answer: &str, text: &str) -> Result<Vec<Flag>, Garbage> {
    protocol.answer(Bytes::copy_from_slice(answer.as_bytes()), text, &Kinds::new(["Badge-Number"]))
}

/// Bytes of the text a finding is about.
fn ranges(finding: &Finding) -> Vec<(usize, usize)> {
    finding.ranges.iter().map(|range| (range.start, range.end)).collect()
}

/// The message as it goes on where all that was found is replaced by `X`.
fn replaced(message: &Message, findings: &[Finding]) -> String {
    let edits = findings.iter().flat_map(|finding| {
        let value = Value::at(message.document(), finding.node);
        json::replace(value, finding.ranges.iter().map(|range| (range.clone(), "X")))
    });
    String::from_utf8(json::apply(message.bytes(), edits.collect()).to_vec()).unwrap()
}

#[test]
fn all_texts_are_shown_at_once_and_nothing_else() {
    let message = result(
        r#"[{"type":"text","text":"on\u0065"},{"type":"text","text":" "},{"type":"image","data":"AAAA","mimeType":"image/png"},{"type":"text","text":"two","_meta":{"k":"three"}}]"#,
    );
    let shown = texts(&message, &[]).text().to_owned();
    assert!(shown.contains("one\n\ntwo\n\n") && shown.ends_with("three"), "{shown}");
    assert!(!shown.contains("AAAA") && !shown.contains("image/png") && !shown.contains("\n\n\n"), "{shown}");
    let none = Texts::collect(&message, &subject(), &[], &[Surface::Definition], 1000).unwrap();
    assert!(none.is_empty());
    assert_eq!(Texts::collect(&message, &subject(), &[], &ALL, 10), Err(NotShown::TooLong));
}

#[test]
fn places_are_those_of_the_message() {
    let message = result(r#"[{"type":"text","text":"\u00e9😀 Ann"},{"type":"text","text":"and \"Bob\""}]"#);
    let texts = texts(&message, &[]);
    assert_eq!(texts.text(), "é😀 Ann\n\nand \"Bob\"");
    // Characters, as Python counts them; the last goes over the border of both texts.
    let answer = r#"[{"entity_type":"PERSON","start":3,"end":6,"score":0.85},
        {"entity_type":"PERSON","start":13,"end":16,"score":0.85},
        {"entity_type":"BADGE_NUMBER","start":5,"end":9,"score":1}]"#;
    let flags = flags(&presidio(), answer, texts.text()).unwrap();
    let findings = texts.findings(flags, "w").unwrap();
    let found: Vec<_> = findings.iter().map(|f| (f.kind, ranges(f), f.score)).collect();
    assert_eq!(found.len(), 4, "{found:?}");
    assert_eq!(found[0], ("person", vec![(7, 10)], 0.85));
    assert_eq!(found[1], ("person", vec![(5, 8)], 0.85));
    assert_eq!((found[2].0, &found[2].1, &found[3].1), ("badge_number", &vec![(9, 10)], &vec![(0, 1)]));
    let people: Vec<_> = findings.into_iter().filter(|finding| finding.kind == "person").collect();
    let text = replaced(&message, &people);
    assert!(text.contains(r#""\u00e9😀 X""#) && text.contains(r#""and \"X\"""#), "{text}");
}

#[test]
fn what_is_taken_out_is_not_shown_and_places_behind_it_hold() {
    let message = result(
        r#"[{"type":"text","text":"k\u0065y SECRET\n of Ann"},{"type":"text","text":"gone"},{"type":"text","text":"stays"}]"#,
    );
    let nodes: Vec<Value<'_>> = message.result().unwrap().get("content").unwrap().elements().collect();
    let text = |index: usize| nodes[index].get("text").unwrap();
    let mut edits = json::replace(text(0), [(4..10, "<KEY>")]);
    edits.extend(json::remove_elements(message.result().unwrap().get("content").unwrap(), &[1]));
    let texts = texts(&message, &edits);
    assert_eq!(texts.text(), "key <KEY>\n of Ann\n\nstays");
    let at = |part: &str| texts.text().find(part).unwrap();
    let flag = |range: Range<usize>| Flag {
        kind: "person",
        severity: Severity::Low,
        score: 1.0,
        range: Some(range),
    };
    // A name; a part of the placeholder, which stands for all of the secret; both at once.
    for (range, expected) in [
        (at("Ann")..at("Ann") + 3, (15, 18)),
        (at("KEY")..at("KEY") + 1, (4, 10)),
        (at("y <")..at(">\n") + 3, (2, 12)),
    ] {
        let found = texts.findings(vec![flag(range)], "w").unwrap();
        assert_eq!(found.iter().map(ranges).collect::<Vec<_>>(), [vec![expected]]);
    }
    let everything = texts.findings(vec![flag(0..texts.text().len())], "w").unwrap();
    assert_eq!(everything.iter().map(ranges).collect::<Vec<_>>(), [vec![(0, 18)], vec![(0, 5)]]);
}

#[test]
fn presidio_is_asked_as_it_wants_to_be() {
    let all = Protocol::Presidio(Presidio {
        language: "en".into(),
        entities: vec!["PERSON".into(), "US_SSN".into()],
        threshold: Some("0.4".into()),
    });
    assert_eq!(presidio().body(&question("a\"\n")), r#"{"text":"a\"\n","language":"en"}"#);
    assert_eq!(
        all.body(&question("a")),
        r#"{"text":"a","language":"en","score_threshold":0.4,"entities":["PERSON","US_SSN"]}"#
    );
    let kinds = |entity: &str| {
        let answer = format!(r#"[{{"entity_type":"{entity}","start":0,"end":1,"score":0.5}}]"#);
        flags(&presidio(), &answer, "a").unwrap().remove(0).kind
    };
    for (entity, kind) in [
        ("US_SSN", "us_ssn"),
        ("EMAIL_ADDRESS", "email_address"),
        ("PERSON", "person"),
        ("badge number", "badge_number"),
        ("PII", "other_entity"),
        ("<b>whatever</b>", "other_entity"),
    ] {
        assert_eq!(kinds(entity), kind);
        assert!(is_personal(kind) || kind == "badge_number");
    }
}

#[test]
fn an_answer_that_makes_no_sense_is_none() {
    for answer in [
        "",
        "<html>",
        "{}",
        "null",
        r#"{"error":"No text provided"}"#,
        r#"["PERSON"]"#,
        r#"[{"entity_type":"PERSON","start":0,"end":1}]"#,
        r#"[{"entity_type":"PERSON","start":0,"end":1,"score":2}]"#,
        r#"[{"entity_type":"PERSON","start":0,"end":1,"score":"1"}]"#,
        r#"[{"entity_type":"PERSON","start":0,"end":9,"score":1}]"#,
        r#"[{"entity_type":"PERSON","start":1,"end":0,"score":1}]"#,
        r#"[{"entity_type":"PERSON","start":-1,"end":1,"score":1}]"#,
        r#"[{"entity_type":"PERSON","start":0,"end":0,"score":1}]"#,
        r#"[{"entity_type":"PERSON","start":0,"start":0,"end":1,"score":1}]"#,
        r#"[{"entity_type":"PERSON","start":18446744073709551616,"end":1,"score":1}]"#,
    ] {
        assert!(flags(&presidio(), answer, "aé").is_err(), "{answer}");
        assert!(flags(&Protocol::Lasso, answer, "aé").is_err(), "{answer}");
    }
    let entity = r#"{"entity_type":"PERSON","start":0,"end":1,"score":1}"#;
    let many = |count: usize| format!("[{}]", vec![entity; count].join(","));
    assert_eq!(flags(&presidio(), &many(MAX_FLAGS), "aé").unwrap().len(), MAX_FLAGS);
    assert!(flags(&presidio(), &many(MAX_FLAGS + 1), "aé").is_err());
}

#[test]
fn an_answer_may_not_speak_of_more_places_than_there_is_room_for() {
    let content = vec![r#"{"type":"text","text":"a"}"#; 300].join(",");
    let message = result(&format!("[{content}]"));
    let texts = texts(&message, &[]);
    let flag =
        |score| Flag { kind: FLAG, severity: Severity::Low, score, range: Some(0..texts.text().len()) };
    assert_eq!(texts.findings(vec![flag(1.0); 300], "w").unwrap().len(), 300);
    assert!(texts.findings(vec![flag(1.0); 400], "w").is_err());
}

#[test]
fn lasso_is_asked_as_it_wants_to_be() {
    assert_eq!(
        Protocol::Lasso.body(&question("a\"")),
        r#"{"messages":[{"role":"user","content":"a\""}],"messageType":"PROMPT"}"#
    );
    let kinds = |answer: &str| {
        let flags = flags(&Protocol::Lasso, answer, "text").unwrap();
        flags.into_iter().map(|flag| (flag.kind, flag.range)).collect::<Vec<_>>()
    };
    let fine = r#"{"deputies":{"jailbreak":true},"findings":{},"violations_detected":false}"#;
    assert_eq!(kinds(fine), [], "what it says as a whole counts");
    let deputies =
        r#"{"deputies":{"jailbreak":true,"hate":false,"brand-new":true},"violations_detected":true}"#;
    assert_eq!(kinds(deputies), [("jailbreak", None), (FLAG, None)]);
    assert_eq!(kinds(r#"{"violations_detected":true}"#), [(FLAG, None)]);
    assert!(flags(&Protocol::Lasso, r#"{"violations_detected":"true"}"#, "").is_err());
}

#[test]
fn a_flag_of_the_whole_message_has_no_place() {
    let message = result(r#"[{"type":"text","text":"a"}]"#);
    let flag = Flag { kind: "jailbreak", severity: Severity::High, score: 1.0, range: None };
    let found = texts(&message, &[]).findings(vec![flag], "the guardrail `l` says so").unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].node, found[0].ranges.len(), found[0].why), (0, 0, "the guardrail `l` says so"));
    assert_eq!(unavailable("w").kind, UNAVAILABLE);
}

#[test]
fn a_template_cannot_be_left_by_what_is_filled_in() {
    let template =
        Template::parse(r#"{"a":"<{text}>","b":["{direction}","{server}","{tool}","{other}"]}"#).unwrap();
    let hostile = question("\",\"x\":\"{server}\\\u{2028}");
    let filled = template.fill(&hostile);
    let value: serde_json::Value = serde_json::from_str(&filled).unwrap();
    assert_eq!(value["a"], "<\",\"x\":\"{server}\\\u{2028}>");
    assert_eq!(value["b"], serde_json::json!(["request", "s\"", "", "{other}"]));
    assert_eq!(Template::parse("{text}").unwrap_err(), TemplateError::NotJson);
    assert_eq!(Template::parse(r#"{"a":{text}}"#).unwrap_err(), TemplateError::NotJson);
    assert_eq!(Template::parse(r#"{"a":"text"}"#).unwrap_err(), TemplateError::NoText);
}

#[test]
fn pointers_lead_where_the_rfc_says() {
    let document =
        Document::parse(Bytes::from_static(br#"{"a":[{"b~/c":1},2],"":3,"0":4}"#), &Limits::default())
            .unwrap();
    let find = |text: &str| Pointer::parse(text).unwrap().find(document.root()).map(Value::raw);
    assert_eq!(find("/a/0/b~0~1c"), Some("1"));
    assert_eq!((find("/a/1"), find("/"), find("/0")), (Some("2"), Some("3"), Some("4")));
    assert_eq!(find("").map(str::len), Some(31));
    assert_eq!(
        (find("/a/2"), find("/a/x"), find("/a/+1"), find("/a/1/x"), find("/b")),
        (None, None, None, None, None)
    );
    for wrong in ["a", "/~", "/~2", "/é~é"] {
        assert_eq!(Pointer::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn any_answer_can_be_told_where_things_stand() {
    let at = |text: &str| Pointer::parse(text);
    let list = generic(Mapping {
        findings: at("/results"),
        flagged: at("/verdict"),
        flagged_values: vec!["bad".into()],
        score: at("/sure"),
        kind: at("/labels/0"),
        range: at("/from").zip(at("/to")),
        unit: Unit::Utf16,
    });
    let answer = r#"{"results":[
        {"verdict":"bad","sure":0.25,"labels":["IBAN_CODE"],"from":2,"to":4},
        {"verdict":"fine"},
        {"verdict":true,"sure":1,"labels":[],"from":0,"to":2}]}"#;
    let found = flags(&list, answer, "😀ab").unwrap();
    let found: Vec<_> = found.into_iter().map(|flag| (flag.kind, flag.score, flag.range)).collect();
    assert_eq!(found, [("iban_code", 0.25, Some(4..6)), (FLAG, 1.0, Some(0..4))]);
    // Half of a character is no place.
    assert!(flags(&list, &answer.replace(r#""from":2"#, r#""from":4"#), "😀ab").is_err());
    let whole = generic(Mapping { flagged: at("/flagged"), ..Mapping::default() });
    assert_eq!(flags(&whole, r#"{"flagged":false}"#, "").unwrap(), []);
    assert_eq!(flags(&whole, r#"{"flagged":true}"#, "").unwrap().len(), 1);
    for answer in [r#"{}"#, r#"{"flagged":null}"#, r#"{"flagged":1}"#, r#"{"flagged":"bad"}"#, "[]"] {
        assert!(flags(&whole, answer, "").is_err(), "{answer}");
    }
    let bytes = generic(Mapping {
        findings: at(""),
        range: at("/s").zip(at("/e")),
        unit: Unit::Bytes,
        ..Mapping::default()
    });
    assert_eq!(flags(&bytes, r#"[{"s":0,"e":2}]"#, "éa").unwrap()[0].range, Some(0..2));
    assert!(flags(&bytes, r#"[{"s":0,"e":1}]"#, "éa").is_err());
}

proptest::proptest! {
    #[test]
    fn what_is_found_in_what_is_shown_is_found_in_the_message(
        parts in proptest::collection::vec("[a-z\"\\\\é😀]{1,5}", 1..5), pick in 0_usize..5, escaped in proptest::bool::ANY,
    ) {
        let spell = |text: &str| match escaped {
            true => format!("\"{}\"", text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>()),
            false => json::quote(text),
        };
        let texts_of: Vec<_> = parts.iter().map(|part| format!(r#"{{"type":"text","text":{}}}"#, spell(part))).collect();
        let message = result(&format!("[{}]", texts_of.join(",")));
        let shown = texts(&message, &[]);
        let pick = pick % parts.len();
        let part = &parts[pick];
        let before: usize = parts.iter().take(pick).map(|part| part.len() + 2).sum();
        let flag = Flag { kind: FLAG, severity: Severity::Low, score: 1.0, range: Some(before..before + part.len()) };
        let found = shown.findings(vec![flag], "w").unwrap();
        proptest::prop_assert_eq!(found.len(), 1);
        let value = Value::at(message.document(), found[0].node);
        proptest::prop_assert_eq!(value.as_str().unwrap(), part.as_str());
        proptest::prop_assert_eq!(ranges(&found[0]), vec![(0, part.len())]);
    }
}
