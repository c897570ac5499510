//! Places where something stands, looked for in blocks of bytes: most text has nothing for long stretches.

/// Bytes looked at at once.
const BLOCK: usize = 32;
/// Most bytes a place is judged by.
const WINDOW: usize = 8;

/// The first place from `from` on where `is` holds of the byte there and those behind it; behind the end there are zeros.
///
/// `is` should have no branch: then the compiler makes it one of vectors. `N` is 8 at most.
#[inline]
pub(crate) fn seek<const N: usize>(
    bytes: &[u8],
    mut from: usize,
    is: impl Fn([u8; N]) -> bool,
) -> Option<usize> {
    loop {
        let rest = bytes.get(from..).filter(|rest| !rest.is_empty())?;
        let Some(block) = rest.first_chunk::<{ BLOCK + WINDOW }>() else {
            let mut last = [0; BLOCK + 2 * WINDOW];
            last.iter_mut().zip(rest).for_each(|(slot, byte)| *slot = *byte);
            let (now, later) = (last.first_chunk()?, last.last_chunk::<{ 2 * WINDOW }>()?);
            let found = first(now, &is).or_else(|| {
                let windows = later.windows(N).filter_map(|window| window.try_into().ok());
                windows.take(WINDOW).position(&is).map(|found| BLOCK + found)
            });
            return found.filter(|found| *found < rest.len()).map(|found| from + found);
        };
        if let Some(found) = first(block, &is) {
            return Some(from + found);
        }
        from += BLOCK;
    }
}

/// The first place of the block where `is` holds.
#[inline(always)]
fn first<const N: usize>(block: &[u8; BLOCK + WINDOW], is: &impl Fn([u8; N]) -> bool) -> Option<usize> {
    let mut flags = [0_u8; BLOCK];
    for (at, flag) in flags.iter_mut().enumerate() {
        let window = std::array::from_fn(|nth| block.get(at + nth).copied().unwrap_or(0));
        *flag = u8::from(is(window));
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
        fn it_finds_what_a_plain_search_finds(text in "[ab]{0,100}b?a{0,60}", from in 0_usize..120) {
            let bytes = text.as_bytes();
            let plain = (from..bytes.len()).find(|at| bytes[*at] == b'b' && bytes.get(at + 2) != Some(&b'b'));
            let found = seek(bytes, from, |[one, _, three]: [u8; 3]| (one == b'b') & (three != b'b'));
            proptest::prop_assert_eq!(found, plain);
        }
    }
}
