//! Arguments that become options or commands of the program a server hands them to.
//!
//! Looked at are arguments whose name says that they are a name: an id, a branch, a host, a file. What is meant to be run,
//! and prose, code and queries, may say what they like; `destructive` reads what is run. A value that begins with a hyphen
//! becomes an option where the server builds a list of arguments, one with `;` or `$(` a command where it builds a line,
//! one with a line end a header where it builds a request.

mod command;
mod header;
mod option;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::member::{Member, words};
use super::{Detector, Hit, Noticed, Place, Severity, Surface, TextDetector};
use crate::mcp::Role;
use crate::text::seek::may_have;

/// Longest text that is read as a name, in bytes.
const MAX_BYTES: usize = 8 << 10;

/// The detector of names that are more than names.
#[derive(Debug, Clone, Copy, Default)]
pub struct ArgumentInjection;

impl TextDetector for ArgumentInjection {
    fn detector(&self) -> Detector {
        Detector::ArgumentInjection
    }

    fn needles(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_for(&self, surface: Surface) -> bool {
        surface == Surface::Arguments
    }

    fn find(&self, text: &str, place: &Place<'_>, _: &Noticed<'_>, hits: &mut Vec<Hit>) {
        let is_argument =
            place.surface == Surface::Arguments && matches!(place.role, Role::Argument | Role::Uri);
        if !is_argument || text.len() > MAX_BYTES || !is_worth_a_look(text) {
            return;
        }
        if place.key.is_empty() && place.role != Role::Uri {
            return;
        }
        let member = if place.role == Role::Uri { Member::Address } else { Member::of(place.key) };
        hits.extend(option::find(text, member, place.key));
        hits.extend(command::find(text, member));
        hits.extend(header::find(text, member, place.key));
        hits.extend(template(text, member));
    }
}

/// Most texts have nothing in them that a shell or a program would not take for a letter.
fn is_worth_a_look(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_sign = |byte: u8| {
        matches!(byte, b'\r' | b'\n' | b';' | b'|' | b'&' | b'`' | b'$' | b'<' | b'>' | b'{' | b'#')
    };
    text.starts_with(['-', ' ', '\t']) || may_have(bytes, is_sign) && has_sign(bytes)
}

fn has_sign(bytes: &[u8]) -> bool {
    memchr::memchr3(b'\r', b'\n', b';', bytes).is_some()
        || memchr::memchr3(b'|', b'&', b'`', bytes).is_some()
        || memchr::memchr3(b'$', b'<', b'>', bytes).is_some()
        || memchr::memchr2(b'{', b'#', bytes).is_some()
}

/// What is found in a name.
fn hit(kind: &'static str, severity: Severity, score: f32, range: Range<usize>, why: &'static str) -> Hit {
    Hit { kind, severity, score, range, why }
}

/// A place holder that a template engine or a logger would fill in.
fn template(text: &str, member: Member) -> Option<Hit> {
    if matches!(member, Member::Document | Member::Command | Member::Pattern) {
        return None;
    }
    let lower = |at: usize, len: usize| text.get(at..at + len).map(str::to_ascii_lowercase);
    if let Some(at) = text.find("${")
        && (lower(at, 7).as_deref() == Some("${jndi:") || lower(at, 4).as_deref() == Some("${${"))
    {
        let why = "a look-up that a logger would carry out";
        return Some(hit("template_injection", Severity::High, 0.85, at..text.len(), why));
    }
    // In a text of many lines it is somebody's code.
    if member == Member::Other || text.len() > 512 || text.contains('\n') {
        return None;
    }
    let at = ["{{", "${", "<%", "#{"].iter().filter_map(|opens| text.find(opens)).min()?;
    let inside = text.get(at..)?;
    let calls = inside.contains("__") || inside.contains(".constructor") || inside.contains("getClass");
    let reckons = inside.bytes().zip(inside.bytes().skip(1)).any(|pair| matches!(pair, (b'*', b'0'..=b'9')));
    let score = if calls {
        0.7
    } else if reckons {
        0.5
    } else {
        0.2
    };
    let why = "an expression that a template engine would work out";
    Some(hit("template_injection", Severity::Medium, score, at..text.len(), why))
}

/// A word of `key` is one of `wanted`.
fn has_word(key: &str, wanted: &[&str]) -> bool {
    words(key).any(|word| wanted.iter().any(|other| other.eq_ignore_ascii_case(word)))
}
