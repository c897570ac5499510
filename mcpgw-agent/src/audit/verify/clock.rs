//! What the times of records show: a clock that went back, a log that was silent for longer than its seals are apart.

use super::report::{NOTICES_MAX, Notice, NoticeKind};
use crate::audit::chain::{event, number};
use crate::audit::event::{CHECKPOINT, CLOSED, FINISHED, OPENED, ROTATED};

/// How late a seal may be, in milliseconds, besides as much again as seals are apart.
const GRACE_MS: u64 = 2000;

/// Looks at one record after the other.
#[derive(Debug, Default, Clone)]
pub(super) struct Clock {
    /// The time of the record before, in milliseconds.
    last: Option<u64>,
    /// Milliseconds from seal to seal, where the log says so.
    beat: Option<u64>,
    closed: bool,
}

/// What was noticed in one file.
#[derive(Debug, Default)]
pub(super) struct Notices {
    pub(super) list: Vec<Notice>,
    pub(super) total: u64,
}

impl Notices {
    pub(super) fn add(&mut self, notice: Notice) {
        self.total += 1;
        if self.list.len() < NOTICES_MAX {
            self.list.push(notice);
        }
    }
}

impl Clock {
    /// Record `seq`, at line `at`, is `line`.
    pub(super) fn tick(&mut self, line: &[u8], at: u64, seq: u64, notices: &mut Notices) {
        let Some(now) = millis(line) else { return };
        if let Some(last) = self.last {
            let notice = |kind, millis| Notice { line: Some(at), seq: Some(seq), millis, kind };
            if now < last {
                notices.add(notice(NoticeKind::ClockBack, last - now));
            } else if !self.closed && self.is_late(now - last) {
                notices.add(notice(NoticeKind::Silence, now - last));
            }
        }
        self.last = Some(now);
        let event = event(line);
        self.closed = event == Some(CLOSED) || event == Some(FINISHED);
        if event.is_some_and(|event| [OPENED, ROTATED, CHECKPOINT].contains(&event)) {
            self.beat = number(line, br#","beat_ms":"#);
        }
    }

    /// The log is being written at `now`, in milliseconds, and nothing follows.
    pub(super) fn is_silent(&self, now: u64) -> Option<u64> {
        let since = now.saturating_sub(self.last?);
        self.is_late(since).then_some(since)
    }

    fn is_late(&self, after: u64) -> bool {
        self.beat.is_some_and(|beat| after > beat.saturating_mul(2).saturating_add(GRACE_MS))
    }
}

/// The time of a record, in milliseconds since 1970; `None` where it does not begin with one.
fn millis(line: &[u8]) -> Option<u64> {
    let time = line.strip_prefix(br#"{"timestamp":""#)?.first_chunk::<27>()?;
    let number = |from: usize, to: usize| {
        time.get(from..to)?
            .iter()
            .try_fold(0_u64, |value, byte| byte.is_ascii_digit().then(|| value * 10 + u64::from(byte - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    // Years begin in March, so that the day that comes and goes is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day;
    let seconds = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let millis = (days * 86_400 + seconds) * 1000 + number(20, 23)?;
    millis.checked_sub(719_469 * 86_400_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_what_another_reader_makes_of_them() {
        for time in
            ["1970-01-01T00:00:00.000000Z", "2024-02-29T23:59:59.999999Z", "2026-11-21T03:04:05.678901Z"]
        {
            let expected: jiff::Timestamp = time.parse().unwrap();
            let line = format!("{{\"timestamp\":\"{time}\"");
            assert_eq!(millis(line.as_bytes()), u64::try_from(expected.as_millisecond()).ok(), "{time}");
        }
        assert_eq!(millis(br#"{"timestamp":"2026-xx-21T03:04:05.678901Z""#), None);
    }
}
