//! Credentials in addresses: URLs with a password, connection strings, addresses that are secrets themselves.

use std::ops::Range;

use super::alphabet::{self, ALNUM, DASH, DOT, LOWER, PERCENT, PLUS, URL};
use super::value;

/// User and password are no longer than this together.
const LOGIN_MAX: usize = 256;
const ADDRESS_MAX: usize = 2048;

fn ends(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | 0x7f)
}

/// The URL whose `://` stands at `at`, where it has a password: all of it, what it is called and how sure one is.
pub(super) fn login(bytes: &[u8], at: usize) -> Option<(Range<usize>, &'static str, f32)> {
    let start = at - alphabet::run_back(bytes, at, ALNUM | PLUS | DASH | DOT, 24);
    let host = at + 3;
    let rest = bytes.get(host..)?;
    let login = rest
        .iter()
        .take(LOGIN_MAX)
        .position(|byte| ends(*byte) || matches!(byte, b'/' | b'?' | b'#'))
        .unwrap_or(rest.len().min(LOGIN_MAX));
    // The last at sign: a password may hold one.
    let sign = rest.get(..login)?.iter().rposition(|byte| *byte == b'@')?;
    let user = rest.get(..sign)?;
    let split = user.iter().position(|byte| *byte == b':')?;
    let (name, password) = (user.get(..split)?, user.get(split + 1..)?);
    let scheme = bytes.get(start..at)?;
    let score = known_password(name, password)?;
    let rest = bytes.get(host + sign..)?;
    let length = rest
        .iter()
        .take(ADDRESS_MAX)
        .position(|byte| ends(*byte) || matches!(byte, b')' | b'|' | b'}'))
        .unwrap_or(rest.len().min(ADDRESS_MAX));
    let mut end = host + sign + length;
    end -= bytes.get(..end)?.iter().rev().take_while(|byte| matches!(byte, b'.' | b',' | b';')).count();
    let web = matches!(scheme, b"http" | b"https" | b"ftp" | b"git" | b"ssh");
    let start = if bytes.get(..start)?.ends_with(b"jdbc:") { start - 5 } else { start };
    Some((start..end, if web { "url_credential" } else { "connection_string" }, score))
}

/// How sure one is that a password in a URL is one, and not what documents write in its place.
fn known_password(name: &[u8], password: &[u8]) -> Option<f32> {
    let lower = password.to_ascii_lowercase();
    let plain: &[&[u8]] = &[
        b"password",
        b"pass",
        b"secret",
        b"passwd",
        b"pwd",
        b"pw",
        b"test",
        b"changeme",
        b"postgres",
        b"root",
        b"guest",
        b"admin",
        b"mysql",
        b"minio",
        b"rabbitmq",
        b"token",
        b"user",
        b"example",
        b"yourpassword",
        b"your_password",
        b"mypassword",
        b"p4ssw0rd",
        b"p@ssw0rd",
        b"key",
        b"example_password",
        b"db_password",
    ];
    if password.len() < 3 || plain.contains(&lower.as_slice()) || lower == name.to_ascii_lowercase() {
        return None;
    }
    if password
        .iter()
        .any(|byte| matches!(byte, b'$' | b'{' | b'}' | b'<' | b'>' | b'*' | b'[' | b']' | b'('))
        && value::stands_for(password)
        || matches!(password.first(), Some(b'$' | b'<' | b'{' | b'%' | b'*' | b'['))
        || value::stands_for(password)
    {
        return None;
    }
    Some(0.8)
}

/// Whether a name and its value stand among pairs that semicolons part, and not at the end of a statement.
pub(super) fn is_paired(bytes: &[u8], name: &Range<usize>, value: &Range<usize>) -> bool {
    let before = name.start.checked_sub(1).and_then(|at| bytes.get(at)) == Some(&b';');
    let rest = bytes.get(value.end..).unwrap_or_default();
    let words =
        rest.iter().skip(1).take(32).take_while(|byte| byte.is_ascii_alphabetic() || **byte == b' ').count();
    let behind = rest.first() == Some(&b';')
        && words > 0
        && rest.get(words + 1) == Some(&b'=')
        && rest.get(1) != Some(&b' ');
    before || behind
}

/// A connection string of `key=value;` pairs around `at`, where its secret's name stands: from the first pair to the last.
pub(super) fn pairs(bytes: &[u8], value: &Range<usize>) -> Range<usize> {
    let stops = |byte: u8| ends(byte) && byte != b' ' || matches!(byte, b'{' | b'}');
    let back = bytes
        .get(..value.start)
        .unwrap_or_default()
        .iter()
        .rev()
        .take(512)
        .take_while(|byte| !stops(**byte))
        .count();
    let mut start = value.start - back;
    // Nothing before the first pair belongs to it: `NAME=Server=…`, `The string is Server=…`.
    let head = bytes.get(start..value.start).unwrap_or_default();
    let first = head.iter().position(|byte| *byte == b';').unwrap_or(head.len());
    let pair = head.get(..first).unwrap_or_default();
    if let Some(sign) = pair.iter().rposition(|byte| *byte == b'=') {
        let name = pair.get(..sign).unwrap_or_default();
        let length =
            name.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        start += sign - length;
    }
    let forward = bytes.get(value.end..).unwrap_or_default();
    let mut end = value.end;
    if forward.first() == Some(&b';') {
        let length = forward.iter().take(512).take_while(|byte| !stops(**byte) && **byte != b' ').count();
        end += length;
        end -= usize::from(bytes.get(end - 1) == Some(&b';'));
    }
    start..end
}

/// An address that lets whoever has it write: from its scheme to its end, where at least `least` bytes follow the needle.
pub(super) fn webhook(bytes: &[u8], needle: &Range<usize>, least: usize) -> Option<Range<usize>> {
    let tail = alphabet::run(bytes, needle.end, URL, 320);
    let mut end = needle.end + tail;
    end -= bytes
        .get(..end)?
        .iter()
        .rev()
        .take_while(|byte| matches!(byte, b'.' | b',' | b';' | b':' | b'!'))
        .count();
    let path = bytes.get(needle.end..end)?;
    if path.len() < least
        || !path.iter().any(u8::is_ascii_digit)
        || super::format::masked(path)
        || value::is_counted_path(path)
    {
        return None;
    }
    let host = needle.start - alphabet::run_back(bytes, needle.start, ALNUM | DASH | DOT, 64);
    let start = match bytes.get(..host) {
        Some(before) if before.ends_with(b"https://") => host - 8,
        Some(before) if before.ends_with(b"http://") => host - 7,
        _ => host,
    };
    Some(start..end)
}

/// The query of a signed address, from its first parameter, where the signature stands at `value`.
pub(super) fn signed(bytes: &[u8], name: usize) -> Option<Range<usize>> {
    let value = name + 4;
    let set = alphabet::B64 | PERCENT | DASH | alphabet::UNDER;
    let length = alphabet::run(bytes, value, set, 120);
    if length < 40 || !bytes.get(value..value + length)?.iter().any(u8::is_ascii_digit) {
        return None;
    }
    let back = alphabet::run_back(bytes, name, URL, 1024);
    let before = bytes.get(name - back..name)?;
    let query = before.iter().rposition(|byte| *byte == b'?').map_or(0, |mark| mark + 1);
    let first = before.get(query..)?;
    let pair = first.iter().position(|byte| *byte == b'&').unwrap_or(first.len());
    let sign = first.get(..pair)?.iter().rposition(|byte| *byte == b'=').unwrap_or(0);
    let letters = alphabet::run_back(first, sign, LOWER, 5);
    let start = name - back + query + sign - letters;
    let rest = alphabet::run(bytes, value + length, URL, 512);
    let mut end = value + length + rest;
    end -= bytes.get(..end)?.iter().rev().take_while(|byte| matches!(byte, b'.' | b',' | b';')).count();
    Some(start..end)
}
