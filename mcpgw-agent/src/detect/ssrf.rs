//! Addresses that only the server's machine or its network can reach, as arguments.
//!
//! A URL is read twice: as the web's standard reads it (`url`), and as careless programs do, which disagree about
//! where a machine's name begins and what a number means. What either finds counts. Names are not looked up: one that
//! resolves to an address within is known only if it belongs to a service that answers with the address it is asked
//! for.

mod address;
mod name;
mod spelling;
#[cfg(test)]
mod tests;

use std::ops::Range;

use memchr::memmem;

use super::member::Member;
use super::{Detector, Hit, Noticed, Place, Severity, Surface, TextDetector};
use crate::mcp::Role;
use spelling::Spelled;

/// Bytes of a URL in which its machine is looked for.
const MAX_AUTHORITY: usize = 512;
/// Longest text that is read as one URL or host, in bytes.
const MAX_WHOLE: usize = 8 << 10;

/// The detector of addresses within.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ssrf;

/// What an address reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// What a cloud tells its machines, keys included.
    Metadata,
    /// The machine itself.
    Loopback,
    /// Whoever is on the same wire.
    LinkLocal,
    /// A network that is not the internet.
    Private,
    /// A name networks use for themselves.
    Internal,
    /// A name that resolves to whatever it says, or to this machine.
    Rebinding,
}

impl TextDetector for Ssrf {
    fn detector(&self) -> Detector {
        Detector::Ssrf
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
        if !is_argument || (place.key.is_empty() && place.role != Role::Uri) {
            return;
        }
        let mut member = None;
        let mut member = || {
            *member.get_or_insert_with(|| {
                if place.role == Role::Uri { Member::Address } else { Member::of(place.key) }
            })
        };
        // Most texts are prose: they name no scheme, and are no name.
        let has_scheme = memchr::memchr(b':', text.as_bytes()).is_some();
        let mut may_be_name = || matches!(member(), Member::Address | Member::Host | Member::Other);
        if !has_scheme && (text.trim().contains(char::is_whitespace) || !may_be_name()) {
            return;
        }
        let known = hits.len();
        let mut until = None;
        for at in memmem::find_iter(text.as_bytes(), b"://") {
            let Some((range, spelled)) = machine(text, at) else { continue };
            let is_whole = range.start <= *until.get_or_insert_with(|| whole_until(text));
            let context = Context::of(is_whole, member());
            hits.extend(context.hit(spelled, range));
        }
        if hits.len() > known || text.len() > MAX_WHOLE {
            return;
        }
        let whole = text.trim();
        let (start, end) = (text.len() - text.trim_start().len(), text.trim_end().len());
        if let Some(spelled) = whole_text(whole, place.role, &mut member) {
            hits.extend(Context::Whole.hit(spelled, start..end.max(start)));
        }
    }
}

/// The machine a URL names whose `://` is at `at`, as careless programs read it, and the URL's beginning of a text.
fn machine(text: &str, at: usize) -> Option<(Range<usize>, Spelled)> {
    let before = text.as_bytes().get(at.saturating_sub(16)..at)?;
    let letters =
        before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte)).count();
    let start = at - letters;
    let scheme = text.get(start..at).unwrap_or_default();
    let from = at + "://".len();
    let to = text.ceil_char_boundary(from.saturating_add(MAX_AUTHORITY).min(text.len()));
    let rest = text.get(from..to)?;
    let is_end = |letter: char| letter.is_whitespace() || letter == '/' || "\"'<>`{}".contains(letter);
    // Some take slashes more than two for two.
    let slashes = rest.len() - rest.trim_start_matches(['/', '\\']).len();
    let rest = rest.get(slashes..)?;
    let authority = rest.get(..rest.find(is_end).unwrap_or(rest.len()))?;
    let spelled = spelling::authority(authority, scheme);
    let spelled = spelled.or_else(|| spelling::scheme(scheme))?;
    Some((start..from + slashes + authority.len(), spelled))
}

/// What a text is that is nothing but a URL or the name of a machine, in any spelling some program takes for one.
fn whole_text(text: &str, role: Role, member: &mut impl FnMut() -> Member) -> Option<Spelled> {
    let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
    let is_web = ["http", "https", "ws", "wss", "ftp"].iter().any(|web| sounds_like(scheme, web));
    if is_web && !rest.trim_start_matches(['/', '\\']).contains(char::is_whitespace) || text.contains("://") {
        return spelling::url(text);
    }
    if role == Role::Argument
        && spelling::is_local_scheme(scheme)
        && rest.starts_with('/')
        && member() == Member::Address
    {
        return spelling::scheme(scheme);
    }
    if text.is_empty() || text.contains(char::is_whitespace) {
        return None;
    }
    match member() {
        Member::Address if role != Role::Uri => {
            spelling::bare(text.trim_start_matches(['/', '\\'])).filter(|spelled| !spelled.is_vague())
        }
        Member::Host => spelling::bare(text),
        Member::Other => spelling::bare(text).filter(|spelled| spelled.reach == Some(Reach::Metadata)),
        Member::Address
        | Member::Document
        | Member::Command
        | Member::Pattern
        | Member::Path
        | Member::Name => None,
    }
}

/// `scheme` but for the tabs and line ends that readers of URLs take out.
fn sounds_like(scheme: &str, other: &str) -> bool {
    let letters = scheme.bytes().filter(|byte| !byte.is_ascii_control());
    scheme.len() <= 16 && letters.map(|byte| byte.to_ascii_lowercase()).eq(other.bytes())
}

/// How far a URL may begin that is the whole of `text`, or all but what follows: behind blanks, or without any before.
/// Looked for once: there may be a URL every few bytes.
fn whole_until(text: &str) -> usize {
    let blanks = text.len() - text.trim_start().len();
    if blanks > 0 { blanks } else { text.find(char::is_whitespace).unwrap_or(text.len()) }
}

/// How a URL stands in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    /// It is the text, or in another URL that is.
    Whole,
    /// In something that is run.
    Command,
    /// In a text that speaks of it.
    Mention,
}

impl Context {
    fn of(is_whole: bool, member: Member) -> Self {
        match member {
            Member::Address | Member::Host | Member::Path | Member::Name | Member::Other if is_whole => {
                Self::Whole
            }
            Member::Command => Self::Command,
            Member::Document | Member::Pattern => Self::Mention,
            Member::Address | Member::Host | Member::Path | Member::Name => Self::Command,
            Member::Other => Self::Mention,
        }
    }

    fn hit(self, spelled: Spelled, range: Range<usize>) -> Option<Hit> {
        let (kind, severity, score, why) = judge(spelled)?;
        let score = match self {
            Self::Whole => score,
            // Whoever develops has a server of his own to ask.
            Self::Command if score > 0.65 => score - 0.05,
            Self::Command => score / 2.0,
            Self::Mention => score.min(0.8) / 2.0,
        };
        Some(Hit { kind, severity, score, range, why })
    }
}

/// What is said of an address.
fn judge(spelled: Spelled) -> Option<(&'static str, Severity, f32, &'static str)> {
    let Some(reach) = spelled.reach else {
        let score = if spelled.is_hidden { 0.8 } else { 0.55 };
        return spelled.is_odd_scheme.then_some((
            "local_scheme",
            Severity::Medium,
            score,
            "a URL that reads files of the server's machine, or speaks to services that are no web servers",
        ));
    };
    let (kind, severity, score, why) = match reach {
        Reach::Metadata => {
            let why = "the address where a cloud hands out the machine's credentials";
            ("metadata_address", Severity::Critical, 0.95, why)
        }
        Reach::LinkLocal => {
            ("link_local_address", Severity::High, 0.6, "an address on the server's own wire")
        }
        Reach::Private => ("private_address", Severity::Medium, 0.6, "an address in a private network"),
        Reach::Internal => {
            ("internal_name", Severity::Medium, 0.5, "a name that only an internal network knows")
        }
        Reach::Rebinding => (
            "rebinding_name",
            Severity::Medium,
            0.55,
            "a name of the internet that resolves to an address within",
        ),
        Reach::Loopback => ("loopback_address", Severity::Low, 0.4, "the server's own machine"),
    };
    if spelled.is_hidden && reach != Reach::Metadata {
        let why = "an address within, spelled so that it is not recognised";
        return Some(("hidden_address", Severity::High, 0.85, why));
    }
    Some((kind, severity, score, why))
}
