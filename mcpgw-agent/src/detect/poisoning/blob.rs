//! Words of base64 or hexadecimal that are text once decoded.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Bytes of a word that is decoded.
const WORD_MIN: usize = 20;
/// Bytes of a word that are decoded.
const WORD_MAX: usize = 64 << 10;
/// Words of one text that are decoded.
const WORDS_MAX: usize = 64;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Shows `found` each word of `text` that decodes to text, and what it says.
pub(super) fn blobs(text: &str, mut found: impl FnMut(Range<usize>, &str)) {
    if text.len() < WORD_MIN {
        return;
    }
    let mut left = WORDS_MAX;
    let mut start = None;
    for (at, byte) in text.bytes().chain(std::iter::once(b' ')).enumerate() {
        let is_part = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-');
        let from = match (start, is_part) {
            (None, true) => {
                start = Some(at);
                continue;
            }
            (Some(from), false) => from,
            (None, false) | (Some(_), true) => continue,
        };
        start = None;
        if !(WORD_MIN..=WORD_MAX).contains(&(at - from)) || left == 0 {
            continue;
        }
        left -= 1;
        let word = text.get(from..at).unwrap_or_default();
        if let Some(decoded) = decode(word) {
            found(from..at, &decoded);
        }
    }
}

fn decode(word: &str) -> Option<String> {
    let hex = word.len().is_multiple_of(2).then(|| hex(word)).flatten();
    let decoded = hex.or_else(|| STANDARD.decode(word).ok()).or_else(|| URL_SAFE.decode(word).ok())?;
    let text = String::from_utf8(decoded).ok()?;
    is_text(&text).then_some(text)
}

fn hex(word: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    word.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

/// Letters and blanks, and little else.
fn is_text(text: &str) -> bool {
    let letters = text.chars().filter(|character| character.is_alphabetic()).count();
    let blanks = text.chars().filter(|character| matches!(character, ' ' | '/' | '.' | '~' | '_')).count();
    let total = text.chars().count();
    total >= 12
        && !text.chars().any(|character| character.is_control() && !character.is_whitespace())
        && (letters + blanks) * 10 >= total * 8
        && blanks > 0
}
