//! Sets of record numbers, a block of numbers at a time. Pure.
//!
//! A block is small enough that a set within it is rewritten whole when a record comes, and large enough that millions of
//! records are some hundred blocks. What many filters have in common is then a few instructions for each 64 records.

/// Numbers in a block.
pub(super) const BLOCK: u64 = 1 << 14;
const WORDS: usize = 256;
/// A set of more members is written as bits.
const SPARSE_MAX: usize = 1023;

/// The block of record `seq`, and its place there.
pub(super) fn place(seq: u64) -> (u64, u16) {
    (seq / BLOCK, u16::try_from(seq % BLOCK).unwrap_or_default())
}

/// Which places of a block are in a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits(Box<[u64; WORDS]>);

impl Bits {
    pub(super) fn none() -> Self {
        Self(Box::new([0; WORDS]))
    }

    pub(super) fn insert(&mut self, place: u16) {
        if let Some(word) = self.0.get_mut(usize::from(place / 64)) {
            *word |= 1 << (place % 64);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Keeps what is in `other`, too.
    pub(super) fn keep(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(other.0.iter()) {
            *word &= other;
        }
    }

    /// Adds what is in `members`, as [`Members::encode`] wrote it; `None` where it wrote no such thing.
    pub(super) fn add(&mut self, members: &[u8]) -> Option<()> {
        if members.len() == WORDS * 8 {
            for (word, bytes) in self.0.iter_mut().zip(members.as_chunks::<8>().0) {
                *word |= u64::from_le_bytes(*bytes);
            }
            return Some(());
        }
        let (places, rest) = members.as_chunks::<2>();
        for place in places {
            let place = u16::from_le_bytes(*place);
            *self.0.get_mut(usize::from(place / 64))? |= 1 << (place % 64);
        }
        (rest.is_empty() && places.len() <= SPARSE_MAX).then_some(())
    }

    /// The places in it, in order.
    pub(super) fn places(&self) -> impl DoubleEndedIterator<Item = u64> {
        (0..256_u16).zip(self.0.iter()).flat_map(|(at, word)| {
            (0..64_u64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| u64::from(at) * 64 + bit)
        })
    }
}

/// A set that grows.
#[derive(Debug, Clone)]
pub(super) enum Members {
    Few(Vec<u16>),
    Many(Bits),
}

impl Default for Members {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Members {
    /// What was [encoded](Self::encode).
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut bits = Bits::none();
        bits.add(bytes)?;
        Some(match bytes.len() == WORDS * 8 {
            true => Self::Many(bits),
            false => Self::Few(bits.places().filter_map(|place| u16::try_from(place).ok()).collect()),
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Few(places) => places.iter().flat_map(|place| place.to_le_bytes()).collect(),
            Self::Many(bits) => bits.0.iter().flat_map(|word| word.to_le_bytes()).collect(),
        }
    }

    /// Adds a place that is not less than any before.
    pub(super) fn push(&mut self, place: u16) {
        match self {
            Self::Many(bits) => bits.insert(place),
            Self::Few(places) if places.last() == Some(&place) => {}
            Self::Few(places) if places.len() < SPARSE_MAX => places.push(place),
            Self::Few(places) => {
                let mut bits = Bits::none();
                places.iter().chain([&place]).for_each(|place| bits.insert(*place));
                *self = Self::Many(bits);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_goes_in_comes_out(places in proptest::collection::btree_set(0..u16::try_from(BLOCK).unwrap(), 0..3000)) {
            let mut members = Members::default();
            for (at, place) in places.iter().enumerate() {
                members.push(*place);
                members.push(*place);
                if at % 500 == 0 {
                    members = Members::decode(&members.encode()).unwrap();
                }
            }
            let mut bits = Bits::none();
            bits.add(&members.encode()).unwrap();
            let found: BTreeSet<u16> = bits.places().map(|place| u16::try_from(place).unwrap()).collect();
            prop_assert_eq!(&found, &places);
            prop_assert!(bits.places().rev().eq(places.iter().rev().map(|place| u64::from(*place))));
        }

        #[test]
        fn any_bytes_are_a_set_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..5000)) {
            let mut bits = Bits::none();
            if bits.add(&bytes).is_some() {
                prop_assert!(Members::decode(&bytes).is_some());
            }
        }
    }

    #[test]
    fn what_is_kept_is_in_both() {
        let (mut a, mut b) = (Bits::none(), Bits::none());
        [1, 64, 16_383].into_iter().for_each(|place| a.insert(place));
        [0, 64, 16_383].into_iter().for_each(|place| b.insert(place));
        a.keep(&b);
        assert_eq!(a.places().collect::<Vec<_>>(), [64, 16_383]);
        assert!(!a.is_empty());
        a.keep(&Bits::none());
        assert!(a.is_empty());
        assert_eq!(place(BLOCK + 5), (1, 5));
    }
}
