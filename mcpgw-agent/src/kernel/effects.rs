//! The programs that report what processes do to files and sockets: in the kernel while somebody's effects are wanted.

use std::fs::File;

use aya::Ebpf;
use aya::programs::cgroup_sock_addr::CgroupSockAddrLinkId;
use aya::programs::raw_trace_point::RawTracePointLinkId;
use aya::programs::{CgroupAttachMode, CgroupSockAddr, RawTracePoint};

use super::KernelError;
use super::control::program;
use super::hook::{self, Kind};

/// Raw tracepoints: hook, program, and the names the tracepoint has had, the newest first. Before Linux 6.0 the one of
/// `io_uring` did not have the request, but then neither has the request the members the program needs.
pub(super) const TRACEPOINTS: [(Kind, &str, &[&str]); 2] = [
    (hook::FILE_EFFECTS, "mcpgw_effects", &["sys_exit"]),
    (hook::IO_URING_EFFECTS, "mcpgw_uring", &["io_uring_submit_req", "io_uring_submit_sqe"]),
];

/// The programs on the root cgroup.
pub(super) const ADDRESSES: [&str; 6] =
    ["mcpgw_connect4", "mcpgw_connect6", "mcpgw_send4", "mcpgw_send6", "mcpgw_bind4", "mcpgw_bind6"];

/// What can be attached, and the links of what is.
#[derive(Debug, Default)]
pub(super) struct Effects {
    /// Of [`TRACEPOINTS`]: those this kernel takes.
    pub(super) usable: [bool; 2],
    /// Present where all of [`ADDRESSES`] are loaded.
    pub(super) cgroup: Option<File>,
    tracepoints: [Option<RawTracePointLinkId>; 2],
    addresses: Vec<(&'static str, CgroupSockAddrLinkId)>,
    attached: bool,
}

impl Effects {
    /// Attaches what can be. Does nothing while attached.
    pub(super) fn attach(&mut self, ebpf: &mut Ebpf) -> Result<(), KernelError> {
        if self.attached {
            return Ok(());
        }
        self.attached = true;
        for which in 0..TRACEPOINTS.len() {
            if self.usable.get(which) == Some(&true) {
                self.attach_tracepoint(ebpf, which)?;
            }
        }
        self.attach_addresses(ebpf)
    }

    /// Detaches them all. Does nothing while detached.
    pub(super) fn detach(&mut self, ebpf: &mut Ebpf) -> Result<(), KernelError> {
        self.attached = false;
        for ((kind, name, _), link) in TRACEPOINTS.iter().zip(&mut self.tracepoints) {
            let Some(link) = link.take() else { continue };
            let program: &mut RawTracePoint = program(ebpf, name, kind.name)?;
            program.detach(link).map_err(|source| KernelError::Switch { hook: kind.name, source })?;
        }
        let hook = hook::ADDRESS_EFFECTS.name;
        for (name, link) in self.addresses.drain(..) {
            let program: &mut CgroupSockAddr = program(ebpf, name, hook)?;
            program.detach(link).map_err(|source| KernelError::Switch { hook, source })?;
        }
        Ok(())
    }

    /// They are attached.
    pub(super) fn is_attached(&self) -> bool {
        self.attached
    }

    /// Attaches one of [`TRACEPOINTS`].
    pub(super) fn attach_tracepoint(&mut self, ebpf: &mut Ebpf, which: usize) -> Result<(), KernelError> {
        let (Some((kind, name, tracepoints)), Some(link)) =
            (TRACEPOINTS.get(which), self.tracepoints.get_mut(which))
        else {
            return Ok(());
        };
        let program: &mut RawTracePoint = program(ebpf, name, kind.name)?;
        let mut refused = None;
        for tracepoint in *tracepoints {
            match program.attach(tracepoint) {
                Ok(attached) => {
                    *link = Some(attached);
                    return Ok(());
                }
                Err(source) => refused = refused.or(Some(KernelError::Switch { hook: kind.name, source })),
            }
        }
        refused.map_or(Ok(()), Err)
    }

    /// Attaches all of [`ADDRESSES`], where they are loaded.
    pub(super) fn attach_addresses(&mut self, ebpf: &mut Ebpf) -> Result<(), KernelError> {
        let Some(cgroup) = &self.cgroup else { return Ok(()) };
        let hook = hook::ADDRESS_EFFECTS.name;
        for name in ADDRESSES {
            let program: &mut CgroupSockAddr = program(ebpf, name, hook)?;
            let attached = program.attach(cgroup, CgroupAttachMode::Single);
            self.addresses.push((name, attached.map_err(|source| KernelError::Switch { hook, source })?));
        }
        Ok(())
    }
}
