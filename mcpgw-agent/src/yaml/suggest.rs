//! "Did you mean": the known word nearest to an unknown one.

/// Longer words are not compared.
const MAX_LENGTH: usize = 64;

/// The word of `known` that `word` is most likely a slip of, if any is near enough: one edit in three
/// characters.
#[must_use]
pub fn nearest(word: &str, known: &[&str]) -> Option<String> {
    let normal = |text: &str| text.to_lowercase().replace('_', "-");
    let word = normal(word);
    if word.len() > MAX_LENGTH {
        return None;
    }
    let near = known.iter().map(|candidate| (distance(&word, &normal(candidate)), *candidate));
    let (distance, candidate) = near.min()?;
    (distance <= word.chars().count().max(3) / 3).then(|| candidate.to_owned())
}

/// Insertions, removals and exchanges of one character that turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    // One row of the table: the distance of what was read of `a` to each beginning of `b`.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (index, from) in a.chars().enumerate() {
        let mut next = vec![index + 1];
        for (pair, to) in row.windows(2).zip(&b) {
            let [diagonal, above] = *pair else { continue };
            let left = next.last().copied().unwrap_or(usize::MAX - 1);
            next.push((diagonal + usize::from(from != *to)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in
            [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("http", "https", 1)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let known = ["metrics-address", "metrics-expose", "socket-group"];
        for (word, meant) in [
            ("metric-address", Some("metrics-address")),
            ("metrics_address", Some("metrics-address")),
            ("Socket-Group", Some("socket-group")),
            ("listen", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &known).as_deref(), meant, "{word}");
        }
        assert_eq!(nearest("x", &[]), None);
        assert_eq!(nearest(&"x".repeat(1 << 20), &known), None);
    }
}
