//! Addresses of the names policy speaks of.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::resolvers;
use crate::policy::Policy;
use crate::policy::effects::Hosts;
use crate::reload::PolicyStore;

/// How often it is to be [looked](Names::look).
pub const LOOK: Duration = Duration::from_secs(1);
/// How often known names are looked up again, in looks.
const AGAIN: u32 = 30;
/// For one answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Looks them up, again and again.
#[derive(Debug, Default)]
pub struct Names {
    count: u32,
}

impl Names {
    /// Has `hosts` learn names of `policy` that are new, and now and then all.
    pub async fn look(&mut self, policy: &Policy, hosts: &Hosts) {
        let names = policy.names_of_hosts();
        if names.is_empty() {
            return;
        }
        let all = self.count.is_multiple_of(AGAIN);
        self.count = self.count.wrapping_add(1);
        hosts.set_resolvers(resolvers());
        for name in names.iter().filter(|name| all || !hosts.knows(name)) {
            match timeout(ANSWER, lookup_host((&**name, 0))).await {
                Ok(Ok(addresses)) => {
                    hosts.learn(name, &addresses.map(|address| address.ip()).collect::<Vec<_>>());
                }
                Ok(Err(error)) => tracing::debug!(name, %error, "a host of the policy is not known"),
                Err(_late) => {
                    tracing::debug!(name, "a host of the policy is not known: no answer in time")
                }
            }
        }
    }
}

/// Has `hosts` learn the names of the policy in force until `shutdown`.
pub async fn look_up(policies: Arc<PolicyStore>, hosts: Hosts, shutdown: CancellationToken) {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut names = Names::default();
    while shutdown.run_until_cancelled(looks.tick()).await.is_some() {
        let loaded = policies.current();
        if shutdown.run_until_cancelled(names.look(&loaded.policy, &hosts)).await.is_none() {
            return;
        }
    }
}
