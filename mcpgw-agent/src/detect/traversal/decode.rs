//! Percent-encoding as the most careless server decodes it.

use std::borrow::Cow;

/// How often a text may have been encoded.
const MAX_DEPTH: usize = 6;

/// `text` decoded until nothing is left to decode, overlong UTF-8 and `%u002e` as well.
pub(super) fn lenient(text: &str) -> Cow<'_, str> {
    let mut now = Cow::Borrowed(text);
    for _ in 0..MAX_DEPTH {
        let Some(next) = once(now.as_bytes()) else { break };
        now = Cow::Owned(String::from_utf8_lossy(&shortest(&next)).into_owned());
    }
    // NFKC has it, and some compare before they normalise.
    if now.contains('‥') { Cow::Owned(now.replace('‥', "..")) } else { now }
}

/// `None` where nothing is encoded.
fn once(bytes: &[u8]) -> Option<Vec<u8>> {
    let first = memchr::memchr(b'%', bytes)?;
    let mut out = bytes.get(..first)?.to_vec();
    let mut rest = bytes.get(first..)?;
    let mut any = false;
    while let Some((byte, behind)) = rest.split_first() {
        let (decoded, len) = match behind {
            [b'u' | b'U', a, b, c, d, ..] if *byte == b'%' => (hex(&[*a, *b, *c, *d]), 6),
            [a, b, ..] if *byte == b'%' => (hex(&[*a, *b]), 3),
            _ => (None, 1),
        };
        match decoded {
            Some(code) => {
                any = true;
                match u8::try_from(code) {
                    Ok(byte) => out.push(byte),
                    Err(_) => out.extend(char::from_u32(code).unwrap_or('\u{fffd}').to_string().bytes()),
                }
                rest = rest.get(len..).unwrap_or_default();
            }
            None => {
                out.push(*byte);
                rest = behind;
            }
        }
    }
    any.then_some(out)
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
}

/// What lenient decoders make of ASCII in more bytes than it needs, some of them broken.
fn shortest(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let (byte, len) = match rest {
            [] => return out,
            [first @ (0xc0 | 0xc1), second, ..] => ((first & 1) << 6 | second & 0x3f, 2),
            [0xe0, 0x80..=0x81, third, ..] => {
                (third & 0x3f | (rest.get(1).copied().unwrap_or(0) & 1) << 6, 3)
            }
            [0xf0, 0x80, 0x80..=0x81, fourth, ..] => {
                (fourth & 0x3f | (rest.get(2).copied().unwrap_or(0) & 1) << 6, 4)
            }
            [byte, ..] => (*byte, 1),
        };
        out.push(byte);
        rest = rest.get(len..).unwrap_or_default();
    }
}
