//! When the stream tap is attached: while something is observed, and five seconds longer.
//!
//! Any program on a system-call tracepoint slows every system call of the host, so an idle agent has none. The
//! delay keeps a host that starts servers one after the other from attaching and detaching for each.

use std::time::Duration;

use crate::inventory::BootTime;

/// How long the tap stays attached with nothing to observe.
const HYSTERESIS: Duration = Duration::from_secs(5);

/// What should be done about the tap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Switch {
    /// Attach it now.
    Attach,
    /// Detach it now.
    Detach,
    /// Leave it.
    Keep,
}

/// Decides; does not touch the kernel.
#[derive(Debug, Default)]
pub(super) struct TapSwitch {
    attached: bool,
    needed_until: BootTime,
}

impl TapSwitch {
    /// Says what to do, given whether anything is observed at `now`.
    pub(super) fn decide(&mut self, observing: bool, now: BootTime) -> Switch {
        if observing {
            self.needed_until = now.after(HYSTERESIS);
            return if self.attached { Switch::Keep } else { Switch::Attach };
        }
        if self.attached && now >= self.needed_until { Switch::Detach } else { Switch::Keep }
    }

    /// Notes what the kernel made of it.
    pub(super) fn set(&mut self, attached: bool) {
        self.attached = attached;
    }

    /// Whether the tap is attached.
    pub(super) fn is_attached(&self) -> bool {
        self.attached
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> BootTime {
        BootTime(seconds * 1_000_000_000)
    }

    #[test]
    fn attaches_at_once_and_detaches_late() {
        let mut tap = TapSwitch::default();
        assert_eq!(tap.decide(false, at(1)), Switch::Keep);
        assert_eq!(tap.decide(true, at(2)), Switch::Attach);
        tap.set(true);
        assert_eq!(tap.decide(true, at(3)), Switch::Keep);
        assert_eq!(tap.decide(false, at(7)), Switch::Keep);
        assert_eq!(tap.decide(false, at(8)), Switch::Detach);
        tap.set(false);
        assert_eq!(tap.decide(false, at(60)), Switch::Keep);
    }

    #[test]
    fn a_refused_attach_is_tried_again() {
        let mut tap = TapSwitch::default();
        assert_eq!(tap.decide(true, at(1)), Switch::Attach);
        tap.set(false);
        assert_eq!(tap.decide(true, at(2)), Switch::Attach);
    }
}
