//! Which call did what: the open calls of one server, and what its processes do meanwhile.

use super::{Collected, SideEffect};
use crate::inventory::BootTime;

/// Open calls of one server that are told apart. Beyond, a call has no effects of its own.
pub const CALLS_MAX: usize = 256;

/// The calls of one server.
///
/// While one call is open, everything is its own. While several are, everything may be any one's, and each has it. What is
/// done while none is open is kept with the last call before it.
#[derive(Debug, Default)]
pub struct Ledger {
    open: Vec<Call>,
    last: Option<Box<str>>,
    stray: Collected,
}

#[derive(Debug)]
struct Call {
    id: Box<str>,
    since: BootTime,
    done: Collected,
}

/// What was done while no call was open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stray {
    /// The call that was answered last before, if any.
    pub after: Option<Box<str>>,
    /// What.
    pub done: Collected,
}

impl Ledger {
    /// Call `id` goes to the server at `at`. Says whether it is followed.
    pub fn opened(&mut self, id: &str, at: BootTime) -> bool {
        if self.open.len() >= CALLS_MAX {
            return false;
        }
        self.open.push(Call { id: id.into(), since: at, done: Collected::default() });
        true
    }

    /// A process of the server did something.
    pub fn happened(&mut self, effect: &SideEffect) {
        let is_within = |call: &Call| call.since <= effect.at;
        let among = self.open.iter().filter(|call| is_within(call)).count();
        let among = u32::try_from(among).unwrap_or(u32::MAX);
        if among == 0 {
            return self.stray.add(effect, 0);
        }
        for call in self.open.iter_mut().filter(|call| is_within(call)) {
            call.done.add(effect, among);
        }
    }

    /// The kernel had no room to tell of `count` things; whose they were is not known.
    pub fn lost(&mut self, count: u64) {
        for done in self.open.iter_mut().map(|call| &mut call.done).chain([&mut self.stray]) {
            done.lost = done.lost.saturating_add(count);
        }
    }

    /// Call `id` is answered, or given up. `None` where it is not followed.
    pub fn closed(&mut self, id: &str) -> Option<Collected> {
        let at = self.open.iter().position(|call| &*call.id == id)?;
        let call = self.open.remove(at);
        self.last = Some(call.id);
        Some(call.done)
    }

    /// Gives up the open calls of which `is_open` knows nothing any more, with what was done during each.
    pub fn give_up(&mut self, is_open: impl Fn(&str) -> bool) -> Vec<(Box<str>, Collected)> {
        let gone: Vec<_> = self.open.extract_if(.., |call| !is_open(&call.id)).collect();
        if let Some(call) = gone.last() {
            self.last = Some(call.id.clone());
        }
        gone.into_iter().map(|call| (call.id, call.done)).collect()
    }

    /// What was done while no call was open, since this was asked for last; `None` where nothing but noise was.
    pub fn take_stray(&mut self) -> Option<Stray> {
        let done = std::mem::take(&mut self.stray);
        (!done.is_quiet()).then(|| Stray { after: self.last.clone(), done })
    }

    /// Calls that are open.
    #[must_use]
    pub fn open_calls(&self) -> usize {
        self.open.len()
    }
}
