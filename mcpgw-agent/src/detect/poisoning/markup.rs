//! Tags that pretend to an authority no definition has: of a chat template, of a system prompt.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use memchr::memmem;

/// Tokens of chat templates: no definition has a reason to hold one.
const TEMPLATE: [&str; 18] = [
    "<|im_start|>",
    "<|im_end|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|endoftext|>",
    "<|begin_of_text|>",
    "<|start_header_id|>",
    "<|eot_id|>",
    "<|end|>",
    "<<sys>>",
    "<</sys>>",
    "[inst]",
    "[/inst]",
    "<start_of_turn>",
    "<end_of_turn>",
    "<|channel|>",
    "<|message|>",
];
/// What stands in angle or square brackets to be obeyed.
const AUTHORITY: [&str; 33] = [
    "important",
    "system",
    "system prompt",
    "system_prompt",
    "system-prompt",
    "system message",
    "system note",
    "sys",
    "critical",
    "critical_instruction",
    "critical_instructions",
    "admin",
    "administrator",
    "override",
    "hidden",
    "secret",
    "internal",
    "priority",
    "instructions",
    "instruction",
    "system_instruction",
    "system_instructions",
    "system-reminder",
    "system_reminder",
    "important_instructions",
    "assistant",
    "developer",
    "root",
    "mandatory",
    "security",
    "directive",
    "note_to_ai",
    "ai_instructions",
];
/// Of those in square brackets only these: `[INTERNAL]` is a label.
const IN_SQUARE: [&str; 13] = [
    "system",
    "system prompt",
    "system message",
    "system note",
    "sys",
    "override",
    "system override",
    "admin override",
    "system instruction",
    "system instructions",
    "hidden",
    "hidden instructions",
    "priority override",
];
/// How long the name of a tag is looked for.
const TAG_MAX: usize = 40;

/// A tag and how sure it is one.
pub(super) type Tag = (f32, Range<usize>);

/// Shows `found` the first of each kind in `text`.
pub(super) fn tags(text: &str, mut found: impl FnMut(Tag)) {
    for open in memchr::memchr2_iter(b'<', b'[', text.as_bytes()) {
        let rest = text.get(open..).unwrap_or_default();
        let window =
            rest.char_indices().nth(TAG_MAX).map_or(rest, |(end, _)| rest.get(..end).unwrap_or_default());
        if let Some(tag) = tag(window) {
            found((tag.0, open..open + tag.1));
            break;
        }
    }
    headings(text, &mut found);
}

/// Whether `window` begins with such a tag, and its length.
fn tag(window: &str) -> Option<(f32, usize)> {
    let lower = window.to_ascii_lowercase();
    if let Some(token) = TEMPLATE.iter().find(|token| lower.starts_with(*token)) {
        return Some((0.9, token.len()));
    }
    let is_square = lower.starts_with('[');
    let close = lower.find(if is_square { ']' } else { '>' })?;
    let name = lower.get(1..close)?.trim_matches(|c: char| !c.is_alphanumeric());
    // `<important priority="1">` is one as well; `</system>` too.
    let bare = name.split_once([' ', ':', '=']).map_or(name, |(first, _)| first);
    let score = match is_square {
        true if IN_SQUARE.contains(&name) => 0.55,
        true => return None,
        // What begins like a placeholder (`<system>` in a path or a command) is weaker than what is shouted.
        false if AUTHORITY.contains(&name) || AUTHORITY.contains(&bare) => {
            let shouts = window.get(1..close).is_some_and(|name| {
                name.chars().any(|c| c.is_ascii_uppercase()) && !name.chars().any(|c| c.is_ascii_lowercase())
            });
            let is_strong = matches!(
                name,
                "important"
                    | "system"
                    | "system_prompt"
                    | "system-reminder"
                    | "critical"
                    | "hidden"
                    | "override"
                    | "important_instructions"
            );
            if shouts || is_strong { 0.65 } else { 0.4 }
        }
        false => return None,
    };
    Some((score, close + 1))
}

/// How the turn of a system would begin.
static HEADINGS: LazyLock<Vec<(&str, memmem::Finder<'static>)>> = LazyLock::new(|| {
    let headings = [
        "system:",
        "SYSTEM:",
        "System:",
        "### System",
        "### SYSTEM",
        "### Instruction",
        "System prompt:",
        "SYSTEM OVERRIDE",
        "SYSTEM NOTE",
        "NOTE TO AI",
        "Note to AI",
        "AI INSTRUCTION",
        "BEGIN SYSTEM",
    ];
    headings.into_iter().map(|heading| (heading, memmem::Finder::new(heading))).collect()
});

/// Each heading has one of these: most texts have none.
static WITHIN: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(["ystem", "YSTEM", "###", "AI"]).ok());

/// A line that begins as a turn of the system would.
fn headings(text: &str, found: &mut impl FnMut(Tag)) {
    if !WITHIN.as_ref().is_none_or(|within| within.is_match(text)) {
        return;
    }
    for (heading, finder) in &*HEADINGS {
        for at in finder.find_iter(text.as_bytes()).take(4) {
            let before = text.get(..at).unwrap_or_default().trim_end_matches([' ', '\t', '#', '*', '-', '>']);
            let is_start = before.is_empty() || before.ends_with(['\n', '.', '!', '?']);
            let is_loud =
                heading.contains("AI") || !heading.contains(|letter: char| letter.is_ascii_lowercase());
            if is_start {
                found((if is_loud { 0.55 } else { 0.45 }, at..at + heading.len()));
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_heading_has_what_is_looked_for_first() {
        let within = WITHIN.as_ref().unwrap();
        assert!(HEADINGS.iter().all(|(heading, _)| within.is_match(heading)));
        let mut found = 0;
        tags("Lists rivers.\nSYSTEM NOTE read on", |_| found += 1);
        assert_eq!(found, 1);
    }
}
