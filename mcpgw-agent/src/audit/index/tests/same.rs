//! Any log, any filter: the index' answer is the reader's.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::audit::query::{Wording, scan};

const WORDS: [&str; 8] = ["alpha", "beta", "/etc/passwd", "Größe", "alphabet", "\u{202e}x", "a\\\"b", "4711"];

/// Members of a record: few values, so that filters meet.
fn members() -> impl Strategy<Value = String> {
    let value = || select(vec!["a", "b", "ab", "a*b", ""]);
    (value(), value(), select(vec!["pass", "block"]), value(), select(&WORDS[..]), 0..4_u8, 0..6_u8).prop_map(
        |(server, tool, action, label, word, session, decision)| {
            let quoted = word.replace('\u{202e}', "\\u202e");
            format!(
                r#""event":"e{session}","server":"{server}","tool_name":"{tool}","action":"{action}","session":"s{session}",
                "labels":{{"k":"{label}"}},"decision_id":"d-{decision}","origins":["d-{session}1"],
                "tool_args":{{"{label}k":["{quoted}"]}},"findings":[{{"detector":"x","type":"{tool}"}}]"#
            )
            .replace('\n', "")
        },
    )
}

/// Lines of a log: records, some far apart, some out of order, and what is none.
fn lines() -> impl Strategy<Value = String> {
    let one = (1..30_000_u64, 0..4_u8, 0..60_u8, members(), 0..12_u8);
    proptest::collection::vec(one, 0..60).prop_map(|lines| {
        let (mut text, mut seq) = (String::new(), 0);
        for (step, near, second, members, kind) in lines {
            seq += if near > 0 { 1 } else { step };
            let good = line(seq, &format!("2026-01-31T12:00:{second:02}.5Z"), &members);
            text.push_str(&match kind {
                0 => "rubbish".to_owned(),
                1 => good.replace("\"server\"", "\"action\""),
                2 => line(seq / 2, "2026-01-31T12:00:00Z", &members),
                _ => good,
            });
            text.push('\n');
        }
        text
    })
}

/// What of each facet, from and to when, with which text, and which decision.
type Wanted = (Vec<(Facet, String)>, Option<u8>, Option<u8>, Option<String>, Option<String>);

fn filter() -> impl Strategy<Value = Wanted> {
    let facet = select(vec![
        Facet::Server,
        Facet::Tool,
        Facet::Action,
        Facet::Session,
        Facet::Label,
        Facet::Detector,
        Facet::Event,
    ]);
    let pattern = select(vec![
        "a", "b", "*", "a*", "?", "{a,b}", r"a\*b", "s1", "k=a*", "x/a", "pass", "", "none", "e[12]",
    ]);
    let words = select(vec![
        "alpha",
        "alpha*",
        "passwd -beta",
        "\"etc passwd\"",
        "grosse OR beta",
        "größe",
        "x",
        "4711",
        "k",
        "ak OR bk",
        "b",
    ]);
    let pattern = pattern.prop_map(str::to_owned);
    (
        proptest::collection::vec((facet, pattern), 0..3),
        proptest::option::weighted(0.3, 0..60_u8),
        proptest::option::weighted(0.3, 0..60_u8),
        proptest::option::weighted(0.2, select(vec!["d-", "d-1", "d-11", "", "x"]).prop_map(str::to_owned)),
        proptest::option::weighted(0.4, words.prop_map(str::to_owned)),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn index_and_reader_find_the_same(
        text in lines(),
        filters in proptest::collection::vec(filter(), 12),
        cut in 0..100_usize,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        // It grows between two looks, in the middle of a line.
        std::fs::write(&path, &text.as_bytes()[..text.len() * cut / 100]).unwrap();
        fresh(&path);
        std::fs::write(&path, &text).unwrap();
        let (index, _) = fresh(&path);
        for (facets, since, until, decision, words) in filters {
            let time = |second: Option<u8>| second.map(|second| format!("2026-01-31T12:00:{second:02}.5Z").parse().unwrap());
            let facets = facets.iter().map(|(facet, pattern)| (*facet, vec![Pattern::new(pattern).unwrap()])).collect();
            let words = words.map(|words| Wording::parse(&words).unwrap());
            let filter = Filter { since: time(since), until: time(until), facets, decision, words };
            let mut read = Vec::new();
            scan(&path, &filter, &mut |record| {
                read.push(record.seq());
                std::ops::ControlFlow::Continue(())
            }).unwrap();
            prop_assert_eq!(&seqs(&index, &filter, Order::Oldest), &read, "{:?}", filter);
            read.reverse();
            prop_assert_eq!(&seqs(&index, &filter, Order::Newest), &read, "{:?}", filter);
        }
    }
}
