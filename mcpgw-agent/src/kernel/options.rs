//! How to load the probes, and what of that a kernel would refuse.

use std::path::PathBuf;

use mcpgw_common::limit;

use super::btf::VMLINUX;
use super::hook;
use super::memory::page_size;
use super::restrain::Preventable;
use crate::config::Rings;

/// Size of the ring for effects: some ten thousand of them.
const EFFECTS_BYTES: u32 = 4 << 20;

/// How to load the probes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelOptions {
    /// Size of the life cycle ring: a power of two, a multiple of the page size.
    pub lifecycle_bytes: u32,
    /// Size of the ring for streams, likewise.
    pub streams_bytes: u32,
    /// Size of the ring for TCP, likewise.
    pub tcp_bytes: u32,
    /// Size of the ring for effects, likewise.
    pub effects_bytes: u32,
    /// Payload bytes reported of each flow of a channel, and of each direction of a TCP connection.
    pub budget: u32,
    /// Where the kernel's type information (BTF) is. A kernel without it can be helped with a file made for it.
    pub btf: PathBuf,
    /// The cgroup below which connections may be denied and steered, as a path in the unified hierarchy.
    pub guard: Option<String>,
    /// Programs are to be refused by their file.
    pub refuse_programs: bool,
    /// Connections to Unix sockets are to be refused.
    pub refuse_sockets: bool,
    /// What servers that run may have to be kept from.
    pub restrain: Vec<Preventable>,
    /// Names of hooks to leave out.
    pub disabled: Vec<String>,
    /// Make the probes log what they do ([`Kernel::take_probe_log`](super::Kernel::take_probe_log)); costs time in every one of them.
    pub probe_log: bool,
}

impl Default for KernelOptions {
    fn default() -> Self {
        let Rings { lifecycle_bytes, streams_bytes, tcp_bytes } = Rings::default();
        Self {
            lifecycle_bytes,
            streams_bytes,
            tcp_bytes,
            effects_bytes: EFFECTS_BYTES,
            budget: limit::BUDGET,
            btf: PathBuf::from(VMLINUX),
            guard: None,
            refuse_programs: false,
            refuse_sockets: false,
            restrain: Vec::new(),
            disabled: Vec::new(),
            probe_log: false,
        }
    }
}

/// What is wrong with [`KernelOptions`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// The kernel would refuse this size.
    #[error("ring size {bytes} is not a power of two and a multiple of the page size, {page}")]
    RingSize {
        /// The size.
        bytes: u32,
        /// Bytes in a page.
        page: u32,
    },
    /// There is no such hook.
    #[error("there is no hook `{name}`; there are {known}")]
    Hook {
        /// The name.
        name: String,
        /// Those that exist.
        known: String,
    },
}

impl KernelOptions {
    /// What processes do to files and sockets is not to be told: its hooks are left out.
    pub fn leave_out_effects(&mut self) {
        self.disabled.extend(hook::EFFECTS.map(|kind| kind.name.to_owned()));
    }

    /// What processes say over TLS is not to be read: its hooks are left out.
    pub fn leave_out_tls(&mut self) {
        self.disabled.extend(hook::TLS.map(|kind| kind.name.to_owned()));
    }

    /// At least one hook that tells what processes do to files and sockets is wanted.
    pub(super) fn tells_effects(&self) -> bool {
        hook::EFFECTS.iter().any(|kind| !self.disabled.iter().any(|name| name == kind.name))
    }

    /// Checks sizes and names.
    ///
    /// # Errors
    /// [`OptionsError`].
    pub fn validate(&self) -> Result<(), OptionsError> {
        let page = page_size();
        for bytes in [self.lifecycle_bytes, self.streams_bytes, self.tcp_bytes, self.effects_bytes] {
            if !bytes.is_power_of_two() || bytes < page {
                return Err(OptionsError::RingSize { bytes, page });
            }
        }
        let names = hook::ALL.map(|kind| kind.name);
        match self.disabled.iter().find(|name| !names.contains(&name.as_str())) {
            Some(name) => Err(OptionsError::Hook { name: name.clone(), known: names.join(", ") }),
            None => Ok(()),
        }
    }
}
