//! What the servers of this process' sessions do to the host: told by the kernel in one ring, kept by server, given to the
//! calls that did it.
//!
//! ```text
//! call passes ──▶ opened ─┐                          ┌─▶ what was done while none was open: an event's record
//! kernel's ring ─▶ drain ─┼─▶ Ledger (of one server) ┤
//! answer passes ─▶ closed ┘                          └─▶ what was done meanwhile: the answer's record
//! ```
//!
//! Of a server that several clients share, the calls of all sessions are in one ledger; over stdio there is one session.
//!
//! Nobody waits here: what a process did before it wrote its answer is in the ring before the answer can be read. So the
//! ring is emptied whenever a call begins or ends, by whoever lets it pass, and once in a while besides. A gateway that is a
//! process of its own has no ring: the agent empties it and says when it has ([`Link`]), and who lets an answer pass waits for
//! that ([`settled`](Caller::settled)).
//!
//! Calls of a tapped session are known only after they passed, by their time: what is told sooner waits in the ledger.

mod followed;
mod link;
mod outbox;
mod relay;
mod server;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::baselines::Baselines;
use crate::effects::{Done, Ended, Ledger, SideEffect, Stray};
use crate::proc::boot_now;
use outbox::Outbox;
use server::Server;

pub use followed::{Caller, Followed};
pub use link::{Asks, Link};
pub use relay::Relayed;

/// Batches taken from the ring in one go at most: more than a full ring has. Whoever fills it faster than it is read keeps
/// no answer waiting for ever; what is left then counts as done after it.
const BATCHES: usize = 256;
/// Tapped servers that are followed at most: each may keep what is told before its calls are.
const TAPPED_MAX: usize = 256;
/// Servers that are followed for other processes at most.
const RELAYED_MAX: usize = 64;

/// How often what was learned is written, and after how many times all of it.
const KEEP: Duration = Duration::from_secs(1);
const KEEP_ALL: u32 = 60;

/// What the ring tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A process did something.
    Did(SideEffect),
    /// So many things are not told; whose they are is not known.
    Lost(u64),
    /// So many of a server's are not.
    Untold {
        /// Its number.
        group: u32,
        /// How many.
        count: u64,
    },
    /// A server was ended, as was asked for.
    Killed {
        /// Its number.
        group: u32,
        /// What came of it.
        ended: Ended,
    },
}

/// Appends a bounded number of what is in the ring, and says whether there is more. Does not wait.
pub type Source = Box<dyn FnMut(&mut Vec<Told>) -> bool + Send>;

/// Ends all processes of a server, by the number the kernel was given; those of one user alone, where one is named. `None` where
/// what comes of it will be [told](Told::Killed).
pub type Killer = Box<dyn FnMut(u32, Option<u32>) -> Option<Ended> + Send>;

/// All that are followed. A clone is the same.
#[derive(Clone)]
pub struct Effects {
    state: Arc<Mutex<State>>,
    baselines: Option<Arc<Baselines>>,
    /// Where the ring is another process'.
    link: Option<Link>,
}

struct State {
    source: Source,
    killer: Killer,
    /// By the number the kernel was given.
    takers: BTreeMap<u32, Taker>,
    last: u32,
    told: Vec<Told>,
}

/// Who wants to know what a server does.
enum Taker {
    /// Sessions here.
    Server(Box<Server>),
    /// Another process.
    Outbox(Outbox),
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
        let state = State { source, killer, takers: BTreeMap::new(), last: 0, told: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        Self { state, baselines: baselines.map(Arc::new), link: None }
    }

    /// Of the server the agent follows for this process, as `link` tells: there is one alone.
    #[must_use]
    pub fn over(link: &Link, baselines: Option<Baselines>) -> Self {
        let (source, killer) = (link.clone(), link.clone());
        let source = Box::new(move |told: &mut Vec<Told>| source.take(told));
        let killer = Box::new(move |_, _| killer.kill());
        Self { link: Some(link.clone()), ..Self::new(source, killer, baselines) }
    }

    /// Another server is followed, which is not started yet. The kernel is to be told its [`group`](Followed::group).
    #[must_use]
    pub fn follow(&self) -> Followed {
        self.followed(Ledger::default())
    }

    /// The same of one that runs already.
    #[must_use]
    pub fn follow_running(&self) -> Followed {
        self.followed(Ledger::running())
    }

    /// The same, where its sessions are tapped: their time is [told](Caller::heard), and nothing is ended for what it does.
    /// `None` where there are too many.
    #[must_use]
    pub fn follow_tapped(&self) -> Option<Followed> {
        let is_tapped = |taker: &Taker| matches!(taker, Taker::Server(server) if server.is_tapped());
        (self.count(is_tapped) < TAPPED_MAX).then(|| self.followed(Ledger::tapped()))
    }

    /// A server that runs already is followed for another process, of the user `uid` alone where that is given. `None` where
    /// there are too many.
    #[must_use]
    pub fn relay(&self, uid: Option<u32>) -> Option<Relayed> {
        if self.count(|taker| matches!(taker, Taker::Outbox(_))) >= RELAYED_MAX {
            return None;
        }
        let group = self.state().add(Taker::Outbox(Outbox::default()));
        Some(Relayed::new(self.clone(), group, uid))
    }

    /// The server with the number `group` is followed.
    #[must_use]
    pub fn follows(&self, group: u32) -> bool {
        self.state().takers.contains_key(&group)
    }

    /// Nobody is followed.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state().takers.is_empty()
    }

    /// Takes in what is in the ring.
    pub fn drain(&self) {
        self.state().drain();
    }

    /// `count` things were done that the kernel did not tell of: whose they are nobody knows.
    pub fn missed(&self, count: u64) {
        lose(&mut self.state().takers, count);
    }

    /// Writes what was learned: all of it, or only what is more than numbers of calls. Waits for the disk.
    pub fn keep(&self, all: bool) {
        let Some(baselines) = &self.baselines else { return };
        if let Err(error) = baselines.flush(all) {
            tracing::warn!(%error, "what a server usually does could not be kept");
        }
    }

    /// Writes what was learned again and again, until `ending`.
    pub async fn keep_often(self, ending: CancellationToken) {
        let mut looks = interval(KEEP);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut count = 0_u32;
        while ending.run_until_cancelled(looks.tick()).await.is_some() {
            count = count.wrapping_add(1);
            tokio::task::block_in_place(|| self.keep(count.is_multiple_of(KEEP_ALL)));
        }
    }

    fn followed(&self, ledger: Ledger) -> Followed {
        // Who is told by another process has to wait for that.
        let (is_tapped, is_seen) = (ledger.is_tapped(), self.link.is_none());
        let group = self.state().add(Taker::Server(Box::new(Server::new(ledger, is_seen))));
        Followed::new(self.clone(), group, (is_tapped, is_seen))
    }

    fn count(&self, fits: impl Fn(&Taker) -> bool) -> usize {
        self.state().takers.values().filter(|taker| fits(taker)).count()
    }

    /// Nobody wants to know of `group` any more.
    fn remove(&self, group: u32) {
        self.state().takers.remove(&group);
    }

    /// It is a std mutex: nothing is waited for while it is held but the end of a server that policy has killed, and nothing
    /// is left half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Gives `taker` a number.
    fn add(&mut self, taker: Taker) -> u32 {
        // 0 is nobody's. A number that comes again after four thousand million servers may still be in use.
        loop {
            self.last = self.last.wrapping_add(1).max(1);
            if let std::collections::btree_map::Entry::Vacant(free) = self.takers.entry(self.last) {
                free.insert(taker);
                return self.last;
            }
        }
    }

    fn drain(&mut self) {
        let Self { source, killer, takers, told, .. } = self;
        for _ in 0..BATCHES {
            let more = source(told);
            for told in told.drain(..) {
                match told {
                    Told::Did(effect) => match takers.get_mut(&effect.group) {
                        Some(Taker::Server(server)) => server.told(effect, killer),
                        Some(Taker::Outbox(outbox)) => outbox.add(effect),
                        // Of a server that is over, nobody wants to know.
                        None => {}
                    },
                    Told::Lost(count) => lose(takers, count),
                    Told::Untold { group, count } => match takers.get_mut(&group) {
                        Some(Taker::Server(server)) => server.untold(count, boot_now()),
                        Some(Taker::Outbox(outbox)) => outbox.lose(count),
                        None => {}
                    },
                    Told::Killed { group, ended } => {
                        if let Some(Taker::Server(server)) = takers.get_mut(&group) {
                            server.killed(ended);
                        }
                    }
                }
            }
            if !more {
                return;
            }
        }
    }
}

/// `count` things may be any server's.
fn lose(takers: &mut BTreeMap<u32, Taker>, count: u64) {
    let now = boot_now();
    for taker in takers.values_mut() {
        match taker {
            Taker::Server(server) => server.lost(count, now),
            Taker::Outbox(outbox) => outbox.miss(count),
        }
    }
}
