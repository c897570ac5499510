//! Private keys written out: PEM, PGP, SSH, PuTTY.

use std::ops::Range;

use super::alphabet::{self, B64};

/// A key is no longer: an RSA key of 16,384 bits in PEM has 13,000 bytes.
const BLOCK_MAX: usize = 16 * 1024;

/// The block that begins with the dashes at `at`, with its end where there is one.
pub(super) fn pem(text: &str, at: usize) -> Option<(Range<usize>, &'static str)> {
    let bytes = text.as_bytes();
    let head = bytes.get(at..text.len().min(at + 120))?;
    let label =
        memchr::memmem::find(head, b"PRIVATE KEY").or_else(|| memchr::memmem::find(head, b"private key"))?;
    // Between the dashes stand words in capitals only.
    let words = head.get(11..label)?;
    if !words.iter().all(|byte| {
        byte.is_ascii_uppercase()
            || byte.is_ascii_digit()
            || matches!(byte, b' ' | b'-' | b'_')
            || byte.is_ascii_lowercase()
    }) {
        return None;
    }
    let mut body = at + label + 11;
    for part in [&b" BLOCK"[..], b" block", b"-----"] {
        body += if bytes.get(body..).is_some_and(|rest| rest.starts_with(part)) { part.len() } else { 0 };
    }
    let window = bytes.get(body..bytes.len().min(body + BLOCK_MAX))?;
    let kind = if memchr::memmem::find(words, b"PGP").is_some() { "pgp_private_key" } else { "private_key" };
    // The next dashes are those of the end, or of another key: this one was cut off before.
    let end = match memchr::memmem::find(window, b"-----") {
        Some(dashes) if is_end(window.get(dashes..)?) => {
            let tail = body + dashes + 5;
            let rest = bytes.get(tail..bytes.len().min(tail + 80))?;
            memchr::memmem::find(rest, b"-----").map_or(tail, |dashes| tail + dashes + 5)
        }
        Some(dashes) => cut_off(bytes, body, window.get(..dashes)?),
        None => cut_off(bytes, body, window),
    };
    // Somewhere in it there is a line of base64.
    let inner = bytes.get(body..end)?;
    let longest = inner.split(|byte| !alphabet::is(*byte, B64)).map(<[u8]>::len).max().unwrap_or(0);
    (longest >= 16).then_some((at..end, kind))
}

fn is_end(dashes: &[u8]) -> bool {
    dashes.get(5..8).is_some_and(|word| word.eq_ignore_ascii_case(b"END"))
}

/// As far as a key goes whose end is missing: lines of base64, blanks, escapes.
fn cut_off(bytes: &[u8], body: usize, window: &[u8]) -> usize {
    let belongs = |byte: &u8| {
        alphabet::is(*byte, B64)
            || matches!(byte, b'=' | b'-' | b'\n' | b'\r' | b' ' | b'\t' | b'\\' | b':' | b',' | b'.')
    };
    let end = body + window.iter().take_while(|byte| belongs(byte)).count();
    bytes.get(..end).map_or(end, |text| text.trim_ascii_end().len())
}

/// The private lines of a PuTTY key.
pub(super) fn putty(text: &str, at: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let window = bytes.get(at..bytes.len().min(at + BLOCK_MAX))?;
    let lines = memchr::memchr(b'\n', window)
        .or_else(|| memchr::memmem::find(window, b"\\n").map(|slash| slash + 1))?;
    let body = window.get(lines + 1..)?;
    let belongs = |byte: &u8| alphabet::is(*byte, B64) || matches!(byte, b'=' | b'\n' | b'\r' | b'\\');
    let length = body.iter().take_while(|byte| belongs(byte)).count();
    let start = at + lines + 1;
    let length = body.get(..length)?.trim_ascii_end().len();
    (length >= 16).then(|| start..start + length)
}
