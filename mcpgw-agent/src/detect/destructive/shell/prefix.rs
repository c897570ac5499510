//! Programs that start another: which of their words belong to them.

use super::word::{Word, assignment};

/// How a program's own words end.
#[derive(Debug, Clone, Copy)]
pub(in crate::detect::destructive) struct Prefix {
    /// Letters of the short options whose value is the next word.
    pub(in crate::detect::destructive) valued: &'static str,
    /// Words of its own after the options.
    pub(in crate::detect::destructive) own: usize,
}

impl Prefix {
    /// What is started: the words after those of the program itself. `words` begins with its name.
    pub(super) fn rest<'w, 'a>(self, words: &'w [Word<'a>]) -> &'w [Word<'a>] {
        let mut own = self.own;
        let mut index = 1;
        while let Some(word) = words.get(index) {
            let text = word.text.as_ref();
            if text == "--" {
                index += 1;
                continue;
            }
            let is_option =
                text.len() > 1 && (text.starts_with('-') || text.starts_with('/') && text.len() < 4);
            if is_option {
                index += 1 + usize::from(self.takes_value(text));
            } else if assignment(text).is_some() {
                index += 1;
            } else if own > 0 {
                own -= 1;
                index += 1;
            } else {
                break;
            }
        }
        words.get(index..).unwrap_or_default()
    }

    fn takes_value(self, option: &str) -> bool {
        let mut letters = option.chars().skip(1);
        option.len() == 2 && letters.next().is_some_and(|letter| self.valued.contains(letter))
    }
}
