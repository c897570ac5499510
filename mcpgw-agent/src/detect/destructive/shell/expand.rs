//! Quotes, escapes, variables and substitutions within a word.

use std::borrow::Cow;
use std::ops::Range;

use super::lexer::Lexer;
use super::output;
use super::word::{Simple, Variables, Word};

/// Takes what begins with a special byte in a word of sh.
pub(super) fn posix<'a>(
    lexer: &mut Lexer<'a>,
    byte: u8,
    text: &mut String,
    begun: &mut usize,
    simple: &mut Simple<'a>,
    variables: &Variables,
) {
    lexer.at += 1;
    match byte {
        b'\\' => escape(lexer, text),
        b'\'' => single(lexer, text),
        b'"' => double(lexer, text, simple, variables),
        b'`' => backticks(lexer, text, simple, variables),
        _ => {
            let mut value = String::new();
            dollar(lexer, &mut value, simple, variables);
            split(lexer, &value, text, begun, simple);
        }
    }
}

/// Takes what begins with a special byte in a word of cmd or PowerShell.
pub(super) fn windows(lexer: &mut Lexer<'_>, byte: u8, text: &mut String, start: usize) {
    let opens = lexer.at == start
        || lexer.text.as_bytes().get(lexer.at - 1).is_some_and(|byte| b"=,:(".contains(byte));
    lexer.at += 1;
    match byte {
        b'^' | b'`' => escape(lexer, text),
        // An apostrophe within a word is one.
        b'\'' if !opens => text.push('\''),
        quote => {
            let end = lexer.run(|other| other != quote);
            text.push_str(lexer.slice(lexer.at, end));
            lexer.at = (end + 1).min(lexer.text.len());
        }
    }
}

/// An escaped character, or a line that goes on.
fn escape(lexer: &mut Lexer<'_>, text: &mut String) {
    let Some(next) = lexer.text.get(lexer.at..).and_then(|rest| rest.chars().next()) else { return };
    lexer.at += next.len_utf8();
    match next {
        '\n' => {}
        '\r' if lexer.peek() == Some(b'\n') => lexer.at += 1,
        other => text.push(other),
    }
}

fn single(lexer: &mut Lexer<'_>, text: &mut String) {
    let end = lexer.run(|byte| byte != b'\'');
    text.push_str(lexer.slice(lexer.at, end));
    lexer.at = (end + 1).min(lexer.text.len());
}

fn double<'a>(lexer: &mut Lexer<'a>, text: &mut String, simple: &mut Simple<'a>, variables: &Variables) {
    while let Some(byte) = lexer.peek() {
        match byte {
            b'"' => {
                lexer.at += 1;
                return;
            }
            b'\\' => {
                lexer.at += 1;
                match lexer.peek() {
                    Some(b'"' | b'\\' | b'$' | b'`' | b'\n') => escape(lexer, text),
                    _ => text.push('\\'),
                }
            }
            b'`' => {
                lexer.at += 1;
                backticks(lexer, text, simple, variables);
            }
            b'$' => {
                lexer.at += 1;
                dollar(lexer, text, simple, variables);
            }
            _ => {
                let end = lexer.run(|byte| !matches!(byte, b'"' | b'\\' | b'`' | b'$'));
                text.push_str(lexer.slice(lexer.at, end));
                lexer.at = end;
            }
        }
    }
}

fn backticks<'a>(lexer: &mut Lexer<'a>, text: &mut String, simple: &mut Simple<'a>, variables: &Variables) {
    let start = lexer.at;
    let end = lexer.run(|byte| byte != b'`');
    lexer.at = (end + 1).min(lexer.text.len());
    substitute(lexer, start..end, text, simple, variables);
}

/// `<(…)` and `>(…)`: a word that says so, and a script.
pub(super) fn process_substitution(lexer: &mut Lexer<'_>, simple: &mut Simple<'_>) {
    let start = lexer.at - 1;
    lexer.at += 1;
    let (inner, after) = closing(lexer);
    lexer.at = after;
    simple.substitutions.push(inner);
    simple.words.push(Word { text: Cow::Borrowed("<(…)"), span: start..after });
}

/// What stands up to the parenthesis that closes the one before, and where it goes on.
fn closing(lexer: &Lexer<'_>) -> (Range<usize>, usize) {
    let bytes = lexer.text.as_bytes();
    let (mut depth, mut at) = (1_usize, lexer.at);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\'' => {
                let rest = bytes.get(at + 1..).unwrap_or_default();
                at += 1 + memchr::memchr(b'\'', rest).unwrap_or(rest.len());
            }
            b'(' => depth += 1,
            b')' if depth == 1 => return (lexer.at..at, at + 1),
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    (lexer.at..bytes.len(), bytes.len())
}

/// What follows a dollar.
fn dollar<'a>(lexer: &mut Lexer<'a>, text: &mut String, simple: &mut Simple<'a>, variables: &Variables) {
    match lexer.peek() {
        Some(b'(') => {
            lexer.at += 1;
            let (inner, after) = closing(lexer);
            lexer.at = after;
            substitute(lexer, inner, text, simple, variables);
        }
        Some(b'{') => {
            let start = lexer.at;
            let end = lexer.run(|byte| byte != b'}');
            lexer.at = (end + 1).min(lexer.text.len());
            let inner = lexer.slice(start + 1, end);
            let name_end = inner.bytes().position(|byte| !is_name(byte)).unwrap_or(inner.len());
            let (name, operation) = inner.split_at_checked(name_end).unwrap_or((inner, ""));
            let default = operation.strip_prefix(":-").or_else(|| operation.strip_prefix('-'));
            variable(lexer, name, default, text, variables);
        }
        Some(b'\'') => {
            lexer.at += 1;
            ansi_c(lexer, text);
        }
        Some(b'"') => {}
        Some(byte) if is_name(byte) => {
            let end = lexer.run(is_name);
            let name = lexer.slice(lexer.at, end);
            lexer.at = end;
            variable(lexer, name, None, text, variables);
        }
        _ => text.push('$'),
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The value where it is known; the name where it is not.
fn variable(
    lexer: &mut Lexer<'_>,
    name: &str,
    default: Option<&str>,
    text: &mut String,
    variables: &Variables,
) {
    let value = match (variables.get(name), name) {
        (Some(value), _) => value,
        (None, "IFS") => " ",
        // Of no value known, the temporary directory keeps its name: what is in it may go.
        (None, name) => match default {
            Some(default) if !name.starts_with("TMP") => default,
            _ => "",
        },
    };
    if value.is_empty() || value.len() > lexer.growth {
        text.push('$');
        text.push_str(name);
    } else {
        lexer.growth -= value.len();
        text.push_str(value);
    }
}

/// What a script in a word says: what it prints where that is plain, and its own text where it is not.
fn substitute<'a>(
    lexer: &Lexer<'a>,
    inner: Range<usize>,
    text: &mut String,
    simple: &mut Simple<'a>,
    variables: &Variables,
) {
    let script = lexer.slice(inner.start, inner.end);
    if let Some(printed) = output::of_script(script, variables) {
        text.push_str(printed.trim_end_matches('\n'));
    } else {
        text.push_str("$(");
        text.push_str(script);
        text.push(')');
    }
    simple.substitutions.push(inner);
}

/// Puts an unquoted value into the word, or into several.
fn split<'a>(lexer: &Lexer<'a>, value: &str, text: &mut String, begun: &mut usize, simple: &mut Simple<'a>) {
    if value.starts_with("$(") {
        text.push_str(value);
        return;
    }
    let mut rest = value;
    while let Some(blank) = rest.find([' ', '\t', '\n']) {
        text.push_str(rest.get(..blank).unwrap_or_default());
        if !text.is_empty() {
            simple.words.push(Word { text: Cow::Owned(std::mem::take(text)), span: *begun..lexer.at });
        }
        *begun = lexer.at;
        rest = rest.get(blank + 1..).unwrap_or_default();
    }
    text.push_str(rest);
}

/// `$'…'`.
fn ansi_c(lexer: &mut Lexer<'_>, text: &mut String) {
    while let Some(byte) = lexer.peek() {
        lexer.at += 1;
        match byte {
            b'\'' => return,
            b'\\' => {
                let next = lexer.peek();
                match next {
                    Some(b'x') => {
                        lexer.at += 1;
                        number(lexer, 16, 2, text);
                    }
                    Some(b'u') => {
                        lexer.at += 1;
                        number(lexer, 16, 4, text);
                    }
                    Some(b'0'..=b'7') => number(lexer, 8, 3, text),
                    Some(b'n') => {
                        lexer.at += 1;
                        text.push('\n');
                    }
                    Some(b't') => {
                        lexer.at += 1;
                        text.push('\t');
                    }
                    _ => escape(lexer, text),
                }
            }
            _ => {
                let start = lexer.at - 1;
                lexer.at = lexer.run(|byte| !matches!(byte, b'\'' | b'\\'));
                text.push_str(lexer.slice(start, lexer.at));
            }
        }
    }
}

fn number(lexer: &mut Lexer<'_>, radix: u32, digits: usize, text: &mut String) {
    let end = lexer.run(|byte| char::from(byte).is_digit(radix)).min(lexer.at + digits);
    let number = u32::from_str_radix(lexer.slice(lexer.at, end), radix);
    lexer.at = end;
    text.extend(number.ok().and_then(char::from_u32));
}

/// `{rm,-rf,/}` is three words.
pub(super) fn braces(text: &str, span: Range<usize>, simple: &mut Simple<'_>) {
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    for part in inner.split(',').filter(|part| !part.is_empty()) {
        simple.words.push(Word { text: Cow::Owned(part.to_owned()), span: span.clone() });
    }
}
