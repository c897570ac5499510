//! Loading the programs for TLS.

use aya::programs::{CgroupSkb, UProbe};

use super::{HELLO, PROGRAMS, Tls};
use crate::kernel::cgroup;
use crate::kernel::control::program;
use crate::kernel::describe::describe;
use crate::kernel::hook;
use crate::kernel::loader::{Attacher, take};
use crate::kernel::offsets;

impl Attacher<'_> {
    /// Loads the programs on TLS libraries, which are attached to processes as these come, and the one that reports hosts.
    pub(in crate::kernel) fn tls(&mut self) -> Tls {
        let mut tls = Tls::default();
        let kind = hook::TLS_READ;
        // It needs what those that report addresses need: who runs.
        let refused = self
            .skip(kind, offsets::ADDRESSES)
            .or_else(|| self.try_tls().err().map(|error| kind.failed(error)));
        tls.usable = refused.is_none();
        self.hooks.push(refused.unwrap_or_else(|| kind.attached("on demand")));
        let kind = hook::TLS_HELLO;
        let refused = self
            .skip(kind, offsets::SOCK)
            .or_else(|| self.try_hello(&mut tls).err().map(|error| kind.failed(error)));
        if refused.is_some() {
            tls.cgroup = None;
        }
        self.hooks.push(refused.unwrap_or_else(|| kind.attached("on demand")));
        if tls.usable || tls.cgroup.is_some() {
            tls.tasks = take(&mut self.ebpf, "TLS_TASKS").and_then(TryInto::try_into).ok();
        }
        tls
    }

    fn try_tls(&mut self) -> Result<(), String> {
        for name in PROGRAMS {
            let program: &mut UProbe =
                program(&mut self.ebpf, name, hook::TLS_READ.name).map_err(|error| describe(&error))?;
            program.load().map_err(|error| describe(&error))?;
        }
        Ok(())
    }

    fn try_hello(&mut self, tls: &mut Tls) -> Result<(), String> {
        tls.cgroup = Some(cgroup::open_root().map_err(|error| describe(&error))?);
        let program: &mut CgroupSkb =
            program(&mut self.ebpf, HELLO, hook::TLS_HELLO.name).map_err(|error| describe(&error))?;
        program.load().map_err(|error| describe(&error))?;
        tls.attach_hello(&mut self.ebpf).map_err(|error| describe(&error))?;
        tls.detach_hello(&mut self.ebpf).map_err(|error| describe(&error))
    }
}
