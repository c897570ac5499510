//! Servers that `wrap` did not start are held to policy's `effects` while they run, where the kernel asks BPF.
//!
//! ```text
//! main loop: confirmed servers ─▶ Restraining ─▶ a thread: policy ─▶ Confinement ─▶ places ─▶ the probes' maps
//! ```
//!
//! The thread looks at files, which may take long; the main loop does not wait for it. It says anew every second for how
//! long rules hold: when it hangs, that ends by itself.

mod keep;
mod places;

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::guard::Warden;
use crate::inventory::{Inventory, ProcessKey, ServerState, Suspect, program};
use crate::kernel::{Preventable, Restraints};
use crate::policy::Policy;
use crate::policy::effects::{Confinement, Hosts, Surroundings};
use crate::reload::PolicyStore;
use keep::Keeper;

/// How often places are looked at and rules said anew.
const BEAT: Duration = Duration::from_secs(1);

/// A server that may be held.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Server {
    seq: u64,
    id: String,
    /// What policy knows it by.
    name: String,
    process: ProcessKey,
    uid: Option<u32>,
    exe: String,
}

/// What both sides share.
#[derive(Debug, Default)]
struct Shared {
    servers: Mutex<(Vec<Server>, bool)>,
    changed: Condvar,
}

/// The main loop's end of it.
#[derive(Debug, Default)]
pub(super) struct Restraining {
    shared: Option<Arc<Shared>>,
    works: Vec<Preventable>,
}

impl Restraining {
    /// Begins to hold servers to what `policies` say, until `ending`; without `restraints` it holds nobody.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn start(
        restraints: Option<Restraints>,
        (policies, hosts): (Arc<PolicyStore>, Hosts),
        warden: Warden,
        ending: CancellationToken,
    ) -> std::io::Result<Self> {
        let Some(restraints) = restraints else { return Ok(Self::default()) };
        let works = restraints.works().to_vec();
        let shared = Arc::new(Shared::default());
        let mut keeper = Keeper::new(restraints, policies, hosts, warden);
        let ours = Arc::clone(&shared);
        std::thread::Builder::new().name("restraints".to_owned()).spawn(move || {
            while !ending.is_cancelled() {
                keeper.turn(&ours.wait(BEAT));
            }
            keeper.end();
        })?;
        Ok(Self { shared: Some(shared), works })
    }

    /// Servers may have come and gone.
    pub(super) fn look(&self, inventory: &Inventory) {
        let Some(shared) = &self.shared else { return };
        let held = |suspect: &Suspect| {
            // What `wrap` starts is confined before it runs.
            let is_wrapped = suspect.state == ServerState::Proxied && suspect.listeners.is_empty();
            suspect.confirmed && !is_wrapped
        };
        let suspects = inventory.suspects();
        shared.set(suspects.iter().filter(|suspect| held(suspect)).map(Server::of).collect());
    }

    /// What can be prevented.
    pub(super) fn works(&self) -> [bool; 3] {
        Preventable::ALL.map(|what| self.works.contains(&what))
    }
}

impl Shared {
    fn set(&self, servers: Vec<Server>) {
        let mut known = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 != servers {
            *known = (servers, true);
            self.changed.notify_one();
        }
    }

    /// The servers there are: at once where they changed, and otherwise after `at_most`.
    fn wait(&self, at_most: Duration) -> Vec<Server> {
        let known = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(known, at_most, |(_, is_new)| !*is_new);
        let (mut known, _) = waited.unwrap_or_else(PoisonError::into_inner);
        known.1 = false;
        known.0.clone()
    }
}

impl Server {
    fn of(suspect: &Suspect) -> Self {
        let base = || suspect.exe.rsplit('/').next().unwrap_or_default().to_owned();
        let name = suspect.name.clone().or_else(|| program(&suspect.argv)).unwrap_or_else(base);
        Self {
            seq: suspect.seq,
            id: suspect.id.clone(),
            name,
            process: suspect.process,
            uid: suspect.uid,
            exe: suspect.exe.clone(),
        }
    }
}

/// Limits of `confinement`: key, what has to be prevented for it.
fn limits(confinement: &Confinement) -> impl Iterator<Item = (&'static str, Preventable)> {
    let Confinement { read, write, delete, exec, connect, listen, .. } = confinement;
    let all = [
        ("read", read.is_some(), Preventable::Files),
        ("write", write.is_some(), Preventable::Files),
        ("delete", delete.is_some(), Preventable::Files),
        ("exec", exec.is_some(), Preventable::Programs),
        ("connect", connect.is_some(), Preventable::Addresses),
        ("listen", listen.is_some(), Preventable::Addresses),
    ];
    all.into_iter().filter(|(_, is_limited, _)| *is_limited).map(|(key, _, what)| (key, what))
}

/// What servers may have to be kept from under `policy`.
pub(super) fn wanted(policy: &Policy) -> Vec<Preventable> {
    let confinements = policy.confinements(&Surroundings::default());
    let wanted: Vec<Preventable> =
        confinements.iter().flat_map(|confinement| limits(confinement).map(|(_, what)| what)).collect();
    Preventable::ALL.into_iter().filter(|what| wanted.contains(what)).collect()
}

/// What `policy` forbids and is not prevented for servers that `wrap` does not start, a sentence each: of
/// [`Preventable::ALL`] `works` can be.
pub(super) fn unprevented(policy: &Policy, works: [bool; 3]) -> Vec<String> {
    let mut left: Vec<String> = Vec::new();
    let works = |what: Preventable| Preventable::ALL.iter().zip(works).any(|(one, is)| *one == what && is);
    for confinement in policy.confinements(&Surroundings::default()) {
        let missing: Vec<String> = limits(&confinement)
            .filter(|(_, what)| !works(*what))
            .map(|(key, what)| format!("`{key}` (hook `{}`)", what.hook()))
            .collect();
        if !missing.is_empty() {
            left.push(format!(
                "servers that `wrap` does not start are not kept from it: {}; `doctor` says why, and what a policy that is loaded later asks for is attached when the agent starts anew",
                missing.join(", ")
            ));
        }
        if works(Preventable::Files) || works(Preventable::Programs) {
            places::unprevented(&confinement, &mut left);
        }
    }
    left.sort_unstable();
    left.dedup();
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(effects: &str) -> Policy {
        let text = format!(
            "version: v1\nmode: enforce\nrules: [{{name: a, action: allow, match: {{methods: ['*']}}}}]\neffects: {effects}"
        );
        Policy::parse(&text).unwrap()
    }

    #[test]
    fn what_a_policy_asks_for() {
        assert_eq!(wanted(&policy("{rename: {deny: ['/x']}}")), []);
        assert_eq!(wanted(&policy("{open: {deny: ['~/.ssh/**']}}")), [Preventable::Files]);
        let both = policy("{rules: [{name: s, servers: [x], exec: deny}], listen: deny}");
        assert_eq!(wanted(&both), [Preventable::Programs, Preventable::Addresses]);
        assert_eq!(wanted(&policy("{mode: observe, exec: deny}")), []);
        assert_eq!(wanted(&policy("{prevent: false, exec: deny}")), []);
    }

    #[test]
    fn what_is_not_prevented_is_said() {
        let text = "{read: {deny: ['**/.env', '**/*.pem']}, connect: deny}";
        let none = unprevented(&policy(text), [false; 3]);
        assert!(none.len() == 1 && none[0].contains("`read` (hook `file-rules`), `connect`"), "{none:?}");
        let files = unprevented(&policy(text), [true, false, true]);
        assert!(files.len() == 1 && files[0].contains("`**/*.pem`"), "{files:?}");
        assert_eq!(unprevented(&policy("{exec: deny}"), [false, true, false]), Vec::<String>::new());
    }

    #[test]
    fn whoever_waits_is_told_at_once_of_what_is_new() {
        let shared = Arc::new(Shared::default());
        assert_eq!(shared.wait(Duration::ZERO), []);
        let server = Server {
            seq: 1,
            id: "a".to_owned(),
            name: "s".to_owned(),
            process: ProcessKey { pid: 2, start_ticks: 3 },
            uid: None,
            exe: String::new(),
        };
        let ours = Arc::clone(&shared);
        let waiting = std::thread::spawn(move || ours.wait(Duration::from_secs(600)));
        shared.set(vec![server.clone()]);
        assert_eq!(waiting.join().unwrap(), std::slice::from_ref(&server));
        // The same again is no news.
        shared.set(vec![server]);
        assert_eq!(shared.wait(Duration::ZERO).len(), 1);
    }
}
