//! Percent-encoding, also of what is percent-encoded.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// How often a text may have been encoded.
const MAX_DEPTH: usize = 8;

/// What a text may stand for.
pub(crate) struct Decoded {
    /// Decoded once, and as often as it takes.
    pub(crate) texts: Vec<String>,
    /// More would be needed.
    pub(crate) unreadable: bool,
}

pub(crate) fn decode(text: &str) -> Decoded {
    let mut decoded = Decoded { texts: Vec::new(), unreadable: false };
    let mut now = Cow::Borrowed(text);
    for depth in 0..=MAX_DEPTH {
        let Some(next) = once(&now) else { return decoded };
        decoded.texts.truncate(1);
        decoded.texts.push(next.clone());
        decoded.unreadable = depth == MAX_DEPTH;
        now = Cow::Owned(next);
    }
    decoded
}

/// `None` where nothing is encoded. Bytes that are no UTF-8 become U+FFFD.
fn once(text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let decoded = percent_decode_str(text).decode_utf8_lossy();
    (decoded != text).then(|| decoded.into_owned())
}
