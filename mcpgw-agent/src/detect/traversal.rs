//! Paths that climb out of where they should stay.
//!
//! Looked at are arguments whose name says that they are a path or a URI, and those of other names that are nothing but a
//! path. `..` in a document, a script or an import is nobody's path. A path is decoded here once more than in the
//! engine's readings, and more leniently: what some server decodes wrongly (overlong UTF-8) is an attack for that reason.
//! What links, the working directory and mounts make of a path cannot be known here.

mod climb;
mod decode;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::member::Member;
use super::{Detector, Hit, Noticed, Place, Severity, Surface, TextDetector};
use crate::mcp::Role;
use crate::policy::path::{file_path, shorten};
use crate::text::seek::may_have;
use climb::Climb;

/// Longest text that is read as a path, in bytes.
const MAX_BYTES: usize = 16 << 10;
/// From here on a path of no path's name counts.
const SURE: f32 = 0.8;

/// The detector of paths that climb.
#[derive(Debug, Clone, Copy, Default)]
pub struct Traversal;

impl TextDetector for Traversal {
    fn detector(&self) -> Detector {
        Detector::Traversal
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
        let member = if place.role == Role::Uri { Member::Address } else { Member::of(place.key) };
        let found = match member {
            Member::Path | Member::Address => judge(text),
            Member::Name | Member::Other if is_path(text) && !place.key.is_empty() => {
                judge(text).filter(|found| found.score >= SURE).map(|found| found.at_most(0.7))
            }
            Member::Document
            | Member::Command
            | Member::Pattern
            | Member::Host
            | Member::Name
            | Member::Other => None,
        };
        hits.extend(found.map(|Found { kind, severity, score, why }| Hit {
            kind,
            severity,
            score,
            range: 0..text.len(),
            why,
        }));
    }
}

/// What a path is.
#[derive(Debug, Clone, Copy)]
struct Found {
    kind: &'static str,
    severity: Severity,
    score: f32,
    why: &'static str,
}

impl Found {
    fn at_most(self, score: f32) -> Self {
        Self { score: self.score.min(score), ..self }
    }

    /// The surer of two.
    fn or(self, other: Option<Self>) -> Self {
        other.filter(|other| other.score > self.score).unwrap_or(self)
    }
}

const fn high(kind: &'static str, score: f32, why: &'static str) -> Found {
    Found { kind, severity: Severity::High, score, why }
}

const fn medium(kind: &'static str, score: f32, why: &'static str) -> Found {
    Found { kind, severity: Severity::Medium, score, why }
}

const NUL: Found =
    high("nul_byte", 0.9, "a path with a NUL in it: what checks it and what opens it read different paths");
const ENCODED: Found = high("encoded_traversal", 0.9, "a path whose steps upwards are encoded");
const TRICK: Found = high("disguised_traversal", 0.85, "a path that climbs once somebody has cleaned it");
const PROCESS: Found = high("process_link", 0.85, "a path through a process' own files, which lead anywhere");
const STREAM: Found =
    medium("alternate_stream", 0.7, "a stream of a Windows file, which checks of its ending do not see");
const REMOTE: Found =
    medium("remote_path", 0.6, "a path on another machine: opening it sends credentials there");
const DEVICE: Found =
    medium("device_path", 0.6, "a path of Windows that is not resolved before it is opened");

/// Most texts are no paths and have none of this.
fn is_worth_a_look(text: &str) -> bool {
    memchr::memchr3(0, b'%', b'\\', text.as_bytes()).is_some()
        || has_part(text)
        || text.starts_with("//")
        || is_file_uri(text)
}

/// A byte is found a good deal faster than what is made of it.
fn has_part(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_of_part = |byte: u8| matches!(byte, b'.' | b':' | b'v' | b'p' | 0x80..);
    if !may_have(bytes, is_of_part) {
        return false;
    }
    let has = |byte: u8| memchr::memchr(byte, bytes).is_some();
    has(b'.') && text.contains("..")
        || has(b'/') && (has(b'p') && text.contains("proc/") || has(b'v') && text.contains("/dev/fd"))
        || has(b':') && text.contains("::$")
        || !text.is_ascii() && text.contains('‥')
}

fn is_file_uri(text: &str) -> bool {
    text.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"))
}

/// It is nothing but a path: words of prose and code have blanks and brackets.
fn is_path(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_whitespace() || b"\"'`()<>{}[]|;,=*?$".contains(&byte))
        && text.contains(['/', '\\', '%'])
}

/// Judges a path or a URI.
fn judge(text: &str) -> Option<Found> {
    let decoded = decode::lenient(text);
    let plain = parts(text);
    let mut worst = (decoded.contains('\0')).then_some(NUL);
    let mut add = |found: Option<Found>| {
        if let Some(found) = found {
            worst = Some(found.or(worst));
        }
    };
    add(plain.judge());
    if let Cow::Owned(decoded) = &decoded {
        let inside = parts(decoded);
        let climbs = |parts: &Parts<'_>| Climb::of(&parts.path).is_climbing() || parts.climbs_in_query();
        // What one decoding of a URI shows is how URIs spell what they mean; `..` has no need of it.
        add((climbs(&inside) && !climbs(&plain)).then_some(ENCODED));
        add(inside.judge());
    }
    worst
}

/// A path, and where it was taken from.
struct Parts<'t> {
    path: Cow<'t, str>,
    source: Source,
    query: &'t str,
    /// It names a machine.
    host: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Path,
    File,
    Web,
    /// A URI of a scheme of the server's own.
    Own,
}

fn parts(text: &str) -> Parts<'_> {
    let text = text.trim();
    if let Some(path) = file_path(text) {
        let host = text.get(5..).and_then(|rest| rest.strip_prefix("//")).unwrap_or_default();
        let host = host.split(['/', '\\']).next().unwrap_or_default();
        let host =
            !host.is_empty() && !host.eq_ignore_ascii_case("localhost") && !host.contains(['.', '%', ':']);
        // A drive is an absolute path within one.
        let drive = path.get(1..).filter(|path| climb::drive(path).is_some()).map(str::to_owned);
        return Parts { path: Cow::Owned(drive.unwrap_or(path)), source: Source::File, query: "", host };
    }
    let Some((scheme, rest)) = text.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) else {
        return Parts { path: Cow::Borrowed(text), source: Source::Path, query: "", host: false };
    };
    let (path, query) = rest.find(['?', '#']).and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
    let is_web = ["http", "https", "ws", "wss"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    // Not without the authority: `docs://..` climbs, too.
    let source = if is_web { Source::Web } else { Source::Own };
    Parts { path: Cow::Borrowed(path), source, query, host: false }
}

fn is_scheme(scheme: &str) -> bool {
    !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

impl Parts<'_> {
    fn judge(&self) -> Option<Found> {
        let climb = Climb::of(&self.path);
        let mut found = climb.judge();
        match self.source {
            Source::Path | Source::File => {
                found =
                    [found, self.special()].into_iter().flatten().reduce(|one, other| one.or(Some(other)));
            }
            // Whoever fetches it takes the steps away before they are sent.
            Source::Web => found = found.map(|found| found.at_most(0.45)),
            Source::Own => {}
        }
        if self.climbs_in_query() {
            let there = medium("path_traversal", 0.55, "a path that climbs, in the query of a URL");
            found = Some(there.or(found));
        }
        found
    }

    /// What is odd about a path whatever its steps.
    fn special(&self) -> Option<Found> {
        let path = &*self.path;
        let lower = path.replace('\\', "/").to_ascii_lowercase();
        // Before its steps are taken: a link's parent is not the directory it is in.
        if is_process_link(&lower) || is_process_link(&shorten(&lower)) {
            return Some(PROCESS);
        }
        if path.contains("::$") {
            return Some(STREAM);
        }
        if self.host {
            return Some(REMOTE);
        }
        let share =
            path.strip_prefix("\\\\").or_else(|| path.strip_prefix("//").filter(|_| path.contains('\\')))?;
        match share.as_bytes() {
            [b'?' | b'.', b'\\' | b'/', ..] => Some(DEVICE),
            [first, ..] if first.is_ascii_alphanumeric() && share.contains(['\\', '/']) => Some(REMOTE),
            _ => None,
        }
    }

    fn climbs_in_query(&self) -> bool {
        self.query.split(['=', '&', '?', '#']).any(|value| {
            let climb = Climb::of(value);
            climb.is_climbing() && climb.judge().is_some_and(|found| found.score >= 0.5)
        })
    }
}

/// `/proc/self/root` and what else stands for other places.
fn is_process_link(path: &str) -> bool {
    if path.starts_with("/dev/fd/") {
        return true;
    }
    let Some((process, rest)) = path.strip_prefix("/proc/").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let is_process =
        matches!(process, "self" | "thread-self") || process.bytes().all(|byte| byte.is_ascii_digit());
    let mut levels = rest.split('/');
    let mut first = levels.next().unwrap_or_default();
    if first == "task" {
        first = levels.nth(1).unwrap_or_default();
    }
    is_process && matches!(first, "root" | "cwd" | "fd" | "exe" | "environ" | "mem" | "map_files")
}
