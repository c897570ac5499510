//! Connections that are denied or steered: the programs on `connect`, below a cgroup of the configuration's, and the map
//! they obey. Attached while there is anything in the map.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use aya::Ebpf;
use aya::maps::{HashMap, MapData, MapError};
use aya::programs::cgroup_sock_addr::CgroupSockAddrLinkId;
use aya::programs::{CgroupAttachMode, CgroupSockAddr};
use mcpgw_common::map::{Destination, GUARD_DENY, GUARD_LOOPBACK, GUARD_STEER, Guarded, TASK_GATEWAY};

use super::control::{KernelError, program};
use super::describe::describe;
use super::loader::{Attacher, Kernel, take};
use super::{cgroup, hook, offsets};

/// The programs.
pub(super) const PROGRAMS: [&str; 2] = ["mcpgw_guard4", "mcpgw_guard6"];
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// What is done about connections to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// They are refused: `connect` says `EPERM`.
    Deny,
    /// They go to this port on loopback.
    Steer(u16),
}

/// An address connections go to, in a network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Target {
    /// The address; 127.0.0.1 may stand for all of 127.0.0.0/8.
    pub addr: SocketAddr,
    /// Inode of the network namespace.
    pub net_ns: u32,
    /// Every address of 127.0.0.0/8 is meant.
    pub is_all_loopback: bool,
}

impl Target {
    fn key(&self) -> Destination {
        let (words, family) = match self.addr.ip().to_canonical() {
            IpAddr::V4(ip) => ([u32::from_ne_bytes(ip.octets()), 0, 0, 0], AF_INET),
            IpAddr::V6(ip) => (words_of(&ip.octets()), AF_INET6),
        };
        Destination { addr: words, net_ns: self.net_ns, port: self.addr.port(), family }
    }
}

fn words_of(bytes: &[u8; 16]) -> [u32; 4] {
    let (words, _) = bytes.as_chunks::<4>();
    let mut out = [0; 4];
    for (to, from) in out.iter_mut().zip(words) {
        *to = u32::from_ne_bytes(*from);
    }
    out
}

/// Programs, map and, while attached, links.
#[derive(Default)]
pub(super) struct Connects {
    pub(super) cgroup: Option<File>,
    pub(super) map: Option<HashMap<MapData, Destination, Guarded>>,
    links: Vec<(&'static str, CgroupSockAddrLinkId)>,
    entries: usize,
}

impl Connects {
    pub(super) fn attach(&mut self, ebpf: &mut Ebpf) -> Result<(), KernelError> {
        let hook = hook::GUARD_CONNECT.name;
        let Some(cgroup) = &self.cgroup else { return Err(KernelError::Unavailable { hook }) };
        if !self.links.is_empty() {
            return Ok(());
        }
        for name in PROGRAMS {
            let program: &mut CgroupSockAddr = program(ebpf, name, hook)?;
            let link = program.attach(cgroup, CgroupAttachMode::Single);
            self.links.push((name, link.map_err(|source| KernelError::Switch { hook, source })?));
        }
        Ok(())
    }

    pub(super) fn detach(&mut self, ebpf: &mut Ebpf) -> Result<(), KernelError> {
        let hook = hook::GUARD_CONNECT.name;
        let mut outcome = Ok(());
        for (name, link) in self.links.drain(..) {
            let program: &mut CgroupSockAddr = program(ebpf, name, hook)?;
            if let Err(source) = program.detach(link) {
                outcome = Err(KernelError::Switch { hook, source });
            }
        }
        outcome
    }
}

impl Kernel {
    /// Denies or steers connections to `target` from now on. Connections there are stay as they are.
    ///
    /// # Errors
    /// [`KernelError`]; then nothing is done about them.
    pub fn turn(&mut self, target: &Target, how: Turned) -> Result<(), KernelError> {
        let hook = hook::GUARD_CONNECT.name;
        let (action, port) = match how {
            Turned::Deny => (GUARD_DENY, 0),
            Turned::Steer(port) => (GUARD_STEER, port),
        };
        let is_loopback = target.addr.ip().to_canonical() == IpAddr::V4(Ipv4Addr::LOCALHOST);
        let flags = if target.is_all_loopback && is_loopback { GUARD_LOOPBACK } else { 0 };
        let value = Guarded { action, flags, port, reserved: 0, hits: 0, last_tgid: 0 };
        let connects = &mut self.connects;
        connects.attach(&mut self.ebpf)?;
        let map = connects.map.as_mut().ok_or(KernelError::Unavailable { hook })?;
        let is_new = map.get(&target.key(), 0).is_err();
        map.insert(target.key(), value, 0).map_err(guarded_error)?;
        connects.entries += usize::from(is_new);
        Ok(())
    }

    /// Lets connections to `target` be. With the last one the programs are detached.
    ///
    /// # Errors
    /// [`KernelError`].
    pub fn let_be(&mut self, target: &Target) -> Result<(), KernelError> {
        let connects = &mut self.connects;
        let Some(map) = connects.map.as_mut() else { return Ok(()) };
        match map.remove(&target.key()) {
            Ok(()) => connects.entries = connects.entries.saturating_sub(1),
            Err(MapError::KeyNotFound) => {}
            Err(source) => return Err(guarded_error(source)),
        }
        if connects.entries == 0 { connects.detach(&mut self.ebpf) } else { Ok(()) }
    }

    /// How often connections to `target` were denied or steered, and the process that tried last.
    #[must_use]
    pub fn turned(&self, target: &Target) -> Option<(u32, u32)> {
        let value = self.connects.map.as_ref()?.get(&target.key(), 0).ok()?;
        Some((value.hits, value.last_tgid))
    }

    /// Connections can be denied and steered here.
    #[must_use]
    pub fn can_turn(&self) -> bool {
        self.connects.cgroup.is_some()
    }

    /// Process `pid` is a gateway: its connections are neither denied nor steered.
    ///
    /// # Errors
    /// [`KernelError::Map`].
    pub fn trust(&mut self, pid: u32) -> Result<(), KernelError> {
        self.mark(pid, TASK_GATEWAY)
    }
}

impl Attacher<'_> {
    /// Loads the programs that deny and steer, and attaches each once where it will be; nothing is named to them yet.
    pub(super) fn connects(&mut self) -> Connects {
        let mut connects = Connects::default();
        let kind = hook::GUARD_CONNECT;
        let below = self.options.guard.as_deref();
        let refused = match (below, self.skip(kind, offsets::ADDRESSES)) {
            (None, _) => Some(kind.left_out()),
            (Some(_), Some(hook)) => Some(hook),
            (Some(below), None) => self.try_connects(&mut connects, below).err().map(|error| {
                connects.cgroup = None;
                kind.failed(error)
            }),
        };
        self.hooks.push(refused.unwrap_or_else(|| kind.attached("on demand")));
        connects
    }

    fn try_connects(&mut self, connects: &mut Connects, below: &str) -> Result<(), String> {
        connects.cgroup = Some(cgroup::open(below).map_err(|error| describe(&error))?);
        let map = take(&mut self.ebpf, "GUARDED").and_then(TryInto::try_into);
        connects.map = Some(map.map_err(|error| describe(&error))?);
        for name in PROGRAMS {
            let program: &mut CgroupSockAddr =
                program(&mut self.ebpf, name, hook::GUARD_CONNECT.name).map_err(|error| describe(&error))?;
            program.load().map_err(|error| describe(&error))?;
        }
        connects.attach(&mut self.ebpf).map_err(|error| describe(&error))?;
        connects.detach(&mut self.ebpf).map_err(|error| describe(&error))
    }
}

fn guarded_error(source: MapError) -> KernelError {
    KernelError::Map { map: "GUARDED", source }
}
