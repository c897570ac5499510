//! Words and patterns on single records.

use super::*;

/// A line of a log: `members` between its time and its seal, which nobody signed.
pub(in crate::audit) fn line(seq: u64, time: &str, members: &str) -> String {
    let (prev, sig) = ("0".repeat(64), "f".repeat(64));
    format!(r#"{{"timestamp":"{time}",{members},"seq":{seq},"prev":"{prev}","sig":"{sig}"}}"#)
}

fn record(members: &str) -> StoredRecord {
    StoredRecord::read(line(7, "2026-01-31T12:00:00.000001Z", members).as_bytes()).unwrap()
}

#[test]
fn a_record_is_taken_apart() {
    let record = record(
        r#""action":"block","id":5,"server":"s\u0041","labels":{"team":"red","n":1},"decision_id":"d-1","request_id":"d-1",
        "answers":"d-0","origins":["o-1"],"findings":[{"detector":"secrets","type":"jwt"},{"type":"x"}],"unknown":{"a":[1]}"#,
    );
    let mut facets = Vec::new();
    record.facets(|facet, text| facets.push((facet, text.to_owned())));
    let expected = [
        (Facet::Action, "block"),
        (Facet::Server, "sA"),
        (Facet::Label, "team=red"),
        (Facet::Label, "n=1"),
        (Facet::Detector, "secrets"),
        (Facet::Detector, "secrets/jwt"),
    ];
    assert_eq!(facets, expected.map(|(facet, text)| (facet, text.to_owned())));
    let mut ids = Vec::new();
    record.decisions(|id| ids.push(id.to_owned()));
    assert_eq!(ids, ["d-1", "d-1", "d-0", "o-1"]);
    assert_eq!((record.seq(), record.text("id").unwrap().as_ref()), (7, "5"));
    for (at, facet) in Facet::ALL.into_iter().enumerate() {
        assert_eq!(usize::from(facet.number()), at);
    }
}

#[test]
fn what_is_no_record_is_none() {
    let good = line(1, "2026-01-31T12:00:00Z", r#""a":1"#);
    assert!(StoredRecord::read(good.as_bytes()).is_some());
    for bad in [
        String::new(),
        "{}".to_owned(),
        good.replace("timestamp", "time"),
        good.replace("2026-01-31", "2026-01-32"),
        good.replace(r#""a":1"#, r#""a":1,"a":2"#),
        good.replace(r#""a":1"#, r#""a":"\ud800""#),
        good.replace(r#""a":1"#, &format!(r#""a":{}{}"#, "[".repeat(500), "]".repeat(500))),
        good.replace(r#""seq":1"#, r#""seq":18446744073709551615"#),
        good.replace(r#""seq":1"#, r#""seq":1 "#),
        format!("{good} "),
    ] {
        assert!(StoredRecord::read(bad.as_bytes()).is_none(), "{bad}");
    }
    assert!(StoredRecord::read(&[0xff; 300]).is_none());
}

#[test]
fn patterns_are_texts_or_globs() {
    let matches = |pattern: &str, text: &str| Pattern::new(pattern).unwrap().matches(text);
    assert!(matches("read_file", "read_file") && !matches("read_file", "read_file2"));
    assert!(matches("read_*", "read_/a/b") && !matches("read_*", "xread_"));
    assert!(matches("{a,b}?", "bc") && matches(r"a\*", "a*") && !matches(r"a\*", "ab"));
    let label = |label: &str, text: &str| Pattern::label(label).unwrap().matches(text);
    assert!(label("k=v", "k=v") && label("k", "k=anything") && label("k*=a*", "k*=ab"));
    assert!(!label("k", "kk=v") && !label("k*=a*", "kx=ab"));
    assert!(matches!(Pattern::label("=v"), Err(FilterError::Label(_))));
    assert!(matches!(Pattern::new("[a"), Err(FilterError::Pattern { .. })));
    assert!(matches!(Pattern::new(&"x".repeat(5000)), Err(FilterError::TooLong)));
}

#[test]
fn words_are_found_wherever_they_stand() {
    let record = record(
        r#""tool_name":"read_file","tool_args":{"path":"/etc/pass\u0077d","deep":[{"n":4711,"é":"Zürich"}]},
        "reason":"policy: no-secrets","error":"it broke","findings":[{"detector":"secrets","path":"a.b"}]"#,
    );
    let finds = |text: &str| Wording::parse(text).unwrap().matches(&record);
    for text in [
        "passwd",
        "/etc/passwd",
        "\"etc passwd\"",
        "read_file",
        "PATH",
        "4711",
        "zurich",
        "é",
        "pass*",
        "\"etc pass\"*",
        "no-secrets",
        "broke",
        "secrets",
        "passwd -shadow",
        "shadow OR passwd",
        "a.b",
        "etc read_file",
        "AND OR passwd",
    ] {
        assert!(finds(text), "{text}");
    }
    for text in
        ["pass", "\"passwd etc\"", "passwd -broke", "shadow", "detector", "shadow OR group", "passwd shadow"]
    {
        assert!(!finds(text), "{text}");
    }
}

#[test]
fn words_that_make_no_query_say_why() {
    for (text, why) in [
        ("", "there is no word to look for"),
        ("   ", "there is no word to look for"),
        ("\"a", "a quotation mark is missing at the end of `\"a`"),
        ("***", "`**` has no letter and no digit to look for"),
        ("-a", "`-a` excludes something: say also what to look for"),
        ("OR a", "`OR` stands between two words"),
        ("a OR", "`OR` stands between two words"),
        ("a OR OR b", "`OR` stands between two words"),
        ("a OR -b", "`OR` stands between two words"),
    ] {
        assert_eq!(Wording::parse(text).unwrap_err().to_string(), why, "{text}");
    }
    assert!(matches!(Wording::parse(&"a ".repeat(100)), Err(WordsError::TooLong)));
    // Whatever else somebody types is words.
    for text in [
        "NEAR(a b)",
        "a AND",
        "col:a",
        "{a b}:c",
        "^a",
        "a+b",
        "(a",
        "a)",
        "\"a\"\"b\"",
        "\0a",
        "a\"b",
        "NOT a",
    ] {
        Wording::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}
