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

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::baselines::{Baselines, ServerBaseline};
use crate::effects::{Collected, Done, Ended, Killed, Ledger, Measure, Oddity, SideEffect, Stray};
use crate::pins::{Act, ServerId};
use crate::policy::effects::EffectRules;
use crate::proc::boot_now;

/// Batches taken from the ring in one go at most: more than a full ring has. Whoever fills it faster than it is read keeps
/// no answer waiting for ever; what is left then counts as done after it.
const BATCHES: usize = 256;

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
        let mut state = self.state();
        // 0 is nobody's. A number that comes again after four thousand million sessions may still be in use.
        loop {
            state.last = state.last.wrapping_add(1).max(1);
            let group = state.last;
            if let std::collections::btree_map::Entry::Vacant(free) = state.sessions.entry(group) {
                free.insert(Session::default());
                return Followed { all: self.clone(), group };
            }
        }
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
    fn drain(&mut self) {
        let Self { source, killer, sessions, told, .. } = self;
        for _ in 0..BATCHES {
            let more = source(told);
            for told in told.drain(..) {
                match told {
                    // Of a session that is over, nobody wants to know.
                    Told::Did(effect) => {
                        if let Some(session) = sessions.get_mut(&effect.group) {
                            session.happened(&effect, killer);
                        }
                    }
                    Told::Lost(count) => {
                        sessions.values_mut().for_each(|session| session.ledger.lost(count));
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
    fn happened(&mut self, effect: &SideEffect, killer: &mut Killer) {
        let Self { ledger, usual, rules, killed, .. } = self;
        let rules = rules.as_deref();
        let deadly = match usual {
            Some(usual) => usual.with(|measure| ledger.happened(effect, &Measure { rules, ..measure })),
            None => ledger.happened(effect, &Measure { rules, ..Measure::default() }),
        };
        // What is left of it does more: it is ended again.
        if let Some(violation) = deadly {
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
        self.with(|session| session.rules = rules);
    }

    /// Call `id` of `tool` is about to go to the server. Gives what was done before it, while none was open.
    pub fn opened(&self, id: &str, tool: &str) -> Option<Apart> {
        self.with(|session| {
            let stray = session.ledger.take_stray().map(Apart::Stray);
            if !session.ledger.opened(id, tool, boot_now()) {
                tracing::debug!(id, "too many calls are open: what this one does is not told apart");
            }
            stray
        })
    }

    /// Call `id` was answered. Gives what was done meanwhile; `None` where it is not followed.
    pub fn closed(&self, id: &str) -> Option<Done> {
        self.with(|session| session.ledger.closed(id))
    }

    /// Gives up the calls that are open and of which `is_open` knows nothing any more.
    pub fn give_up(&self, is_open: impl Fn(&str) -> bool) -> Vec<Apart> {
        self.with(|session| {
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
        self.with(|session| session.ledger.take_stray()).map(Apart::Stray)
    }

    /// That the server was ended for what it did, told once.
    pub fn take_killed(&self) -> Option<Killed> {
        self.with(|session| {
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

    /// What `act` does with all that has happened up to now.
    fn with<T: Default>(&self, act: impl FnOnce(&mut Session) -> T) -> T {
        let mut state = self.all.state();
        state.drain();
        state.sessions.get_mut(&self.group).map(act).unwrap_or_default()
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.all.state().sessions.remove(&self.group);
        self.all.keep(true);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;
    use crate::effects::Act;
    use crate::effects::{Access, Kept, Outcome};
    use crate::inventory::ProcessKey;

    fn ring() -> (Sender<Told>, Effects) {
        let (sender, receiver): (_, Receiver<Told>) = channel();
        let source = move |told: &mut Vec<Told>| {
            told.extend(receiver.try_iter());
            false
        };
        (sender, Effects::new(Box::new(source), Box::new(|_| Ended::default()), None))
    }

    fn opens(group: u32, path: &str) -> Told {
        Told::Did(SideEffect {
            group,
            process: ProcessKey { pid: 7, start_ticks: 1 },
            at: boot_now(),
            act: Act::Open { path: path.to_owned(), access: Access::Read },
            outcome: Outcome::Done,
            cut: false,
        })
    }

    fn path(kept: &Kept) -> &str {
        let Act::Open { path, .. } = &kept.act else { panic!("{kept:?}") };
        path
    }

    fn paths(done: &Collected) -> Vec<&str> {
        done.kept.iter().map(path).collect()
    }

    #[test]
    fn each_session_has_its_own_and_what_is_lost_concerns_all() {
        let (ring, effects) = ring();
        assert!(effects.is_idle());
        let (one, other) = (effects.follow(), effects.follow());
        assert_ne!(one.group(), other.group());
        assert_eq!((one.opened("a", "t"), other.opened("b", "t")), (None, None));
        ring.send(opens(one.group(), "/one")).unwrap();
        ring.send(opens(other.group(), "/other")).unwrap();
        ring.send(opens(other.group() + 1, "/nobody's")).unwrap();
        ring.send(Told::Lost(2)).unwrap();
        let (first, second) = (one.closed("a").unwrap().done, other.closed("b").unwrap().done);
        assert_eq!((paths(&first), first.lost), (vec!["/one"], 2));
        assert_eq!((paths(&second), second.lost), (vec!["/other"], 2));
        drop((one, other));
        assert!(effects.is_idle());
    }

    #[test]
    fn what_no_answer_tells_is_told_apart() {
        let (ring, effects) = ring();
        let session = effects.follow();
        ring.send(opens(session.group(), "/start")).unwrap();
        let Some(Apart::Stray(start)) = session.opened("a", "t") else {
            panic!("it is told before the call")
        };
        assert_eq!((start.after, paths(&start.done)), (None, vec!["/start"]));
        ring.send(opens(session.group(), "/call")).unwrap();
        assert_eq!(session.give_up(|_| true), []);
        let gone = session.give_up(|_| false);
        let [Apart::Unanswered(Done { call, done, .. })] = &gone[..] else { panic!("{gone:?}") };
        assert_eq!((&**call, paths(done)), ("a", vec!["/call"]));
        ring.send(opens(session.group(), "/late")).unwrap();
        let Some(Apart::Stray(late)) = session.take_stray() else { panic!("it is told") };
        assert_eq!((late.after.as_deref(), paths(&late.done)), (Some("a"), vec!["/late"]));
        assert_eq!(session.take_stray(), None);
    }

    #[test]
    fn a_ring_that_is_never_empty_keeps_nobody() {
        let effects = Effects::new(
            Box::new(|told| {
                told.push(Told::Lost(1));
                true
            }),
            Box::new(|_| Ended::default()),
            None,
        );
        let session = effects.follow();
        assert_eq!(session.opened("a", "t").map(|apart| matches!(apart, Apart::Stray(_))), Some(true));
        assert_eq!(session.closed("a").unwrap().done.lost, u64::try_from(BATCHES).unwrap());
    }
}
