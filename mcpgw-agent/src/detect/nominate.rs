//! One pass over a text that tells every detector where it has to look.
//!
//! It finds the detectors' needles whatever their case, runs of digits, and long words of the kind tokens are made of.
//! Every other position costs one table look-up, whatever the needles: what is looked up is the part of each needle that is
//! rarest in ordinary text.

mod digits;

use std::ops::Range;

use super::TextDetector;

/// Different hashes.
const HASHES: usize = 1 << 16;
/// Bytes of a needle that are looked for: those that are rarest in ordinary text.
const PART: usize = 4;
/// Bytes from one place that is looked at to the next: the first or the last three bytes of a part begin at one.
const STEP: usize = 2;
/// Bytes looked at at once; the last three begin two before their end.
const BLOCK: usize = 6;
/// A text up to this long is asked first what it is made of: most texts in JSON are short, and made of letters.
const SHORT: usize = 64;

/// Where a needle stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nominee {
    /// Which of the detector's [`needles`](TextDetector::needles).
    pub needle: usize,
    /// Its first byte.
    pub at: usize,
}

/// What the pass noticed in a text, for one detector.
#[derive(Debug, Clone, Copy)]
pub struct Noticed<'a> {
    /// Its needles, in the order they stand.
    pub needles: &'a [Nominee],
    /// Runs that begin and end with a digit and hold at least five, in order: between two digits at most one blank,
    /// hyphen, dot, slash or parenthesis (or `) `, ` (`).
    pub digits: &'a [Range<usize>],
    /// Runs of at least 16 ASCII letters, digits and `+/=_-.~` with a digit in them, in order.
    pub tokens: &'a [Range<usize>],
    /// Runs of ASCII letters and digits with a digit in them, in order.
    pub words: &'a [Range<usize>],
    /// Only blanks tell the text from one that was shown before: its words are the same.
    pub respaced: bool,
    /// It may have an `@`: certainly not where this is false.
    pub may_have_at: bool,
}

/// The pass, made for a set of detectors.
#[derive(Debug)]
pub struct Nominator {
    /// A bit for each hash of three bytes some needle's part begins or ends with.
    threes: Bits,
    /// A bit for each hash some needle's part has.
    fours: Bits,
    /// Where the entries of a hash begin; one more than there are hashes.
    buckets: Box<[u16]>,
    /// By hash.
    entries: Box<[Entry]>,
    detectors: usize,
}

type Bits = Box<[u64; HASHES / 64]>;

#[derive(Debug, Clone, Copy)]
struct Entry {
    text: &'static str,
    /// Its first eight bytes with all letters small, and which of them it has.
    head: u64,
    mask: u64,
    /// Those bytes as they are, and which of them are no letters.
    exact: u64,
    signs: u64,
    /// Its part, and where that begins in it.
    part: u32,
    offset: usize,
    detector: usize,
    needle: usize,
}

/// What a pass found; used again for the next text.
#[derive(Debug, Default)]
pub struct Nominations {
    needles: Vec<Vec<Nominee>>,
    digits: Vec<Range<usize>>,
    tokens: Vec<Range<usize>>,
    words: Vec<Range<usize>>,
    /// Needles of all detectors together.
    count: usize,
    /// See [`Noticed::may_have_at`].
    may_have_at: bool,
    /// See [`Noticed::respaced`].
    pub(super) respaced: bool,
}

/// Of bytes a text may have.
const DIGIT: u8 = 1;
const AT: u8 = 2;
/// A letter or a digit.
const WORD: u8 = 4;
/// A letter, a digit, or one of `+/=_-.~`.
const TOKEN: u8 = 8;
/// What may stand between two digits of a run.
const BETWEEN: u8 = 16;

static MARKS: [u8; 256] = {
    let mut marks = [0; 256];
    let mut byte = 0_u8;
    loop {
        #[expect(clippy::indexing_slicing, reason = "at compile time, of a table with all bytes")]
        {
            marks[byte as usize] = match byte {
                b'0'..=b'9' => DIGIT | WORD | TOKEN,
                b'a'..=b'z' | b'A'..=b'Z' => WORD | TOKEN,
                b'-' | b'.' | b'/' => TOKEN | BETWEEN,
                b'+' | b'=' | b'_' | b'~' => TOKEN,
                b' ' | b'(' | b')' => BETWEEN,
                b'@' => AT,
                _ => 0,
            };
        }
        if byte == u8::MAX {
            break marks;
        }
        byte += 1;
    }
};

/// What `bytes` have; of long ones anything.
#[inline(always)]
fn marks(bytes: &[u8]) -> u8 {
    if bytes.len() > SHORT {
        return DIGIT | AT;
    }
    bytes.iter().fold(0, |all, byte| all | MARKS.get(usize::from(*byte)).copied().unwrap_or(0))
}

/// `byte` has the mark.
#[inline(always)]
fn is(byte: u8, mark: u8) -> bool {
    MARKS.get(usize::from(byte)).is_some_and(|marks| marks & mark != 0)
}

impl Nominations {
    /// Places that were noticed, for all detectors together.
    pub(super) fn places(&self) -> usize {
        self.count + self.digits.len() + self.tokens.len() + self.words.len()
    }

    /// What was noticed for the detector at `index` of those the pass was made for.
    #[must_use]
    pub fn of(&self, index: usize) -> Noticed<'_> {
        let needles = self.needles.get(index).map_or(&[][..], Vec::as_slice);
        let Self { digits, tokens, words, respaced, may_have_at, .. } = self;
        Noticed { needles, digits, tokens, words, respaced: *respaced, may_have_at: *may_have_at }
    }
}

impl Nominator {
    /// # Panics
    /// Where a needle is shorter than four bytes, has upper case, or there are more than 65,535: the tests make one of all
    /// detectors.
    #[must_use]
    pub fn new(detectors: &[&dyn TextDetector]) -> Self {
        let mut entries = Vec::new();
        for (detector, found) in detectors.iter().enumerate() {
            for (needle, text) in found.needles().iter().enumerate() {
                assert!(text.len() >= PART, "a needle has four bytes");
                assert!(!text.bytes().any(|byte| byte.is_ascii_uppercase()), "a needle is lower case");
                let (offset, part) = rarest(text.as_bytes());
                let Head { head, mask, exact, signs } = Head::of(text.as_bytes());
                let entry = Entry { text, head, mask, exact, signs, part, offset, detector, needle };
                entries.push((hash(part), entry));
            }
        }
        entries.sort_by_key(|(hash, _)| *hash);
        let (mut threes, mut fours) = (Box::new([0; HASHES / 64]), Box::new([0; HASHES / 64]));
        let mut buckets = vec![0_u16; HASHES + 1];
        for (hash, Entry { part, .. }) in &entries {
            set(&mut fours, *hash);
            set(&mut threes, hash_of_three(u64::from(*part)));
            set(&mut threes, hash_of_three(u64::from(*part >> 8)));
        }
        for (hash, bucket) in buckets.iter_mut().enumerate() {
            let before = entries.partition_point(|(other, _)| *other < hash);
            *bucket = u16::try_from(before).expect("fewer needles than that");
        }
        Self {
            threes,
            fours,
            buckets: buckets.into(),
            entries: entries.into_iter().map(|(_, entry)| entry).collect(),
            detectors: detectors.len(),
        }
    }

    /// Looks at `text`; what was in `into` is forgotten.
    pub fn scan(&self, text: &str, into: &mut Nominations) {
        if into.count > 0 {
            into.needles.iter_mut().for_each(Vec::clear);
            into.count = 0;
        }
        into.digits.clear();
        into.tokens.clear();
        into.words.clear();
        let bytes = text.as_bytes();
        let marks = marks(bytes);
        into.may_have_at = marks & AT != 0;
        if marks & DIGIT != 0 {
            into.digits(bytes);
        }
        // No needle is shorter.
        if bytes.len() < PART {
            return;
        }
        let mut at = 0;
        while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
            self.block(bytes, at, u64::from_le_bytes(*block), into);
            at += BLOCK;
        }
        // What stands behind the end is part of no needle.
        let mut last = [0; 8];
        last.iter_mut().zip(bytes.get(at..).unwrap_or_default()).for_each(|(slot, byte)| *slot = *byte);
        self.block(bytes, at, u64::from_le_bytes(last), into);
    }

    /// Looks at the places of a block.
    #[inline(always)]
    fn block(&self, bytes: &[u8], at: usize, block: u64, found: &mut Nominations) {
        let block = block | CASE;
        for place in (0..BLOCK).step_by(STEP) {
            if has(&self.threes, hash_of_three(block >> (8 * place))) {
                self.look(bytes, at + place, found);
            }
        }
    }

    /// A part may begin at `at` or a byte before.
    #[inline(never)]
    fn look(&self, bytes: &[u8], at: usize, found: &mut Nominations) {
        for start in [Some(at), at.checked_sub(1)].into_iter().flatten() {
            let Some(four) = bytes.get(start..).and_then(<[u8]>::first_chunk) else { continue };
            let part = u32::from_le_bytes(*four) | 0x2020_2020;
            let hash = hash(part);
            if has(&self.fours, hash) {
                self.verify(bytes, start, part, hash, found);
            }
        }
    }

    #[inline(never)]
    fn verify(&self, bytes: &[u8], at: usize, part: u32, hash: usize, found: &mut Nominations) {
        let bound = |hash: usize| self.buckets.get(hash).map_or(0, |bound| usize::from(*bound));
        let entries = self.entries.get(bound(hash)..bound(hash + 1)).unwrap_or_default();
        for entry in entries.iter().filter(|entry| entry.part == part) {
            let Some(start) = at.checked_sub(entry.offset) else { continue };
            if !entry.stands_at(bytes, start) {
                continue;
            }
            // Most texts have no needle.
            if found.needles.len() < self.detectors {
                found.needles.resize_with(self.detectors, Vec::new);
            }
            if let Some(list) = found.needles.get_mut(entry.detector) {
                found.count += 1;
                put(list, Nominee { needle: entry.needle, at: start });
            }
        }
    }
}

impl Entry {
    /// The needle stands at `start`, in any case.
    #[inline(always)]
    fn stands_at(&self, bytes: &[u8], start: usize) -> bool {
        let needle = self.text.as_bytes();
        if let Some(first) = bytes.get(start..).and_then(<[u8]>::first_chunk) {
            let first = u64::from_le_bytes(*first);
            // Most are told apart by one comparison; what is no letter is the same in every case.
            if (first | CASE) & self.mask != self.head || (first ^ self.exact) & self.signs != 0 {
                return false;
            }
            let Some(rest) = needle.get(8..).filter(|rest| !rest.is_empty()) else { return true };
            return bytes
                .get(start + 8..start + needle.len())
                .is_some_and(|here| here.eq_ignore_ascii_case(rest));
        }
        bytes.get(start..start + needle.len()).is_some_and(|here| here.eq_ignore_ascii_case(needle))
    }
}

/// The bit that tells small letters from capitals, in eight bytes.
const CASE: u64 = 0x2020_2020_2020_2020;

/// The first eight bytes of a needle: see [`Entry`].
struct Head {
    head: u64,
    mask: u64,
    exact: u64,
    signs: u64,
}

impl Head {
    fn of(needle: &[u8]) -> Self {
        let mut first = [0; 8];
        first.iter_mut().zip(needle).for_each(|(slot, byte)| *slot = *byte);
        let all = |is: fn(&u8) -> bool| {
            let mut mask = [0; 8];
            mask.iter_mut().zip(needle).filter(|(_, byte)| is(byte)).for_each(|(slot, _)| *slot = u8::MAX);
            u64::from_le_bytes(mask)
        };
        let (mask, exact) = (all(|_| true), u64::from_le_bytes(first));
        Self { head: (exact | CASE) & mask, mask, exact, signs: all(|byte| !byte.is_ascii_alphabetic()) }
    }
}

/// Adds `new` where it belongs: as parts are found in order, that is among the last few.
fn put(found: &mut Vec<Nominee>, new: Nominee) {
    let order = |nominee: &Nominee| (nominee.at, nominee.needle);
    if found.last().is_none_or(|last| order(last) <= order(&new)) {
        return found.push(new);
    }
    let behind = found.iter().rev().take_while(|other| order(other) > order(&new)).count();
    found.insert(found.len() - behind, new);
}

#[inline(always)]
fn has(bits: &Bits, hash: usize) -> bool {
    bits.get(hash / 64).is_some_and(|word| word >> (hash % 64) & 1 == 1)
}

fn set(bits: &mut Bits, hash: usize) {
    if let Some(word) = bits.get_mut(hash / 64) {
        *word |= 1 << (hash % 64);
    }
}

/// Of four bytes.
#[inline(always)]
fn hash(four: u32) -> usize {
    // Fibonacci hashing: the high bits of a multiplication by 2^32 divided by the golden ratio.
    let mixed = four.wrapping_mul(0x9E37_79B1) >> (32 - HASHES.trailing_zeros());
    usize::try_from(mixed).unwrap_or(0)
}

/// Of the first three of `bytes`.
#[inline(always)]
fn hash_of_three(bytes: u64) -> usize {
    let [one, two, three, ..] = bytes.to_le_bytes();
    hash(u32::from_le_bytes([0, one, two, three]))
}

/// The part of a needle that is rarest in ordinary text, and where it begins.
fn rarest(needle: &[u8]) -> (usize, u32) {
    let cost = |four: &[u8; PART]| {
        let three = |three: &[u8]| three.iter().map(|byte| common(*byte)).product::<u32>();
        four.windows(3).map(three).sum::<u32>()
    };
    let parts = needle.windows(PART).filter_map(|four| four.first_chunk::<PART>()).enumerate();
    let rarest = parts.min_by_key(|(_, four)| cost(four));
    rarest.map_or((0, 0), |(at, four)| (at, u32::from_le_bytes(*four) | 0x2020_2020))
}

/// How often a byte stands in ordinary text: in so many of a hundred places.
fn common(byte: u8) -> u32 {
    match byte {
        b' ' => 16,
        b'e' => 10,
        b't' | b'a' | b'o' => 7,
        b'i' | b'n' | b's' | b'r' => 6,
        b'h' | b'l' | b'd' | b'c' => 4,
        b'u' | b'm' | b'f' | b'p' | b'g' | b'w' | b'y' | b'b' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
