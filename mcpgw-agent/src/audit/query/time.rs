//! Points in time as people give them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// It is no point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no time: RFC 3339 as 2026-01-31T12:00:00Z, a day as 2026-01-31 (UTC), or as long ago as 90s, 30m, 2h, 7d or 1h30m"
)]
pub struct TimeError(String);

/// The time `text` names: RFC 3339, a day (its beginning, in UTC), or how long before `now`.
///
/// # Errors
/// It is none of them.
pub fn moment(text: &str, now: Timestamp) -> Result<Timestamp, TimeError> {
    let error = || TimeError(text.to_owned());
    if let Some(ago) = ago(text) {
        return now.checked_sub(ago).ok().ok_or_else(error);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let day: Date = text.parse().ok().filter(|_| text.len() == "2026-01-31".len()).ok_or_else(error)?;
    day.to_zoned(TimeZone::UTC).map(|day| day.timestamp()).ok().ok_or_else(error)
}

/// `1h30m`: numbers, each with its unit.
fn ago(text: &str) -> Option<SignedDuration> {
    let mut total: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits)?;
        let unit = after.chars().next()?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            _ => return None,
        };
        total = number.parse::<i64>().ok()?.checked_mul(seconds)?.checked_add(total)?;
        rest = after.strip_prefix(unit)?;
    }
    (!text.is_empty()).then(|| SignedDuration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_absolute_or_ago() {
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-01-31T11:59:59.5Z", "2026-01-31T11:59:59.5Z"),
            ("2026-01-31T12:00:00+01:00", "2026-01-31T11:00:00Z"),
            ("2026-01-30", "2026-01-30T00:00:00Z"),
            ("90s", "2026-01-31T11:58:30Z"),
            ("1h30m", "2026-01-31T10:30:00Z"),
            ("2w", "2026-01-17T12:00:00Z"),
            ("0s", "2026-01-31T12:00:00Z"),
        ] {
            assert_eq!(moment(text, now), Ok(expected.parse().unwrap()), "{text}");
        }
        for text in
            ["", "h", "2", "2x", "-2h", "99999999999999999999d", "9999999999999w", "2026-13-01", "yesterday"]
        {
            assert_eq!(moment(text, now), Err(TimeError(text.to_owned())));
        }
    }
}
