//! The two clocks and how they relate.

use jiff::Timestamp;
use nix::time::{ClockId, clock_gettime};

use crate::inventory::BootTime;

/// Time since boot, suspends included: the clock kernel records are stamped with.
#[must_use]
pub fn boot_now() -> BootTime {
    BootTime(u64::try_from(nanos(ClockId::CLOCK_BOOTTIME)).unwrap_or(0))
}

/// The moment of boot by the wall clock, as it stands now: it moves when the wall clock is set.
///
/// A boot time becomes a date by adding its nanoseconds to this.
#[must_use]
pub fn boot_timestamp() -> Timestamp {
    let since_epoch = nanos(ClockId::CLOCK_REALTIME) - nanos(ClockId::CLOCK_BOOTTIME);
    Timestamp::from_nanosecond(since_epoch).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A clock in nanoseconds; 0 where the kernel refuses, which it does for no clock named here.
fn nanos(clock: ClockId) -> i128 {
    clock_gettime(clock)
        .map_or(0, |time| i128::from(time.tv_sec()) * 1_000_000_000 + i128::from(time.tv_nsec()))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn boot_time_and_wall_clock_agree() {
        let before = Timestamp::now();
        let now = boot_timestamp() + SignedDuration::from_nanos_i128(boot_now().0.into());
        let after = Timestamp::now();
        // Two clocks are read one after the other, hence the allowance.
        let slack = SignedDuration::from_secs(1);
        assert!(now >= before - slack && now <= after + slack, "{before} <= {now} <= {after}");
    }

    #[test]
    fn a_start_time_of_our_own_lies_between_boot_and_now() {
        let own = super::super::key_of(std::process::id()).unwrap();
        let started = own.start_ticks * crate::inventory::ProcessKey::TICK_NS;
        assert!(started > 0 && started <= boot_now().0, "{started} <= {}", boot_now().0);
    }
}
