//! Durations as people write them: a whole number and a unit, which is never left out.

use std::time::Duration;

/// Parses `500ms`, `30s`, `5m`, `2h`, `1d`; `None` for anything else, a number alone included.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

/// A duration as [`duration`] reads it.
pub(crate) fn show(duration: Duration) -> String {
    let millis = duration.as_millis();
    for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        if millis > 0 && millis.is_multiple_of(length) {
            return format!("{}{unit}", millis / length);
        }
    }
    format!("{millis}ms")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_and_a_unit() {
        for (text, millis) in [
            ("500ms", 500),
            ("0s", 0),
            ("30s", 30_000),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in [
            "",
            "5",
            "s",
            "5 s",
            " 5s",
            "-5s",
            "1.5s",
            "5S",
            "5sec",
            "1h30m",
            "99999999999999999999s",
            "18446744073709551615d",
            "５s",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(millis in 0_u64..u64::MAX / 86_400_000) {
            let shown = show(Duration::from_millis(millis));
            prop_assert_eq!(duration(&shown), Some(Duration::from_millis(millis)), "{}", shown);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _parsed = duration(&text);
        }
    }
}
