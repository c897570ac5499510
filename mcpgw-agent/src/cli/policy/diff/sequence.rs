//! Which elements of a list kept their places among one another.

/// A longest part of `numbers`, all different, that rises.
pub(super) fn longest_rising(numbers: &[usize]) -> Vec<usize> {
    // For each position the longest that ends there. A policy has at most some thousand rules.
    let mut best: Vec<(usize, Option<usize>)> = Vec::new();
    for (at, number) in numbers.iter().enumerate() {
        let before =
            numbers.iter().zip(&best).enumerate().take(at).filter(|(_, (earlier, _))| *earlier < number);
        let longest = before.max_by_key(|(_, (_, (length, _)))| *length);
        best.push(longest.map_or((1, None), |(index, (_, (length, _)))| (length + 1, Some(index))));
    }
    let last = best.iter().enumerate().rev().max_by_key(|(_, (length, _))| *length).map(|(at, _)| at);
    let mut rising: Vec<usize> = std::iter::successors(last, |at| best.get(*at)?.1)
        .filter_map(|at| numbers.get(at).copied())
        .collect();
    rising.reverse();
    rising
}

#[cfg(test)]
mod tests {
    use super::longest_rising;

    #[test]
    fn the_fewest_are_said_to_have_moved() {
        for (numbers, length) in
            [(&[][..], 0), (&[0, 1, 2], 3), (&[2, 0, 1], 2), (&[3, 2, 1], 1), (&[1, 2, 0, 3, 4], 4)]
        {
            let rising = longest_rising(numbers);
            assert_eq!(rising.len(), length, "{numbers:?}");
            assert!(rising.is_sorted());
        }
    }
}
