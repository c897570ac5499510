//! Short words, and what each stands for.
//!
//! A word is looked up as one number: names of members are looked up for every text, most of them to no end.

/// Longest word that is one number, in bytes.
const LONGEST: usize = 15;

/// A table of words in lower case.
#[derive(Debug)]
pub(super) struct Table<T> {
    short: Vec<(u128, T)>,
    /// The few words that are no number.
    long: Vec<(&'static str, T)>,
    /// By first byte, a bit for each length there is: most words are in no table.
    lengths: [u16; 256],
}

impl<T: Copy> Table<T> {
    /// Of a word that is there twice the first counts.
    pub(super) fn new(words: impl IntoIterator<Item = (&'static str, T)>) -> Self {
        let (mut short, mut long) = (Vec::new(), Vec::new());
        let mut lengths = [0; 256];
        for (word, stands_for) in words {
            let (first, length) = beginning(word.as_bytes());
            if let Some(lengths) = lengths.get_mut(usize::from(first)) {
                *lengths |= length;
            }
            match number(word.as_bytes()) {
                Some(number) => short.push((number, stands_for)),
                None => long.push((word, stands_for)),
            }
        }
        short.sort_by_key(|(number, _)| *number);
        short.dedup_by_key(|(number, _)| *number);
        Self { short, long, lengths }
    }

    /// What `word` stands for, whatever the case of letters of ASCII.
    pub(super) fn get(&self, word: &[u8]) -> Option<T> {
        let (first, length) = beginning(word);
        if self.lengths.get(usize::from(first)).is_none_or(|lengths| lengths & length == 0) {
            return None;
        }
        let Some(number) = number(word) else {
            let known = self.long.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(word));
            return known.map(|(_, stands_for)| *stands_for);
        };
        let place = self.short.binary_search_by_key(&number, |(number, _)| *number).ok()?;
        self.short.get(place).map(|(_, stands_for)| *stands_for)
    }
}

/// A word's first byte in lower case, and a bit for its length.
fn beginning(word: &[u8]) -> (u8, u16) {
    (word.first().map_or(0, u8::to_ascii_lowercase), 1 << word.len().min(LONGEST))
}

/// A word in lower case as a number, its length included; nothing where it is too long.
fn number(word: &[u8]) -> Option<u128> {
    let mut bytes = [0; LONGEST + 1];
    bytes.get_mut(..LONGEST)?.get_mut(..word.len())?.copy_from_slice(word);
    bytes.make_ascii_lowercase();
    *bytes.last_mut()? = u8::try_from(word.len()).ok()?;
    Some(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_any_case_and_as_a_whole() {
        let long = "a name that is longer than most";
        let table = Table::new([("path", 1), ("file", 2), ("path", 3), (long, 4)]);
        assert_eq!((table.get(b"path"), table.get(b"FilE")), (Some(1), Some(2)));
        assert_eq!(table.get(long.to_uppercase().as_bytes()), Some(4));
        for other in ["", "pat", "paths", "path\0", "a name that is longer than any", "pâth"] {
            assert_eq!(table.get(other.as_bytes()), None, "{other}");
        }
    }
}
