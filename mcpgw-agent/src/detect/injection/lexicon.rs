//! Words that say something about an order to a model, by class, in many languages.

use std::sync::LazyLock;

use super::words::{self, Kind, Token};

/// A line a class: its name, then its words. A word of two characters of a script that does not part its words is two tokens.
const WORDS: &str = include_str!("lexicon/words.txt");

/// Entries of the table; a good deal more than words.
const ENTRIES: usize = 4096;
const FILTER: usize = 1 << 15;

/// Classes, a bit each, in the order of the lines.
pub mod class {
    macro_rules! bits {
        ($($name:ident),* $(,)?) => { bits!(@ 0; $($name),*); #[cfg(test)]
        pub(super) const NAMES: &[&str] = &[$(stringify!($name)),*]; };
        (@ $at:expr; $name:ident $(, $rest:ident)*) => {
            #[doc = concat!("Bit of `", stringify!($name), "`.")]
            pub const $name: u32 = 1 << ($at);
            bits!(@ $at + 1; $($rest),*);
        };
        (@ $at:expr;) => {};
    }
    bits!(
        DROP, BEFORE, ALL, RULES, REVEAL, TELL, WHAT, YOUR, SECRET, PRIVATE, USER, NOT, INFORM, SEND, PLACE,
        AI, ACT, FREE, LIMIT, NONE, NOW, MUST, MARK, MESSAGE, READ, TOOL, MONEY, CHANGE, MENTION, MODE,
        TRUST, TASK,
    );
}

/// The words of all classes, by hash.
pub struct Lexicon {
    filter: Box<[u64; FILTER / 64]>,
    table: Box<[(u32, u32); ENTRIES]>,
}

impl std::fmt::Debug for Lexicon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lexicon").finish_non_exhaustive()
    }
}

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::new);

impl Lexicon {
    /// The one there is.
    #[must_use]
    pub fn get() -> &'static Self {
        &LEXICON
    }

    fn new() -> Self {
        let mut lexicon = Self { filter: Box::new([0; FILTER / 64]), table: Box::new([(0, 0); ENTRIES]) };
        for (class, line) in WORDS.lines().enumerate() {
            for word in line.split_ascii_whitespace().skip(1) {
                let (mut hash, mut count) = (0, 0);
                words::each(word, &mut |token: &Token| {
                    hash = if count == 0 { token.hash } else { pair(hash, token.hash) };
                    count += 1;
                });
                lexicon.insert(hash, 1 << class);
            }
        }
        lexicon
    }

    fn insert(&mut self, hash: u32, class: u32) {
        if let Some(word) = self.filter.get_mut(filter(hash) / 64) {
            *word |= 1 << (filter(hash) % 64);
        }
        let mut at = slot(hash);
        while let Some(entry) = self.table.get_mut(at % ENTRIES) {
            if entry.1 == 0 || entry.0 == hash {
                *entry = (hash, entry.1 | class);
                return;
            }
            at += 1;
        }
    }

    /// Classes of a token, after the token before it.
    #[inline]
    #[must_use]
    pub fn classes(&self, token: &Token, last: u32) -> u32 {
        if token.kind != Kind::Word {
            return 0;
        }
        let alone = self.find(token.hash);
        if token.sign { alone | self.find(pair(last, token.hash)) } else { alone }
    }

    #[inline]
    fn find(&self, hash: u32) -> u32 {
        if self.filter.get(filter(hash) / 64).is_none_or(|word| word >> (filter(hash) % 64) & 1 == 0) {
            return 0;
        }
        let mut at = slot(hash);
        while let Some((other, class)) = self.table.get(at % ENTRIES) {
            if *class == 0 || *other == hash {
                return *class;
            }
            at += 1;
        }
        0
    }
}

fn pair(first: u32, second: u32) -> u32 {
    first.rotate_left(7).wrapping_mul(0x9E37_79B1) ^ second
}

#[inline]
fn filter(hash: u32) -> usize {
    usize::try_from(hash.wrapping_mul(0x9E37_79B1) >> (32 - FILTER.trailing_zeros())).unwrap_or(0)
}

#[inline]
fn slot(hash: u32) -> usize {
    usize::try_from(hash.wrapping_mul(0x85EB_CA6B) >> (32 - ENTRIES.trailing_zeros())).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(text: &str) -> u32 {
        let (mut last, mut all) = (0, 0);
        words::each(text, &mut |token: &Token| {
            all |= Lexicon::get().classes(token, last);
            last = token.hash;
        });
        all
    }

    #[test]
    fn a_line_is_a_class() {
        let names: Vec<_> = WORDS
            .lines()
            .filter_map(|line| line.split_ascii_whitespace().next())
            .map(str::to_ascii_uppercase)
            .collect();
        assert_eq!(names, class::NAMES);
    }

    #[test]
    fn words_have_their_classes_in_every_script() {
        for text in ["Disregard", "VERGISS", "ignora", "игнорируй", "忽略", "無視", "무시", "अनदेखा", "تجاهل"]
        {
            assert_ne!(classes(text) & class::DROP, 0, "{text}");
        }
        assert_eq!(classes("the harbour of a town"), 0);
    }

    #[test]
    fn the_table_is_not_full() {
        let used = Lexicon::get().table.iter().filter(|entry| entry.1 != 0).count();
        assert!(used < ENTRIES / 2, "{used}");
    }
}
