//! What the servers of this process' sessions do to the host: told by the kernel in one ring, kept by session, given to the
//! calls that did it.
//!
//! ```text
//! call passes ──▶ opened ─┐                          ┌─▶ what was done while none was open: an event's record
//! kernel's ring ─▶ drain ─┼─▶ Ledger (of one session) ┤
//! answer passes ─▶ closed ┘                          └─▶ what was done meanwhile: the answer's record
//! ```
//!
//! Nobody waits here: what a process did before it wrote its answer is in the ring before the answer can be read. So the
//! ring is emptied whenever a call begins or ends, by whoever lets it pass, and once in a while besides.
//!
//! Calls of a tapped session are known only after they passed, by their time: what is told sooner waits in the ledger.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::baselines::{Baselines, ServerBaseline};
use crate::effects::{Collected, Done, Ended, Killed, Ledger, Measure, Oddity, SideEffect, Stray};
use crate::inventory::BootTime;
use crate::pins::{Act, ServerId};
use crate::policy::effects::EffectRules;
use crate::proc::boot_now;

/// Batches taken from the ring in one go at most: more than a full ring has. Whoever fills it faster than it is read keeps
/// no answer waiting for ever; what is left then counts as done after it.
const BATCHES: usize = 256;
/// Tapped sessions that are followed at most: each may keep what is told before its calls are.
const TAPPED_MAX: usize = 256;

/// What the ring tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A process did something.
    Did(SideEffect),
    /// So many records had no room.
    Lost(u64),
}

/// Appends a bounded number of what is in the ring, and says whether there is more. Does not wait.
pub type Source = Box<dyn FnMut(&mut Vec<Told>) -> bool + Send>;

/// Ends all processes of a server, by the number the kernel was given.
pub type Killer = Box<dyn FnMut(u32) -> Ended + Send>;

/// All that are followed. A clone is the same.
#[derive(Clone)]
pub struct Effects {
    state: Arc<Mutex<State>>,
    baselines: Option<Arc<Baselines>>,
}

struct State {
    source: Source,
    killer: Killer,
    /// By the number the kernel was given.
    sessions: BTreeMap<u32, Session>,
    last: u32,
    told: Vec<Told>,
}

/// A session, as far as its server's doings go.
#[derive(Default)]
struct Session {
    ledger: Ledger,
    usual: Option<Arc<ServerBaseline>>,
    rules: Option<Arc<EffectRules>>,
    killed: Option<Killed>,
    /// It was told that the server was ended: once is enough.
    is_told: bool,
}

/// One session whose server is followed, until this is dropped.
#[derive(Debug)]
pub struct Followed {
    all: Effects,
    group: u32,
    tapped: Option<Clock>,
}

/// The time of a tapped session, which is that of what is read at last.
#[derive(Debug, Default)]
struct Clock {
    /// The server was looked at from then on.
    since: BootTime,
    now: AtomicU64,
}

/// What was done and has no answer's record to be in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Apart {
    /// No call was open.
    Stray(Stray),
    /// During a call that will not be answered.
    Unanswered(Done),
}

impl std::fmt::Debug for Effects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Effects").finish_non_exhaustive()
    }
}

impl Effects {
    /// Of the processes `source` tells of, which `killer` can end. What servers usually do is kept in `baselines`; without
    /// them nothing is new. Nobody is followed yet.
    #[must_use]
    pub fn new(source: Source, killer: Killer, baselines: Option<Baselines>) -> Self {
        let state = State { source, killer, sessions: BTreeMap::new(), last: 0, told: Vec::new() };
        Self { state: Arc::new(Mutex::new(state)), baselines: baselines.map(Arc::new) }
    }

    /// Another session is followed. The kernel is to be told its [`group`](Followed::group).
    #[must_use]
    pub fn follow(&self) -> Followed {
        let group = self.state().add(Session::default());
        Followed { all: self.clone(), group, tapped: None }
    }

    /// The same of a tapped session, whose server runs already: its time is [told](Followed::heard), and nothing is ended for what
    /// it does. `None` where there are too many.
    #[must_use]
    pub fn follow_tapped(&self) -> Option<Followed> {
        let mut state = self.state();
        if state.sessions.values().filter(|session| session.ledger.is_tapped()).count() >= TAPPED_MAX {
            return None;
        }
        let group = state.add(Session { ledger: Ledger::tapped(), ..Session::default() });
        Some(Followed { all: self.clone(), group, tapped: Some(Clock::default()) })
    }

    /// The session with the number `group` is followed.
    #[must_use]
    pub fn follows(&self, group: u32) -> bool {
        self.state().sessions.contains_key(&group)
    }

    /// Nobody is followed.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state().sessions.is_empty()
    }

    /// Takes in what is in the ring.
    pub fn drain(&self) {
        self.state().drain();
    }

    /// Writes what was learned: all of it, or only what is more than numbers of calls. Waits for the disk.
    pub fn keep(&self, all: bool) {
        let Some(baselines) = &self.baselines else { return };
        if let Err(error) = baselines.flush(all) {
            tracing::warn!(%error, "what a server usually does could not be kept");
        }
    }

    /// It is a std mutex: nothing is waited for while it is held but the end of a server that policy has killed, and nothing
    /// is left half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Gives `session` a number.
    fn add(&mut self, session: Session) -> u32 {
        // 0 is nobody's. A number that comes again after four thousand million sessions may still be in use.
        loop {
            self.last = self.last.wrapping_add(1).max(1);
            if let std::collections::btree_map::Entry::Vacant(free) = self.sessions.entry(self.last) {
                free.insert(session);
                return self.last;
            }
        }
    }

    fn drain(&mut self) {
        let Self { source, killer, sessions, told, .. } = self;
        for _ in 0..BATCHES {
            let more = source(told);
            for told in told.drain(..) {
                match told {
                    // Of a session that is over, nobody wants to know.
                    Told::Did(effect) => {
                        if let Some(session) = sessions.get_mut(&effect.group) {
                            session.told(effect, killer);
                        }
                    }
                    Told::Lost(count) => {
                        let now = boot_now();
                        sessions.values_mut().for_each(|session| session.ledger.lost(count, now));
                    }
                }
            }
            if !more {
                return;
            }
        }
    }
}

impl Session {
    fn told(&mut self, effect: SideEffect, killer: &mut Killer) {
        if let Some(effect) = self.ledger.keep(effect) {
            self.happened(&effect, killer);
        }
        // It may be one too many.
        self.settle(BootTime::default(), killer);
    }

    /// The calls up to `until` are known.
    fn settle(&mut self, until: BootTime, killer: &mut Killer) {
        while let Some(effect) = self.ledger.due(until) {
            self.happened(&effect, killer);
        }
    }

    fn happened(&mut self, effect: &SideEffect, killer: &mut Killer) {
        let Self { ledger, usual, rules, killed, .. } = self;
        let rules = rules.as_deref();
        let deadly = match usual {
            Some(usual) => usual.with(|measure| ledger.happened(effect, &Measure { rules, ..measure })),
            None => ledger.happened(effect, &Measure { rules, ..Measure::default() }),
        };
        // What is left of it does more: it is ended again. A tapped session is looked at and no more.
        if let Some(violation) = deadly.filter(|_| !ledger.is_tapped()) {
            let ended = killer(effect.group);
            match killed {
                Some(before) => {
                    before.ended.processes = before.ended.processes.saturating_add(ended.processes);
                    before.ended.is_incomplete = ended.is_incomplete;
                }
                None => *killed = Some(Killed { rule: violation.rule, ended }),
            }
        }
    }
}

impl Followed {
    /// The number by which the kernel is to tell of the server's processes.
    #[must_use]
    pub fn group(&self) -> u32 {
        self.group
    }

    /// The server of this tapped session is looked at since `at`.
    #[must_use]
    pub fn looked_at_since(mut self, at: BootTime) -> Self {
        if let Some(clock) = &mut self.tapped {
            *clock = Clock { since: at, now: AtomicU64::new(at.0) };
        }
        self
    }

    /// In a tapped session, what is read from now on passed at `at`, and everything before is read.
    pub fn heard(&self, at: BootTime) {
        if let Some(clock) = &self.tapped {
            clock.now.store(at.0, Ordering::Relaxed);
        }
    }

    /// The session's time.
    fn now(&self) -> BootTime {
        self.tapped.as_ref().map_or_else(boot_now, |clock| BootTime(clock.now.load(Ordering::Relaxed)))
    }

    /// The server is `server`: what it does is held against what it usually does.
    pub fn is_of(&self, server: &ServerId) {
        let Some(baselines) = &self.all.baselines else { return };
        match baselines.server(server) {
            Ok(usual) => {
                if let Some(session) = self.all.state().sessions.get_mut(&self.group) {
                    session.usual = Some(usual);
                }
            }
            Err(error) => {
                tracing::warn!(%error, server = server.label(), "nothing the server does counts as new");
            }
        }
    }

    /// What the server does from now on is held against `rules`.
    pub fn is_held_to(&self, rules: Option<Arc<EffectRules>>) {
        self.with(BootTime::default(), |session| session.rules = rules);
    }

    /// Call `id` of `tool` is about to go to the server. Gives what was done before it, while none was open.
    pub fn opened(&self, id: &str, tool: &str) -> Option<Apart> {
        let now = self.now();
        if self.tapped.as_ref().is_some_and(|clock| now < clock.since) {
            // Nobody looked as it began.
            return None;
        }
        // What is done in the moment it passes is its own.
        self.with(BootTime(now.0.saturating_sub(1)), |session| {
            let stray = session.ledger.take_stray().map(Apart::Stray);
            if !session.ledger.opened(id, tool, self.now()) {
                tracing::debug!(id, "too many calls are open: what this one does is not told apart");
            }
            stray
        })
    }

    /// Call `id` was answered. Gives what was done meanwhile; `None` where it is not followed.
    pub fn closed(&self, id: &str) -> Option<Done> {
        self.with(self.now(), |session| session.ledger.closed(id))
    }

    /// Gives up the calls that are open and of which `is_open` knows nothing any more.
    pub fn give_up(&self, is_open: impl Fn(&str) -> bool) -> Vec<Apart> {
        self.with(self.now(), |session| {
            // Without one this is asked for nothing.
            if session.ledger.open_calls() == 0 {
                return Vec::new();
            }
            let gone = session.ledger.give_up(is_open).into_iter().filter(|gone| !gone.done.is_quiet());
            gone.map(Apart::Unanswered).collect()
        })
    }

    /// What was done while no call was open, and is not told yet.
    pub fn take_stray(&self) -> Option<Apart> {
        self.with(self.now(), |session| session.ledger.take_stray()).map(Apart::Stray)
    }

    /// That the server was ended for what it did, told once.
    pub fn take_killed(&self) -> Option<Killed> {
        self.with(BootTime::default(), |session| {
            let killed = session.killed.clone().filter(|_| !session.is_told);
            session.is_told |= killed.is_some();
            killed
        })
    }

    /// That somebody reset what the server usually does, as long as no log has it.
    pub fn unrecorded(&self) -> Option<(ServerId, Act)> {
        self.usual()?.unrecorded()
    }

    /// A log has `act`.
    pub fn recorded(&self, act: &Act) {
        if let Some(usual) = self.usual() {
            usual.recorded(act);
        }
    }

    /// This was done during a call of `tool`, or while none was open, and is usual from now on; but for what has an oddity
    /// that `refused` names.
    pub fn learn(&self, tool: &str, done: &Collected, refused: impl Fn(Oddity) -> bool) {
        if let Some(usual) = self.usual() {
            usual.learn(tool, done, refused);
        }
    }

    fn usual(&self) -> Option<Arc<ServerBaseline>> {
        self.all.state().sessions.get(&self.group).and_then(|session| session.usual.clone())
    }

    /// What `act` does with all that has happened up to now; where the session is tapped, up to `until`.
    fn with<T: Default>(&self, until: BootTime, act: impl FnOnce(&mut Session) -> T) -> T {
        let mut state = self.all.state();
        state.drain();
        let State { sessions, killer, .. } = &mut *state;
        let Some(session) = sessions.get_mut(&self.group) else { return T::default() };
        session.settle(until, killer);
        act(session)
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.all.state().sessions.remove(&self.group);
        self.all.keep(true);
    }
}
