//! The few numbers a table needs.

/// Measurements of one thing, in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Samples {
    sorted: Vec<f64>,
}

impl Samples {
    /// Adds measurements.
    pub(crate) fn extend(&mut self, more: &[f64]) {
        self.sorted.extend_from_slice(more);
        self.sorted.sort_by(f64::total_cmp);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// The middle one; of an even number the lower of the two.
    pub(crate) fn median(&self) -> f64 {
        self.at(50)
    }

    /// The one that a twentieth are below: close to what the machine can do when nothing disturbs it.
    pub(crate) fn p5(&self) -> f64 {
        self.at(5)
    }

    /// The one that a hundredth are above.
    pub(crate) fn p99(&self) -> f64 {
        self.at(99)
    }

    /// The largest.
    pub(crate) fn most(&self) -> f64 {
        self.sorted.last().copied().unwrap_or(f64::NAN)
    }

    fn at(&self, percent: usize) -> f64 {
        let index = self.sorted.len().saturating_sub(1) * percent / 100;
        self.sorted.get(index).copied().unwrap_or(f64::NAN)
    }
}

/// Deals arms and workloads out in a random order, reproducibly.
#[derive(Debug)]
pub(crate) struct Shuffle(u64);

impl Shuffle {
    /// The same seed deals the same orders.
    pub(crate) fn new(seed: u64) -> Self {
        // The generator never leaves 0.
        Self(seed | 1)
    }

    /// Orders a copy at random.
    pub(crate) fn of<T: Copy>(&mut self, items: &[T]) -> Vec<T> {
        let mut rest = items.to_vec();
        let mut dealt = Vec::with_capacity(rest.len());
        while !rest.is_empty() {
            let count = u64::try_from(rest.len()).unwrap_or(u64::MAX);
            let index = usize::try_from(self.next() % count).unwrap_or(0);
            dealt.push(rest.swap_remove(index));
        }
        dealt
    }

    /// Marsaglia's xorshift, 64 bit.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }
}

#[cfg(test)]
mod tests {
    use super::{Samples, Shuffle};

    #[test]
    fn median_and_p5_are_measured_values() {
        let mut samples = Samples::default();
        samples.extend(&(1..=100).rev().map(f64::from).collect::<Vec<_>>());
        assert_eq!((samples.median(), samples.p5()), (50.0, 5.0));
        let mut one = Samples::default();
        one.extend(&[7.0]);
        assert_eq!((one.median(), one.p5()), (7.0, 7.0));
        assert!(Samples::default().median().is_nan());
    }

    #[test]
    fn every_item_is_dealt_once_and_orders_differ() {
        let mut shuffle = Shuffle::new(42);
        let mut orders = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let order = shuffle.of(&[1, 2, 3]);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [1, 2, 3]);
            orders.insert(order);
        }
        assert_eq!(orders.len(), 6);
    }
}
