//! A guardrail that fails again and again is left alone for a while.
//!
//! ```text
//! closed ─ so many failures in a row ─▶ open ─ cool-down ─▶ half open: one trial ─▶ closed
//!                                         ▲───────────────── it fails ─┘
//! ```

use std::time::{Duration, Instant};

/// One guardrail's. The clock is its user's.
#[derive(Debug)]
pub(super) struct Breaker {
    failures: u32,
    cool_down: Duration,
    course: Course,
}

#[derive(Debug, Clone, Copy)]
enum Course {
    Closed {
        failed: u32,
    },
    Open {
        until: Instant,
    },
    /// One request is under way. Where nothing comes of it, there is another trial then.
    HalfOpen {
        until: Instant,
    },
}

/// What it does, as metrics tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Closed,
    Open,
    HalfOpen,
}

impl State {
    pub(super) const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

impl Breaker {
    /// Opens after `failures` in a row, for `cool_down`.
    pub(super) fn new(failures: u32, cool_down: Duration) -> Self {
        Self { failures: failures.max(1), cool_down, course: Course::Closed { failed: 0 } }
    }

    pub(super) fn state(&self) -> State {
        match self.course {
            Course::Closed { .. } => State::Closed,
            Course::Open { .. } => State::Open,
            Course::HalfOpen { .. } => State::HalfOpen,
        }
    }

    /// Whether a request may be made now.
    pub(super) fn permits(&mut self, now: Instant) -> bool {
        match self.course {
            Course::Closed { .. } => true,
            Course::Open { until } | Course::HalfOpen { until } if now >= until => {
                self.course = Course::HalfOpen { until: now + self.cool_down };
                true
            }
            Course::Open { .. } | Course::HalfOpen { .. } => false,
        }
    }

    /// A request was answered.
    pub(super) fn succeeded(&mut self) {
        self.course = Course::Closed { failed: 0 };
    }

    /// A request failed.
    pub(super) fn failed(&mut self, now: Instant) {
        let until = now + self.cool_down;
        self.course = match self.course {
            Course::Closed { failed } if failed.saturating_add(1) < self.failures => {
                Course::Closed { failed: failed.saturating_add(1) }
            }
            Course::Closed { .. } | Course::HalfOpen { .. } => Course::Open { until },
            // One that was under way when it opened.
            open @ Course::Open { .. } => open,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOL: Duration = Duration::from_secs(30);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn it_opens_after_failures_in_a_row_and_tries_once_after_its_time() {
        let start = Instant::now();
        let mut breaker = Breaker::new(3, COOL);
        breaker.failed(start);
        breaker.failed(start);
        breaker.succeeded();
        breaker.failed(start);
        breaker.failed(start);
        assert!(breaker.permits(start), "two in a row are not three");
        breaker.failed(start);
        assert_eq!(breaker.state(), State::Open);
        assert!(!breaker.permits(start + COOL - SECOND));
        // A straggler does not make it longer.
        breaker.failed(start + COOL - SECOND);
        assert!(breaker.permits(start + COOL));
        assert_eq!(breaker.state(), State::HalfOpen);
        assert!(!breaker.permits(start + COOL + SECOND), "one trial at a time");
        breaker.failed(start + COOL + SECOND);
        assert_eq!(breaker.state(), State::Open);
        assert!(!breaker.permits(start + COOL + COOL));
        assert!(breaker.permits(start + COOL + COOL + SECOND));
        breaker.succeeded();
        assert_eq!(breaker.state(), State::Closed);
        assert!(breaker.permits(start + COOL + COOL + SECOND));
    }

    #[test]
    fn a_trial_nobody_hears_of_again_is_followed_by_another() {
        let start = Instant::now();
        let mut breaker = Breaker::new(1, COOL);
        breaker.failed(start);
        assert!(breaker.permits(start + COOL));
        assert!(!breaker.permits(start + COOL + SECOND));
        assert!(breaker.permits(start + COOL + COOL));
    }
}
