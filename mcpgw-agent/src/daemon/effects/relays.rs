//! Servers that are followed for gateways that are processes of their own.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::MetadataExt;

use tokio_util::sync::CancellationToken;

use super::{Following, is_of, mark};
use crate::admin::peer::same_program;
use crate::admin::protocol::Code;
use crate::admin::{Peer, Refusal};
use crate::guard::untouchable::{Who, is_listed, untouchable};
use crate::inventory::{BootTime, Inventory, Listener, ProcessKey};
use crate::kernel::Kernel;
use crate::proc::{key_of, system_exe_of};
use crate::proxy::effects::Relayed;

/// Processes that may listen on one address.
const PROCESSES: usize = 64;

/// A server, as a gateway asked for it.
#[derive(Debug)]
pub(super) struct Held {
    place: Place,
    group: u32,
    /// Those that listen there, or did.
    processes: BTreeSet<ProcessKey>,
    /// To be told of its end.
    over: CancellationToken,
}

/// Where it is reached, and by whom.
#[derive(Debug)]
struct Place {
    addrs: Vec<SocketAddr>,
    net_ns: u32,
    /// It has to be a server of this user.
    uid: Option<u32>,
}

impl Following {
    /// Follows who listens at one of `addrs`, with all that descends from it, for the gateway `peer`. Gives the process that was
    /// found first as well.
    ///
    /// # Errors
    /// Nobody listens there, or it is nobody's business of `peer`.
    pub(in crate::daemon) fn relay(
        &mut self,
        kernel: &mut Kernel,
        inventory: &Inventory,
        (peer, addrs): (&Peer, Vec<SocketAddr>),
        now: BootTime,
    ) -> Result<(Relayed, ProcessKey), Refusal> {
        let Some(all) = self.all.clone() else { return Err(off()) };
        let uid = (peer.sees_as() != 0).then_some(peer.uid);
        let place = Place { addrs, net_ns: net_ns_of(peer.pid), uid };
        let mut why = refusal(Code::Failed, "nobody listens at the server's address");
        let mut processes = BTreeSet::new();
        for process in place.processes(inventory) {
            match may_follow(process, uid) {
                Ok(()) => processes.extend([process]),
                Err(reason) => why = refusal(Code::Forbidden, reason),
            }
        }
        let Some(first) = processes.first().copied() else { return Err(why) };
        let is_others =
            |process: &ProcessKey| kernel.effects_of(process.pid).is_some_and(|group| all.follows(group));
        if processes.iter().any(is_others) {
            return Err(refusal(Code::Busy, "what the server does is told to somebody else"));
        }
        let relayed = all.relay(uid).ok_or_else(|| refusal(Code::Busy, "too many servers are followed"))?;
        self.switch(kernel, true, now);
        for process in &processes {
            let marked = mark(kernel, &all, *process, relayed.group());
            marked.map_err(|error| refusal(Code::Unavailable, &error.to_string()))?;
        }
        let (group, over) = (relayed.group(), relayed.over().clone());
        tracing::info!(pid = first.pid, gateway = peer.pid, "a gateway is told what its server does");
        self.relays.push(Held { place, group, processes, over });
        Ok((relayed, first))
    }

    /// Looks who listens now, and who has ended.
    pub(in crate::daemon) fn tend(&mut self, kernel: &mut Kernel, inventory: &Inventory) {
        let Self { all: Some(all), relays, .. } = self else { return };
        relays.retain_mut(|held| {
            if !all.follows(held.group) {
                return false;
            }
            for process in held.place.processes(inventory) {
                if held.processes.contains(&process) || may_follow(process, held.place.uid).is_err() {
                    continue;
                }
                // A child of one that is followed is already.
                let is_new = kernel.effects_of(process.pid).is_none_or(|group| !all.follows(group));
                if is_new && let Err(error) = mark(kernel, all, process, held.group) {
                    tracing::warn!(pid = process.pid, %error, "what this server does is not told");
                }
                held.processes.insert(process);
            }
            held.processes.retain(|process| key_of(process.pid) == Some(*process));
            if held.processes.is_empty() {
                held.over.cancel();
            }
            !held.processes.is_empty()
        });
    }
}

impl Place {
    /// Who listens there, on this host.
    fn processes(&self, inventory: &Inventory) -> Vec<ProcessKey> {
        let found = self.addrs.iter().flat_map(|addr| {
            let all = inventory.listening(*addr, self.net_ns).into_iter();
            all.filter(|(listener, _)| is_local(*addr, listener)).map(|(_, process)| process)
        });
        found.take(PROCESSES).collect()
    }
}

/// A connection to `addr` stays on this host, and is `listener`'s.
fn is_local(addr: SocketAddr, listener: &Listener) -> bool {
    let plain = |ip: IpAddr| ip.to_canonical();
    let ip = plain(addr.ip());
    // One that listens on all addresses has no others than the host has.
    ip.is_loopback()
        || plain(listener.addr.ip()) == ip
        || super::super::guard::local_addresses().contains(&ip)
}

/// Why nobody of the user `uid` is told what `process` does, or has it ended.
fn may_follow(process: ProcessKey, uid: Option<u32>) -> Result<(), &'static str> {
    let exe = system_exe_of(process.pid, is_listed);
    // Where that is not known it is gone, or a thread of the kernel.
    let is_ours = same_program(process.pid).map_or(true, |same| same.is_some());
    if let Some(why) = untouchable(&Who { pid: process.pid, exe: exe.as_deref(), is_ours, ..Who::default() })
    {
        return Err(why);
    }
    if !is_of(process.pid, uid) {
        return Err("the server runs as another user");
    }
    if key_of(process.pid) == Some(process) { Ok(()) } else { Err("the server has ended") }
}

/// Nobody is told anything.
pub(in crate::daemon) fn off() -> Refusal {
    refusal(
        Code::Unavailable,
        "the agent does not look at what servers do: `host.effects` is off, or needs hooks that are missing",
    )
}

fn refusal(code: Code, message: &str) -> Refusal {
    Refusal { code, message: message.to_owned() }
}

/// The network namespace of a process; 0 where it is gone.
fn net_ns_of(pid: u32) -> u32 {
    let inode = fs::metadata(format!("/proc/{pid}/ns/net")).map_or(0, |file| file.ino());
    u32::try_from(inode).unwrap_or(0)
}
