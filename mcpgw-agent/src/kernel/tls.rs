//! Uprobes on the TLS libraries of single processes, and the program that reads the hosts of their connections.
//!
//! Attached to a process, they cost no other process anything; detaching waits for the kernel, so whoever takes them off may
//! do it elsewhere ([`Detached`]).

mod elf;
mod find;
mod load;

use std::collections::HashMap;
use std::fs::File;
use std::num::NonZeroU32;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use aya::Ebpf;
use aya::maps::{HashMap as BpfHashMap, MapData};
use aya::programs::cgroup_skb::CgroupSkbLinkId;
use aya::programs::uprobe::{UProbeAttachLocation, UProbeLink, UProbeScope};
use aya::programs::{CgroupAttachMode, CgroupSkb, CgroupSkbAttachType, UProbe};
use mcpgw_common::map::TlsTask;

use super::KernelError;
use super::control::{absent_is_fine, program};
use super::hook;
use super::loader::Kernel;
use crate::inventory::{BootTime, ProcessKey};

pub use elf::{Call, Calls};
pub use find::{Finder, Found, Library};

/// Processes read at most.
pub const TLS_PROCESSES: usize = 256;
/// The program that reports hosts.
pub(super) const HELLO: &str = "mcpgw_tls_hello";
/// The program at the return of what moves bytes.
const RETURN: &str = "mcpgw_tls_return";

/// All programs on libraries.
pub(super) const PROGRAMS: [&str; 8] = [
    "mcpgw_tls_write",
    "mcpgw_tls_read",
    "mcpgw_tls_write_ex",
    "mcpgw_tls_read_ex",
    RETURN,
    "mcpgw_tls_free",
    "mcpgw_tls_ctrl",
    "mcpgw_tls_name",
];

impl Call {
    /// The program at its start, and whether there is one at its return.
    fn program(self) -> (&'static str, bool) {
        match self {
            Self::Write => ("mcpgw_tls_write", true),
            Self::Read => ("mcpgw_tls_read", true),
            Self::WriteEx => ("mcpgw_tls_write_ex", true),
            Self::ReadEx => ("mcpgw_tls_read_ex", true),
            Self::Free => ("mcpgw_tls_free", false),
            Self::Ctrl => ("mcpgw_tls_ctrl", false),
            Self::SetName => ("mcpgw_tls_name", false),
        }
    }
}

/// What can be attached, and the links of what is.
#[derive(Default)]
pub(super) struct Tls {
    /// The programs on libraries are loaded.
    pub(super) usable: bool,
    /// Present where the one that reports hosts is.
    pub(super) cgroup: Option<File>,
    /// Present where either is.
    pub(super) tasks: Option<BpfHashMap<MapData, u32, TlsTask>>,
    hello: Option<CgroupSkbLinkId>,
    processes: HashMap<ProcessKey, Vec<UProbeLink>>,
}

/// Probes that nobody needs any more. They are gone when this is dropped, which takes some ten milliseconds for each.
#[must_use = "dropping it waits for the kernel"]
pub struct Detached(Vec<UProbeLink>);

impl Detached {
    /// Takes one of them out of the kernel, which takes some ten milliseconds. Says whether there was one.
    pub fn drop_one(&mut self) -> bool {
        self.0.pop().is_some()
    }
}

impl std::fmt::Debug for Detached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detached").finish_non_exhaustive()
    }
}

impl Tls {
    /// Attaches the program that reports hosts. Does nothing while attached.
    pub(super) fn attach_hello(&mut self, ebpf: &mut Ebpf) -> Result<(), KernelError> {
        let Some(cgroup) = self.cgroup.as_ref().filter(|_| self.hello.is_none()) else { return Ok(()) };
        let hook = hook::TLS_HELLO.name;
        let program: &mut CgroupSkb = program(ebpf, HELLO, hook)?;
        let link = program.attach(cgroup, CgroupSkbAttachType::Egress, CgroupAttachMode::Single);
        self.hello = Some(link.map_err(|source| KernelError::Switch { hook, source })?);
        Ok(())
    }

    /// Detaches it. Does nothing while detached.
    pub(super) fn detach_hello(&mut self, ebpf: &mut Ebpf) -> Result<(), KernelError> {
        let Some(link) = self.hello.take() else { return Ok(()) };
        let hook = hook::TLS_HELLO.name;
        let program: &mut CgroupSkb = program(ebpf, HELLO, hook)?;
        program.detach(link).map_err(|source| KernelError::Switch { hook, source })
    }

    fn task(&mut self) -> Result<&mut BpfHashMap<MapData, u32, TlsTask>, KernelError> {
        self.tasks.as_mut().ok_or(KernelError::Unavailable { hook: hook::TLS_READ.name })
    }
}

impl Kernel {
    /// From now on reports where process `process` connects over TLS, and up to `budget` bytes of each direction of what its
    /// [libraries](Kernel::read_tls) show. What is older than `since` is of the program it ran before. Said again, it changes both.
    ///
    /// # Errors
    /// [`KernelError`]; also where too many processes are.
    pub fn watch_tls(
        &mut self,
        process: ProcessKey,
        budget: u64,
        since: BootTime,
    ) -> Result<(), KernelError> {
        if !self.tls.processes.contains_key(&process) && self.tls.processes.len() >= TLS_PROCESSES {
            return Err(KernelError::Full { hook: hook::TLS_READ.name });
        }
        let since_ns = since.0;
        let inserted = self.tls.task()?.insert(process.pid, TlsTask { since_ns, budget }, 0);
        inserted.map_err(|source| KernelError::Map { map: "TLS_TASKS", source })?;
        self.tls.processes.entry(process).or_default();
        self.tls.attach_hello(&mut self.ebpf)
    }

    /// Attaches to the calls of `library` as `process` has it loaded, or will.
    ///
    /// # Errors
    /// [`KernelError`]; then none of its calls is attached.
    pub fn read_tls(&mut self, process: ProcessKey, library: &Library) -> Result<(), KernelError> {
        let hook = hook::TLS_READ.name;
        let unavailable = || KernelError::Unavailable { hook };
        if !self.tls.usable || !self.tls.processes.contains_key(&process) {
            return Err(unavailable());
        }
        let pid = NonZeroU32::new(process.pid).ok_or_else(unavailable)?;
        // The very file that was looked at, whatever has become of its name.
        let path = PathBuf::from(format!("/proc/self/fd/{}", library.file.as_raw_fd()));
        let mut links = Vec::new();
        for (call, offset) in library.calls.iter() {
            let (entry, returns) = call.program();
            for name in std::iter::once(entry).chain(returns.then_some(RETURN)) {
                let program: &mut UProbe = program(&mut self.ebpf, name, hook)?;
                let switch = |source| KernelError::Switch { hook, source };
                let location = UProbeAttachLocation::AbsoluteOffset(offset);
                let id = program.attach(location, &path, UProbeScope::OneProcess(pid)).map_err(switch)?;
                links.push(program.take_link(id).map_err(switch)?);
            }
        }
        self.tls.processes.entry(process).or_default().extend(links);
        Ok(())
    }

    /// Ends both of process `process`.
    ///
    /// # Errors
    /// [`KernelError`]; its probes stay until the agent ends.
    pub fn unwatch_tls(&mut self, process: ProcessKey) -> Result<Detached, KernelError> {
        let links = self.tls.processes.remove(&process).unwrap_or_default();
        let others = self.tls.processes.keys().any(|other| other.pid == process.pid);
        if !others {
            let removed = absent_is_fine(self.tls.task()?.remove(&process.pid));
            removed.map_err(|source| KernelError::Map { map: "TLS_TASKS", source })?;
        }
        if self.tls.processes.is_empty() {
            self.tls.detach_hello(&mut self.ebpf)?;
        }
        Ok(Detached(links))
    }

    /// What processes say over TLS can be read here.
    #[must_use]
    pub fn reads_tls(&self) -> bool {
        self.tls.usable
    }

    /// Probes on libraries now.
    #[must_use]
    pub fn tls_probes(&self) -> usize {
        self.tls.processes.values().map(Vec::len).sum()
    }
}
