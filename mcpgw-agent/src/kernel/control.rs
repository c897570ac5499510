//! Telling the probes what to look at, and asking what they lost.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aya::Ebpf;
use aya::maps::{HashMap, Map, MapData, MapError, PerCpuArray};
use aya::programs::cgroup_skb::CgroupSkbLinkId;
use aya::programs::raw_trace_point::RawTracePointLinkId;
use aya::programs::{CgroupAttachMode, CgroupSkb, CgroupSkbAttachType, ProgramError, RawTracePoint};
use mcpgw_common::event::{CHANNEL_FIFO, CHANNEL_UNIX};
use mcpgw_common::map::{
    CHANNEL_SETTLED, ChannelKey, ChannelState, LaneStats, PORT_FOLLOWED, PORT_WATCHED, TASK_BREEDS_EFFECTS,
    TASK_CLIENT, TASK_EFFECTS, TASK_IGNORE, TASK_SERVER, TaskState, lane,
};
use nix::time::{ClockId, clock_gettime};

use super::RingGaps;
use super::hook::{self, Hook};
use super::loader::{EFFECTS, Kernel, LIFECYCLE, STREAMS, TCP};
use super::marked::Marked;
use crate::inventory::{Channel, ChannelKind, Effect, Followed, ProcessKey};

/// Lanes that write to each ring.
const LANES_OF: [(&str, &[u32]); 4] = [
    (LIFECYCLE, &[lane::TASK, lane::SOCK]),
    (STREAMS, &[lane::STREAM, lane::TLS]),
    (TCP, &[lane::TCP_IN, lane::TCP_OUT]),
    (EFFECTS, &[lane::EFFECT]),
];

/// Why the kernel did not do as it was told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// The hook that would do it is not there; its state says why.
    #[error("the `{hook}` hook is not available")]
    Unavailable {
        /// Which.
        hook: &'static str,
    },
    /// A program could not be attached or detached.
    #[error("the `{hook}` hook could not be switched")]
    Switch {
        /// Which.
        hook: &'static str,
        /// Why.
        #[source]
        source: ProgramError,
    },
    /// A map could not be read or changed.
    #[error("map `{map}` could not be changed")]
    Map {
        /// Which.
        map: &'static str,
        /// Why.
        #[source]
        source: MapError,
    },
    /// There is no room for one more.
    #[error("the `{hook}` hook has no room for one more process")]
    Full {
        /// Which.
        hook: &'static str,
    },
    /// There is no such clock.
    #[error("CLOCK_BOOTTIME cannot be read")]
    Clock(#[source] nix::Error),
}

/// The maps user space works with.
pub(super) struct Maps {
    pub(super) tasks: HashMap<MapData, u32, TaskState>,
    /// The kernel's number of that table.
    pub(super) tasks_id: u32,
    pub(super) channels: HashMap<MapData, ChannelKey, ChannelState>,
    pub(super) ports: HashMap<MapData, u16, u8>,
    pub(super) lanes: PerCpuArray<MapData, LaneStats>,
}

impl Maps {
    /// The kernel's number of a table.
    pub(super) fn id(map: &Map) -> Result<u32, MapError> {
        if let Map::HashMap(data) | Map::LruHashMap(data) | Map::LpmTrie(data) = map {
            return Ok(data.info()?.id());
        }
        Err(MapError::InvalidMapType { map_type: 0 })
    }

    /// Another handle of the same table.
    fn tasks_again(&self) -> Result<HashMap<MapData, u32, TaskState>, MapError> {
        let map = MapData::from_id(self.tasks_id)?;
        Map::LruHashMap(map).try_into()
    }
}

/// The tap's program and, while attached, its link.
#[derive(Debug, Default)]
pub(super) struct Tap {
    pub(super) usable: bool,
    link: Option<RawTracePointLinkId>,
}

/// The two programs on the root cgroup and, while attached, their links.
#[derive(Debug, Default)]
pub(super) struct Http {
    /// Present where at least one of them is usable.
    pub(super) cgroup: Option<File>,
    pub(super) usable: [bool; 2],
    links: [Option<CgroupSkbLinkId>; 2],
    ports: std::collections::HashSet<u16>,
    /// By record: ports of servers of which all is reported.
    followed: std::collections::HashMap<u64, Vec<u16>>,
}

/// Program, hook and direction of the two.
const HTTP: [(&str, &str, CgroupSkbAttachType); 2] = [
    ("mcpgw_tcp_in", hook::HTTP_IN.name, CgroupSkbAttachType::Ingress),
    ("mcpgw_tcp_out", hook::HTTP_OUT.name, CgroupSkbAttachType::Egress),
];

impl Tap {
    pub(super) const PROGRAM: &str = "mcpgw_tap";

    pub(super) fn attach(&mut self, ebpf: &mut Ebpf) -> Result<(), KernelError> {
        if self.link.is_some() {
            return Ok(());
        }
        let hook = hook::STDIO_TAP.name;
        let program: &mut RawTracePoint = program(ebpf, Self::PROGRAM, hook)?;
        let switch = |source| KernelError::Switch { hook, source };
        self.link = Some(program.attach("sys_exit").map_err(switch)?);
        Ok(())
    }

    pub(super) fn detach(&mut self, ebpf: &mut Ebpf) -> Result<(), KernelError> {
        let Some(link) = self.link.take() else { return Ok(()) };
        let hook = hook::STDIO_TAP.name;
        let program: &mut RawTracePoint = program(ebpf, Self::PROGRAM, hook)?;
        program.detach(link).map_err(|source| KernelError::Switch { hook, source })
    }
}

impl Http {
    /// Attaches one of the two.
    pub(super) fn attach(&mut self, ebpf: &mut Ebpf, which: usize) -> Result<(), KernelError> {
        let Some((name, hook, direction)) = HTTP.get(which).copied() else { return Ok(()) };
        let (Some(link), Some(cgroup)) = (self.links.get_mut(which), &self.cgroup) else {
            return Err(KernelError::Unavailable { hook });
        };
        if link.is_some() {
            return Ok(());
        }
        let program: &mut CgroupSkb = program(ebpf, name, hook)?;
        // A link (Linux 5.7) lets others' programs on the root cgroup work beside ours, and refuses flags that say so.
        let attached = program.attach(cgroup, direction, CgroupAttachMode::Single);
        *link = Some(attached.map_err(|source| KernelError::Switch { hook, source })?);
        Ok(())
    }

    /// Detaches one of the two.
    pub(super) fn detach(&mut self, ebpf: &mut Ebpf, which: usize) -> Result<(), KernelError> {
        let Some((name, hook, _)) = HTTP.get(which).copied() else { return Ok(()) };
        let Some(link) = self.links.get_mut(which).and_then(Option::take) else { return Ok(()) };
        let program: &mut CgroupSkb = program(ebpf, name, hook)?;
        program.detach(link).map_err(|source| KernelError::Switch { hook, source })
    }
}

/// A program of the object as the type it is.
pub(super) fn program<'a, P>(
    ebpf: &'a mut Ebpf,
    name: &str,
    hook: &'static str,
) -> Result<&'a mut P, KernelError>
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program, Error = ProgramError>,
{
    let program = ebpf.program_mut(name).ok_or(KernelError::Unavailable { hook })?;
    program.try_into().map_err(|source| KernelError::Switch { hook, source })
}

impl Kernel {
    /// Carries out what concerns the kernel of `effect`; the rest is somebody else's and succeeds.
    ///
    /// The stdio tap is not attached by this: see [`Kernel::attach_tap`]. The programs for TCP are, with the first port
    /// watched, and detached with the last.
    ///
    /// # Errors
    /// [`KernelError`]; what could be done before it has been.
    pub fn apply(&mut self, effect: &Effect) -> Result<(), KernelError> {
        match effect {
            Effect::Observe { channels, processes } => {
                self.observe(channels)?;
                for observed in processes {
                    let bits = if observed.inherit { TASK_SERVER } else { TASK_CLIENT };
                    self.mark(observed.process.pid, bits)?;
                }
                Ok(())
            }
            Effect::Release { channels, processes, settled } => self.release(channels, processes, *settled),
            Effect::WatchPort(port) => self.watch_port(*port),
            Effect::IgnorePort(port) => self.ignore_port(*port),
            Effect::Follow(followed) => self.follow(followed),
            Effect::Unfollow(seq) => self.unfollow(*seq),
            Effect::Enrich(_) | Effect::Doze(_) | Effect::Wake(_) | Effect::Changed(_) => Ok(()),
        }
    }

    /// Reports no stream or socket of process `pid` any more, until it ends.
    ///
    /// # Errors
    /// [`KernelError::Map`].
    pub fn ignore(&mut self, pid: u32) -> Result<(), KernelError> {
        self.mark(pid, TASK_IGNORE)
    }

    /// Begins to look at every system call of the host for bytes over observed channels. Does nothing while attached.
    ///
    /// # Errors
    /// [`KernelError::Unavailable`] or [`KernelError::Switch`].
    pub fn attach_tap(&mut self) -> Result<(), KernelError> {
        if !self.tap.usable {
            return Err(KernelError::Unavailable { hook: hook::STDIO_TAP.name });
        }
        self.tap.attach(&mut self.ebpf)
    }

    /// Ends that again. Does nothing while detached.
    ///
    /// # Errors
    /// [`KernelError::Switch`].
    pub fn detach_tap(&mut self) -> Result<(), KernelError> {
        self.tap.detach(&mut self.ebpf)
    }

    /// The stdio tap is attached now.
    #[must_use]
    pub fn tap_attached(&self) -> bool {
        self.tap.link.is_some()
    }

    /// Reports what process `pid` does to files and sockets, and every process it starts from now on, as `group`'s.
    ///
    /// # Errors
    /// [`KernelError::Map`].
    pub fn watch_effects(&mut self, pid: u32, group: u32) -> Result<(), KernelError> {
        self.mark_with(pid, TASK_EFFECTS, Some(group))
    }

    /// The same of the processes `pid` starts, but not of itself.
    ///
    /// # Errors
    /// [`KernelError::Map`].
    pub fn watch_effects_of_children(&mut self, pid: u32, group: u32) -> Result<(), KernelError> {
        self.mark_with(pid, TASK_BREEDS_EFFECTS, Some(group))
    }

    /// Whose process `pid` is, where it is [watched](Self::watch_effects).
    #[must_use]
    pub fn effects_of(&self, pid: u32) -> Option<u32> {
        let state = self.maps.tasks.get(&pid, 0).ok()?;
        (state.bits & TASK_EFFECTS != 0).then_some(state.group)
    }

    /// Who is marked as whose, to be asked at any time by anybody.
    ///
    /// # Errors
    /// [`KernelError::Map`].
    pub fn marked(&self) -> Result<Marked, KernelError> {
        let tasks = self.maps.tasks_again().map_err(tasks_error)?;
        Ok(Marked { tasks })
    }

    /// Begins to look at every system call of the host for effects of processes that are
    /// [watched](Self::watch_effects). Does nothing while attached. What this kernel does not take is left out; its hook
    /// says so.
    ///
    /// # Errors
    /// [`KernelError::Switch`].
    pub fn attach_effects(&mut self) -> Result<(), KernelError> {
        self.effects.attach(&mut self.ebpf)
    }

    /// Ends that again. Does nothing while detached.
    ///
    /// # Errors
    /// [`KernelError::Switch`].
    pub fn detach_effects(&mut self) -> Result<(), KernelError> {
        self.effects.detach(&mut self.ebpf)
    }

    /// Effects are reported now.
    #[must_use]
    pub fn effects_attached(&self) -> bool {
        self.effects.is_attached()
    }

    /// Every hook and what came of it at loading.
    #[must_use]
    pub fn hooks(&self) -> &[Hook] {
        &self.hooks
    }

    /// What each ring has carried and lost so far. A ring whose counters cannot be read is left out.
    #[must_use]
    pub fn gaps(&self) -> Vec<RingGaps> {
        LANES_OF.iter().filter_map(|(ring, classes)| self.ring_gaps(ring, classes)).collect()
    }

    fn ring_gaps(&self, ring: &'static str, classes: &[u32]) -> Option<RingGaps> {
        let undecodable = self.undecodable_of(ring).load(Ordering::Relaxed);
        let missed = self.missed(ring);
        let mut gaps = RingGaps { ring, records: 0, lost: 0, lost_bytes: 0, missed, undecodable };
        for class in classes {
            for depth in 0..lane::DEPTH {
                let values = self.maps.lanes.get(&(class * lane::DEPTH + depth), 0).ok()?;
                for stats in values.iter() {
                    gaps.records = gaps.records.saturating_add(stats.seq);
                    gaps.lost = gaps.lost.saturating_add(stats.lost);
                    gaps.lost_bytes = gaps.lost_bytes.saturating_add(stats.lost_bytes);
                }
            }
        }
        Some(gaps)
    }

    fn undecodable_of(&self, ring: &str) -> &Arc<AtomicU64> {
        match ring {
            STREAMS => &self.undecodable.streams,
            TCP => &self.undecodable.tcp,
            EFFECTS => &self.undecodable.effects,
            _ => &self.undecodable.lifecycle,
        }
    }

    fn observe(&mut self, channels: &[Channel]) -> Result<(), KernelError> {
        let since_ns = now_ns()?;
        for channel in channels {
            let key = channel_key(*channel);
            match self.maps.channels.get(&key, 0) {
                // Already observed, perhaps by the exec probe: it goes on with the offsets it has.
                Ok(state) if state.flags & CHANNEL_SETTLED == 0 => continue,
                Ok(_) | Err(MapError::KeyNotFound) => {}
                Err(source) => return Err(channels_error(source)),
            }
            let state = ChannelState { since_ns, budget: self.budget, flags: 0, reserved: 0 };
            self.maps.channels.insert(key, state, 0).map_err(channels_error)?;
        }
        Ok(())
    }

    fn release(
        &mut self,
        channels: &[Channel],
        processes: &[ProcessKey],
        settled: bool,
    ) -> Result<(), KernelError> {
        for channel in channels {
            let key = channel_key(*channel);
            if settled {
                let state = ChannelState { since_ns: 0, budget: 0, flags: CHANNEL_SETTLED, reserved: 0 };
                self.maps.channels.insert(key, state, 0).map_err(channels_error)?;
            } else {
                absent_is_fine(self.maps.channels.remove(&key)).map_err(channels_error)?;
            }
        }
        for process in processes {
            self.forget(process.pid)?;
        }
        Ok(())
    }

    /// The streams of process `pid` are of no more interest; what else is known of it stays.
    fn forget(&mut self, pid: u32) -> Result<(), KernelError> {
        let Ok(state) = self.maps.tasks.get(&pid, 0) else { return Ok(()) };
        let kept = TaskState { bits: state.bits & !(TASK_SERVER | TASK_CLIENT), ..state };
        match kept.bits {
            0 => absent_is_fine(self.maps.tasks.remove(&pid)).map_err(tasks_error),
            _ => self.maps.tasks.insert(pid, kept, 0).map_err(tasks_error),
        }
    }

    pub(super) fn mark(&mut self, pid: u32, more: u32) -> Result<(), KernelError> {
        self.mark_with(pid, more, None)
    }

    fn mark_with(&mut self, pid: u32, more: u32, group: Option<u32>) -> Result<(), KernelError> {
        let old = match self.maps.tasks.get(&pid, 0) {
            Ok(state) => state,
            Err(MapError::KeyNotFound) => TaskState::default(),
            Err(source) => return Err(tasks_error(source)),
        };
        let new = TaskState { bits: old.bits | more, group: group.unwrap_or(old.group) };
        if new == old {
            return Ok(());
        }
        self.maps.tasks.insert(pid, new, 0).map_err(tasks_error)
    }

    fn watch_port(&mut self, port: u16) -> Result<(), KernelError> {
        if self.http.usable == [false; 2] {
            return Err(KernelError::Unavailable { hook: hook::HTTP_IN.name });
        }
        self.http.ports.insert(port);
        self.mark_port(port)?;
        for which in 0..2 {
            if self.http.usable.get(which) == Some(&true) {
                self.http.attach(&mut self.ebpf, which)?;
            }
        }
        Ok(())
    }

    /// All of a server's traffic is reported from now on, not only what its budget allows.
    fn follow(&mut self, followed: &Followed) -> Result<(), KernelError> {
        let since_ns = now_ns()?;
        for lane in &followed.lanes {
            let key = channel_key(lane.channel);
            let state = match self.maps.channels.get(&key, 0) {
                Ok(state) if state.flags & CHANNEL_SETTLED == 0 => ChannelState { budget: u64::MAX, ..state },
                Ok(_) | Err(MapError::KeyNotFound) => {
                    ChannelState { since_ns, budget: u64::MAX, flags: 0, reserved: 0 }
                }
                Err(source) => return Err(channels_error(source)),
            };
            self.maps.channels.insert(key, state, 0).map_err(channels_error)?;
        }
        let ports: Vec<u16> = followed.listeners.iter().map(|listener| listener.addr.port()).collect();
        let before = self.http.followed.insert(followed.seq, ports.clone()).unwrap_or_default();
        before.into_iter().chain(ports).try_for_each(|port| self.mark_port(port))
    }

    fn unfollow(&mut self, seq: u64) -> Result<(), KernelError> {
        let ports = self.http.followed.remove(&seq).unwrap_or_default();
        ports.into_iter().try_for_each(|port| self.mark_port(port))
    }

    /// Says of a port that is watched how much of its traffic is reported.
    fn mark_port(&mut self, port: u16) -> Result<(), KernelError> {
        if !self.http.ports.contains(&port) {
            return Ok(());
        }
        let followed = self.http.followed.values().any(|ports| ports.contains(&port));
        let mark = if followed { PORT_FOLLOWED } else { PORT_WATCHED };
        self.maps.ports.insert(port, mark, 0).map_err(ports_error)
    }

    fn ignore_port(&mut self, port: u16) -> Result<(), KernelError> {
        absent_is_fine(self.maps.ports.remove(&port)).map_err(ports_error)?;
        self.http.ports.remove(&port);
        if self.http.ports.is_empty() {
            for which in 0..2 {
                self.http.detach(&mut self.ebpf, which)?;
            }
        }
        Ok(())
    }
}

pub(super) fn now_ns() -> Result<u64, KernelError> {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map_err(KernelError::Clock)?;
    Ok(u64::try_from(std::time::Duration::from(now).as_nanos()).unwrap_or(u64::MAX))
}

fn channel_key(channel: Channel) -> ChannelKey {
    let kind = match channel.kind {
        ChannelKind::Fifo => CHANNEL_FIFO,
        ChannelKind::Unix => CHANNEL_UNIX,
    };
    ChannelKey { ino: channel.ino, kind: u32::from(kind), reserved: 0 }
}

/// Entries come and go in the kernel as well: one that is gone already is what was asked for.
pub(super) fn absent_is_fine(result: Result<(), MapError>) -> Result<(), MapError> {
    match result {
        Err(MapError::KeyNotFound) => Ok(()),
        Err(MapError::SyscallError(error)) if error.io_error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn tasks_error(source: MapError) -> KernelError {
    KernelError::Map { map: "TASKS", source }
}

fn channels_error(source: MapError) -> KernelError {
    KernelError::Map { map: "CHANNELS", source }
}

fn ports_error(source: MapError) -> KernelError {
    KernelError::Map { map: "PORTS", source }
}
