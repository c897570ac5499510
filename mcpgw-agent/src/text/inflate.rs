//! Texts that were compressed: gzip and zlib.

use std::io::Read as _;

use super::budget::Budget;

/// A text is not taken to be compressed better than that: what is, is a bomb.
const RATIO: usize = 64;
/// Bytes a small one may become all the same.
const LEAST: usize = 4096;

/// Do `bytes` begin as gzip or zlib does?
pub(super) fn is_compressed(bytes: &[u8]) -> bool {
    match bytes {
        [0x1f, 0x8b, 8, ..] => true,
        // Deflate with a window of up to 32 KiB, no dictionary, and the check bits right.
        [method, flags, ..] => {
            method & 0x0f == 8
                && method >> 4 <= 7
                && flags & 0x20 == 0
                && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        [] | [_] => false,
    }
}

/// What `bytes` were before; as much of it as there may be.
pub(super) fn inflate(bytes: &[u8], budget: &mut Budget) -> Option<Vec<u8>> {
    let wanted = bytes.len().saturating_mul(RATIO).max(LEAST);
    let most = wanted.min(budget.left());
    let mut out = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    // What is broken at the end is still a text up to there.
    let _read = match bytes {
        [0x1f, ..] => flate2::read::GzDecoder::new(bytes).take(limit).read_to_end(&mut out),
        _ => flate2::read::ZlibDecoder::new(bytes).take(limit).read_to_end(&mut out),
    };
    if out.len() > most {
        budget.exhaust();
        out.truncate(most);
    }
    (budget.take(out.len()) && !out.is_empty()).then_some(out)
}
