//! A server that is followed, and the sessions whose calls are told apart.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::server::Server;
use super::{Apart, Effects, State, Taker};
use crate::baselines::ServerBaseline;
use crate::effects::{Collected, Done, Killed, Oddity};
use crate::inventory::BootTime;
use crate::pins::{Act, ServerId};
use crate::policy::effects::{EffectRules, Surroundings};
use crate::proc::boot_now;

/// The first session of a server tells what is no session's.
const FIRST: u32 = 1;

/// One server that is followed, until the last of this and its [callers](Caller) is dropped. A clone is the same.
#[derive(Debug, Clone)]
pub struct Followed(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    all: Effects,
    group: u32,
    is_tapped: bool,
    /// What it does is told.
    is_seen: AtomicBool,
    /// It is looked at from then on, where its calls are known by their time.
    since: AtomicU64,
    callers: AtomicU32,
    place: Mutex<Place>,
}

/// Where it runs, and by which policy it goes there.
#[derive(Debug, Default)]
struct Place {
    around: Surroundings,
    /// The generation of the policy.
    held_to: Option<u64>,
}

/// One session with a server that is followed. When it is dropped, what is open of it will not be answered.
///
/// The first session of a server has besides its own what is no call's. Where several clients share a server, that is a session
/// of the gateway's own, which has no calls.
#[derive(Debug)]
pub struct Caller {
    server: Followed,
    number: u32,
    /// The time of a tapped session, which is that of what is read at last.
    now: AtomicU64,
    /// It had a call that is followed: without, there is nothing to look for.
    has_called: AtomicBool,
}

impl Followed {
    pub(super) fn new(all: Effects, group: u32, (is_tapped, is_seen): (bool, bool)) -> Self {
        let (since, callers, place) = (AtomicU64::new(0), AtomicU32::new(0), Mutex::default());
        let is_seen = AtomicBool::new(is_seen);
        Self(Arc::new(Handle { all, group, is_tapped, is_seen, since, callers, place }))
    }

    /// The number by which the kernel is to tell of the server's processes.
    #[must_use]
    pub fn group(&self) -> u32 {
        self.0.group
    }

    /// A session with it.
    #[must_use]
    pub fn caller(&self) -> Caller {
        let number = self.0.callers.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        let now = AtomicU64::new(self.0.since.load(Ordering::Relaxed));
        Caller { server: self.clone(), number, now, has_called: AtomicBool::new(false) }
    }

    /// It is looked at since `at`, where its calls are known by their time.
    #[must_use]
    pub fn looked_at_since(self, at: BootTime) -> Self {
        self.0.since.store(at.0, Ordering::Relaxed);
        self
    }

    /// It runs there.
    #[must_use]
    pub fn in_surroundings(self, around: Surroundings) -> Self {
        self.runs_in(around);
        self
    }

    /// It runs there from now on.
    pub fn runs_in(&self, around: Surroundings) {
        *self.place() = Place { around, held_to: None };
    }

    /// What it does is told from now on, or no longer.
    pub(super) fn sees(&self, is_seen: bool) {
        // Nobody is to find it seen before it is.
        self.0.is_seen.fetch_and(is_seen, Ordering::Relaxed);
        self.with(BootTime::default(), |server| server.sees(is_seen));
        self.0.is_seen.store(is_seen, Ordering::Relaxed);
    }

    /// It has ended.
    pub(super) fn end(&self) {
        self.with(BootTime::default(), Server::end);
    }

    /// What it does is told.
    #[cfg(test)]
    pub(super) fn is_seen(&self) -> bool {
        self.0.is_seen.load(Ordering::Relaxed)
    }

    /// Takes in what is in the ring.
    pub(super) fn drain(&self) {
        self.0.all.drain();
    }

    /// The server is `server`: what it does is held against what it usually does.
    pub fn is_of(&self, server: &ServerId) {
        let Some(baselines) = &self.0.all.baselines else { return };
        match baselines.server(server) {
            Ok(usual) => self.with(BootTime::default(), |server| server.usual = Some(usual)),
            Err(error) => {
                tracing::warn!(%error, server = server.label(), "nothing the server does counts as new");
            }
        }
    }

    /// What the server does from now on is held against the `rules` of the policy of this `generation`, unless it is already.
    pub fn is_held_to(&self, generation: u64, rules: impl FnOnce(&Surroundings) -> Option<EffectRules>) {
        let mut place = self.place();
        if place.held_to.is_some_and(|held| held >= generation) {
            return;
        }
        place.held_to = Some(generation);
        let rules = rules(&place.around).map(Arc::new);
        self.with(BootTime::default(), |server| server.rules = rules);
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        // Nothing is left half done while it is held.
        self.0.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usual(&self) -> Option<Arc<ServerBaseline>> {
        match self.0.all.state().takers.get(&self.0.group) {
            Some(Taker::Server(server)) => server.usual.clone(),
            Some(Taker::Outbox(_)) | None => None,
        }
    }

    /// What `act` does with all that has happened up to now; where sessions are tapped, up to `until`.
    fn with<T: Default>(&self, until: BootTime, act: impl FnOnce(&mut Server) -> T) -> T {
        let mut state = self.0.all.state();
        state.drain();
        let State { takers, killer, .. } = &mut *state;
        let Some(Taker::Server(server)) = takers.get_mut(&self.0.group) else { return T::default() };
        server.settle(until, killer);
        act(server)
    }
}

impl Caller {
    /// The server.
    #[must_use]
    pub fn server(&self) -> &Followed {
        &self.server
    }

    /// In a tapped session, what is read from now on passed at `at`, and everything before is read.
    pub fn heard(&self, at: BootTime) {
        self.now.store(at.0, Ordering::Relaxed);
    }

    /// The session's time.
    fn now(&self) -> BootTime {
        if self.server.0.is_tapped { BootTime(self.now.load(Ordering::Relaxed)) } else { boot_now() }
    }

    /// Waits until all that was done up to now is taken in, for a moment at most; what is not by then counts as lost.
    pub async fn settled(&self) {
        if let Some(link) = &self.server.0.all.link
            && self.has_called.load(Ordering::Relaxed)
        {
            link.settle(self.server.group()).await;
        }
    }

    /// Call `id` of `tool` is about to go to the server. Gives what was done before it, as far as this session tells that.
    pub fn opened(&self, id: &str, tool: &str) -> Vec<Apart> {
        if !self.server.0.is_seen.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let now = self.now();
        if self.server.0.is_tapped && now.0 < self.server.0.since.load(Ordering::Relaxed) {
            // Nobody looked as it began.
            return Vec::new();
        }
        // What is done in the moment it passes is its own.
        self.server.with(BootTime(now.0.saturating_sub(1)), |server| {
            let apart = if self.number == FIRST { server.take_apart() } else { Vec::new() };
            if server.is_seen() {
                if server.ledger.opened(self.number, id, tool, self.now()) {
                    self.has_called.store(true, Ordering::Relaxed);
                } else {
                    tracing::debug!(id, "too many calls are open: what this one does is not told apart");
                }
            }
            apart
        })
    }

    /// Call `id` was answered. Gives what was done meanwhile; `None` where it is not followed.
    pub fn closed(&self, id: &str) -> Option<Done> {
        if !self.has_called.load(Ordering::Relaxed) {
            return None;
        }
        self.server.with(self.now(), |server| server.ledger.closed(self.number, id))
    }

    /// Gives up the session's calls that are open and of which `is_open` knows nothing any more.
    pub fn give_up(&self, is_open: impl Fn(&str) -> bool) -> Vec<Apart> {
        if !self.has_called.load(Ordering::Relaxed) {
            return Vec::new();
        }
        self.server.with(self.now(), |server| {
            // Without one this is asked for nothing.
            if !server.ledger.is_open_for(self.number) {
                return Vec::new();
            }
            let gone = server.ledger.give_up(self.number, is_open).into_iter();
            gone.filter(|gone| !gone.done.is_quiet()).map(Apart::Unanswered).collect()
        })
    }

    /// The same, where nobody can say so now: the first session will.
    pub fn abandon(&self, is_open: impl Fn(&str) -> bool) {
        if !self.has_called.load(Ordering::Relaxed) {
            return;
        }
        self.server.with(self.now(), |server| server.abandon(self.number, is_open));
    }

    /// What was done while no call was open, or during one that nobody answers, and is not told yet; where this session is to tell it.
    pub fn take_apart(&self) -> Vec<Apart> {
        if self.number != FIRST {
            return Vec::new();
        }
        self.server.with(self.now(), Server::take_apart)
    }

    /// That the server was ended for what it did, told once.
    pub fn take_killed(&self) -> Option<Killed> {
        self.server.with(BootTime::default(), Server::take_killed)
    }

    /// That somebody reset what the server usually does, as long as no log has it.
    pub fn unrecorded(&self) -> Option<(ServerId, Act)> {
        self.server.usual()?.unrecorded()
    }

    /// A log has `act`.
    pub fn recorded(&self, act: &Act) {
        if let Some(usual) = self.server.usual() {
            usual.recorded(act);
        }
    }

    /// This was done during a call of `tool`, or while none was open, and is usual from now on; but for what has an oddity
    /// that `refused` names.
    pub fn learn(&self, tool: &str, done: &Collected, refused: impl Fn(Oddity) -> bool) {
        if let Some(usual) = self.server.usual() {
            usual.learn(tool, done, refused);
        }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.abandon(|_| false);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.all.remove(self.group);
        self.all.keep(true);
    }
}
