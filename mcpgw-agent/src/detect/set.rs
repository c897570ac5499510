//! Sets of detectors.

use super::Detector;

/// Some detectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DetectorSet(u16);

impl DetectorSet {
    /// All there are.
    #[must_use]
    pub fn all() -> Self {
        Detector::ALL.into_iter().collect()
    }

    /// Those whose findings are not written down, whatever becomes of their message.
    #[must_use]
    pub fn private() -> Self {
        [Detector::Secrets, Detector::Pii].into_iter().collect()
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// It has `detector`.
    #[must_use]
    pub fn has(self, detector: Detector) -> bool {
        self.0 & bit(detector) != 0
    }

    /// It has none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Detector> for DetectorSet {
    fn from_iter<I: IntoIterator<Item = Detector>>(detectors: I) -> Self {
        Self(detectors.into_iter().fold(0, |bits, detector| bits | bit(detector)))
    }
}

fn bit(detector: Detector) -> u16 {
    1 << (detector as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_put_into_it() {
        let all = DetectorSet::all();
        assert!(Detector::ALL.into_iter().all(|detector| all.has(detector)));
        for detector in Detector::ALL {
            let one: DetectorSet = [detector].into_iter().collect();
            assert!(Detector::ALL.into_iter().all(|other| one.has(other) == (other == detector)));
        }
        assert_eq!(all.and(DetectorSet::private()), [Detector::Secrets, Detector::Pii].into_iter().collect());
        assert!(DetectorSet::default().is_empty() && !all.is_empty());
    }
}
