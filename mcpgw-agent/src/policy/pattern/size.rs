//! How much a regex compiles to at most, without compiling it.

use regex_syntax::hir::{Class, Hir, HirKind};
use regex_syntax::utf8::Utf8Sequences;

/// Bytes a state takes at most, with its one transition: more than the crate needs.
const STATE: usize = 64;

/// `hir` certainly compiles to `limit` bytes or less. Where not, it may still.
pub(super) fn is_at_most(hir: &Hir, limit: usize) -> bool {
    let mut left = limit / STATE;
    spend(hir, 1, &mut left)
}

/// Takes what `hir` compiles to, `times` over, from what is `left`. The recursion is bounded as the parser's is.
fn spend(hir: &Hir, times: usize, left: &mut usize) -> bool {
    let own = match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(class) => states(class, *left),
        HirKind::Repetition(_) | HirKind::Capture(_) => 3,
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.len() + 1,
    };
    let Some(rest) = own.checked_mul(times).and_then(|own| left.checked_sub(own)) else { return false };
    *left = rest;
    match hir.kind() {
        HirKind::Repetition(repetition) => {
            let copies = repetition.max.unwrap_or(repetition.min).max(repetition.min).saturating_add(1);
            // One state more for each copy that may be left out.
            let times = usize::try_from(copies).ok().and_then(|copies| times.checked_mul(copies));
            let Some(times) = times.filter(|times| *times <= *left) else { return false };
            *left -= times;
            spend(&repetition.sub, times, left)
        }
        HirKind::Capture(capture) => spend(&capture.sub, times, left),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().all(|part| spend(part, times, left))
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) | HirKind::Class(_) => true,
    }
}

/// States of a class: one for each byte of each sequence of ranges of bytes, where nothing is shared.
fn states(class: &Class, enough: usize) -> usize {
    match class {
        Class::Bytes(class) => class.ranges().len() + 1,
        Class::Unicode(class) => {
            let mut states = 1;
            for range in class.ranges() {
                states += if range.end().is_ascii() {
                    1
                } else {
                    Utf8Sequences::new(range.start(), range.end()).map(|sequence| sequence.len()).sum()
                };
                if states > enough {
                    break;
                }
            }
            states
        }
    }
}
