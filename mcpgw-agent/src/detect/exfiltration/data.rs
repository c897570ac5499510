//! What a URL carries beside what it is for.

use super::host;
use super::link::Link;
use crate::detect::member::words;

/// What data a URL carries, by who would send it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Load {
    /// Whoever shows an image.
    pub(super) shown: f32,
    /// Whoever follows a link.
    pub(super) linked: f32,
    /// Whoever calls a tool with it.
    pub(super) sent: f32,
}

const NONE: Load = Load { shown: 0.0, linked: 0.0, sent: 0.0 };
/// A value that is a text in another alphabet.
const ENCODED: Load = Load { shown: 0.85, linked: 0.45, sent: 0.6 };
/// A member that says what it steals.
const NAMED: Load = Load { shown: 0.75, linked: 0.5, sent: 0.5 };
/// A place where the model is to put something.
const BLANK: Load = Load { shown: 0.7, linked: 0.4, sent: 0.3 };
/// Words, where nothing says what for.
const WORDS: Load = Load { shown: 0.6, linked: 0.3, sent: 0.3 };
/// Much, of no kind that is known.
const MUCH: Load = Load { shown: 0.5, linked: 0.3, sent: 0.4 };
/// The same, for somebody whose addresses are like that.
const USUAL: Load = Load { shown: 0.2, linked: 0.1, sent: 0.2 };

/// Words of members that are there to be stolen.
const STOLEN: &[&str] = &[
    "conversation",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "creds",
    "dump",
    "env",
    "exfil",
    "exfiltrate",
    "history",
    "leak",
    "leaked",
    "loot",
    "passwd",
    "password",
    "passwords",
    "pwd",
    "secret",
    "secrets",
    "stolen",
    "transcript",
    "ssn",
];
/// Words of members that may carry anything.
const ANYTHING: &[&str] = &[
    "answer", "b", "body", "c", "chat", "content", "context", "d", "data", "info", "input", "log", "m",
    "memory", "message", "msg", "note", "output", "p", "payload", "prompt", "q", "result", "s", "summary",
    "text", "user", "v", "x",
];
/// Words of members that are text on an image, a search or a way back.
const SHOWN: &[&str] = &[
    "alt",
    "annotation",
    "caption",
    "chart",
    "chl",
    "color",
    "colour",
    "equation",
    "filter",
    "font",
    "fields",
    "from",
    "keywords",
    "label",
    "latex",
    "lines",
    "logo",
    "markdown",
    "math",
    "next",
    "query",
    "redirect",
    "return",
    "search",
    "state",
    "subtitle",
    "tex",
    "title",
    "url",
    "where",
    "select",
    "expand",
    "cursor",
    "page",
];
/// Words in the place of what the model is to put there.
const BLANKS: &[&str] = &[
    "base64",
    "chat",
    "context",
    "conversation",
    "data",
    "encoded",
    "email",
    "emails",
    "file",
    "contents",
    "history",
    "key",
    "message",
    "messages",
    "password",
    "previous",
    "response",
    "secret",
    "secrets",
    "summary",
    "token",
    "username",
];
/// Most members of a query that are looked at.
const MAX_MEMBERS: usize = 64;

/// What `link` carries; nothing where it carries what URLs do.
pub(super) fn of(link: &Link<'_>) -> Option<Load> {
    let mut load = NONE;
    for (name, value) in link.members().take(MAX_MEMBERS) {
        load = load.or(member(name, value));
    }
    for segment in link.path().split('/') {
        // Without the ending that makes it an image.
        if is_text_encoded(segment.split('.').next().unwrap_or_default()) {
            load = load.or(ENCODED);
        } else if blank(segment) {
            load = load.or(BLANK);
        }
    }
    if link.query().len() >= 400 {
        load = load.or(MUCH);
    }
    if load == NONE {
        return None;
    }
    Some(if host::is_usual(link.host()) || is_signed(link) { USUAL } else { load })
}

impl Load {
    fn or(self, other: Self) -> Self {
        if other.shown > self.shown { other } else { self }
    }
}

fn member(name: &str, value: &str) -> Load {
    let has =
        |wanted: &[&str]| words(name).any(|word| wanted.iter().any(|other| other.eq_ignore_ascii_case(word)));
    if has(SHOWN) {
        return if value.len() >= 400 { USUAL } else { NONE };
    }
    if is_text_encoded(value) {
        return ENCODED;
    }
    if blank(value) {
        return BLANK;
    }
    let is_stolen = has(STOLEN);
    let count =
        value.split(['+', ' ', '_']).chain(value.split("%20").skip(1)).filter(|word| word.len() > 1).count();
    match () {
        () if is_stolen && value.len() >= 6 => NAMED,
        () if (has(ANYTHING) || name.is_empty()) && (count >= 6 || value.len() >= 96) => WORDS,
        () if value.len() >= 200 => MUCH,
        () => NONE,
    }
}

/// A place holder of some template, for something that is worth sending.
fn blank(value: &str) -> bool {
    let decoded = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
    let bytes = decoded.as_bytes();
    let opens = bytes.iter().enumerate().position(|(at, byte)| match byte {
        b'{' | b'[' | b'<' | b'$' => true,
        b'%' => bytes.get(at + 1..).is_some_and(|rest| rest.starts_with(b"7B")),
        _ => false,
    });
    let upper = decoded.len() >= 8 && decoded.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let inside = match opens {
        Some(at) => decoded.get(at..),
        None if upper => Some(&*decoded),
        None => None,
    };
    let end = |inside: &str| inside.floor_char_boundary(96);
    let inside = inside.map(|inside| inside.get(..end(inside)).unwrap_or_default());
    inside.is_some_and(|inside| {
        words(inside).any(|word| BLANKS.iter().any(|other| other.eq_ignore_ascii_case(word)))
    })
}

/// Signed for somebody: long, and carries nothing.
fn is_signed(link: &Link<'_>) -> bool {
    const SIGNS: &[&str] = &[
        "x-amz-signature",
        "x-goog-signature",
        "signature",
        "sig",
        "key-pair-id",
        "policy",
        "awsaccesskeyid",
        "jwt",
        "hmac",
        "_nc_ht",
        "oh",
        "expires",
        "x-oss-signature",
        "verify",
        "utm_source",
        "utm_campaign",
        "gclid",
        "fbclid",
        "ixid",
        "imwidth",
        "response_type",
    ];
    link.members().take(MAX_MEMBERS).any(|(name, _)| SIGNS.iter().any(|sign| sign.eq_ignore_ascii_case(name)))
}

/// It is text in base64 or hexadecimal digits.
fn is_text_encoded(value: &str) -> bool {
    let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
    let value = value.trim_end_matches('=');
    if !(16..=MAX_VALUE).contains(&value.len()) {
        return false;
    }
    let bytes = if value.len() >= 24
        && value.len().is_multiple_of(2)
        && value.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        unhex(value)
    } else {
        let standard: String = value
            .chars()
            .map(|letter| match letter {
                '-' => '+',
                '_' => '/',
                ' ' => '+',
                other => other,
            })
            .collect();
        base64::Engine::decode(&BASE64, standard).unwrap_or_default()
    };
    is_text(&bytes)
}

/// Longest value that is decoded, in bytes.
const MAX_VALUE: usize = 8 << 10;
const BASE64: base64::engine::GeneralPurpose = base64::engine::GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    base64::engine::GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(super) fn unhex(value: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = value.as_bytes().chunks_exact(2).filter_map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

/// Somebody can read it; it is no address itself, which is how images are handed from one server to the next.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let is_readable = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\r' | '\t');
    let letters = text.chars().filter(|letter| letter.is_alphanumeric() || *letter == ' ').count();
    bytes.len() >= 10
        && text.chars().all(is_readable)
        && letters * 3 >= text.chars().count() * 2
        && !["http", "s3:", "gs:", "local:", "plain/", "gid:", "urn:", "arrayconnection", "cursor"]
            .iter()
            .any(|begin| text.starts_with(begin))
}
