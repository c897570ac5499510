//! Is what was decoded a text?

/// Shorter ones hide nothing that could be told from chance.
pub(super) const SHORTEST: usize = 8;
/// Of so many characters at most one may be none a person would read.
const ODD_ONE_IN: usize = 16;

/// `bytes` as a text, if they are one: UTF-8, or UTF-16 with a zero in every other place.
pub(super) fn text(bytes: Vec<u8>) -> Option<String> {
    if bytes.len() < SHORTEST {
        return None;
    }
    let text = match wide(&bytes) {
        Some(text) => text,
        None => valid(bytes)?,
    };
    let odd = odd(&text);
    (text.len() >= SHORTEST && odd * ODD_ONE_IN <= text.len()).then_some(text)
}

/// `bytes` up to the first that are no UTF-8: bytes at the end that a cut left over are no reason to miss the rest.
fn valid(bytes: Vec<u8>) -> Option<String> {
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let sound = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            // A few bytes that happen to be sound before many that are not are no text.
            if sound < SHORTEST || sound * 2 < bytes.len() {
                return None;
            }
            bytes.truncate(sound);
            String::from_utf8(bytes).ok()
        }
    }
}

/// UTF-16, either order of bytes, of mostly Latin letters: what PowerShell takes in base64.
fn wide(bytes: &[u8]) -> Option<String> {
    // Of UTF-16 nearly every other byte is one.
    if bytes.iter().fold(0_usize, |zeros, byte| zeros + usize::from(*byte == 0))
        < bytes.len() / 2 - bytes.len() / 8
    {
        return None;
    }
    let zeros = |first: usize| bytes.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let enough = bytes.len() / 2 - bytes.len() / 8;
    let order: fn([u8; 2]) -> u16 = match (zeros(1) >= enough, zeros(0) >= enough) {
        (true, false) => u16::from_le_bytes,
        (false, true) => u16::from_be_bytes,
        (true, true) | (false, false) => return None,
    };
    let units = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok().map(order));
    Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
}

fn odd(text: &str) -> usize {
    // What is all printable is seen at once.
    if text.bytes().fold(true, |all, byte| all & (byte.wrapping_sub(b' ') < 0x5f)) {
        return 0;
    }
    text.chars().filter(|character| is_odd(*character)).count()
}

fn is_odd(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\r' | '\t' | '\u{1b}')
        || character == char::REPLACEMENT_CHARACTER
        || matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

/// Could three bytes begin a part of a text? Quick, and no for most that do not.
#[inline(always)]
pub(super) fn may_begin(bytes: &[u8; 3]) -> bool {
    let odd = |byte: &u8| matches!(byte, 1..=8 | 0x0b..=0x1f | 0x7f | 0xc0 | 0xc1 | 0xf5..);
    // A character beyond ASCII is several bytes, the first of which says how many.
    let [one, two, three] = bytes.map(|byte| (byte & 0xc0 == 0x80, byte >= 0xc0));
    let (leads, follows) = (|of: (bool, bool)| of.1, |of: (bool, bool)| of.0);
    let lone = leads(one) && !follows(two)
        || leads(two) && !follows(three)
        || follows(two) && !leads(one) && !follows(one)
        || follows(three) && !leads(two) && !follows(two);
    !lone && !bytes.iter().any(odd)
}

/// Could `bytes`, a few of what was decoded, be part of a text?
pub(super) fn sample(bytes: &[u8]) -> bool {
    if bytes.len() < SHORTEST {
        return false;
    }
    if bytes.iter().all(|byte| is_printable(*byte)) {
        return true;
    }
    // Cut at both ends, so up to three bytes of a character may be missing at each.
    let skip = bytes.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
    let middle = bytes.get(skip..).unwrap_or_default();
    let sound = match str::from_utf8(middle) {
        Ok(_) => middle.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => return false,
    };
    let text = middle.get(..sound).and_then(|sound| str::from_utf8(sound).ok()).unwrap_or_default();
    let zeros = bytes.iter().filter(|byte| **byte == 0).count();
    let wide =
        zeros.abs_diff(bytes.len() / 2) <= 1 && bytes.iter().all(|byte| *byte == 0 || is_printable(*byte));
    wide || !text.is_empty() && !text.chars().any(is_odd)
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t')
}
