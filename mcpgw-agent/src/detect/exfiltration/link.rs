//! A URL in a text, and how it stands there.

use std::ops::Range;

/// Longest URL, in bytes; what is behind is not looked at.
const MAX_BYTES: usize = 8 << 10;
/// Bytes in front of a URL that say what it is for.
const MAX_BEFORE: usize = 256;

/// What a URL is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// It is fetched when the text is shown.
    Image,
    /// Somebody may follow it, and reads something else than the URL.
    Link,
    /// It is a URL in the text.
    Plain,
}

/// A URL.
#[derive(Debug, Clone)]
pub(super) struct Link<'t> {
    pub(super) carrier: Carrier,
    pub(super) range: Range<usize>,
    authority: &'t str,
    path: &'t str,
    /// Without its `?`.
    query: &'t str,
    /// Without its `#`.
    fragment: &'t str,
}

impl<'t> Link<'t> {
    /// The URL at `at` of a text that is shown; it may begin with its two slashes.
    pub(super) fn in_content(text: &'t str, at: usize, has_images: impl FnOnce() -> bool) -> Option<Self> {
        let from = text.ceil_char_boundary(at.saturating_sub(MAX_BEFORE));
        let before = text.get(from..at)?;
        let (carrier, closes) = carrier(before, has_images);
        Self::new(text, at, carrier, closes)
    }

    /// The URL at `at` of an argument.
    pub(super) fn in_argument(text: &'t str, at: usize) -> Option<Self> {
        Self::new(text, at, Carrier::Plain, &[])
    }

    fn new(text: &'t str, at: usize, carrier: Carrier, closes: &[char]) -> Option<Self> {
        let to = text.floor_char_boundary(text.len().min(at + MAX_BYTES));
        let rest = text.get(at..to)?;
        let is_end = |letter: char| match letter {
            '"' | '\'' | '<' | '>' | '`' | ' ' => true,
            '!'..='~' => closes.contains(&letter),
            _ => letter.is_whitespace() || letter.is_control(),
        };
        let url = rest.get(..rest.find(is_end).unwrap_or(rest.len()))?;
        let url = if closes.is_empty() { url.trim_end_matches(['.', ',', ')', ']', ';']) } else { url };
        let rest = url.get(slashes(url)? + 2..)?;
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.find('/').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
        Some(Self { carrier, range: at..at + url.len(), authority, path, query, fragment })
    }

    /// Its machine, as it is spelled.
    pub(super) fn host(&self) -> &'t str {
        let host = self.authority.rsplit('@').next().unwrap_or_default();
        host.split(':').next().unwrap_or_default()
    }

    pub(super) fn path(&self) -> &'t str {
        self.path
    }

    /// Names and values of its query, and of what stands in the fragment's stead of one.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'t str, &'t str)> {
        let pairs =
            self.query.split(['&', ';']).chain(self.fragment.split('&').filter(|pair| pair.contains('=')));
        pairs.filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or(("", pair)))
    }

    pub(super) fn query(&self) -> &'t str {
        self.query
    }
}

/// Where the first two slashes of `url` stand: near its beginning.
pub(super) fn slashes(url: &str) -> Option<usize> {
    url.as_bytes().windows(2).position(|two| two == b"//")
}

/// What stands before a URL says what it is for, and which letters end it.
fn carrier(before: &str, has_images: impl FnOnce() -> bool) -> (Carrier, &'static [char]) {
    let bare = before.trim_end_matches(['<', ' ', '\t', '\n']);
    if let Some(label) = bare.strip_suffix("](") {
        let carrier = if is_image(label) { Carrier::Image } else { Carrier::Link };
        return (carrier, &[')']);
    }
    if bare.ends_with("]:") {
        // An image may refer to it.
        return (if has_images() { Carrier::Image } else { Carrier::Link }, &[')']);
    }
    let bare = before.trim_end_matches(['"', '\'', ' ', '\t', '\n']);
    if ends_with(bare, "url(") {
        return (Carrier::Image, &[')']);
    }
    if let Some(bare) = bare.strip_suffix('=') {
        let bare = bare.trim_end();
        let start =
            bare.rfind(|letter: char| !(letter.is_ascii_alphabetic() || letter == ':' || letter == '-'));
        let name = bare.get(start.map_or(0, |start| start + 1)..).unwrap_or_default();
        let is = |names: &[&str]| names.iter().any(|other| other.eq_ignore_ascii_case(name));
        // In an element, not in a program.
        let in_element = bare.contains('<');
        if in_element
            && is(&["src", "srcset", "background", "poster", "data", "ping", "url", "xlink:href", "data-src"])
        {
            return (Carrier::Image, &['"']);
        }
        if in_element && is(&["href", "action", "formaction"]) {
            return (Carrier::Link, &['"']);
        }
    }
    (Carrier::Plain, &[])
}

/// The label that ends here, without its `]`, is an image's.
fn is_image(label: &str) -> bool {
    let mut depth = 0_usize;
    for (at, byte) in label.bytes().enumerate().rev() {
        match byte {
            b']' => depth += 1,
            b'[' if depth == 0 => return label.as_bytes().get(at.wrapping_sub(1)) == Some(&b'!'),
            b'[' => depth -= 1,
            _ => {}
        }
    }
    // The label is longer than what was looked at: nobody reads such a link.
    true
}

fn ends_with(text: &str, end: &str) -> bool {
    let tail = text.len().checked_sub(end.len()).and_then(|at| text.get(at..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}
