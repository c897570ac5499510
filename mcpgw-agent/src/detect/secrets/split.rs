//! Tokens in two or more pieces: `"ghp_…" + "…"`.

use std::ops::Range;

use super::alphabet::{self, TOKEN};
use super::format::Format;

/// A token in pieces is looked at so far.
const REACH: usize = 400;
const PIECES_MAX: usize = 5;

/// Where the pieces end, and the token in them.
type Joined = (usize, Option<Range<usize>>);

/// The token that begins at `at`, in a run of such bytes up to `first`, and goes on behind a joint: from its first to its last byte, joints and all.
pub(super) fn joined(format: &Format, bytes: &[u8], at: usize, first: usize) -> Option<Joined> {
    if first - at.min(first) > REACH || !alphabet::begins(bytes, at) {
        return None;
    }
    joint(bytes, first)?;
    let (mut whole, mut places) = (Vec::new(), Vec::new());
    let mut from = at;
    for _ in 0..PIECES_MAX {
        let length = alphabet::run(bytes, from, TOKEN, REACH);
        whole.extend_from_slice(bytes.get(from..from + length)?);
        places.extend(from..from + length);
        match joint(bytes, from + length) {
            Some(next) => from = next,
            None => break,
        }
    }
    let last =
        format.end(&whole, 0).and_then(|end| places.get(end.checked_sub(1)?)).filter(|last| **last >= first);
    Some((*places.last()? + 1, last.map(|last| at..last + 1)))
}

/// Behind a joint at `at`: a quote, an operator or blanks, a quote.
fn joint(bytes: &[u8], at: usize) -> Option<usize> {
    let is_quote = |at: usize| bytes.get(at).is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    if !is_quote(at) {
        return None;
    }
    let between = bytes
        .get(at + 1..)?
        .iter()
        .take(12)
        .take_while(|byte| matches!(byte, b' ' | b'\n' | b'+' | b'.' | b'&' | b',' | b'\\' | b'\t'))
        .count();
    is_quote(at + 1 + between).then_some(at + 2 + between)
}
