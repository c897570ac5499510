//! Servers that wraps start are confined as policy says: what their processes may do is handed to the wrap, and their
//! connections are held to addresses here.

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use std::sync::Arc;

use super::host::Host;
use super::restrain;
use crate::admin::protocol::Code;
use crate::admin::{Peer, Refusal};
use crate::confine::{Abilities, LOOK, Names, surroundings, unprevented, unprevented_of};
use crate::kernel::Kernel;
use crate::policy::effects::{Confinement, Hosts, Surroundings};
use crate::policy::{Mode, Policy};
use crate::reload::PolicyStore;

/// What is known of names, and how much of it the kernel was told.
#[derive(Debug)]
pub(super) struct Confining {
    hosts: Hosts,
    told: u64,
    abilities: Abilities,
}

impl Confining {
    pub(super) fn new(hosts: Hosts) -> Self {
        Self { hosts, told: 0, abilities: Abilities::here() }
    }
}

/// What a host does about effects, besides what each server does to itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Means {
    /// Connections are held to addresses.
    by_address: bool,
    /// What servers do is told.
    detects: bool,
    /// What servers that run can be kept from, in the order of [`Preventable::ALL`](crate::kernel::Preventable::ALL).
    restrains: [bool; 3],
}

/// What is to be said of `policy` where it comes into force.
fn said_of(policy: &Policy, abilities: &Abilities, means: Means) -> Vec<String> {
    let mut said = unprevented_of(policy, abilities, means.by_address);
    said.extend(restrain::unprevented(policy, means.restrains));
    if policy.speaks_of_effects() && !means.detects {
        said.push(
            "nothing of `effects` is detected: `host.effects` is off, or the hooks it needs are missing"
                .to_owned(),
        );
    }
    said
}

impl Host {
    /// A wrap asks for a session of its own under `policy`.
    ///
    /// # Errors
    /// Policy enforces, and the wrap is itself what a server started: under another name it would be held to another's rules.
    pub(super) fn may_hand_over(&self, policy: &Policy, wrap: u32) -> Result<(), Refusal> {
        let is_a_servers = self.kernel.as_ref().is_some_and(|kernel| self.following.has(kernel, wrap));
        let holds_servers = || !policy.confinements(&Surroundings::default()).is_empty();
        let enforces = policy.unseen() == Mode::Enforce || holds_servers();
        if is_a_servers && enforces {
            let message = "a server's own processes hand no session over".to_owned();
            return Err(Refusal { code: Code::Forbidden, message });
        }
        Ok(())
    }

    /// Where process `pid` of user `uid`, and what it starts, runs.
    pub(super) fn around(&self, pid: u32, uid: u32) -> Surroundings {
        surroundings(Some((pid, uid)), self.confining.hosts.clone())
    }

    /// How the server called `server` that the wrap `peer` is about to start is to be confined under `policy`. Moves the wrap
    /// into a cgroup of its own where its connections are limited. What cannot be prevented is said in the log.
    pub(super) fn confine(
        &mut self,
        policy: &Policy,
        peer: Peer,
        server: &str,
        around: &Surroundings,
    ) -> Option<Confinement> {
        let confinement = policy.effects(server, around)?.confinement()?;
        let limits_addresses = confinement.connect.is_some() || confinement.listen.is_some();
        let by_address = limits_addresses && self.fence(peer, &confinement);
        for left in unprevented(&confinement, &self.confining.abilities, by_address) {
            tracing::warn!(server, pid = peer.pid, "not prevented: {left}");
        }
        Some(confinement)
    }

    fn fence(&mut self, peer: Peer, confinement: &Confinement) -> bool {
        let Some(kernel) = &mut self.kernel else { return false };
        match kernel.fence(peer.pid, confinement, &self.confining.hosts) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(pid = peer.pid, %error, "a server's connections are not held to addresses");
                false
            }
        }
    }

    /// What `policy` forbids and nothing here prevents.
    pub(super) fn unprevented(&self, policy: &Policy) -> Vec<String> {
        said_of(policy, &self.confining.abilities, self.means())
    }

    /// What this host does about effects.
    pub(super) fn means(&self) -> Means {
        Means {
            by_address: self.kernel.as_ref().is_some_and(Kernel::can_fence),
            detects: self.following.all().is_some(),
            restrains: self.restraining.works(),
        }
    }

    /// Tells the kernel what was learnt of names, and forgets servers that are gone.
    pub(super) fn tend_fences(&mut self) {
        let Some(kernel) = self.kernel.as_mut().filter(|kernel| kernel.fences() > 0) else { return };
        kernel.sweep_fences();
        let learnt = self.confining.hosts.learnt();
        if learnt != self.confining.told {
            match kernel.refresh_fences(&self.confining.hosts) {
                Ok(()) => self.confining.told = learnt,
                Err(error) => {
                    tracing::warn!(%error, "servers may not connect to all addresses of the hosts they may")
                }
            }
        }
    }
}

/// Looks up the names policy speaks of, again and again, until `shutdown`.
///
/// What of a policy cannot be done by these `means` is said in the log when it comes into force.
pub(super) async fn look_up(
    policies: Arc<PolicyStore>,
    hosts: Hosts,
    means: Means,
    shutdown: CancellationToken,
) {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut names, mut told) = (Names::default(), None);
    let abilities = Abilities::here();
    while shutdown.run_until_cancelled(looks.tick()).await.is_some() {
        let loaded = policies.current();
        if told.replace(loaded.generation) != Some(loaded.generation) {
            for left in said_of(&loaded.policy, &abilities, means) {
                tracing::warn!("policy: {left}");
            }
        }
        if shutdown.run_until_cancelled(names.look(&loaded.policy, &hosts)).await.is_none() {
            return;
        }
    }
}
