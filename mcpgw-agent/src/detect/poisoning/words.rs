//! A text as the concepts its words stand for.

use std::borrow::Cow;
use std::ops::Range;

use super::concept::{ARGUMENT, COLLECTOR, Concepts, EMAIL, FOREIGN, QUOTED, URL};
use super::entries::entries;
use super::lexicon::GLYPHS;

/// Words an entry of the lexicon has at most.
const ENTRY_MAX: usize = 5;
/// Bytes of a word that are compared.
const WORD_MAX: usize = 40;

/// Something in a text that stands for concepts.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// What it is about.
    pub(super) concepts: Concepts,
    /// Bytes of the text.
    pub(super) range: Range<usize>,
    /// How many words stand before it.
    pub(super) word: usize,
    /// How many sentences end before it.
    pub(super) sentence: usize,
    /// It is of a language other than English.
    pub(super) is_foreign: bool,
}

/// A word as it is compared, and where it stands.
struct Word<'t> {
    lower: Cow<'t, str>,
    range: Range<usize>,
    sentence: usize,
    extra: Concepts,
}

/// What the words of `text` stand for, in order.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let words = words(text);
    let mut tokens = Vec::new();
    let (mut at, mut count) = (0, 0);
    while let Some(word) = words.get(at) {
        if !is_ascii_first(&word.lower) && word.lower.starts_with(is_east_asian) {
            count += glyphs(word, count, &mut tokens);
            at += 1;
            continue;
        }
        let rest = words.get(at + 1..).unwrap_or_default();
        let (taken, concepts) = look_up(word, rest);
        let last = words.get(at + taken - 1).unwrap_or(word);
        let extra = words.iter().skip(at).take(taken).fold(0, |all, word| all | word.extra);
        if concepts | extra != 0 {
            let range = word.range.start..last.range.end;
            let is_foreign = concepts & FOREIGN != 0;
            tokens.push(Token {
                concepts: concepts | extra,
                range,
                word: count,
                sentence: word.sentence,
                is_foreign,
            });
        }
        at += taken;
        count += taken;
    }
    tokens
}

fn is_ascii_first(word: &str) -> bool {
    word.as_bytes().first().is_some_and(u8::is_ascii)
}

/// How many words the longest entry takes that begins with `word`, and what it is about.
fn look_up(word: &Word<'_>, rest: &[Word<'_>]) -> (usize, Concepts) {
    let Some(entries) = entries(&word.lower) else { return (1, 0) };
    let next = rest.get(..rest.len().min(ENTRY_MAX)).unwrap_or_default();
    let fits = |parts: &[&str]| {
        parts.len() <= next.len()
            && parts
                .iter()
                .zip(next)
                .all(|(part, word)| **part == *word.lower && word.extra & (URL | EMAIL) == 0)
    };
    let goes_on = next.first().is_some_and(|second| entries.may_go_on(&second.lower));
    match entries.longer.iter().find(|(parts, _)| goes_on && fits(parts)) {
        Some((parts, concepts)) => (1 + parts.len(), *concepts),
        None => (1, entries.alone),
    }
}

/// Adds what stands in a run of a script without blanks. Gives for how many words it counts.
fn glyphs(word: &Word<'_>, count: usize, tokens: &mut Vec<Token>) -> usize {
    let (mut at, mut taken, mut unknown) = (0, 0, 0);
    while let Some(first) = word.lower.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = word.lower.get(at..).unwrap_or_default();
        let entry =
            GLYPHS.get(&first).and_then(|list| list.iter().find(|(entry, _)| rest.starts_with(entry)));
        let Some((entry, concepts)) = entry else {
            at += first.len_utf8();
            unknown += 1;
            continue;
        };
        taken += 1;
        let start = word.range.start + at;
        tokens.push(Token {
            concepts: concepts | word.extra,
            range: start..start + entry.len(),
            word: count + taken + unknown / 3,
            sentence: word.sentence,
            is_foreign: true,
        });
        at += entry.len();
    }
    taken + unknown / 3 + 1
}

fn words(text: &str) -> Vec<Word<'_>> {
    let bytes = text.as_bytes();
    let mut words = Vec::with_capacity((text.len() / 6).min(1024));
    let (mut sentence, mut at) = (0, 0);
    let (mut is_quoted, mut ends) = (false, false);
    while let Some(byte) = bytes.get(at) {
        // Most of what stands between words says nothing.
        let is_ascii_word = byte.is_ascii_alphanumeric();
        if byte.is_ascii() && !is_ascii_word && !matches!(byte, b'`' | b'.' | b'!' | b'?' | b';' | b'\n') {
            at += 1;
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let Some(character) = rest.chars().next() else { break };
        if is_ascii_word || is_word(character) {
            let end = at + word_end(rest);
            sentence += usize::from(ends);
            ends = false;
            let (end, extra) = address(text, at, end);
            let start = if is_hidden_file(text, at) { at - 1 } else { at };
            let word = text.get(start..end).unwrap_or_default();
            let lower = lower(word);
            // `transfer_funds` is a name as well as what stands in back quotes is.
            let before = start.checked_sub(1).and_then(|before| bytes.get(before));
            let is_name = before == Some(&b'_') || bytes.get(end) == Some(&b'_');
            let quoted = if is_quoted || is_name { QUOTED } else { 0 };
            words.push(Word { lower, range: start..end, sentence, extra: extra | quoted });
            at = end;
            continue;
        }
        let next = rest.get(character.len_utf8()..).and_then(|rest| rest.chars().next());
        match character {
            '`' => is_quoted = !is_quoted && closes_soon(rest),
            '.' | '!' | '?' | ';' => {
                ends |= next
                    .is_none_or(|next| next.is_whitespace() || matches!(next, '"' | '\'' | ')' | '<' | '*'))
            }
            '。' | '！' | '？' | '；' | '।' => ends = true,
            '\n' => ends |= is_new_line_new_sentence(rest),
            _ => {}
        }
        at += character.len_utf8();
    }
    words
}

/// A back quote at the start of `rest` is closed after one or two words.
fn closes_soon(rest: &str) -> bool {
    rest.char_indices().skip(1).take(WORD_MAX).any(|(_, character)| character == '`')
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || is_mark(character)
}

/// Marks that are part of words: of Devanagari, Arabic, Thai and the combining ones.
fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{64b}'..='\u{65f}' | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}' | '\u{e31}'..='\u{e4e}')
}

/// Where the word at the start of `rest` ends. Scripts without blanks end at every change to another.
fn word_end(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let ascii = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    // Most words are ASCII, and end where that does.
    if ascii > 0 && bytes.get(ascii).is_none_or(|byte| byte.is_ascii() && *byte != b'\'') {
        return ascii;
    }
    let mut before = None;
    for (at, character) in rest.char_indices() {
        let inner = matches!(character, '\'' | '’') && starts_word(rest, at + character.len_utf8());
        let changes = before.is_some_and(|before| is_east_asian(before) != is_east_asian(character));
        if !(is_word(character) || inner && before.is_some()) || changes && !inner {
            return at;
        }
        before = Some(character);
    }
    rest.len()
}

fn is_east_asian(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}')
}

fn starts_word(rest: &str, at: usize) -> bool {
    rest.get(at..).and_then(|rest| rest.chars().next()).is_some_and(char::is_alphabetic)
}

/// A word behind a dot that no word stands before: `.env`.
fn is_hidden_file(text: &str, at: usize) -> bool {
    if at.checked_sub(1).and_then(|before| text.as_bytes().get(before)) != Some(&b'.') {
        return false;
    }
    let before = text.get(..at - 1).unwrap_or_default();
    !before.ends_with(|character: char| character.is_alphanumeric() || matches!(character, '.' | ')' | ']'))
}

/// Where a web or mail address that begins with the word `start..end` ends; what it is.
fn address(text: &str, start: usize, end: usize) -> (usize, Concepts) {
    // Most words are none.
    if !matches!(text.as_bytes().get(end), Some(b':' | b'@')) {
        return (end, 0);
    }
    let rest = text.get(end..).unwrap_or_default();
    if rest.starts_with("://") {
        let length = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '>' | ')' | '，' | '。'))
            .unwrap_or(rest.len());
        let url = text.get(start..end + length).unwrap_or_default();
        return (end + length, URL | if is_collector(url) { COLLECTOR } else { 0 });
    }
    if let Some(domain) = rest.strip_prefix('@') {
        let length = domain
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-')))
            .unwrap_or(domain.len());
        if domain.get(..length).is_some_and(|domain| domain.trim_end_matches('.').contains('.')) {
            return (end + 1 + length, EMAIL);
        }
    }
    (end, 0)
}

/// Services that show whoever set them up what others send there.
const COLLECTORS: [&str; 17] = [
    "webhook.site",
    "requestbin",
    "ngrok",
    "pipedream.net",
    "burpcollaborator",
    "oast.",
    "interact.sh",
    "pastebin.",
    "beeceptor",
    "requestcatcher",
    "hookbin",
    "trycloudflare",
    "serveo.net",
    "dnslog",
    "canarytokens",
    "attacker",
    "exfil",
];

/// What a web address that leaves room for data leaves it for.
const WANTED: [&str; 17] = [
    "conversation",
    "summary",
    "secret",
    "history",
    "message",
    "context",
    "prompt",
    "leak",
    "exfil",
    "base64",
    "stolen",
    "data",
    "content",
    "answer",
    "password",
    "credential",
    "chat",
];

/// A web address with room for data, or of a service that shows what is sent there.
pub(super) fn is_collector(url: &str) -> bool {
    let lower = lower_all(url);
    let has_room = lower.split_once('?').is_some_and(|(_, query)| {
        ["={", "=<", "=$", "=[", "=%7b"]
            .iter()
            .filter_map(|room| query.split_once(room))
            .any(|(_, room)| WANTED.iter().any(|word| room.contains(word)))
    });
    has_room || COLLECTORS.iter().any(|name| lower.contains(name))
}

/// A line that begins like a sentence or an item, or an empty one.
fn is_new_line_new_sentence(rest: &str) -> bool {
    let line = rest.get(1..).unwrap_or_default();
    let first = line.chars().take(64).find(|character| !matches!(character, ' ' | '\t' | '\r'));
    first.is_none_or(|first| {
        first.is_uppercase()
            || first.is_ascii_digit()
            || matches!(first, '\n' | '-' | '*' | '#' | '•' | '<' | '[')
    })
}

/// A word as it is compared. Scripts without blanks have no case, and no words that could be cut.
fn lower(word: &str) -> Cow<'_, str> {
    let is_lower = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if is_lower && word.len() <= WORD_MAX || word.starts_with(is_east_asian) {
        return Cow::Borrowed(word);
    }
    if word.is_ascii() {
        return Cow::Owned(word.get(..word.len().min(WORD_MAX)).unwrap_or_default().to_ascii_lowercase());
    }
    let end = word.char_indices().nth(WORD_MAX).map_or(word.len(), |(at, _)| at);
    Cow::Owned(lower_all(word.get(..end).unwrap_or_default()))
}

fn lower_all(text: &str) -> String {
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|character| if character == '’' { '\'' } else { character })
        .collect()
}

/// Back quotes or the word itself say that an argument is meant.
pub(super) const NAMED: Concepts = ARGUMENT | QUOTED;
