//! Places where something stands, looked for in blocks of bytes: most text has nothing for long stretches.

/// Bytes looked at at once.
pub(crate) const BLOCK: usize = 32;
/// Most bytes a place is judged by.
const WINDOW: usize = 8;

/// Bytes that are looked at at once, and those behind them.
pub(crate) type Block = [u8; BLOCK + WINDOW];

/// The first place from `from` on where `is` holds of the byte there and those behind it; behind the end there are zeros.
///
/// `is` should have no branch: then the compiler makes it one of vectors. `N` is 8 at most.
#[inline]
pub(crate) fn seek<const N: usize>(bytes: &[u8], from: usize, is: impl Fn([u8; N]) -> bool) -> Option<usize> {
    let found = blocks(bytes, from, 0, |at, block| first(block, &is).map(|found| at + found));
    found.filter(|found| *found < bytes.len())
}

/// Up to this long a text is gone through at once, which costs less than a search.
const SHORT: usize = 64;

/// Whether `bytes` may have one of which `is` holds: certainly not where this is false. Of long ones it is not found out.
#[inline]
pub(crate) fn may_have(bytes: &[u8], is: impl Fn(u8) -> bool) -> bool {
    bytes.len() > SHORT || bytes.iter().fold(false, |any, byte| any | is(*byte))
}

/// The highest bit of each of eight bytes.
pub(crate) const HIGH: u64 = 0x8080_8080_8080_8080;

/// The eight bytes from `at` on, the first in the lowest; behind the end there are zeros.
#[inline(always)]
pub(crate) fn eight(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => rest.iter().rev().fold(0, |eight, byte| eight << 8 | u64::from(*byte)),
    }
}

/// Which of eight bytes are digits: the highest bit of each.
#[inline(always)]
pub(crate) fn digits(eight: u64) -> u64 {
    let values = eight ^ 0x3030_3030_3030_3030;
    // None of these sums carries over.
    !(((values & !HIGH) + (0x80 - 10) * 0x0101_0101_0101_0101) | values) & HIGH
}

/// How many of eight bytes come before the first whose highest bit is set.
#[inline(always)]
pub(crate) fn before_first(high: u64) -> usize {
    usize::try_from(high.trailing_zeros() / 8).unwrap_or(0)
}

/// Shows `look` each block of `bytes` from `from` on, and where it begins, until it gives something. Behind the end there
/// is `pad`.
#[inline(always)]
pub(crate) fn blocks<T>(
    bytes: &[u8],
    from: usize,
    pad: u8,
    mut look: impl FnMut(usize, &Block) -> Option<T>,
) -> Option<T> {
    let mut at = from;
    loop {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let mut last: Block;
        let block = match rest.first_chunk() {
            Some(block) => block,
            None => {
                last = [pad; BLOCK + WINDOW];
                last.get_mut(..rest.len())?.copy_from_slice(rest);
                &last
            }
        };
        if let Some(found) = look(at, block) {
            return Some(found);
        }
        at += BLOCK;
    }
}

/// The window that begins at `at`, which is in the block.
#[inline(always)]
pub(crate) fn window<const N: usize>(block: &Block, at: usize) -> [u8; N] {
    std::array::from_fn(|nth| block.get(at + nth).copied().unwrap_or(0))
}

/// The first place of the block where `is` holds.
#[inline(always)]
fn first<const N: usize>(block: &Block, is: &impl Fn([u8; N]) -> bool) -> Option<usize> {
    let mut flags = [0_u8; BLOCK];
    for (at, flag) in flags.iter_mut().enumerate() {
        *flag = u8::from(is(window(block, at)));
    }
    let mut words = [0_u64; BLOCK / 8];
    words.iter_mut().zip(flags.as_chunks().0).for_each(|(word, flags)| *word = u64::from_le_bytes(*flags));
    // One question for the whole block.
    if words.iter().fold(0, |any, word| any | word) == 0 {
        return None;
    }
    let (nth, word) = words.iter().enumerate().find(|(_, word)| **word != 0)?;
    let bit = usize::try_from(word.trailing_zeros()).unwrap_or(0);
    Some(nth * 8 + bit / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn digits_are_told_eight_at_a_time(bytes in "\\PC{0,3}[!-~]{0,3}[0-9/:\u{1}\u{7f}]{0,5}", at in 0_usize..8) {
            let bytes = bytes.as_bytes();
            let here = bytes.get(at..).unwrap_or_default();
            let high = digits(eight(bytes, at));
            for nth in 0..8 {
                let is_digit = here.get(nth).is_some_and(u8::is_ascii_digit);
                proptest::prop_assert_eq!(high >> (8 * nth) & 0x80 != 0, is_digit);
            }
            let first = here.iter().take(8).position(u8::is_ascii_digit);
            proptest::prop_assert_eq!(before_first(high), first.unwrap_or(8));
        }

        #[test]
        fn it_finds_what_a_plain_search_finds(text in "[ab]{0,100}b?a{0,60}", from in 0_usize..120) {
            let bytes = text.as_bytes();
            let plain = (from..bytes.len()).find(|at| bytes[*at] == b'b' && bytes.get(at + 2) != Some(&b'b'));
            let found = seek(bytes, from, |[one, _, three]: [u8; 3]| (one == b'b') & (three != b'b'));
            proptest::prop_assert_eq!(found, plain);
        }
    }
}
