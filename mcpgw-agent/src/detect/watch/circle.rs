//! What the sessions of one client have read between them: text of strangers through one server and private data through
//! another meet in the same model.
//!
//! What a session reads counts for the others for half an hour at least and an hour at most; for itself it counts for ever.

use std::sync::{Mutex, PoisonError};

use super::call::Home;
use super::prints::Prints;
use super::taint::{Origin, Taint};

/// Half an hour, in microseconds.
const HALF_US: u64 = 30 * 60 * 1_000_000;

/// The sessions of one client, as far as what they have read goes.
#[derive(Debug, Default)]
pub struct Circle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// What was read since the last turn, and between that and the one before.
    halves: [Half; 2],
    turned_us: u64,
}

/// What was read in half an hour.
#[derive(Debug, Default)]
pub(super) struct Half {
    pub(super) taint: Taint,
    pub(super) prints: Prints,
}

/// Where it comes from that a call may be dangerous.
#[derive(Debug, Default)]
pub(super) struct Roots {
    pub(super) untrusted: Vec<Origin>,
    /// Of private data that does not belong where the call goes.
    pub(super) private: Vec<Origin>,
    pub(super) secret: Vec<Origin>,
}

impl Roots {
    /// Adds those of `taint`, for a call that goes to `to`.
    pub(super) fn add(&mut self, taint: &Taint, to: Home) {
        let add = |list: &mut Vec<Origin>, origin: Option<&Origin>| {
            list.extend(origin.filter(|origin| !list.contains(origin)).cloned());
        };
        add(&mut self.untrusted, taint.untrusted());
        add(&mut self.private, taint.private().filter(|_| taint.would_leave(to)));
        add(&mut self.secret, taint.secret());
    }
}

impl Circle {
    /// Shows `with` what still counts at `now_us`, what was read last first.
    pub(super) fn at<T>(&self, now_us: u64, with: impl FnOnce(&mut [Half; 2]) -> T) -> T {
        // Nothing is left half done while it is held.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State { halves, turned_us } = &mut *state;
        let since = now_us.saturating_sub(*turned_us);
        if since >= HALF_US {
            let [now, before] = halves;
            let last = std::mem::take(now);
            *before = if since < 2 * HALF_US { last } else { Half::default() };
            *turned_us = now_us;
        }
        with(halves)
    }

    /// A session has read this at `now_us`.
    pub(super) fn read(&self, now_us: u64, with: impl FnOnce(&mut Half)) {
        self.at(now_us, |[now, _]| with(now));
    }
}
