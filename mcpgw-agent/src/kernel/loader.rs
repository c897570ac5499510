//! Loading the probes: what can be had on this kernel is found by trying it, hook by hook.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use aya::maps::{Map, MapData, MapError, RingBuf};
use aya::programs::{CgroupSkb, CgroupSockAddr, RawTracePoint};
use aya::{Ebpf, EbpfLoader};
use mcpgw_common::map::Settings;

use super::btf::Btf;
use super::cgroup;
use super::confine::Fences;
use super::control::{Http, Maps, Tap, program};
use super::describe::describe;
use super::effects::{ADDRESSES, Effects, TRACEPOINTS};
use super::guard::Connects;
use super::hook::{self, Hook, Kind};
use super::lsm::Denials;
use super::memory::{page_size, raise_memlock};
use super::offsets::{self, Hooks, Resolved};
use super::options::KernelOptions;
use super::probe_log::ProbeLog;
use super::reader::{EffectReader, Reader, Readers};
use super::restrain::Restraints;
use super::tls::Tls;

pub(super) const LIFECYCLE: &str = "lifecycle";
pub(super) const STREAMS: &str = "streams";
pub(super) const TCP: &str = "tcp";
/// The ring of what servers do.
pub const EFFECTS: &str = "effects";

/// The probes, as `cargo xtask build` made them; empty in an agent built without.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/mcpgw-ebpf"));

/// Log level of `aya-log` at which the probes say what they do, and 0 for silence.
const PROBE_DEBUG: u8 = 4;

/// What came of loading.
#[derive(Debug)]
pub struct Loaded {
    /// The probes, if at least one hook works.
    pub kernel: Option<Kernel>,
    /// Every hook, in a fixed order.
    pub hooks: Vec<Hook>,
}

/// The loaded probes. Dropping it detaches and unloads them all; nothing of it outlives the process.
pub struct Kernel {
    pub(super) ebpf: Ebpf,
    pub(super) maps: Maps,
    pub(super) tap: Tap,
    pub(super) http: Http,
    pub(super) effects: Effects,
    pub(super) fences: Fences,
    pub(super) connects: Connects,
    pub(super) tls: Tls,
    pub(super) hooks: Vec<Hook>,
    pub(super) undecodable: Undecodable,
    pub(super) budget: u64,
    pub(super) denials: Option<Denials>,
    pub(super) restraints: Option<Restraints>,
    readers: Option<Readers>,
    effect_reader: Option<EffectReader>,
    probe_log: Option<ProbeLog>,
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernel").field("hooks", &self.hooks).finish_non_exhaustive()
    }
}

/// Counters shared with the readers.
#[derive(Debug, Default)]
pub(super) struct Undecodable {
    pub(super) lifecycle: Arc<AtomicU64>,
    pub(super) streams: Arc<AtomicU64>,
    pub(super) tcp: Arc<AtomicU64>,
    pub(super) effects: Arc<AtomicU64>,
}

impl Kernel {
    /// Loads and attaches what this kernel allows. Never an error: what does not work says so in [`Loaded::hooks`].
    #[must_use]
    pub fn load(options: &KernelOptions) -> Loaded {
        if let Err(error) = options.validate() {
            return nothing(&describe(&error));
        }
        if OBJECT.is_empty() {
            return nothing("this binary was built without probes: build it with `cargo xtask build`");
        }
        if !in_initial_pid_namespace() {
            return nothing(
                "this agent runs in a pid namespace of its own, where the process ids of the probes mean nothing",
            );
        }
        let btf = Btf::read(&options.btf);
        let resolved = match &btf {
            Ok(btf) => Resolved::new(btf),
            Err(error) => Resolved::nothing(error),
        };
        for detail in resolved.details_missing() {
            tracing::debug!(detail, "kernel records will lack a detail");
        }
        // Aya reads the same megabytes, wanted or not: once is enough at a time.
        drop(btf);
        raise_memlock();
        let object = object(options, &resolved);
        match object {
            Ok(ebpf) => attach(ebpf, options, &resolved),
            Err(error) => nothing(&describe(&error)),
        }
    }

    /// The rings, to be read; `None` the second time.
    pub fn take_readers(&mut self) -> Option<Readers> {
        self.readers.take()
    }

    /// The ring of effects, to be read; `None` the second time.
    pub fn take_effect_reader(&mut self) -> Option<EffectReader> {
        self.effect_reader.take()
    }

    /// What the probes log, if [`KernelOptions::probe_log`] was set; `None` the second time.
    pub fn take_probe_log(&mut self) -> Option<ProbeLog> {
        self.probe_log.take()
    }
}

/// Whether this process sees processes as the probes do. The initial namespace's inode is fixed: `PROC_PID_INIT_INO`,
/// include/linux/proc_ns.h. Where `/proc` cannot tell, it is assumed.
fn in_initial_pid_namespace() -> bool {
    std::fs::read_link("/proc/self/ns/pid").map_or(true, |link| link.as_os_str() == "pid:[4026531836]")
}

/// Every hook failed, of the same cause.
fn nothing(error: &str) -> Loaded {
    Loaded { kernel: None, hooks: hook::ALL.map(|kind| kind.failed(error)).to_vec() }
}

/// Creates the maps and relocates the programs; none is loaded yet.
fn object(options: &KernelOptions, resolved: &Resolved) -> Result<Ebpf, aya::EbpfError> {
    let settings = Settings {
        stream_budget: options.budget.into(),
        tcp_budget: options.budget.into(),
        self_tgid: std::process::id(),
        reserved: 0,
    };
    let level = if options.probe_log { PROBE_DEBUG } else { 0 };
    let mut loader = EbpfLoader::new();
    loader
        // The programs carry no relocations against the kernel's types: `OFFSETS` takes their place.
        .btf(None)
        .override_global("OFFSETS", &resolved.offsets, true)
        .override_global("SETTINGS", &settings, true)
        .override_global("AYA_LOG_LEVEL", &level, false)
        .map_max_entries("LIFECYCLE", options.lifecycle_bytes)
        .map_max_entries("STREAMS", options.streams_bytes)
        .map_max_entries("TCP", options.tcp_bytes)
        // As small as a ring can be where nobody asks.
        .map_max_entries(
            "EFFECTS",
            if options.tells_effects() { options.effects_bytes } else { page_size() },
        );
    if options.restrain.is_empty() {
        for map in ["RESTRAINED", "NEWBORN", "RESTRAINTS", "RESTRAINT_COUNTS", "PLACES"] {
            loader.map_max_entries(map, 1);
        }
    }
    if !options.probe_log {
        loader.map_max_entries("AYA_LOGS", page_size());
    }
    loader.load(OBJECT)
}

/// Loads and attaches every program, each by itself.
fn attach(mut ebpf: Ebpf, options: &KernelOptions, resolved: &Resolved) -> Loaded {
    let undecodable = Undecodable::default();
    let probe_log = options.probe_log.then(|| ProbeLog::new(&mut ebpf).ok()).flatten();
    let taken = maps(&mut ebpf, &undecodable).and_then(|maps| Ok((maps, fences(&mut ebpf)?)));
    let ((maps, readers, effect_reader), mut fences) = match taken {
        Ok(taken) => taken,
        Err(error) => return nothing(&describe(&error)),
    };
    let mut attacher = Attacher { ebpf, options, resolved, hooks: Vec::new() };
    attacher.tracepoint(hook::EXEC, offsets::EXEC, "mcpgw_exec", "sched_process_exec");
    attacher.tracepoint(hook::FORK, offsets::FORK, "mcpgw_fork", "sched_process_fork");
    attacher.tracepoint(hook::EXIT, offsets::EXIT, "mcpgw_exit", "sched_process_exit");
    attacher.tracepoint(hook::SOCKETS, offsets::SOCK, "mcpgw_sock", "inet_sock_set_state");
    let tap = attacher.tap();
    let http = attacher.http();
    let effects = attacher.effects();
    attacher.fences(&mut fences);
    let connects = attacher.connects();
    let denials = attacher.denials();
    let restraints = attacher.restraints(fences.destinations_id);
    let tls = attacher.tls();
    let Attacher { ebpf, hooks, .. } = attacher;
    if !hooks.iter().any(|hook| hook.state.is_attached()) {
        return Loaded { kernel: None, hooks };
    }
    let kernel = Kernel {
        ebpf,
        maps,
        tap,
        http,
        effects,
        fences,
        connects,
        denials,
        restraints,
        tls,
        hooks: hooks.clone(),
        undecodable,
        budget: options.budget.into(),
        readers: Some(readers),
        effect_reader: Some(effect_reader),
        probe_log,
    };
    Loaded { kernel: Some(kernel), hooks }
}

pub(super) struct Attacher<'a> {
    pub(super) ebpf: Ebpf,
    pub(super) options: &'a KernelOptions,
    pub(super) resolved: &'a Resolved,
    pub(super) hooks: Vec<Hook>,
}

impl Attacher<'_> {
    /// Says why `kind` is not even to be tried, if so.
    pub(super) fn skip(&self, kind: Kind, needs: Hooks) -> Option<Hook> {
        if self.options.disabled.iter().any(|name| name == kind.name) {
            return Some(kind.left_out());
        }
        let why = self.resolved.obstacle(needs)?;
        Some(kind.skipped(why, self.resolved.remedy()))
    }

    fn tracepoint(&mut self, kind: Kind, needs: Hooks, name: &str, tracepoint: &str) {
        let hook =
            self.skip(kind, needs).unwrap_or_else(|| match self.try_tracepoint(kind, name, tracepoint) {
                Ok(()) => kind.attached(""),
                Err(error) => kind.failed(error),
            });
        self.hooks.push(hook);
    }

    fn try_tracepoint(&mut self, kind: Kind, name: &str, tracepoint: &str) -> Result<(), String> {
        let program: &mut RawTracePoint =
            program(&mut self.ebpf, name, kind.name).map_err(|error| describe(&error))?;
        program.load().map_err(|error| describe(&error))?;
        program.attach(tracepoint).map_err(|error| describe(&error))?;
        Ok(())
    }

    /// Loads the tap, and attaches it once to see that it can be.
    fn tap(&mut self) -> Tap {
        let mut tap = Tap::default();
        let kind = hook::STDIO_TAP;
        let hook = self.skip(kind, offsets::TAP).unwrap_or_else(|| match self.try_tap(&mut tap) {
            Ok(()) => {
                tap.usable = true;
                kind.attached("on demand")
            }
            Err(error) => kind.failed(error),
        });
        self.hooks.push(hook);
        tap
    }

    fn try_tap(&mut self, tap: &mut Tap) -> Result<(), String> {
        let program: &mut RawTracePoint =
            program(&mut self.ebpf, Tap::PROGRAM, hook::STDIO_TAP.name).map_err(|error| describe(&error))?;
        program.load().map_err(|error| describe(&error))?;
        tap.attach(&mut self.ebpf).map_err(|error| describe(&error))?;
        tap.detach(&mut self.ebpf).map_err(|error| describe(&error))
    }

    /// Loads the programs for TCP, and attaches each once.
    fn http(&mut self) -> Http {
        let mut http = Http::default();
        let cgroup = cgroup::open_root();
        let failure = cgroup.as_ref().err().map(|error| describe(error));
        http.cgroup = cgroup.ok();
        for (which, kind, name) in [(0, hook::HTTP_IN, "mcpgw_tcp_in"), (1, hook::HTTP_OUT, "mcpgw_tcp_out")]
        {
            let result = match (self.skip(kind, 0), &failure) {
                (Some(hook), _) => Err(hook),
                (None, Some(why)) => {
                    Err(kind.skipped(why, "mount cgroup v2: `mount -t cgroup2 none /sys/fs/cgroup`"))
                }
                (None, None) => {
                    self.try_http(&mut http, kind, which, name).map_err(|error| kind.failed(error))
                }
            };
            if let Some(usable) = http.usable.get_mut(which) {
                *usable = result.is_ok();
            }
            self.hooks.push(result.err().unwrap_or_else(|| kind.attached("on demand")));
        }
        http
    }

    fn try_http(&mut self, http: &mut Http, kind: Kind, which: usize, name: &str) -> Result<(), String> {
        let program: &mut CgroupSkb =
            program(&mut self.ebpf, name, kind.name).map_err(|error| describe(&error))?;
        program.load().map_err(|error| describe(&error))?;
        http.attach(&mut self.ebpf, which).map_err(|error| describe(&error))?;
        http.detach(&mut self.ebpf, which).map_err(|error| describe(&error))
    }
}

impl Attacher<'_> {
    /// Loads the programs for effects, and attaches each once to see that it can be.
    fn effects(&mut self) -> Effects {
        let mut effects = Effects::default();
        for (which, needs) in [offsets::FILES, offsets::URING].into_iter().enumerate() {
            let Some((kind, name, _)) = TRACEPOINTS.get(which).copied() else { continue };
            let refused = self.skip(kind, needs).or_else(|| {
                self.try_effects(&mut effects, which, name, kind).err().map(|error| kind.failed(error))
            });
            if let Some(usable) = effects.usable.get_mut(which) {
                *usable = refused.is_none();
            }
            self.hooks.push(refused.unwrap_or_else(|| kind.attached("on demand")));
        }
        let kind = hook::ADDRESS_EFFECTS;
        let refused = self.skip(kind, offsets::ADDRESSES).or_else(|| {
            self.try_addresses(&mut effects).err().map(|error| {
                effects.cgroup = None;
                kind.failed(error)
            })
        });
        self.hooks.push(refused.unwrap_or_else(|| kind.attached("on demand")));
        effects
    }

    fn try_effects(
        &mut self,
        effects: &mut Effects,
        which: usize,
        name: &str,
        kind: Kind,
    ) -> Result<(), String> {
        let program: &mut RawTracePoint =
            program(&mut self.ebpf, name, kind.name).map_err(|error| describe(&error))?;
        program.load().map_err(|error| describe(&error))?;
        effects.attach_tracepoint(&mut self.ebpf, which).map_err(|error| describe(&error))?;
        effects.detach(&mut self.ebpf).map_err(|error| describe(&error))
    }

    fn try_addresses(&mut self, effects: &mut Effects) -> Result<(), String> {
        effects.cgroup = Some(cgroup::open_root().map_err(|error| describe(&error))?);
        for name in ADDRESSES {
            let program: &mut CgroupSockAddr = program(&mut self.ebpf, name, hook::ADDRESS_EFFECTS.name)
                .map_err(|error| describe(&error))?;
            program.load().map_err(|error| describe(&error))?;
        }
        effects.attach_addresses(&mut self.ebpf).map_err(|error| describe(&error))?;
        effects.detach(&mut self.ebpf).map_err(|error| describe(&error))
    }
}

impl Attacher<'_> {
    /// Loads the programs that hold servers to addresses, and attaches each once to see that it can be.
    fn fences(&mut self, fences: &mut Fences) {
        let kind = hook::CONNECT_RULES;
        let refused = self
            .skip(kind, 0)
            .or_else(|| fences.try_out(&mut self.ebpf).err().map(|error| kind.failed(describe(&error))));
        self.hooks.push(refused.unwrap_or_else(|| kind.attached("on demand")));
    }
}

fn fences(ebpf: &mut Ebpf) -> Result<Fences, MapError> {
    let destinations = take(ebpf, "DESTINATIONS")?;
    let id = Maps::id(&destinations)?;
    Ok(Fences::new(take(ebpf, "CONFINED")?.try_into()?, destinations.try_into()?, id))
}

/// Takes the maps out of the object.
fn maps(ebpf: &mut Ebpf, undecodable: &Undecodable) -> Result<(Maps, Readers, EffectReader), MapError> {
    let tasks = take(ebpf, "TASKS")?;
    let tasks_id = Maps::id(&tasks)?;
    let maps = Maps {
        tasks: tasks.try_into()?,
        tasks_id,
        channels: take(ebpf, "CHANNELS")?.try_into()?,
        ports: take(ebpf, "PORTS")?.try_into()?,
        lanes: take(ebpf, "LANES")?.try_into()?,
    };
    let mut reader = |ring, map, undecodable: &Arc<AtomicU64>| {
        let buffer: RingBuf<MapData> = take(ebpf, map)?.try_into()?;
        Ok::<_, MapError>(Reader::new(ring, buffer, Arc::clone(undecodable)))
    };
    let readers = Readers {
        lifecycle: reader(LIFECYCLE, "LIFECYCLE", &undecodable.lifecycle)?,
        streams: reader(STREAMS, "STREAMS", &undecodable.streams)?,
        tcp: reader(TCP, "TCP", &undecodable.tcp)?,
    };
    let (effects, untold) = (take(ebpf, "EFFECTS")?.try_into()?, take(ebpf, "UNTOLD")?.try_into()?);
    Ok((maps, readers, EffectReader::new(effects, untold, Arc::clone(&undecodable.effects))))
}

pub(super) fn take(ebpf: &mut Ebpf, name: &str) -> Result<Map, MapError> {
    ebpf.take_map(name).ok_or_else(|| MapError::InvalidName { name: name.to_owned() })
}
