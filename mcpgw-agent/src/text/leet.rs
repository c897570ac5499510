//! Letters written as digits and signs: `1gn0re`.

/// `text` with the digits and signs in its words read as the letters they look like; nothing where there are none.
/// Each byte stands where it stood, so places in the one are places in the other.
#[must_use]
pub fn leet(text: &str) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let mut changed = false;
    for word in bytes.split_mut(|byte| !is_part(*byte)) {
        if !word.iter().any(u8::is_ascii_alphabetic) {
            continue;
        }
        let ells = word.windows(2).any(|pair| pair == b"11");
        for byte in word {
            if let Some(letter) = letter(*byte, ells) {
                *byte = letter;
                changed = true;
            }
        }
    }
    // ASCII by ASCII: what was UTF-8 still is.
    changed.then(|| String::from_utf8(bytes).ok()).flatten()
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'$' | b'!' | b'|' | b'+')
}

fn letter(byte: u8, ells: bool) -> Option<u8> {
    Some(match byte {
        b'0' => b'o',
        b'1' if ells => b'l',
        b'1' | b'!' => b'i',
        b'|' => b'l',
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'7' | b'+' => b't',
        b'8' => b'b',
        b'9' => b'g',
        _ => return None,
    })
}
