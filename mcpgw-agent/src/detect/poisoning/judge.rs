//! Which rules a text's words fit.

use std::ops::Range;

use super::concept::Concepts;
use super::rules::{self, Rule};
use super::words::{Token, tokens};

/// Words before a rule's first that may take its meaning away.
const BEFORE: usize = 5;
/// Words of another language in a sentence that make it one of that language.
const FOREIGN_MIN: usize = 2;

/// Shows `found` each rule that fits, with the first place where it does, and says what is spoken of. Linear: each rule
/// passes over the tokens once.
pub(super) fn judge(text: &str, mut found: impl FnMut(&'static Rule, Range<usize>)) -> Concepts {
    let tokens = tokens(text);
    let spoken_of = tokens.iter().fold(0, |all, token| all | token.concepts);
    if spoken_of == 0 {
        return 0;
    }
    let (english, foreign) = languages(tokens);
    for (tokens, keeps_order) in [(english, true), (foreign, false)] {
        let all = tokens.iter().fold(0, |all, token| all | token.concepts);
        for rule in rules::ALL {
            // A token stands for one step.
            if rule.steps.len() <= tokens.len()
                && rule.steps.iter().all(|step| step & all != 0)
                && let Some(range) = first(rule, keeps_order, &tokens)
            {
                found(rule, range);
            }
        }
    }
    spoken_of
}

/// What stands in English sentences, and what in those of other languages, which say the same in another order.
fn languages(tokens: Vec<Token>) -> (Vec<Token>, Vec<Token>) {
    let (mut english, mut foreign) = (Vec::new(), Vec::new());
    for sentence in tokens.chunk_by(|one, other| one.sentence == other.sentence) {
        let count = sentence.iter().filter(|token| token.is_foreign).count();
        if count >= FOREIGN_MIN && count * 2 >= sentence.len() {
            foreign.extend_from_slice(sentence);
        } else {
            english.extend(sentence.iter().filter(|token| !token.is_foreign).cloned());
        }
    }
    (english, foreign)
}

fn first(rule: &Rule, keeps_order: bool, tokens: &[Token]) -> Option<Range<usize>> {
    let union: Concepts = rule.steps.iter().fold(0, |all, step| all | step);
    // Of each step the latest token; in order: of the latest chain that has come so far, its first token.
    let mut seen: Vec<Option<usize>> = vec![None; rule.steps.len()];
    let mut forbidden = None;
    for (at, token) in tokens.iter().enumerate() {
        if keeps_order && token.concepts & rule.unless != 0 && token.concepts & union == 0 {
            forbidden = Some(at);
        }
        if token.concepts & union == 0 {
            continue;
        }
        let start = if rule.in_order && keeps_order {
            chain(rule, token, at, &mut seen)
        } else {
            any(rule, token, at, &mut seen)
        };
        let Some(start) = start.and_then(|start| tokens.get(start).map(|first| (start, first))) else {
            continue;
        };
        let (from, first) = start;
        let is_near = token.word - first.word <= rule.words;
        let is_one = !rule.one_sentence || first.sentence == token.sentence;
        let before = tokens.get(..from).unwrap_or_default().iter().rev();
        let mut before =
            before.take_while(|token| token.sentence == first.sentence && first.word - token.word <= BEFORE);
        if before.any(|token| token.concepts & rule.unless_before != 0) {
            continue;
        }
        if is_near && is_one && forbidden.is_none_or(|forbidden| forbidden < from) {
            return Some(first.range.start..token.range.end);
        }
    }
    None
}

/// A token stands for one step of a chain. Gives the first token of a chain that this one ends.
fn chain(rule: &Rule, token: &Token, at: usize, seen: &mut [Option<usize>]) -> Option<usize> {
    let mut done = None;
    for (index, step) in rule.steps.iter().enumerate().rev() {
        if token.concepts & step == 0 {
            continue;
        }
        let start = match index.checked_sub(1) {
            None => Some(at),
            Some(before) => seen.get(before).copied().flatten(),
        };
        if let (Some(start), Some(slot)) = (start, seen.get_mut(index)) {
            *slot = Some(start);
            if index + 1 == rule.steps.len() {
                done = Some(start);
            }
        }
    }
    done
}

/// A token stands for the step that has waited longest. Gives the first token of the latest ones.
fn any(rule: &Rule, token: &Token, at: usize, seen: &mut [Option<usize>]) -> Option<usize> {
    let fitting = rule.steps.iter().zip(seen.iter_mut()).filter(|(step, _)| token.concepts & **step != 0);
    if let Some(slot) = fitting.map(|(_, slot)| slot).min() {
        *slot = Some(at);
    }
    seen.iter().copied().min().flatten()
}
