//! The probes in the kernel: loading them, telling them what to look at, reading what they report.
//!
//! ```text
//! BTF ─▶ offsets ─▶ loader ─▶ Kernel ◀─ Effect (observe, release, watch a port)
//!                     │ hooks      ├ tap and effects attached and detached on demand
//!                     │            └ servers' cgroups held to addresses, servers that run to rules
//!                     └▶ four rings ─▶ Reader ─▶ decode ─▶ KernelEvent
//! ```
//!
//! Loading never fails as a whole: each hook works or says why not, and without any the agent goes on with `/proc`.
//! Nothing is pinned; dropping [`Kernel`] takes everything out of the kernel again. No decision about MCP is made here.

pub mod btf;
mod cgroup;
mod confine;
mod control;
pub mod decode;
mod describe;
mod effects;
mod exec_gate;
mod guard;
mod hook;
mod loader;
mod lsm;
mod marked;
mod memory;
mod missed;
pub mod offsets;
mod options;
mod probe_log;
mod reader;
mod restrain;
mod tls;
mod writers;

pub(crate) use cgroup::root as cgroup_root;
pub use confine::{FenceError, TooManyPorts};
pub use control::KernelError;
pub use decode::DecodeError;
pub use exec_gate::{Asked, ExecGate, release_new, release_taken};
pub use guard::{Target, Turned};
pub use hook::{Hook, HookState};
pub use loader::{EFFECTS, Kernel, Loaded};
pub use lsm::{Denials, Inode, Refusable, SparedName};
pub use marked::Marked;
pub use missed::Misses;
pub use options::{KernelOptions, OptionsError};
pub use probe_log::ProbeLog;
pub use reader::{EffectReader, Reader, Readers};
pub use restrain::{Place, PlaceRules, Preventable, Refusals, Restraints, Rules};
pub use tls::{Call, Calls, Detached, Finder, Found, Library, TLS_PROCESSES};
pub use writers::{Writers, Wrote};

use crate::effects::SideEffect;
use crate::inventory::HostEvent;
use crate::wire::Chunk;

/// What the kernel reported.
#[derive(Debug, Clone, PartialEq)]
pub enum KernelEvent {
    /// Something about processes or sockets.
    Host(HostEvent),
    /// Bytes of a tapped stream.
    Chunk(Chunk),
    /// What a process did to a file or a socket.
    SideEffect(SideEffect),
    /// Records are missing before the next one of this ring.
    Lost {
        /// Which ring.
        ring: &'static str,
        /// The CPU they were tried on.
        cpu: u16,
        /// How many.
        count: u64,
    },
    /// So much of what a server did had no room in the ring of effects, since this was said last.
    Untold {
        /// The server's number.
        group: u32,
        /// How much.
        count: u64,
    },
}

/// What a ring has carried and lost so far, over all CPUs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingGaps {
    /// `lifecycle`, `streams`, `tcp` or `effects`.
    pub ring: &'static str,
    /// Records the probes tried to write, the lost ones included.
    pub records: u64,
    /// Records the ring had no room for.
    pub lost: u64,
    /// Their bytes.
    pub lost_bytes: u64,
    /// How often a probe was not run where it should have been, as far as the kernel counts it (Linux 5.12).
    pub missed: u64,
    /// Records that arrived and were not understood.
    pub undecodable: u64,
}
