//! Cgroups whose processes connect and listen where rules let them, and nowhere else. Each is a cgroup of its own below the one
//! its first process was in; programs are attached to it alone.

pub(super) mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use aya::Ebpf;
use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{HashMap, MapData, MapError};
use aya::programs::cgroup_sock_addr::CgroupSockAddrLinkId;
use aya::programs::{CgroupAttachMode, CgroupSockAddr};
use mcpgw_common::map::{
    Confined, DESTINATIONS_CONNECT, DESTINATIONS_LISTEN, DestinationKey, DestinationRule,
};

use super::control::program;
use super::hook;
use super::{KernelError, cgroup};
use crate::policy::effects::{Addresses, Confinement, Hosts};

pub use table::TooManyPorts;

/// Those for connections, and those for listeners.
const PROGRAMS: [(&str, u32); 6] = [
    ("mcpgw_may_connect4", DESTINATIONS_CONNECT),
    ("mcpgw_may_connect6", DESTINATIONS_CONNECT),
    ("mcpgw_may_send4", DESTINATIONS_CONNECT),
    ("mcpgw_may_send6", DESTINATIONS_CONNECT),
    ("mcpgw_may_bind4", DESTINATIONS_LISTEN),
    ("mcpgw_may_bind6", DESTINATIONS_LISTEN),
];
/// What our cgroups are called, before the agent's process id.
const PREFIX: &str = "mcpgw-";
/// What the name of the cgroup ends with that programs are attached to once, to see that they can be.
const TRIAL: &str = "trial";
/// Levels of cgroups that are looked through for what an agent left behind.
const DEPTH: usize = 16;
/// Bits of a key before the address: group and way.
pub(super) const BEFORE_ADDRESS: u32 = 64;

/// Why a process is not held to addresses.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    /// The kernel refuses programs or maps.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// A cgroup of its own cannot be made, or entered.
    #[error("cannot {step} `{}`", path.display())]
    Cgroup {
        /// What was tried.
        step: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no cgroup v2 to speak of.
    #[error("the process' cgroup is not known: {0}")]
    Unknown(String),
    /// The rules do not fit.
    #[error(transparent)]
    Ports(#[from] TooManyPorts),
}

/// All cgroups that are held, and what they are held with.
pub(super) struct Fences {
    confined: HashMap<MapData, u64, Confined>,
    destinations: LpmTrie<MapData, DestinationKey, DestinationRule>,
    /// The kernel's number of that table.
    pub(super) destinations_id: u32,
    pub(super) usable: bool,
    held: BTreeMap<u32, Fence>,
    last: u32,
}

/// One cgroup.
struct Fence {
    directory: PathBuf,
    id: u64,
    links: Vec<(&'static str, CgroupSockAddrLinkId)>,
    keys: BTreeSet<(u32, DestinationKey)>,
    limits: Confinement,
}

impl Fences {
    pub(super) fn new(
        confined: HashMap<MapData, u64, Confined>,
        destinations: LpmTrie<MapData, DestinationKey, DestinationRule>,
        destinations_id: u32,
    ) -> Self {
        Self { confined, destinations, destinations_id, usable: false, held: BTreeMap::new(), last: 0 }
    }

    /// Loads the programs, and attaches them once to an empty cgroup to see that it can be.
    pub(super) fn try_out(&mut self, ebpf: &mut Ebpf) -> Result<(), FenceError> {
        for (name, _) in PROGRAMS {
            let program: &mut CgroupSockAddr = program(ebpf, name, hook::CONNECT_RULES.name)?;
            program.load().map_err(switch)?;
        }
        let root = cgroup::root().map_err(|error| FenceError::Unknown(error.to_string()))?;
        clean(&root, DEPTH);
        let directory = make(&root.join(format!("{PREFIX}{}-{TRIAL}", std::process::id())))?;
        let mut links = Vec::new();
        let attached = attach(ebpf, &directory, u32::MAX, &mut links);
        let detached = detach(ebpf, links);
        remove(&directory);
        attached.and(detached.map_err(FenceError::from))?;
        self.usable = true;
        Ok(())
    }

    /// Holds process `pid`, and all it will start, to what `limits` says of addresses. Names are as `hosts` knows them.
    fn hold(
        &mut self,
        ebpf: &mut Ebpf,
        pid: u32,
        limits: &Confinement,
        hosts: &Hosts,
    ) -> Result<(), FenceError> {
        if !self.usable {
            return Err(KernelError::Unavailable { hook: hook::CONNECT_RULES.name }.into());
        }
        self.last = self.last.wrapping_add(1).max(1);
        let group = self.last;
        let root = cgroup::root().map_err(|error| FenceError::Unknown(error.to_string()))?;
        let within = cgroup::of(pid).map_err(FenceError::Unknown)?;
        let own = within.strip_prefix("/").map_or_else(|_| root.clone(), |within| root.join(within));
        let directory = make(&own.join(format!("{PREFIX}{}-{group}", std::process::id())))?;
        let id = fs::metadata(&directory).map_err(|source| failed("look at", &directory, source))?.ino();
        let fence = Fence { directory, id, links: Vec::new(), keys: BTreeSet::new(), limits: limits.clone() };
        self.held.insert(group, fence);
        let entered = self.set_up(ebpf, group, pid, hosts);
        if entered.is_err() {
            self.let_go(ebpf, group);
        }
        entered
    }

    fn set_up(&mut self, ebpf: &mut Ebpf, group: u32, pid: u32, hosts: &Hosts) -> Result<(), FenceError> {
        self.write_rules(group, hosts)?;
        let Some(fence) = self.held.get_mut(&group) else { return Ok(()) };
        let limited =
            [(&fence.limits.connect, DESTINATIONS_CONNECT), (&fence.limits.listen, DESTINATIONS_LISTEN)];
        let free = |(limit, way): (&Option<Addresses>, u32)| {
            if limit.as_ref().is_none_or(|limit| limit.allow.is_none()) { way } else { 0 }
        };
        let said = limited.iter().filter(|(limit, _)| limit.is_some()).fold(0, |said, (_, way)| said | way);
        let confined = Confined { group, free: limited.map(free).into_iter().fold(0, |all, one| all | one) };
        self.confined.insert(fence.id, confined, 0).map_err(map("CONFINED"))?;
        attach(ebpf, &fence.directory, said, &mut fence.links)?;
        let procs = fence.directory.join("cgroup.procs");
        fs::write(&procs, pid.to_string()).map_err(|source| failed("move the process into", &procs, source))
    }

    /// Writes what holds of a group as `hosts` knows names now. What held before stays where nothing else is said.
    fn write_rules(&mut self, group: u32, hosts: &Hosts) -> Result<(), FenceError> {
        let Some(fence) = self.held.get_mut(&group) else { return Ok(()) };
        let limits =
            [(&fence.limits.connect, DESTINATIONS_CONNECT), (&fence.limits.listen, DESTINATIONS_LISTEN)];
        for (limit, way) in limits {
            let Some(limit) = limit else { continue };
            for ((addr, length), rule) in table::table(limit, hosts)? {
                let data = DestinationKey { group, way, addr };
                let bits = BEFORE_ADDRESS + u32::from(length);
                self.destinations.insert(&Key::new(bits, data), rule, 0).map_err(map("DESTINATIONS"))?;
                fence.keys.insert((bits, data));
            }
        }
        Ok(())
    }

    /// Forgets a group: its programs are detached, its cgroup is removed if it is empty.
    fn let_go(&mut self, ebpf: &mut Ebpf, group: u32) {
        let Some(fence) = self.held.remove(&group) else { return };
        if let Err(error) = detach(ebpf, fence.links) {
            tracing::warn!(%error, "programs on a server's cgroup are not detached");
        }
        // What is left of either concerns no process any more.
        self.confined.remove(&fence.id).ok();
        for (bits, data) in fence.keys {
            self.destinations.remove(&Key::new(bits, data)).ok();
        }
        remove(&fence.directory);
    }
}

impl super::Kernel {
    /// Holds process `pid`, and all it will start, to what `limits` says of connections and listeners: it is moved into a
    /// cgroup of its own. Names are as `hosts` knows them, now and at each [refresh](Self::refresh_fences).
    ///
    /// # Errors
    /// [`FenceError`]; the process is where it was then.
    pub fn fence(&mut self, pid: u32, limits: &Confinement, hosts: &Hosts) -> Result<(), FenceError> {
        self.fences.hold(&mut self.ebpf, pid, limits, hosts)
    }

    /// Takes in what `hosts` has learnt.
    ///
    /// # Errors
    /// [`FenceError`]; what held before holds.
    pub fn refresh_fences(&mut self, hosts: &Hosts) -> Result<(), FenceError> {
        let groups: Vec<u32> = self.fences.held.keys().copied().collect();
        groups.into_iter().try_for_each(|group| self.fences.write_rules(group, hosts))
    }

    /// Forgets cgroups in which nobody is any more.
    pub fn sweep_fences(&mut self) {
        let is_left = |fence: &Fence| {
            let events = fs::read_to_string(fence.directory.join("cgroup.events"));
            // One that is not there any more, somebody else removed.
            events.map_or_else(
                |error| error.kind() == io::ErrorKind::NotFound,
                |events| events.lines().any(|line| line == "populated 0"),
            )
        };
        // The inner ones before those around them, which cannot be removed before.
        let newest_first = self.fences.held.iter().rev();
        let left: Vec<u32> =
            newest_first.filter(|(_, fence)| is_left(fence)).map(|(group, _)| *group).collect();
        for group in left {
            self.fences.let_go(&mut self.ebpf, group);
        }
    }

    /// Processes can be [held](Self::fence) to addresses.
    #[must_use]
    pub fn can_fence(&self) -> bool {
        self.fences.usable
    }

    /// Cgroups that are held.
    #[must_use]
    pub fn fences(&self) -> usize {
        self.fences.held.len()
    }
}

fn attach(
    ebpf: &mut Ebpf,
    directory: &Path,
    ways: u32,
    links: &mut Vec<(&'static str, CgroupSockAddrLinkId)>,
) -> Result<(), FenceError> {
    let cgroup = File::open(directory).map_err(|source| failed("open", directory, source))?;
    for (name, _) in PROGRAMS.into_iter().filter(|(_, way)| way & ways != 0) {
        let program: &mut CgroupSockAddr = program(ebpf, name, hook::CONNECT_RULES.name)?;
        links.push((name, program.attach(&cgroup, CgroupAttachMode::Single).map_err(switch)?));
    }
    Ok(())
}

fn detach(ebpf: &mut Ebpf, links: Vec<(&'static str, CgroupSockAddrLinkId)>) -> Result<(), KernelError> {
    for (name, link) in links {
        let program: &mut CgroupSockAddr = program(ebpf, name, hook::CONNECT_RULES.name)?;
        program.detach(link).map_err(switch)?;
    }
    Ok(())
}

fn make(directory: &Path) -> Result<PathBuf, FenceError> {
    fs::create_dir(directory).map_err(|source| failed("make the cgroup", directory, source))?;
    Ok(directory.to_owned())
}

/// Removes what agents that are gone left behind, where nobody is in it.
fn clean(directory: &Path, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        clean(&entry.path(), depth);
        let name = entry.file_name();
        let agent = name.to_str().and_then(agent_of);
        if agent.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            remove(&entry.path());
        }
    }
}

/// The process id of the agent that made the cgroup of this name; `None` where no agent did.
fn agent_of(name: &str) -> Option<u32> {
    let (pid, rest) = name.strip_prefix(PREFIX)?.split_once('-')?;
    let is_ours = rest == TRIAL || rest.parse::<u32>().is_ok_and(|group| group.to_string() == rest);
    pid.parse().ok().filter(|agent: &u32| is_ours && agent.to_string() == pid)
}

/// One that is not empty stays: its processes are held by nobody then, which is why nobody calls this while it is not.
fn remove(directory: &Path) {
    if let Err(error) = fs::remove_dir(directory) {
        tracing::debug!(%error, directory = %directory.display(), "a cgroup is not removed");
    }
}

fn failed(step: &'static str, path: &Path, source: io::Error) -> FenceError {
    FenceError::Cgroup { step, path: path.to_owned(), source }
}

fn switch(source: aya::programs::ProgramError) -> KernelError {
    KernelError::Switch { hook: hook::CONNECT_RULES.name, source }
}

fn map(map: &'static str) -> impl Fn(MapError) -> KernelError {
    move |source| KernelError::Map { map, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_agent_made_is_removed() {
        assert_eq!((agent_of("mcpgw-17-3"), agent_of("mcpgw-17-trial")), (Some(17), Some(17)));
        for other in [
            "mcpgw-agent.service",
            "mcpgw-17",
            "mcpgw-x-3",
            "mcpgw-17-3-x",
            "mcpgw-017-3",
            "mcpgw-+17-3",
            "17-3",
        ] {
            assert_eq!(agent_of(other), None, "{other}");
        }
    }
}
