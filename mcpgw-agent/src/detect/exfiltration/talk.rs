//! Whole conversations as arguments.

use super::{URLS, hit};
use crate::detect::member::words;
use crate::detect::{Hit, Noticed, Severity};

/// Turns a conversation has at least.
const TURNS: usize = 3;
/// Words of members that ask for a conversation.
const ASKED: &[&str] = &["conversation", "transcript", "history", "dialog", "dialogue", "chat", "thread"];
/// How far the sides' marks may be from the beginning of a line, in bytes.
const MARKS: &[u8] = b"\n\"'*#>[<- ";

/// A conversation, where a tool asks for one.
pub(super) fn find(text: &str, key: &str, noticed: &Noticed<'_>) -> Option<Hit> {
    let begins = |at: usize| {
        at.checked_sub(1).and_then(|at| text.as_bytes().get(at)).is_none_or(|byte| MARKS.contains(byte))
    };
    let turns: Vec<usize> = noticed
        .needles
        .iter()
        .filter(|nominee| nominee.needle >= URLS && begins(nominee.at))
        .map(|nominee| nominee.needle)
        .take(64)
        .collect();
    let answers = turns.iter().filter(|turn| **turn == URLS).count();
    if turns.len() < TURNS || answers == 0 || answers == turns.len() {
        return None;
    }
    let is_asked = words(key).any(|word| ASKED.iter().any(|asked| asked.eq_ignore_ascii_case(word)));
    let score = if is_asked { 0.6 } else { 0.3 };
    hit("conversation", Severity::Medium, score, 0..text.len(), "a whole conversation with the model")
}
