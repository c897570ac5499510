//! Values with a line end in them, where a line is a header.

use super::{has_word, hit};
use crate::detect::member::Member;
use crate::detect::{Hit, Severity};

/// Longest name of a header, in bytes.
const MAX_NAME: usize = 64;
/// Words of members that become headers of a request or a letter.
const HEADERS: &[&str] = &[
    "agent",
    "authorization",
    "bcc",
    "cc",
    "cookie",
    "email",
    "from",
    "header",
    "headers",
    "origin",
    "recipient",
    "recipients",
    "referer",
    "referrer",
    "sender",
    "subject",
    "to",
];

pub(super) fn find(text: &str, member: Member, key: &str) -> Option<Hit> {
    let is_name = matches!(member, Member::Host | Member::Address | Member::Name | Member::Path);
    if !(is_name || member == Member::Other && has_word(key, HEADERS)) {
        return None;
    }
    let inside = text.trim_end();
    let at = inside.bytes().position(|byte| matches!(byte, b'\r' | b'\n'))?;
    let rest = inside.get(at..)?.trim_start_matches(['\r', '\n']);
    let (kind, why) = ("header_injection", "a line end where one begins a header, and a header behind it");
    if is_header(rest) || rest.starts_with("HTTP/1") || rest.starts_with('<') && member == Member::Address {
        return Some(hit(kind, Severity::High, 0.85, at..inside.len(), why));
    }
    // Keys in several lines, and lists of names.
    let score = if member == Member::Host { 0.5 } else { 0.3 };
    Some(hit("line_end", Severity::Medium, score, at..inside.len(), "a name of more than one line"))
}

/// `Name: value`, or a redis command or request line.
fn is_header(line: &str) -> bool {
    let end = line.bytes().take(MAX_NAME).position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'-'));
    let Some(end) = end.filter(|end| *end > 1) else { return false };
    let rest = line.get(end..).unwrap_or_default();
    rest.starts_with(':') && !rest.starts_with("://") && !rest.starts_with(":\\")
        || ["GET /", "POST /", "PUT /", "SET ", "CONFIG SET", "FLUSHALL", "MAIL FROM", "RCPT TO"]
            .iter()
            .any(|begin| line.starts_with(begin))
}
