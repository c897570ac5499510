//! Two texts as the words they share and those they do not.

/// Words of the part that differs which are compared one by one; of a longer part all is replaced.
const WORDS_MAX: usize = 512;

/// A stretch of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// In both.
    Same(String),
    /// In the first only.
    Removed(String),
    /// In the second only.
    Added(String),
}

/// What was left, taken away and added from `before` to `after`, word by word. Joined, all but what was added is
/// `before`, all but what was removed is `after`.
#[must_use]
pub fn phrase(before: &str, after: &str) -> Vec<Piece> {
    let (before, after) = (words(before), words(after));
    let start = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
    let rest = before.len().min(after.len()) - start;
    let end = before
        .iter()
        .rev()
        .zip(after.iter().rev())
        .take(rest)
        .take_while(|(one, other)| one == other)
        .count();
    let mut pieces = Pieces::default();
    before.iter().take(start).for_each(|word| pieces.same(word));
    let old = before.get(start..before.len() - end).unwrap_or_default();
    let new = after.get(start..after.len() - end).unwrap_or_default();
    if old.len() > WORDS_MAX || new.len() > WORDS_MAX {
        old.iter().for_each(|word| pieces.removed(word));
        new.iter().for_each(|word| pieces.added(word));
    } else {
        common(old, new, &mut pieces);
    }
    before.iter().skip(before.len() - end).for_each(|word| pieces.same(word));
    pieces.0
}

/// Words with the blanks behind them.
fn words(text: &str) -> Vec<&str> {
    text.split_inclusive(char::is_whitespace).collect()
}

/// By the longest sequence of words that both have.
fn common(old: &[&str], new: &[&str], pieces: &mut Pieces) {
    let width = new.len() + 1;
    // How many words the rests behind `(row, column)` have in common.
    let mut lengths = vec![0_u16; width * (old.len() + 1)];
    let at =
        |lengths: &[u16], row: usize, column: usize| lengths.get(row * width + column).copied().unwrap_or(0);
    for (row, one) in old.iter().enumerate().rev() {
        for (column, other) in new.iter().enumerate().rev() {
            let length = if one == other {
                at(&lengths, row + 1, column + 1) + 1
            } else {
                at(&lengths, row + 1, column).max(at(&lengths, row, column + 1))
            };
            if let Some(slot) = lengths.get_mut(row * width + column) {
                *slot = length;
            }
        }
    }
    let (mut row, mut column) = (0, 0);
    loop {
        match (old.get(row), new.get(column)) {
            (None, None) => return,
            (Some(one), Some(other)) if one == other => {
                pieces.same(one);
                row += 1;
                column += 1;
            }
            (Some(one), other)
                if other.is_none() || at(&lengths, row + 1, column) >= at(&lengths, row, column + 1) =>
            {
                pieces.removed(one);
                row += 1;
            }
            (_, Some(other)) => {
                pieces.added(other);
                column += 1;
            }
            (Some(_), None) => return,
        }
    }
}

#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn same(&mut self, word: &str) {
        if let Some(Piece::Same(text)) = self.0.last_mut() {
            return text.push_str(word);
        }
        self.0.push(Piece::Same(word.to_owned()));
    }

    fn removed(&mut self, word: &str) {
        if let Some(Piece::Removed(text)) = self.0.last_mut() {
            return text.push_str(word);
        }
        self.0.push(Piece::Removed(word.to_owned()));
    }

    fn added(&mut self, word: &str) {
        if let Some(Piece::Added(text)) = self.0.last_mut() {
            return text.push_str(word);
        }
        self.0.push(Piece::Added(word.to_owned()));
    }
}
