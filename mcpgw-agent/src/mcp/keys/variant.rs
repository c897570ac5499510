//! Keys that some peers take for one of the protocol's.

/// Characters of the longest key of the protocol, and some more.
const LONGEST: usize = 48;

/// `key` is none of `known`, but some peers would take it for one: decoders that fold case, as Unicode does, and those
/// that know a member by two names, `structuredContent` and `structured_content`.
///
/// `meta` is not `_meta`: servers have it for their own ends, and no decision rests on it.
pub(in crate::mcp) fn is_variant(
    key: &str,
    known: impl IntoIterator<Item = &'static str, IntoIter: Clone>,
) -> bool {
    let mut known = known.into_iter();
    if known.clone().any(|known| known == key) {
        return false;
    }
    let mut buffer = [0; LONGEST];
    fold(key, &mut buffer)
        .is_some_and(|folded| known.any(|known| known.as_bytes().eq_ignore_ascii_case(folded)))
}

/// `key` in lower case without underscores, but for one at its start; `None` where that is not ASCII or too long to be
/// a key of the protocol.
fn fold<'b>(key: &str, buffer: &'b mut [u8; LONGEST]) -> Option<&'b [u8]> {
    // No character folds to fewer ASCII characters than a third of its bytes; underscores only stand between words.
    if key.len() > 3 * LONGEST {
        return None;
    }
    let mut length = 0;
    let mut add = |byte: u8| {
        if byte != b'_' || length == 0 {
            *buffer.get_mut(length)? = byte;
            length += 1;
        }
        Some(())
    };
    if key.is_ascii() {
        key.bytes().try_for_each(|byte| add(byte.to_ascii_lowercase()))?;
    } else {
        // Upper before lower: U+017F and U+212A fold to `s` and `k` only so.
        let mut folded = key.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
        folded.try_for_each(|character| add(u8::try_from(character).ok().filter(u8::is_ascii)?))?;
    }
    buffer.get(..length)
}
