//! Addresses of mail, and names and passwords in URLs.

mod spoken;

use std::ops::Range;

pub(super) use spoken::look as spoken;

use super::super::Hit;
use super::kind::severity;

/// Longest local part (RFC 5321).
const LOCAL: usize = 64;
/// Longest domain.
const DOMAIN: usize = 253;

/// Mailboxes of no person.
const ROBOTS: &[&str] = &[
    "noreply",
    "no-reply",
    "no_reply",
    "donotreply",
    "do-not-reply",
    "mailer-daemon",
    "postmaster",
    "git",
    "hg",
    "svn",
    "root",
    "localhost",
    "bounce",
    "bounces",
    "notifications",
];
/// Mailboxes of an office.
const OFFICES: &[&str] = &[
    "info", "contact", "support", "sales", "hello", "admin", "help", "office", "security", "abuse", "press",
    "team", "billing",
];
/// Domains people write when they mean any.
const ANY: &[&str] = &[
    "company.com",
    "yourcompany.com",
    "yourdomain.com",
    "domain.com",
    "mydomain.com",
    "mycompany.com",
    "example.com",
    "example.org",
    "example.net",
    "test.com",
    "email.com",
    "acme.com",
];
/// What ends names of files and packages, not of hosts.
const FILES: &[&str] = &[
    "png",
    "jpg",
    "jpeg",
    "gif",
    "svg",
    "webp",
    "ico",
    "css",
    "js",
    "mjs",
    "ts",
    "tsx",
    "jsx",
    "json",
    "py",
    "rb",
    "rs",
    "go",
    "java",
    "md",
    "txt",
    "html",
    "htm",
    "yml",
    "yaml",
    "toml",
    "xml",
    "zip",
    "tgz",
    "gz",
    "whl",
    "jar",
    "lock",
    "sh",
    "exe",
    "service",
    "local",
    "internal",
    "localhost",
    "invalid",
    "lan",
    "localdomain",
    "cluster",
    "svc",
];

/// Finds all.
pub(super) fn find(text: &str, hits: &mut Vec<Hit>) {
    let bytes = text.as_bytes();
    for at in memchr::memchr_iter(b'@', bytes) {
        let domain = at + 1..domain(bytes, at + 1);
        // No host is shorter; most at signs have none behind them.
        if domain.len() < 4 || bytes.get(domain.end) == Some(&b'@') {
            continue;
        }
        let start = local(bytes, at);
        if let Some((range, score)) = userinfo(bytes, start, at) {
            add(hits, "url_credentials", score, range, "a URL with a name and a password");
        } else if let Some(score) = score(bytes, start..at, domain.clone()) {
            add(hits, "email_address", score, start..domain.end, "an address of mail");
        }
    }
}

fn add(hits: &mut Vec<Hit>, kind: &'static str, score: f32, range: Range<usize>, why: &'static str) {
    hits.push(Hit { kind, severity: severity(kind), score, range, why });
}

/// Where the local part that ends at `at` begins.
fn local(bytes: &[u8], at: usize) -> usize {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~.-".contains(&byte);
    let rest = bytes.get(at.saturating_sub(LOCAL)..at).unwrap_or_default();
    let start = at - rest.iter().rev().take_while(|byte| is_part(**byte)).count();
    // Quotation marks, parameters and the like stand before an address far more often than in one.
    let odd =
        bytes.get(start..at).unwrap_or_default().iter().rposition(|byte| b"!#$%&'*/=?^`{|}~".contains(byte));
    let start = odd.map_or(start, |odd| start + odd + 1);
    start + bytes.get(start..at).unwrap_or_default().iter().take_while(|byte| b".-+".contains(byte)).count()
}

/// Where the domain that begins at `start` ends.
fn domain(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..bytes.len().min(start + DOMAIN)).unwrap_or_default();
    let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(byte)).count();
    let kept = rest.get(..length).unwrap_or_default().iter().rposition(u8::is_ascii_alphanumeric);
    start + kept.map_or(0, |last| last + 1)
}

/// The name and password in a URL, if that is what stands before the `@`, and how sure that they are someone's.
fn userinfo(bytes: &[u8], start: usize, at: usize) -> Option<(Range<usize>, f32)> {
    let before = bytes.get(start.saturating_sub(LOCAL)..at)?;
    let scheme = before.windows(3).rposition(|three| three == b"://")?;
    let name = start.saturating_sub(LOCAL) + scheme + 3;
    let inside = bytes.get(name..at)?;
    let colon = inside.iter().position(|byte| *byte == b':')?;
    let is_plain = inside.iter().all(|byte| byte.is_ascii_graphic() && !b"/\"'<>{}$[]".contains(byte));
    let password = inside.get(colon + 1..).unwrap_or_default();
    let is_example = is_in(&["password", "pass", "pwd", "secret", "token", "passwd", "changeme"], password);
    (is_plain && colon > 0 && !password.is_empty()).then_some((name..at, if is_example { 0.3 } else { 0.7 }))
}

fn score(bytes: &[u8], local: Range<usize>, domain: Range<usize>) -> Option<f32> {
    let behind = bytes.get(domain.end).copied();
    let (name, host) = (bytes.get(local.clone())?, bytes.get(domain)?);
    let is_name = !name.is_empty() && name.last() != Some(&b'.') && !name.windows(2).any(|two| two == b"..");
    let mut labels = 0;
    let mut last: &[u8] = &[];
    for label in host.split(|byte| *byte == b'.') {
        if label.is_empty() || label.first() == Some(&b'-') || label.last() == Some(&b'-') || label.len() > 63
        {
            return None;
        }
        labels += 1;
        last = label;
    }
    let is_top = last.len() >= 2 && (last.iter().all(u8::is_ascii_alphabetic) || last.starts_with(b"xn--"));
    if !is_name || labels < 2 || !is_top || is_in(FILES, last) || matches!(behind, Some(b'_' | b'@' | b'(')) {
        return None;
    }
    let prefix = local.start.checked_sub(3).and_then(|from| bytes.get(from..local.start));
    let is_remote =
        (behind == Some(b':') || prefix == Some(b"://") || behind == Some(b'/')) && name == b"git";
    Some(if is_remote {
        0.1
    } else if is_in(ROBOTS, name)
        || name.len() == 1 && is_in(ANY, host)
        || is_in(OFFICES, name) && is_in(ANY, host)
    {
        0.4
    } else if is_in(OFFICES, name) {
        0.6
    } else {
        0.9
    })
}

fn is_in(list: &[&str], word: &[u8]) -> bool {
    list.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word))
}
