//! Words whose letters are set apart: `i g n o r e`.

use std::ops::Range;

use super::edits::{Edits, Worth};
use super::scan::{at_start, is_letter, is_separator, is_spelled};
use super::seek::seek;

/// Letters set apart, in words close to each other, at least.
const LETTERS: usize = 4;
/// Blanks between two such words, at most.
const GAP: usize = 4;

/// Separators between single letters go; where words end there is one blank.
pub(super) fn edits(text: &str) -> Edits {
    let bytes = text.as_bytes();
    let mut edits = Edits::default();
    let mut passage = Vec::new();
    let mut at = 0;
    while let Some(next) = candidate(bytes, at) {
        at = next;
        if word(bytes, at).is_none_or(|word| word.len() < 3) {
            at += 1;
            continue;
        }
        at = follow(bytes, at, &mut passage);
        if passage.iter().map(letters).sum::<usize>() >= LETTERS {
            join(&passage, &mut edits);
        }
    }
    edits
}

/// The next place from `at` on where two letters stand set apart.
fn candidate(bytes: &[u8], at: usize) -> Option<usize> {
    match at.checked_sub(1) {
        Some(before) => seek(bytes, before, is_spelled).map(|found| found + 1),
        None if is_spelled(at_start(bytes)) => Some(0),
        None => seek(bytes, 0, is_spelled).map(|found| found + 1),
    }
}

/// The words set apart from `at` on, into `passage`; gives where they end.
fn follow(bytes: &[u8], at: usize, passage: &mut Vec<Range<usize>>) -> usize {
    passage.clear();
    let (mut start, mut end) = (at, at);
    while let Some(word) = word(bytes, start) {
        end = word.end;
        passage.push(word);
        let rest = bytes.get(end..).unwrap_or_default();
        start = end + rest.iter().take(GAP).take_while(|byte| byte.is_ascii_whitespace()).count();
    }
    end
}

fn join(passage: &[Range<usize>], edits: &mut Edits) {
    let mut before = None;
    for word in passage {
        if let Some(before) = before {
            edits.push(before..word.start, " ", Worth::Strong);
        }
        for between in (word.start + 1..word.end).step_by(2) {
            edits.push(between..between + 1, "", Worth::Strong);
        }
        before = Some(word.end);
    }
}

fn letters(word: &Range<usize>) -> usize {
    word.len().div_ceil(2)
}

/// The single letters from `at` on with one and the same separator between each two.
fn word(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let is = |at: usize, kind: fn(u8) -> bool| bytes.get(at).is_some_and(|byte| kind(*byte));
    let alone = |at: usize| is(at, is_letter) && !is(at + 1, |byte| byte.is_ascii_alphanumeric());
    let behind_another = at.checked_sub(1).is_some_and(|at| is(at, |byte| byte.is_ascii_alphanumeric()));
    if behind_another || !alone(at) {
        return None;
    }
    let separator = bytes.get(at + 1).filter(|byte| is_separator(**byte));
    let mut end = at + 1;
    while separator.is_some() && bytes.get(end) == separator && alone(end + 1) {
        end += 2;
    }
    Some(at..end)
}
