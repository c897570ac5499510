//! Every way to change a log, against logs of random records.

mod sealed;

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::audit::chain::Chain;
use crate::audit::event::{CLOSED, OPENED};
use crate::audit::line::Line;

fn key() -> Key {
    Key::new(*b"0123456789abcdef0123456789abcdef", "test").unwrap()
}

/// A closed log with a record for each of `texts`, a line each, line feeds included.
fn log(texts: &[String]) -> Vec<Vec<u8>> {
    let signer = Signer::new(&key());
    let id = signer.key_id().to_owned();
    let mut chain = Chain::new(signer, 0, [0; 32]);
    let mut add = |event: &'static str, text: &str| {
        let mut line = Line::new();
        line.text("event", event);
        line.text("key_id", text);
        let mut bytes = line.into_bytes();
        chain.seal(&mut bytes);
        chain.added(bytes.clone());
        bytes
    };
    let mut lines = vec![add(OPENED, &id)];
    lines.extend(texts.iter().map(|text| add("lost", text)));
    lines.push(add(CLOSED, ""));
    lines
}

fn verified(lines: &[Vec<u8>]) -> Report {
    Verifier::new(&key()).read(&*lines.concat(), false).unwrap()
}

fn kinds(report: &Report) -> Vec<Kind> {
    report.findings.iter().map(|finding| finding.kind).collect()
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(any::<String>(), 1..12)
}

proptest! {
    #[test]
    fn what_was_not_changed_is_valid(texts in texts()) {
        let report = verified(&log(&texts));
        prop_assert_eq!(report.outcome, Outcome::Valid);
        prop_assert_eq!(report.last_seq, Some(texts.len() as u64 + 2));
        prop_assert!(report.findings.is_empty());
    }

    #[test]
    fn any_byte_that_changes_is_found(texts in texts(), at in any::<Index>(), with in 1_u8..) {
        let lines = log(&texts);
        let mut bytes = lines.concat();
        let at = at.index(bytes.len());
        bytes[at] ^= with;
        let report = Verifier::new(&key()).read(&*bytes, false).unwrap();
        prop_assert_ne!(report.outcome, Outcome::Valid);
        prop_assert!(report.findings_total > 0);
        let line = lines.iter().scan(0, |end, line| { *end += line.len(); Some(*end) })
            .position(|end| at < end).unwrap() as u64 + 1;
        prop_assert!(report.findings.iter().any(|finding| (line..=line + 1).contains(&finding.line)),
            "line {}: {:?}", line, report.findings);
    }

    #[test]
    fn deleted_lines_are_counted(texts in texts(), from in any::<Index>(), count in 1_usize..4) {
        let mut lines = log(&texts);
        // The first and the last line are other cases.
        let from = 1 + from.index(texts.len());
        let to = (from + count).min(lines.len() - 1);
        lines.drain(from..to);
        let report = verified(&lines);
        prop_assert_eq!(report.outcome, Outcome::Tampered);
        prop_assert_eq!(report.findings, [Finding {
            line: from as u64 + 1, seq: Some(from as u64 + 1), count: (to - from) as u64, kind: Kind::Deleted
        }]);
    }

    #[test]
    fn a_missing_beginning_is_found(texts in texts(), count in any::<Index>()) {
        let mut lines = log(&texts);
        let count = 1 + count.index(lines.len() - 1);
        lines.drain(..count);
        let report = verified(&lines);
        prop_assert_eq!(report.outcome, Outcome::Beheaded);
        prop_assert_eq!(kinds(&report), [Kind::Beheaded]);
        prop_assert_eq!(report.findings[0].count, count as u64);
    }

    #[test]
    fn swapped_lines_are_found(texts in texts(), one in any::<Index>(), other in any::<Index>()) {
        let mut lines = log(&texts);
        let (one, other) = (one.index(lines.len()), other.index(lines.len()));
        prop_assume!(one != other);
        lines.swap(one, other);
        let report = verified(&lines);
        prop_assert_eq!(report.outcome, Outcome::Tampered);
        prop_assert!(kinds(&report).iter().any(|kind| matches!(kind, Kind::Reordered | Kind::Beheaded)));
        prop_assert!(!kinds(&report).contains(&Kind::Deleted), "{:?}", report.findings);
    }

    #[test]
    fn a_line_written_twice_is_found(texts in texts(), from in any::<Index>(), to in any::<Index>()) {
        let mut lines = log(&texts);
        let from = from.index(lines.len());
        let to = from + 1 + to.index(lines.len() - from);
        lines.insert(to, lines[from].clone());
        let report = verified(&lines);
        prop_assert_eq!(report.outcome, Outcome::Tampered);
        prop_assert_eq!(report.findings, [Finding {
            line: to as u64 + 1, seq: Some(from as u64 + 1), count: 1, kind: Kind::Inserted
        }]);
    }

    #[test]
    fn a_foreign_line_is_found(texts in texts(), to in any::<Index>(), text in "[^\n]*") {
        let mut lines = log(&texts);
        let to = 1 + to.index(lines.len() - 1);
        lines.insert(to, format!("{text}\n").into_bytes());
        let report = verified(&lines);
        prop_assert_eq!(report.outcome, Outcome::Tampered);
        prop_assert_eq!(kinds(&report), [Kind::Inserted]);
        prop_assert_eq!(report.findings[0].line, to as u64 + 1);
    }

    #[test]
    fn an_end_cut_off_at_any_byte_is_seen(texts in texts(), at in any::<Index>()) {
        let lines = log(&texts);
        let bytes = lines.concat();
        let cut = &bytes[..at.index(bytes.len())];
        let report = Verifier::new(&key()).read(cut, false).unwrap();
        let whole = cut.iter().filter(|byte| **byte == b'\n').count();
        let ends_whole = cut.ends_with(b"\n");
        let expected = if whole == 0 { Outcome::Tampered } else { Outcome::NotClosed };
        prop_assert_eq!(report.outcome, expected);
        prop_assert_eq!(report.last_seq, (whole > 0).then_some(whole as u64));
        prop_assert_eq!(kinds(&report), if ends_whole { vec![] } else { vec![Kind::Truncated] });
    }

    #[test]
    fn an_end_from_another_log_is_found(texts in texts(), others in texts(), at in any::<Index>()) {
        let (lines, others) = (log(&texts), log(&others));
        let at = 1 + at.index(lines.len().min(others.len()) - 1);
        prop_assume!(lines[at - 1] != others[at - 1]);
        let report = verified(&[&lines[..at], &others[at..]].concat());
        prop_assert_eq!(report.outcome, Outcome::Tampered);
        prop_assert_eq!(kinds(&report), [Kind::Spliced]);
    }

    #[test]
    fn any_bytes_at_all_are_read_to_their_end(bytes in vec(any::<u8>(), 0..2000)) {
        let report = Verifier::new(&key()).read(&*bytes, false).unwrap();
        prop_assert_eq!(report.outcome, Outcome::Tampered);
    }
}

#[test]
fn a_line_edited_where_others_are_deleted() {
    let mut lines = log(&(0..9).map(|at| at.to_string()).collect::<Vec<_>>());
    lines[2][30] ^= 1;
    lines.drain(3..5);
    let report = verified(&lines);
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.line, finding.seq, finding.count, finding.kind))
        .collect();
    assert_eq!(found, [(3, Some(3), 1, Kind::Edited), (4, Some(4), 2, Kind::Deleted)]);
}

#[test]
fn another_key_is_told_from_another_text() {
    let lines = log(&["a".to_owned()]);
    let other = Key::new(*b"another key, long enough", "test").unwrap();
    let report = Verifier::new(&other).read(&*lines.concat(), false).unwrap();
    assert_eq!((report.outcome, kinds(&report)), (Outcome::OtherKey, vec![Kind::OtherKey]));
}

#[test]
fn an_older_copy_is_a_log_with_its_end_cut_off() {
    // Nothing in a copy says that there was more; what gives it away is that it was not closed, or a head noted down.
    let lines = log(&["a".to_owned(), "b".to_owned()]);
    let (older, newer) = (verified(&lines[..3]), verified(&lines));
    assert_eq!((older.outcome, newer.outcome), (Outcome::NotClosed, Outcome::Valid));
    assert_ne!(older.head, newer.head);
}

#[test]
fn a_line_too_long_is_no_record_and_is_not_kept() {
    let mut lines = log(&["a".to_owned()]);
    lines.insert(1, [vec![b'x'; 5 << 20], b"\n".to_vec()].concat());
    let report = verified(&lines);
    assert_eq!((kinds(&report), report.records), (vec![Kind::Inserted], 3));
    assert!(Verifier::new(&key()).file(Path::new("/nonexistent")).is_err());
}

#[test]
fn files_continue_one_another_in_order() {
    let lines = log(&(0..4).map(|at| at.to_string()).collect::<Vec<_>>());
    let mut verifier = Verifier::new(&key());
    let mut read = |lines: &[Vec<u8>]| verifier.read(&*lines.concat(), false).unwrap().outcome;
    assert_eq!(read(&lines[..3]), Outcome::NotClosed);
    assert_eq!(read(&lines[3..]), Outcome::Valid);
    assert_eq!(read(&lines), Outcome::Valid, "another log");
    assert_eq!(read(&lines[1..]), Outcome::Beheaded);
}
