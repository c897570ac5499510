//! Bytes as hexadecimal digits, in small letters.

/// `bytes` as digits.
#[must_use]
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(2 * bytes.len());
    push(&mut text, bytes);
    String::from_utf8(text).unwrap_or_default()
}

/// Appends `bytes` as digits.
pub(crate) fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + 2 * bytes.len(), 0);
    let (places, _) = out.get_mut(start..).unwrap_or_default().as_chunks_mut::<2>();
    for (place, byte) in places.iter_mut().zip(bytes) {
        *place = DIGITS.get(usize::from(*byte)).copied().unwrap_or_default();
    }
}

/// The digits of each byte.
static DIGITS: [[u8; 2]; 256] = {
    let mut digits = [[0; 2]; 256];
    let mut byte = 0_u8;
    loop {
        let (high, low) = (byte >> 4, byte & 15);
        #[expect(clippy::indexing_slicing, reason = "at compile time, of a table with all bytes")]
        {
            digits[byte as usize] = [digit(high), digit(low)];
        }
        if byte == u8::MAX {
            break digits;
        }
        byte += 1;
    }
};

const fn digit(half: u8) -> u8 {
    if half < 10 { b'0' + half } else { b'a' + half - 10 }
}

/// The bytes `text` is the digits of; there are exactly two for each.
pub(crate) fn decode<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_chunks::<2>().0) {
        let [high, low] = *pair;
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_small_and_two_for_each_byte() {
        assert_eq!(encode(&[0x00, 0x9a, 0xff]), "009aff");
        assert_eq!(decode(b"009aff"), Some([0x00, 0x9a, 0xff]));
        for wrong in [&b"009aFF"[..], b"009af", b"009aff0", b"+0 1-2"] {
            assert_eq!(decode::<3>(wrong), None, "{wrong:?}");
        }
    }
}
