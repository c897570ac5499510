//! The thread's own: who is held to what, and what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::places::{self, Root};
use super::{Server, limits};
use crate::confine::surroundings;
use crate::daemon::guard::Warden;
use crate::daemon::tree::descendants;
use crate::kernel::{FenceError, Preventable, Refusals, Restraints, Rules};
use crate::policy::effects::{Confinement, Hosts};
use crate::proc::{boot_now, key_of};
use crate::reload::PolicyStore;

/// How long rules hold that nobody says anew.
const LEASE: Duration = Duration::from_secs(30);
/// How often it is told what was refused.
const TELL: Duration = Duration::from_secs(10);
/// How often children are looked for that were there before their parent was marked.
const ROUNDS: u32 = 16;

/// A server that is held.
#[derive(Debug)]
struct Held {
    server: Server,
    group: u32,
    told: Refusals,
    told_at: Option<Instant>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Keeper {
    restraints: Restraints,
    policies: Arc<PolicyStore>,
    hosts: Hosts,
    warden: Warden,
    held: BTreeMap<u64, Held>,
    /// Records of servers that could not be held, which was said.
    failed: BTreeSet<u64>,
}

impl Keeper {
    pub(super) fn new(
        restraints: Restraints,
        policies: Arc<PolicyStore>,
        hosts: Hosts,
        warden: Warden,
    ) -> Self {
        Self { restraints, policies, hosts, warden, held: BTreeMap::new(), failed: BTreeSet::new() }
    }

    /// Looks at the servers there are, and at what is left of those there were.
    pub(super) fn turn(&mut self, servers: &[Server]) {
        let is_there = |seq: u64| servers.iter().any(|server| server.seq == seq);
        self.failed.retain(|seq| is_there(*seq));
        if !self.held.is_empty() {
            self.restraints.recount(|pid| Path::new("/proc").join(pid.to_string()).exists());
        }
        let living = self.restraints.living();
        let over = |held: &Held| !is_there(held.server.seq) && !living.contains(&held.group);
        let over: Vec<u64> =
            self.held.values().filter(|held| over(held)).map(|held| held.server.seq).collect();
        over.into_iter().for_each(|seq| self.let_go(seq));
        // A server may be known by another name since.
        for server in servers {
            if let Some(held) = self.held.get_mut(&server.seq) {
                held.server = server.clone();
            }
        }
        let new = servers.iter().filter(|server| !self.held.contains_key(&server.seq));
        let all: Vec<Server> = self.held.values().map(|held| &held.server).chain(new).cloned().collect();
        all.iter().for_each(|server| self.look(server));
        self.tell(false);
    }

    /// Lets everybody go.
    pub(super) fn end(&mut self) {
        self.tell(true);
        let all: Vec<u64> = self.held.keys().copied().collect();
        all.into_iter().for_each(|seq| self.let_go(seq));
    }

    fn look(&mut self, server: &Server) {
        let known = self.held.get(&server.seq).map(|held| held.group);
        let Some(confinement) = self.confinement(server) else { return self.let_go(server.seq) };
        let until = boot_now().after(LEASE);
        let rules = self.rules(server, &confinement);
        let done = match (known, rules) {
            (Some(group), Some(rules)) => self.restraints.say(group, &rules, &self.hosts, until),
            // It has ended and left others behind: what was said last holds.
            (Some(group), None) => self.restraints.renew(group, until).map_err(FenceError::from),
            (None, Some(rules)) => self.begin(server, &rules),
            (None, None) => Ok(()),
        };
        if done.is_err()
            && let Some(group) = known
            && let Err(error) = self.restraints.renew(group, until)
        {
            tracing::error!(%error, pid = server.process.pid, "a server is let go");
        }
        if let Err(error) = done
            && self.failed.insert(server.seq)
        {
            let (pid, name) = (server.process.pid, &server.name);
            tracing::warn!(pid, server = name, %error, "a server is not held to all that policy says");
        }
    }

    /// What policy says of it, as far as anything of that can be prevented here.
    fn confinement(&self, server: &Server) -> Option<Confinement> {
        let around = surroundings(Some((server.process.pid, server.uid?)), self.hosts.clone());
        let confinement = self.policies.current().policy.effects(&server.name, &around)?.confinement()?;
        let works = self.restraints.works();
        let is_any = limits(&confinement).any(|(_, what)| works.contains(&what));
        is_any.then_some(confinement)
    }

    fn rules(&self, server: &Server, confinement: &Confinement) -> Option<Rules> {
        let root = Root::of(server.process.pid).ok()?;
        // Whoever has its number now is somebody else.
        if key_of(server.process.pid) != Some(server.process) {
            return None;
        }
        let works = self.restraints.works();
        let addresses = works.contains(&Preventable::Addresses);
        Some(Rules {
            places: places::rules(confinement, &root, &server.exe, works),
            connect: confinement.connect.clone().filter(|_| addresses),
            listen: confinement.listen.clone().filter(|_| addresses),
        })
    }

    /// Holds a server, and all that descends from it.
    fn begin(&mut self, server: &Server, rules: &Rules) -> Result<(), FenceError> {
        let pid = server.process.pid;
        if let Some(why) = self.warden.spares(pid) {
            if self.failed.insert(server.seq) {
                tracing::warn!(pid, server = server.name, why, "a server is not held to policy");
            }
            return Ok(());
        }
        let group = self.restraints.begin(rules, &self.hosts, boot_now().after(LEASE))?;
        let marked = self.mark(server, group);
        if !matches!(marked, Ok(true)) {
            self.restraints.let_go(group);
            return marked.map(drop);
        }
        tracing::info!(pid, server = server.name, "a server is held to policy while it runs");
        let held = Held { server: server.clone(), group, told: Refusals::default(), told_at: None };
        self.held.insert(server.seq, held);
        Ok(())
    }

    /// Marks its processes; says whether it is still there.
    fn mark(&mut self, server: &Server, group: u32) -> Result<bool, FenceError> {
        let pid = server.process.pid;
        self.restraints.mark(pid, group)?;
        if key_of(pid) != Some(server.process) {
            return Ok(false);
        }
        // What is marked has marked children from now on; others may have been started in the meantime.
        for _ in 0..ROUNDS {
            let all = descendants(pid);
            let new: Vec<u32> =
                all.into_iter().filter(|pid| self.restraints.group_of(*pid).is_none()).collect();
            if new.is_empty() {
                break;
            }
            new.into_iter().try_for_each(|pid| self.restraints.mark(pid, group))?;
        }
        Ok(true)
    }

    fn let_go(&mut self, seq: u64) {
        let Some(held) = self.held.remove(&seq) else { return };
        let fresh = fresh(&held, &self.restraints.refused(held.group));
        self.record(&held.server, &fresh);
        self.restraints.let_go(held.group);
    }

    /// Records what was refused since the last time, where that is long enough ago or `now`.
    fn tell(&mut self, now: bool) {
        let mut all = std::mem::take(&mut self.held);
        for held in all.values_mut() {
            if !now && held.told_at.is_some_and(|at| at.elapsed() < TELL) {
                continue;
            }
            let refused = self.restraints.refused(held.group);
            let fresh = fresh(held, &refused);
            if !fresh.counts.is_empty() {
                self.record(&held.server, &fresh);
                held.told = refused;
                held.told_at = Some(Instant::now());
            }
        }
        self.held = all;
    }

    fn record(&self, server: &Server, refused: &Refusals) {
        for (what, count) in &refused.counts {
            self.warden.prevented(&format!("effects.{what}"), &server.id, refused.last, *count);
        }
    }
}

/// What of `refused` was not told yet.
fn fresh(held: &Held, refused: &Refusals) -> Refusals {
    let before =
        |what: &str| held.told.counts.iter().find(|(word, _)| *word == what).map_or(0, |(_, count)| *count);
    let new = refused.counts.iter().map(|(word, count)| (*word, count.wrapping_sub(before(word))));
    Refusals { counts: new.filter(|(_, count)| *count > 0).collect(), last: refused.last }
}
