//! Words of which one is in every text a regex is found in.
//!
//! They are compared without regard to the case of ASCII letters. Two characters that are not ASCII are the same as ASCII
//! letters but for case, `ſ` and the Kelvin sign; texts that have one must be searched by the regex itself.

use memchr::memmem;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Needles of a regex at most.
const MAX_NEEDLES: usize = 64;
/// Bytes of a needle at most: a part of it is as necessary.
const MAX_LENGTH: usize = 24;
const LONG_S: char = 'ſ';
const KELVIN: char = '\u{212a}';

/// `text` may match without a needle in it.
pub(super) fn hides(text: &str) -> bool {
    if text.is_ascii() {
        return false;
    }
    let has = |character: char| {
        let mut bytes = [0; 4];
        memmem::find(text.as_bytes(), character.encode_utf8(&mut bytes).as_bytes()).is_some()
    };
    has(LONG_S) || has(KELVIN)
}

/// The needles of `hir`, lower case; `None` where there are none. The recursion is bounded as the parser's is.
pub(super) fn of(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![cut(&literal.0)]),
        HirKind::Class(class) => character(class).map(|character| vec![vec![character]]),
        HirKind::Repetition(repetition) if repetition.min > 0 => of(&repetition.sub),
        HirKind::Capture(capture) => of(&capture.sub),
        HirKind::Concat(parts) => of_row(parts),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(of(part)?);
                if all.len() > MAX_NEEDLES {
                    return None;
                }
            }
            Some(all)
        }
        HirKind::Repetition(_) | HirKind::Empty | HirKind::Look(_) => None,
    }
}

/// The best of a row's parts and of the words its characters make.
fn of_row(parts: &[Hir]) -> Option<Vec<Vec<u8>>> {
    let mut best: Option<Vec<Vec<u8>>> = None;
    let mut offer = |offered: Option<Vec<Vec<u8>>>| {
        let shortest = |needles: &[Vec<u8>]| needles.iter().map(Vec::len).min().unwrap_or(0);
        if let Some(offered) = offered
            && best.as_ref().is_none_or(|best| shortest(&offered) >= shortest(best))
        {
            best = Some(offered);
        }
    };
    let mut row: Vec<u8> = Vec::new();
    for part in parts {
        match part.kind() {
            HirKind::Literal(literal) => row.extend(&literal.0),
            // They take no room.
            HirKind::Look(_) | HirKind::Empty => {}
            HirKind::Class(class) => match character(class) {
                Some(character) => row.push(character),
                None => offer(word(&mut row)),
            },
            HirKind::Repetition(_) | HirKind::Capture(_) | HirKind::Concat(_) | HirKind::Alternation(_) => {
                offer(word(&mut row));
                offer(of(part));
            }
        }
    }
    offer(word(&mut row));
    best
}

/// What `row` spells, which is empty afterwards.
fn word(row: &mut Vec<u8>) -> Option<Vec<Vec<u8>>> {
    let word = std::mem::take(row);
    (!word.is_empty()).then(|| vec![cut(&word)])
}

fn cut(literal: &[u8]) -> Vec<u8> {
    literal.iter().take(MAX_LENGTH).map(u8::to_ascii_lowercase).collect()
}

/// The one ASCII character `class` stands for, case aside.
fn character(class: &Class) -> Option<u8> {
    let mut one = None;
    let mut add = |character: u8| {
        let lower = character.to_ascii_lowercase();
        *one.get_or_insert(lower) == lower
    };
    match class {
        Class::Unicode(class) => {
            for range in class.ranges() {
                if range.len() > 2 {
                    return None;
                }
                for found in range.start()..=range.end() {
                    let fits = match found {
                        LONG_S => add(b's'),
                        KELVIN => add(b'k'),
                        other => u8::try_from(other).ok().filter(u8::is_ascii).is_some_and(&mut add),
                    };
                    if !fits {
                        return None;
                    }
                }
            }
        }
        Class::Bytes(class) => {
            for range in class.ranges() {
                if range.len() > 2 || !(range.start()..=range.end()).all(|byte| byte.is_ascii() && add(byte))
                {
                    return None;
                }
            }
        }
    }
    one
}
