//! What servers do to the host: told by the kernel while a session is followed, and five seconds longer, as the
//! [tap](super::tap) is attached while something is observed.

mod relays;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::tap::{Switch, TapSwitch};
use super::tree::descendants;
use crate::baselines::{Baselines, DIRECTORY};
use crate::confine::surroundings;
use crate::effects::Ended;
use crate::inventory::{BootTime, ProcessKey};
use crate::kernel::{EffectReader, Hook, Kernel, KernelError, KernelEvent, Marked};
use crate::policy::effects::Hosts;
use crate::proc::{boot_now, key_of};
use crate::proxy::effects::{Effects, Followed, Killer, Source, Told};
use crate::proxy::handover::Sessions;

pub(super) use relays::off;

/// How often the ring is emptied while no call does so.
const BEAT: Duration = Duration::from_millis(250);
/// Beats from one record of what was done while no call was open to the next.
const BEATS: u32 = 4;
/// Beats from one time that numbers of calls are kept to the next, in multiples of [`BEATS`]: a minute.
const KEEP_BEATS: u32 = 240;
/// How often a server's processes are looked for while it is ended.
const KILL_ROUNDS: u32 = 64;
/// How often children are looked for that were there before their parent was marked.
const MARK_ROUNDS: u32 = 16;

/// Who is followed, and whether the kernel tells.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// `None` where nobody wants to know, or the kernel cannot tell.
    all: Option<Effects>,
    switch: TapSwitch,
    /// Addresses of the names policy speaks of.
    hosts: Hosts,
    /// For other processes.
    relays: Vec<relays::Held>,
}

impl Following {
    /// Of what `kernel` tells; nobody is followed without. A kernel that has none of the hooks tells nothing, which must not
    /// look like servers that do nothing. `baselines` are asked for where somebody can be.
    pub(super) fn new(
        kernel: Option<&mut Kernel>,
        baselines: impl FnOnce() -> Option<Baselines>,
        hosts: Hosts,
    ) -> Self {
        let tells = |hook: &Hook| hook.tells_of_effects() && hook.state.is_attached();
        let kernel = kernel.filter(|kernel| kernel.hooks().iter().any(tells));
        let all = kernel.and_then(|kernel| {
            let reader = kernel.take_effect_reader()?;
            Some(Effects::new(source(reader), killer(kernel.marked()), baselines()))
        });
        Self { all, switch: TapSwitch::default(), hosts, relays: Vec::new() }
    }

    /// All that are followed.
    pub(super) fn all(&self) -> Option<&Effects> {
        self.all.as_ref()
    }

    /// Process `pid` is a server that is followed, or descends from one.
    pub(super) fn has(&self, kernel: &Kernel, pid: u32) -> bool {
        self.all.as_ref().is_some_and(|all| kernel.effects_of(pid).is_some_and(|group| all.follows(group)))
    }

    /// Follows what process `wrap` starts from now on. To be called before it starts anything. `None` also where it is a part of
    /// a server that is followed: what it starts stays that one's doing.
    pub(super) fn begin(&mut self, kernel: &mut Kernel, wrap: u32, now: BootTime) -> Option<Followed> {
        if self.has(kernel, wrap) {
            return None;
        }
        let followed = self.all.as_ref()?.follow();
        self.switch(kernel, true, now);
        let marked = kernel.watch_effects_of_children(wrap, followed.group());
        if let Err(error) = marked {
            tracing::warn!(pid = wrap, %error, "what this wrap's server does is not told");
            return None;
        }
        Some(followed)
    }

    /// Follows `server`, of a user, which runs already and whose messages are tapped, with all that descends from it. `None` also where it is
    /// followed already, by itself or as a part of another: nobody gets out of what that other one may do.
    pub(super) fn join(
        &mut self,
        kernel: &mut Kernel,
        server: (ProcessKey, u32),
        now: BootTime,
    ) -> Option<Followed> {
        self.take_in(kernel, server, now, |all| {
            let followed = all.follow_tapped();
            if followed.is_none() {
                tracing::warn!("too many servers are followed: what another does is not told");
            }
            followed
        })
    }

    /// The same of `server` before which a gateway of our own is to stand.
    pub(super) fn stand_before(
        &mut self,
        kernel: &mut Kernel,
        server: (ProcessKey, u32),
        now: BootTime,
    ) -> Option<Followed> {
        self.take_in(kernel, server, now, |all| Some(all.follow_running()))
    }

    fn take_in(
        &mut self,
        kernel: &mut Kernel,
        (server, uid): (ProcessKey, u32),
        now: BootTime,
        follow: impl FnOnce(&Effects) -> Option<Followed>,
    ) -> Option<Followed> {
        let all = self.all.clone()?;
        if self.has(kernel, server.pid) {
            return None;
        }
        let followed = follow(&all)?;
        self.switch(kernel, true, now);
        match mark(kernel, &all, server, followed.group()) {
            Ok(is_there) => is_there.then(|| {
                let around = surroundings(Some((server.pid, uid)), self.hosts.clone());
                followed.in_surroundings(around).looked_at_since(boot_now())
            }),
            Err(error) => {
                tracing::warn!(pid = server.pid, %error, "what this server does is not told");
                None
            }
        }
    }

    /// Looks whether the kernel is to tell any longer.
    pub(super) fn tick(&mut self, kernel: Option<&mut Kernel>, now: BootTime) {
        if let (Some(all), Some(kernel)) = (&self.all, kernel) {
            let is_needed = !all.is_idle();
            self.switch(kernel, is_needed, now);
        }
    }

    fn switch(&mut self, kernel: &mut Kernel, is_needed: bool, now: BootTime) {
        let switched = match self.switch.decide(is_needed, now) {
            Switch::Keep => return,
            Switch::Attach => kernel.attach_effects(),
            Switch::Detach => kernel.detach_effects(),
        };
        if let Err(error) = switched {
            tracing::warn!(%error, "not all of what servers do is told");
        }
        self.switch.set(kernel.effects_attached());
    }
}

/// Marks `server` and what descends from it as `group`'s; says whether it is still there.
fn mark(kernel: &mut Kernel, all: &Effects, server: ProcessKey, group: u32) -> Result<bool, KernelError> {
    let is_there = || key_of(server.pid) == Some(server);
    if !is_there() {
        return Ok(false);
    }
    kernel.watch_effects(server.pid, group)?;
    // What is marked has marked children from now on; others may have been started in the meantime.
    for _ in 0..MARK_ROUNDS {
        let is_others =
            |pid: &u32| kernel.effects_of(*pid).is_some_and(|theirs| theirs == group || all.follows(theirs));
        let new: Vec<u32> = descendants(server.pid).into_iter().filter(|pid| !is_others(pid)).collect();
        if new.is_empty() {
            break;
        }
        new.into_iter().try_for_each(|pid| kernel.watch_effects(pid, group))?;
    }
    Ok(is_there())
}

fn source(mut reader: EffectReader) -> Source {
    let mut events = Vec::new();
    Box::new(move |told| {
        let more = reader.drain(&mut events);
        told.extend(events.drain(..).filter_map(|event| match event {
            KernelEvent::SideEffect(effect) => Some(Told::Did(effect)),
            KernelEvent::Untold { group, count } => Some(Told::Untold { group, count }),
            KernelEvent::Lost { count, .. } => Some(Told::Lost(count)),
            // Other rings have these.
            KernelEvent::Host(_) | KernelEvent::Chunk(_) => None,
        }));
        more
    })
}

/// The baselines in `state`. Without them nothing a server does counts as new.
pub(super) fn baselines(state: &Path, learning: u32) -> Option<Baselines> {
    let opened = Baselines::open(&state.join(DIRECTORY), learning);
    opened.inspect_err(|error| tracing::warn!(%error, "what servers usually do is not kept")).ok()
}

/// Ends what is marked as a server's, until there is nothing more: what it starts meanwhile has its mark.
fn killer(marked: Result<Marked, KernelError>) -> Killer {
    let mut marked = marked.inspect_err(|error| tracing::warn!(%error, "no server can be ended")).ok();
    Box::new(move |group, uid| {
        let mut ended = Ended { processes: 0, is_incomplete: true };
        let Some(marked) = &mut marked else { return Some(ended) };
        let mut told = BTreeSet::new();
        for _ in 0..KILL_ROUNDS {
            let all = marked.of(group);
            let new = all.into_iter().filter(|pid| !told.contains(pid));
            let (left, others): (Vec<u32>, Vec<u32>) = new.partition(|pid| is_of(*pid, uid));
            if left.is_empty() {
                ended.is_incomplete = !others.is_empty();
                break;
            }
            // Stopped first: what does not run starts nothing.
            for signal in [Signal::STOP, Signal::KILL] {
                left.iter().for_each(|pid| send(marked, *pid, group, signal));
            }
            told.extend(left);
        }
        ended.processes = u32::try_from(told.len()).unwrap_or(u32::MAX);
        Some(ended)
    })
}

/// Process `pid` runs as `uid`, where that is asked for. One that nobody but root may look into counts as root's.
fn is_of(pid: u32, uid: Option<u32>) -> bool {
    uid.is_none_or(|uid| fs::metadata(format!("/proc/{pid}")).is_ok_and(|of| of.uid() == uid))
}

/// Sends `signal` to process `pid`, where that is still one of `group`.
fn send(marked: &mut Marked, pid: u32, group: u32, signal: Signal) {
    let Some(process) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    let Ok(handle) = pidfd_open(process, PidfdFlags::empty()) else { return };
    // The number may have been given out again before it was opened; the mark is taken away at a process' end.
    if marked.has(pid, group)
        && let Err(error) = pidfd_send_signal(handle, signal)
    {
        tracing::debug!(pid, %error, "a process did not get its signal");
    }
}

/// Empties the ring so that it does not overflow, and records what was done while no call was open, until `shutdown`.
pub(super) async fn beat(effects: Effects, sessions: Sessions, shutdown: CancellationToken) {
    let mut beats = tokio::time::interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut count = 0_u32;
    while shutdown.run_until_cancelled(beats.tick()).await.is_some() {
        if effects.is_idle() {
            continue;
        }
        effects.drain();
        count = count.wrapping_add(1);
        if count.is_multiple_of(BEATS) {
            sessions.note_strays();
            tokio::task::block_in_place(|| effects.keep(count.is_multiple_of(KEEP_BEATS)));
        }
    }
}
