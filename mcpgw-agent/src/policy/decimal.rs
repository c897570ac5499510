//! Numbers as they are spelled, compared exactly: no rounding decides what a policy allows.

use std::cmp::Ordering;

/// Powers of ten beyond which no peer agrees on a number: those of a double.
const MAX_EXPONENT: i64 = 308;

/// A decimal number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    /// Significant digits, without zeros at either end; none for zero.
    digits: Box<[u8]>,
    /// The power of ten of the first digit.
    exponent: i64,
}

/// Why a text is not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotComparable {
    /// It is no number.
    #[error("it is no number")]
    NotANumber,
    /// It is beyond what peers read alike.
    #[error("it is too large or too small for every peer to read it alike")]
    OutOfRange,
}

impl Decimal {
    /// Reads a number as JSON spells it; a `+` before it is allowed.
    pub(super) fn parse(text: &str) -> Result<Self, NotComparable> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, Some(power)),
            None => (unsigned, None),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let power_digits = power.map(|power| power.trim_start_matches(['+', '-']));
        if whole.is_empty()
            || !is_digits(whole)
            || !is_digits(fraction)
            || power_digits.is_some_and(|digits| digits.is_empty() || !is_digits(digits))
        {
            return Err(NotComparable::NotANumber);
        }
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let Some(first) = all.iter().position(|digit| *digit != b'0') else {
            return Ok(Self { negative: false, digits: Box::default(), exponent: 0 });
        };
        let end = all.iter().rposition(|digit| *digit != b'0').map_or(all.len(), |last| last + 1);
        let position = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let power: i64 = power.map_or(Ok(0), str::parse).unwrap_or(i64::MAX / 4);
        let exponent = power.saturating_add(position(whole.len()) - 1 - position(first));
        if exponent.abs() > MAX_EXPONENT {
            return Err(NotComparable::OutOfRange);
        }
        Ok(Self { negative, digits: all.get(first..end).unwrap_or_default().into(), exponent })
    }

    /// The double nearest to it, as short as that can be said, where that is another number: what most JSON parsers make of
    /// it.
    pub(super) fn as_double(&self) -> Option<Self> {
        // So many digits every double tells apart.
        if self.digits.len() <= 15 {
            return None;
        }
        let digits = std::str::from_utf8(&self.digits).ok()?;
        let power = self.exponent - i64::try_from(digits.len()).ok()? + 1;
        let sign = if self.negative { "-" } else { "" };
        let double: f64 = format!("{sign}{digits}e{power}").parse().ok()?;
        Self::parse(&format!("{double:e}")).ok().filter(|double| double != self)
    }

    /// Without a power of ten or needless zeros; integers without a point.
    pub(super) fn plain(&self) -> String {
        if self.digits.is_empty() {
            return "0".to_owned();
        }
        let count = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        let digit =
            |at: i64| usize::try_from(at).ok().and_then(|at| self.digits.get(at)).copied().unwrap_or(b'0');
        let mut out = String::new();
        if self.negative {
            out.push('-');
        }
        if self.exponent < 0 {
            out.push('0');
        }
        (0..=self.exponent).for_each(|at| out.push(char::from(digit(at))));
        if self.exponent + 1 < count {
            out.push('.');
            (self.exponent + 1..count).for_each(|at| out.push(char::from(digit(at))));
        }
        out
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.is_empty(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        sign(self).cmp(&sign(other)).then_with(|| {
            let magnitude = self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits));
            if self.negative { magnitude.reverse() } else { magnitude }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn doubles_are_told_where_they_are_others() {
        for (text, double) in [
            ("3.00000000000000000001", "3"),
            ("-4.9999999999999999999999", "-5"),
            ("999.99999999999999999999", "1000"),
            ("9007199254740993", "9007199254740992"),
            ("1.0000000000000000000000000001e-300", "1e-300"),
        ] {
            assert_eq!(number(text).as_double(), Some(number(double)), "{text}");
        }
        for text in ["0", "0.1", "-17", "123456789012345", "9007199254740992", "0.30000000000000004", "1e308"]
        {
            assert_eq!(number(text).as_double(), None, "{text}");
        }
    }

    #[test]
    fn comparison_is_exact() {
        for (a, b, expected) in [
            ("1", "1.0", Ordering::Equal),
            ("1e2", "100", Ordering::Equal),
            ("-0", "0", Ordering::Equal),
            ("0.1", "0.1000000000000000055511151231257827", Ordering::Less),
            ("9007199254740993", "9007199254740992", Ordering::Greater),
            ("-2", "-10", Ordering::Greater),
            ("-1", "0.001", Ordering::Less),
            ("99", "100", Ordering::Less),
            ("1.5E-3", "0.0015", Ordering::Equal),
        ] {
            assert_eq!(number(a).cmp(&number(b)), expected, "{a} {b}");
        }
    }

    #[test]
    fn what_peers_read_differently_is_not_compared() {
        for text in ["1e400", "1e-400", "-1e309", "1e99999999999999999999", "0.1e-999999999999999999999"] {
            assert_eq!(Decimal::parse(text), Err(NotComparable::OutOfRange), "{text}");
        }
        for text in ["", "-", "x", "1x", "1e", "0x10", ".5", "NaN", "1e+-", "١"] {
            assert_eq!(Decimal::parse(text), Err(NotComparable::NotANumber), "{text}");
        }
    }

    #[test]
    fn numbers_are_spelled_plainly() {
        for (text, plain) in [
            ("5.0", "5"),
            ("1e2", "100"),
            ("-0.50", "-0.5"),
            ("0.001", "0.001"),
            ("12.5e1", "125"),
            ("-0", "0"),
        ] {
            assert_eq!(number(text).plain(), plain, "{text}");
        }
    }

    proptest! {
        #[test]
        fn integers_compare_as_integers(a: i64, b: i64) {
            prop_assert_eq!(number(&a.to_string()).cmp(&number(&b.to_string())), a.cmp(&b));
            prop_assert_eq!(number(&a.to_string()).plain(), a.to_string());
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-+0-9.eE]{0,12}|.{0,8}") {
            if let Ok(number) = Decimal::parse(&text) {
                prop_assert_eq!(Decimal::parse(&number.plain()), Ok(number));
            }
        }
    }
}
