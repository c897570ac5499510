//! What a script prints, where that can be read off it: `echo … | base64 -d` and its like.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{GeneralPurposeConfig, STANDARD};

use super::lexer::Lexer;
use super::word::{Flavour, Simple, Variables};
use crate::detect::destructive::commands::base_name;

/// Bytes of a script that is worked out.
const MAX_SCRIPT: usize = 4096;
/// Bytes of what is printed on the way.
const MAX_OUTPUT: usize = 64 << 10;
/// Substitutions within one another.
const MAX_NESTED: usize = 3;

/// What the script in a substitution prints.
pub(super) fn of_script(script: &str, variables: &Variables) -> Option<String> {
    if script.len() > MAX_SCRIPT || is_nested(script.as_bytes()) {
        return None;
    }
    let mut lexer = Lexer::new(script, Flavour::Posix);
    let mut stages = Vec::new();
    let mut simple = Simple::new();
    while lexer.next(&mut simple, variables) {
        stages.push(std::mem::replace(&mut simple, Simple::new()));
    }
    of_stages(&stages)
}

/// It has more substitutions than are worked out.
fn is_nested(script: &[u8]) -> bool {
    let opens = |at: usize| script.get(at) == Some(&b'`') || script.get(at + 1) == Some(&b'(');
    memchr::memchr2_iter(b'$', b'`', script).filter(|at| opens(*at)).nth(MAX_NESTED).is_some()
}

/// What the last command of a pipeline prints.
pub(super) fn of_stages(stages: &[Simple<'_>]) -> Option<String> {
    // Beyond this, nobody's payload is worth more work: that something decoded is run is said anyway.
    let stages = stages.get(..8).unwrap_or(stages);
    let mut printed = None;
    for stage in stages {
        printed = Some(of_stage(stage, printed)?).filter(|printed| printed.len() <= MAX_OUTPUT);
    }
    printed
}

/// Whether a command turns what it reads into something else.
pub(super) fn decodes(stage: &Simple<'_>) -> bool {
    let words = || stage.words.iter().map(|word| word.text.as_ref());
    let has = |options: &[&str]| words().any(|word| options.contains(&word));
    match words().next().map(base_name).as_deref() {
        Some("base64" | "base32" | "gbase64") => has(&["-d", "-D", "--decode", "-di", "-id"]),
        Some("openssl") => has(&["-d"]),
        Some("xxd") => has(&["-r", "-rp"]),
        Some("rev" | "uudecode") => true,
        Some("gzip") => has(&["-d", "-dc", "-cd"]),
        Some("tr") => words().nth(1).is_some_and(|set| set.contains("a-z") || set.contains("A-Z")),
        _ => false,
    }
}

/// Programs whose output is worked out.
const PRINTS: &[&str] = &[
    "echo", "printf", "cat", "tee", "which", "command", "type", "whence", "base64", "gbase64", "openssl",
    "xxd", "rev", "tr",
];

fn of_stage(stage: &Simple<'_>, input: Option<String>) -> Option<String> {
    let mut words = stage.words.iter().map(|word| word.text.as_ref());
    let name = base_name(words.next()?);
    if !PRINTS.contains(&name.as_ref()) {
        return None;
    }
    let arguments: Vec<&str> = words.collect();
    let input = stage.here.as_deref().map(str::to_owned).or(input);
    match name.as_ref() {
        "echo" => Some(echo(&arguments)),
        "printf" => Some(printf(&arguments)),
        "cat" | "tee" if arguments.iter().all(|word| word.starts_with('-')) => input,
        "which" | "command" | "type" | "whence" => {
            arguments.iter().find(|word| !word.starts_with('-')).map(|word| (*word).to_owned())
        }
        "base64" | "gbase64" | "openssl" if decodes(stage) => from_base64(&input?),
        "xxd" if decodes(stage) => from_hex(&input?),
        "rev" => Some(
            input?.lines().map(|line| line.chars().rev().collect::<String>()).collect::<Vec<_>>().join("\n"),
        ),
        "tr" => tr(&input?, &arguments),
        _ => None,
    }
}

fn echo(arguments: &[&str]) -> String {
    let options =
        arguments.iter().take_while(|word| matches!(**word, "-e" | "-n" | "-ne" | "-en" | "-E")).count();
    let escapes = arguments.iter().take(options).any(|word| word.contains('e'));
    let said = arguments.get(options..).unwrap_or_default().join(" ");
    if escapes { unescape(&said) } else { said }
}

fn printf(arguments: &[&str]) -> String {
    let Some((format, values)) = arguments.split_first() else { return String::new() };
    let mut values = values.iter();
    let mut said = String::new();
    let mut rest = *format;
    while let Some((before, after)) = rest.split_once('%') {
        said.push_str(before);
        said.push_str(values.next().copied().unwrap_or_default());
        rest = after.get(1..).unwrap_or_default();
    }
    said.push_str(rest);
    unescape(&said)
}

/// `\n`, `\x41`, `\101`.
fn unescape(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        said.push_str(before);
        let digits = |from: usize, radix: u32, most: usize| {
            let digits = after.get(from..).unwrap_or_default();
            let count =
                digits.bytes().take(most).take_while(|byte| char::from(*byte).is_digit(radix)).count();
            let value = digits.get(..count).and_then(|digits| u32::from_str_radix(digits, radix).ok());
            (value.and_then(char::from_u32), from + count)
        };
        let (letter, taken) = match after.bytes().next() {
            Some(b'x') => digits(1, 16, 2),
            Some(b'0'..=b'7') => digits(0, 8, 4),
            Some(b'n') => (Some('\n'), 1),
            Some(b't') => (Some('\t'), 1),
            _ => (None, 0),
        };
        said.push(letter.unwrap_or('\\'));
        rest = after.get(taken..).unwrap_or_default();
    }
    said.push_str(rest);
    said
}

/// Base64 of UTF-8, or of UTF-16 as PowerShell wants it.
pub(super) fn from_base64(text: &str) -> Option<String> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let packed: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = engine.decode(&packed).or_else(|_| STANDARD.decode(&packed)).ok()?;
    if bytes.len() >= 4
        && bytes.iter().skip(1).step_by(2).filter(|byte| **byte == 0).count() * 3 > bytes.len()
    {
        let units =
            bytes.chunks_exact(2).filter_map(|pair| <[u8; 2]>::try_from(pair).ok()).map(u16::from_le_bytes);
        return Some(char::decode_utf16(units).map(|letter| letter.unwrap_or('\u{fffd}')).collect());
    }
    String::from_utf8(bytes).ok()
}

fn from_hex(text: &str) -> Option<String> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .map(|letter| letter.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes = digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |value, digit| value << 4 | digit));
    String::from_utf8(bytes.collect()).ok()
}

/// Letters for letters.
fn tr(text: &str, arguments: &[&str]) -> Option<String> {
    let (from, to) = (arguments.first()?, arguments.get(1)?);
    if *from == "-d" {
        return Some(text.chars().filter(|letter| !to.contains(*letter)).collect());
    }
    let (from, to) = (set(from), set(to));
    let last = to.last().copied()?;
    let map = |letter| match from.iter().position(|other| *other == letter) {
        Some(index) => to.get(index).copied().unwrap_or(last),
        None => letter,
    };
    Some(text.chars().map(map).collect())
}

/// The letters of a set such as `A-Za-z`; at most 256.
fn set(text: &str) -> Vec<char> {
    let letters: Vec<char> = text.chars().filter(char::is_ascii).take(256).collect();
    let mut all = Vec::new();
    let mut rest = letters.as_slice();
    while let Some((first, after)) = rest.split_first() {
        match after {
            ['-', last, beyond @ ..] if first < last => {
                all.extend(*first..=*last);
                rest = beyond;
            }
            _ => {
                all.push(*first);
                rest = after;
            }
        }
    }
    all.truncate(256);
    all
}
