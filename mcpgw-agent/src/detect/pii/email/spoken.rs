//! Addresses of mail as people write them for people: `john [at] example [dot] com`, `john at example dot com`.

use std::ops::Range;

use super::super::scene::Scene;

/// What is looked through before and behind.
const REACH: usize = 64;

/// Looks around an `[at]` of four bytes at `at`, or around the ` dot ` before a top-level domain.
pub(in super::super) fn look(scene: &mut Scene<'_, '_>, at: usize) {
    let bytes = scene.bytes;
    let rest = bytes.get(at..).unwrap_or_default();
    let (sign, bracketed) = if rest.first() == Some(&b' ') {
        let from = at.saturating_sub(REACH);
        let before = bytes.get(from..at).unwrap_or_default();
        let Some(found) = before.windows(4).rposition(|four| four.eq_ignore_ascii_case(b" at ")) else {
            return;
        };
        (from + found..from + found + 4, false)
    } else {
        (at..at + 4, true)
    };
    if scene.is_taken(sign.start) {
        return;
    }
    let (start, end) = (local(bytes, sign.start), domain(bytes, sign.end));
    if let Some(end) = end
        && start < sign.start
        && (bracketed || end > at)
    {
        scene.add("email_address", 0.6, start..end, "an address of mail, spelled out");
    }
}

/// Where the name before `at` begins.
fn local(bytes: &[u8], at: usize) -> usize {
    let mut start = word_before(bytes, at);
    while let Some(dot) = dot_before(bytes, start) {
        let more = word_before(bytes, dot);
        if more == dot {
            break;
        }
        start = more;
    }
    start
}

fn word_before(bytes: &[u8], at: usize) -> usize {
    let before = bytes.get(at.saturating_sub(REACH)..at).unwrap_or_default();
    let blank = usize::from(before.last() == Some(&b' '));
    let length = before.iter().rev().skip(blank).take_while(|byte| is_part(byte)).count();
    if length == 0 { at } else { at - blank - length }
}

fn dot_before(bytes: &[u8], at: usize) -> Option<usize> {
    let start = at.checked_sub(5)?;
    bytes.get(start..at)?.eq_ignore_ascii_case(b" dot ").then_some(start)
}

/// Where the domain that begins at `at` ends, if it has two labels.
fn domain(bytes: &[u8], at: usize) -> Option<usize> {
    let mut label = word(bytes, at);
    let mut dots = 0;
    while let Some(behind) = dot(bytes, label.end).filter(|_| dots < 4 && !label.is_empty()) {
        let next = word(bytes, behind);
        if next.is_empty() {
            break;
        }
        label = next;
        dots += 1;
    }
    let top = bytes.get(label.clone()).unwrap_or_default();
    (dots > 0 && (2..=6).contains(&top.len()) && top.iter().all(u8::is_ascii_alphabetic)).then_some(label.end)
}

fn word(bytes: &[u8], at: usize) -> Range<usize> {
    let rest = bytes.get(at..bytes.len().min(at + REACH)).unwrap_or_default();
    let blank = usize::from(rest.first() == Some(&b' '));
    let start = at + blank;
    start..start + rest.iter().skip(blank).take_while(|byte| is_part(byte) && **byte != b'.').count()
}

/// Where a dot at `at`, in whatever form, ends.
fn dot(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    [&b" [dot] "[..], b" (dot) ", b"[dot]", b"(dot)", b" dot ", b"."]
        .iter()
        .find(|form| rest.get(..form.len()).is_some_and(|here| here.eq_ignore_ascii_case(form)))
        .map(|form| at + form.len())
}

fn is_part(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-".contains(byte)
}
